"""What the integration tests share: servers that die with the test, certificates, images."""
