"""The project's own S3 server, `ringpull sandbox`, as a child of the test."""

import json

from .checks import CheckFailed, wait_until
from .endpoints import Endpoint


class Sandbox:
    """`endpoint` as the sandbox printed it in its one line of JSON."""

    def __init__(self, space, ringpull, tls=False, directory=None, buckets=()):
        argv = [ringpull, "sandbox", "--json", "--port", "0"]
        argv += ["--tls"] if tls else []
        argv += ["--dir", directory] if directory else []
        for bucket in buckets:
            argv += ["--bucket", bucket]
        self.server = space.start("sandbox", argv)
        line = wait_until(self._first_line, "the sandbox's line of JSON", seconds_max=20)
        try:
            facts = json.loads(line)
            self.endpoint = Endpoint(facts["endpoint"], facts["access_key"], facts["secret_key"],
                                     facts["region"], facts["ca"])
        except (ValueError, KeyError) as error:
            raise CheckFailed(f"the sandbox's first line is not the expected JSON ({error}): "
                              f"{line}") from error

    def _first_line(self):
        self.server.fail_if_dead()
        for line in self.server.log.read_text().splitlines(keepends=True):
            if line.startswith("{") and line.endswith("\n"):
                return line
        return None
