"""Debian's docker-registry with its data in a bucket, and skopeo as its client."""

import json

from .checks import wait_until
from .programs import run_program
from .workspace import accepts_connections


class DockerRegistry:
    """A registry whose bucket exists already. `address` is HOST:PORT for docker:// names,
    `configuration` its file; what stands beside the driver may be added to that, and variables of
    the environment over it."""

    def __init__(self, space, endpoint, bucket, root="/reg", chunk_bytes=8 << 20, middleware=None,
                 redirect=None, variables=None):
        self._space = space
        port = space.free_port()
        self.secret = "of upload states"
        self.address = f"127.0.0.1:{port}"
        directory = space.directory(f"registry-{port}")
        storage = {"region": endpoint.region, "regionendpoint": endpoint.url, "bucket": bucket,
                   "accesskey": endpoint.access_key, "secretkey": endpoint.secret_key,
                   "secure": endpoint.ca is not None, "v4auth": True, "rootdirectory": root,
                   "chunksize": chunk_bytes, "multipartcopythresholdsize": 16 << 20,
                   "multipartcopychunksize": 16 << 20, "multipartcopymaxconcurrency": 8}
        self.configuration = directory / "config.json"  # JSON is YAML too
        # An empty `redirect` makes this registry panic.
        redirect = {"redirect": redirect} if redirect else {}
        self.configuration.write_text(json.dumps({
            "version": 0.1, "log": {"level": "info"},
            "http": {"addr": self.address, "secret": self.secret},
            "storage": {"s3": storage, "cache": {"blobdescriptor": "inmemory"},
                        "delete": {"enabled": True}, **redirect},
            "middleware": middleware or {}}))
        # Go reads SSL_CERT_FILE; AWS_CA_BUNDLE makes this registry panic.
        trust = {"SSL_CERT_FILE": str(endpoint.ca)} if endpoint.ca else {}
        server = space.start("docker-registry", ["docker-registry", "serve", self.configuration],
                             env=space.environment(**trust, **(variables or {})))
        self._trust = trust

        def ready():
            server.fail_if_dead()
            return accepts_connections(port)
        wait_until(ready, f"docker-registry on port {port}", seconds_max=20)

    def push(self, layout, name):
        """Copies the image LAYOUT (a directory and a tag, "dir:tag") into the registry."""
        self._skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}", self._url(name))

    def pull(self, name, layout):
        self._skopeo("copy", "--src-tls-verify=false", self._url(name), f"oci:{layout}")

    def inspect(self, name):
        return json.loads(self._skopeo("inspect", "--tls-verify=false", self._url(name)).out)

    def delete(self, name):
        self._skopeo("delete", "--tls-verify=false", self._url(name))

    def _url(self, name):
        return f"docker://{self.address}/{name}"

    def _skopeo(self, command, *arguments):
        policy = self._space.path / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        return run_program("skopeo", "--policy", policy,
                           "--tmpdir", self._space.directory("skopeo"), command, *arguments,
                           env=self._space.environment(**self._trust))
