"""An S3 endpoint as a client needs to know it."""

import sys

try:
    import boto3
    from botocore.config import Config
except ImportError:
    sys.exit(f"python3-boto3 is not installed for {sys.executable}; run: "
             f"apt-get install -y --no-install-recommends python3-boto3")


class Endpoint:
    """Address, keys and region of a running S3 server; `ca` is set when the address is https."""

    def __init__(self, url, access_key, secret_key, region="us-east-1", ca=None):
        self.url, self.region, self.ca = url, region, ca
        self.access_key, self.secret_key = access_key, secret_key

    @property
    def host(self):
        return self.url.split("//")[1]

    def with_(self, **changes):
        fields = dict(url=self.url, access_key=self.access_key, secret_key=self.secret_key,
                      region=self.region, ca=self.ca)
        return Endpoint(**{**fields, **changes})

    def settings(self):
        """The AWS_* variables for a client that reads them."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key,
                "AWS_DEFAULT_REGION": self.region, "AWS_REGION": self.region}

    def boto(self, **config):
        """A boto3 client that tries each request once: an error is seen as the server gave it."""
        options = dict(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={},
                       retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60)
        options.update(config)
        return boto3.session.Session().client(
            "s3", endpoint_url=self.url, region_name=self.region, verify=str(self.ca) if self.ca
            else None, aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key,
            config=Config(**options))


def list_keys(client, bucket, **options):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, **options)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]
