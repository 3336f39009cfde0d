"""What the bench script stands on: a private nginx, a finished command's result line, steal time,
and the median of paired ratios with its bound. Servers and certificates are those of the tests."""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "integration"))
from support.checks import CheckFailed, wait_until  # noqa: E402
from support.nginx import LoggedRequest, overlap_max  # noqa: E402
from support.programs import dies_with_us, find_program  # noqa: E402
from support.workspace import Workspace, accepts_connections  # noqa: E402

GIB = 1 << 30

NGINX_CONF = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  log_format timed '$request_method $status $msec $request_time $request_uri';
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_max_body_size 0;
  client_body_buffer_size 1m;
  open_file_cache max=64;
  server {{
    listen 127.0.0.1:{http} backlog=4096;
    listen 127.0.0.1:{https} ssl backlog=4096;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    ssl_buffer_size 16k;
    output_buffers 2 256k;
    root {root};
    autoindex on;
    # Slow enough that the log's milliseconds can tell which requests overlap.
    location /logged/ {{ alias {root}/; limit_rate 32m; access_log {directory}/access.log timed; }}
    {sink}
  }}
}}
"""

SINK_LOCATION = ('location /sink/ { proxy_pass %s/; proxy_http_version 1.1; proxy_request_buffering off;'
                 ' proxy_set_header Connection ""; }')


def in_memory():
    """A workspace whose files lie in memory, so that no disk is measured."""
    if os.access("/dev/shm", os.W_OK):
        tempfile.tempdir = "/dev/shm"
    return Workspace()


class Nginx:
    """nginx, one process pinned to `cpu`: serves `root` by http and https (TLS 1.3, AES-128-GCM), and
    hands what comes under /sink/ on to the server `sink` as it comes."""

    def __init__(self, space, root, cpu, sink=None):
        self._directory = space.directory("nginx")
        certificates = space.certificates()
        self.ca = certificates.ca
        http, https = space.free_port(), space.free_port()
        self.http, self.https = f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}"
        configuration = self._directory / "nginx.conf"
        configuration.write_text(NGINX_CONF.format(
            directory=self._directory, root=root, http=http, https=https,
            sink=SINK_LOCATION % sink if sink else "",
            certificate=certificates.certificate, key=certificates.key))
        self._server = space.start("nginx", [
            "taskset", "-c", str(cpu), find_program("nginx"), "-c", configuration,
            "-p", self._directory, "-e", self._directory / "error.log"])

        def ready():
            self._server.fail_if_dead()
            return accepts_connections(http) and accepts_connections(https)
        wait_until(ready, "nginx", seconds_max=20)

    def cpu_seconds(self):
        """User and system time of the server so far."""
        fields = Path(f"/proc/{self._server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def most_overlapping(self):
        """How many of the requests under /logged/ were in service at once, at most."""
        log = (self._directory / "access.log").read_text()
        return overlap_max([LoggedRequest(line) for line in log.splitlines()])


def start_sink(space, build, cpu):
    """A server pinned to `cpu` that drops what is PUT; returns its URL."""
    port = space.free_port()
    server = space.start("sink", ["taskset", "-c", str(cpu), Path(build) / "bench" / "bench_sink",
                                  str(port)])

    def ready():
        server.fail_if_dead()
        return accepts_connections(port)
    wait_until(ready, "the sink", seconds_max=20)
    return f"http://127.0.0.1:{port}"


class Sandbox:
    """`ringpull sandbox`, one thread pinned to `cpu`, its objects in memory, with the bucket `bench`.
    Whoever runs a client gives it `environment`."""

    def __init__(self, space, build, cpu):
        server = space.start("sandbox", [
            Path(build) / "tools" / "ringpull", "sandbox", "--json", "--port", "0", "--cpu",
            str(cpu), "--opaque-etags", "--bucket", "bench"])

        def first_line():
            server.fail_if_dead()
            return next((line for line in server.log.read_text().splitlines(keepends=True)
                         if line.startswith("{") and line.endswith("\n")), None)
        facts = json.loads(wait_until(first_line, "the sandbox's line of JSON", seconds_max=20))
        self.url = facts["endpoint"]
        self.environment = {"AWS_ACCESS_KEY_ID": facts["access_key"],
                            "AWS_SECRET_ACCESS_KEY": facts["secret_key"]}


def make_object(path, size):
    """Incompressible bytes; the block of noise differs from its neighbours in each 1 MiB."""
    noise = os.urandom(1 << 20)
    with open(path, "wb") as file:
        for index in range(0, size, len(noise)):
            block = index.to_bytes(8, "little") + noise[8:]
            file.write(block[: min(len(block), size - index)])
    return path


def steal_seconds():
    """CPU time that the hypervisor has taken from this machine so far."""
    with open("/proc/stat") as file:
        return int(file.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def pinned(command, cpu):
    return dies_with_us(["taskset", "-c", str(cpu), *command])


def run_pinned(command, cpu, environment=None):
    """Runs the command on `cpu`; returns what it printed."""
    done = subprocess.run(pinned(command, cpu), capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise CheckFailed(f"{' '.join(command)}: exit {done.returncode}\n"
                          f"{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def run(command, cpu, environment=None):
    """Runs the command on `cpu`; returns its JSON line as a dict, with steal_s added."""
    before = steal_seconds()
    result = json.loads(run_pinned(command, cpu, environment).strip().splitlines()[-1])
    result["steal_s"] = steal_seconds() - before
    return result


def run_peer(command, cpu):
    """Runs a program that prints no such line, its output dropped; measures it from outside."""
    return measure_from_outside(command, cpu, subprocess.DEVNULL)


def run_wrk(command, cpu):
    """Runs wrk, measured from outside, but for the requests and the time that it counts itself."""
    with tempfile.TemporaryFile() as output:
        result = measure_from_outside(command, cpu, output)
        output.seek(0)
        text = output.read().decode()
    found = re.search(r"(\d+) requests in .*Requests/sec:\s*([0-9.]+)", text, re.DOTALL)
    if not found or "Non-2xx" in text or "Socket errors" in text:
        raise CheckFailed(f"{' '.join(command)}:\n{text}")
    result["requests"] = int(found.group(1))
    result["wall_s"] = result["requests"] / float(found.group(2))
    return result


def measure_from_outside(command, cpu, output):
    steal, start = steal_seconds(), time.monotonic()
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(pinned(command, cpu), stdout=output, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            errors.seek(0)
            raise CheckFailed(f"{' '.join(command)}: exit {child.returncode}\n"
                              + errors.read().decode(errors="replace").strip())
    return {"wall_s": time.monotonic() - start, "user_s": usage.ru_utime, "sys_s": usage.ru_stime,
            "rss_peak_bytes": usage.ru_maxrss << 10, "steal_s": steal_seconds() - steal}


def cpu_per_gib(result):
    return (result["user_s"] + result["sys_s"]) / (result["bytes"] / GIB)


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def median_bounds(values, confidence=0.95):
    """The order-statistic interval of the median (the sign test turned round): it covers the true
    median with at least `confidence`, whatever the distribution. None with too few values."""
    ordered, count = sorted(values), len(values)
    cut, tail = 0, 0.0
    while cut < count // 2:
        tail += math.comb(count, cut) / 2**count
        if 2 * tail > 1 - confidence:
            break
        cut += 1
    return None if cut == 0 else (ordered[cut - 1], ordered[count - cut])


def log(text):
    print(text, file=sys.stderr, flush=True)
