"""One module for each S3 client that nobody here wrote; work(server) is its normal day's work."""
