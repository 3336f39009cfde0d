"""nginx as a file server or as a proxy with a log that says which requests overlapped."""

from .checks import wait_until
from .workspace import accepts_connections

CONFIGURATION = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log info;
events {{ worker_connections 1024; }}
http {{
  log_format timed '$request_method $status $msec $request_time $request_uri';
  access_log {directory}/access.log timed;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  client_max_body_size 0;
  keepalive_requests 1000000;
  sendfile on;
  tcp_nodelay on;
  server {{
    listen 127.0.0.1:{http};
    listen 127.0.0.1:{https} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
{locations}
  }}
}}
"""


class LoggedRequest:
    """One line of the access log. `start` and `end` are seconds, exact to the millisecond."""

    def __init__(self, line):
        self.method, status, end, duration, self.uri = line.split(" ", 4)
        self.status, self.end = int(status), float(end)
        self.start = self.end - float(duration)


class Nginx:
    """Serves what `locations` (nginx configuration text) says, over http and https."""

    def __init__(self, space, locations):
        self._directory = space.directory("nginx")
        certificates = space.certificates()
        self.http_port, self.https_port = space.free_port(), space.free_port()
        configuration = self._directory / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(
            directory=self._directory, http=self.http_port, https=self.https_port,
            certificate=certificates.certificate, key=certificates.key, locations=locations))
        server = space.start("nginx", ["nginx", "-c", configuration, "-p", self._directory,
                                       "-e", self._directory / "error.log"])

        def ready():
            server.fail_if_dead()
            return accepts_connections(self.http_port) and accepts_connections(self.https_port)
        wait_until(ready, f"nginx on port {self.http_port}", seconds_max=20)

    @classmethod
    def serving_files(cls, space, root):
        return cls(space, f"    location / {{ root {root}; }}")

    @classmethod
    def proxying(cls, space, port, rate_bytes_per_s):
        """Passes requests on unchanged (Host too: it is signed), answers at a limited rate each.

        The limit makes a request's duration a matter of its size, not of the machine's load.
        """
        return cls(space, f"""\
    location / {{
      proxy_pass http://127.0.0.1:{port};
      proxy_set_header Host $http_host;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      limit_rate {rate_bytes_per_s};
    }}""")

    def requests(self):
        log = self._directory / "access.log"
        return [LoggedRequest(line) for line in log.read_text().splitlines()]


def overlap_max(requests):
    """The largest number of requests that were in progress at the same moment."""
    moments = [(request.start, 1) for request in requests]
    moments += [(request.end, -1) for request in requests]
    open_now = most = 0
    for _, change in sorted(moments):  # at equal times an end sorts first: touching is no overlap
        open_now += change
        most = max(most, open_now)
    return most
