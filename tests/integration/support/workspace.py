"""A test's own directory and everything that runs in it."""

import atexit
import os
import pathlib
import random
import shutil
import socket
import sys
import tempfile

from .certificates import Certificates
from .checks import TimeIsUp
from .programs import Server, clean_environment

LOG_LINES_MAX = 40  # of each log, when a test fails: the last requests and their cause


class Workspace:
    """A temporary directory, removed at the end with every server that was started in it.

    When the block is left by an exception, the end of every server's log is printed first.
    """

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="ringpull-test-"))
        self._servers = []
        self._ports = set()
        self._certificates = None
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _trace):
        if kind is not None and issubclass(kind, (Exception, TimeIsUp)):
            self._print_logs()
        self.close()

    def close(self):
        while self._servers:
            self._servers.pop().stop()
        shutil.rmtree(self.path, ignore_errors=True)

    def directory(self, name):
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def environment(self, **settings):
        return clean_environment(self.directory("home"), **settings)

    def start(self, name, argv, **options):
        """Starts a server whose output goes to NAME.log; the last one started stops first."""
        options.setdefault("env", self.environment())
        server = Server(name, argv, self.path / f"{name}.log", **options)
        self._servers.append(server)
        return server

    def stop(self, server):
        self._servers.remove(server)
        server.stop()

    def certificates(self):
        """One CA of this test and a server certificate for 127.0.0.1 and s3.localhost."""
        if self._certificates is None:
            self._certificates = Certificates(self.directory("tls"), self.environment())
        return self._certificates

    def free_port(self):
        """A port of 127.0.0.1 that nobody listens on.

        Taken below the range from which the kernel gives ports to outgoing connections: one of
        those could otherwise sit on the port before the server binds it.
        """
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            ephemeral_first = int(file.read().split()[0])
        while True:
            port = random.SystemRandom().randrange(10000, max(ephemeral_first, 20000))
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            if port not in self._ports:
                self._ports.add(port)
                return port

    def _print_logs(self):
        for log in sorted(self.path.rglob("*.log")):
            lines = log.read_text(errors="replace").splitlines()
            name = os.path.relpath(log, self.path)
            print(f"---- {name}: last {LOG_LINES_MAX} of {len(lines)} lines")
            print("\n".join(lines[-LOG_LINES_MAX:]))
        sys.stdout.flush()


def accepts_connections(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
