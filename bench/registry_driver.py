"""The storage driver against docker distribution's in Go, operation by operation: time, CPU, memory
and requests of both, from one server."""

import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple, Optional

import harness
from harness import CheckFailed, log
from support.nginx import Nginx
from support.programs import clean_environment, find_program

BUCKET = "bench"
SIDES = ("go", "ours")

# Where Debian puts Go packages, and the one that is measured.
GO_PATH = Path("/usr/share/gocode")
GO_DRIVER = "github.com/docker/distribution/registry/storage/driver/s3-aws"
GO_PACKAGE = "golang-github-docker-distribution-dev"

KIB, MIB = 1 << 10, 1 << 20


class Operation(NamedTuple):
    title: str
    name: str  # of the programs' --operation
    size: Optional[int]  # of each file; None: --size
    count: int = 1
    files: int = 0
    # What makes its files, of our program: once, or before each run because the run removes them.
    prepare: Optional[str] = None
    removes: bool = False

    def options(self, size):
        return ["--size", str(self.size or size), "--count", str(self.count),
                "--files", str(self.files)]


# A move is done an even number of times, so that the file is back where the next run looks for it.
# Files up to 32 MiB are copied at once, larger ones in parts of that.
OPERATIONS = {
    "put": Operation("put, one file", "writer", None),
    "get": Operation("get, one file", "reader", None, prepare="writer"),
    "put_small": Operation("put 1 KiB", "put_content", KIB, 1000),
    "get_small": Operation("get 1 KiB", "get_content", KIB, 1000, prepare="put_content"),
    "stat": Operation("stat", "stat", KIB, 1000, prepare="put_content"),
    "stat_missing": Operation("stat of nothing", "stat_missing", KIB, 1000),
    "list": Operation("list 2500 files", "list", 1, 10, 2500, prepare="fill"),
    "delete": Operation("delete 2500 files", "delete", 1, 1, 2500, prepare="fill", removes=True),
    "move_16m": Operation("move 16 MiB", "move", 16 * MIB, 50, prepare="writer"),
    "move_256m": Operation("move 256 MiB", "move", 256 * MIB, 2, prepare="writer"),
}


def build_go_driver(space, build, go):
    """Compiles bench/go_driver against Debian's packages, without any network."""
    if not (GO_PATH / "src" / GO_DRIVER).is_dir():
        raise CheckFailed(f"docker distribution's driver is not installed; run: "
                          f"apt-get install -y --no-install-recommends golang-go {GO_PACKAGE}")
    go = go or find_program("go")
    program = Path(build).resolve() / "bench" / "go_driver"
    settings = {"GOPATH": GO_PATH, "GO111MODULE": "off", "GOPROXY": "off", "GOFLAGS": "",
                "GOTOOLCHAIN": "local", "GOCACHE": program.with_name("go_cache")}
    environment = clean_environment(space.directory("home"),
                                    **{name: str(value) for name, value in settings.items()})
    environment.pop("GOROOT", None)
    log("building bench/go_driver (a minute or more the first time)")
    sources = sorted((Path(__file__).resolve().parent / "go_driver").glob("*.go"))
    done = subprocess.run([go, "build", "-o", program, *sources], env=environment,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise CheckFailed(f"{go} build: exit {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return program


class SandboxServer:
    def __init__(self, space, arguments):
        sandbox = harness.Sandbox(space, arguments.build, arguments.server_cpu)
        self.url, self.environment = sandbox.url, sandbox.environment

    def tidy(self):
        """Nothing to do: what is deleted is gone."""


class RadosgwServer:
    """Monitor, object store and gateway share one core, as the sandbox has one."""

    def __init__(self, space, arguments):
        from support.radosgw import Radosgw  # here, because it needs boto3
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {arguments.server_cpu})
        try:
            self._server = Radosgw(space)
        finally:
            os.sched_setaffinity(0, own)
        endpoint = self._server.endpoint
        endpoint.boto().create_bucket(Bucket=BUCKET)
        self.url = endpoint.url
        self.environment = {"AWS_ACCESS_KEY_ID": endpoint.access_key,
                            "AWS_SECRET_ACCESS_KEY": endpoint.secret_key}

    def tidy(self):
        """Frees what is deleted; its memory is of a fixed size."""
        self._server.collect_garbage()


SERVERS = {"go_sandbox": SandboxServer, "go_radosgw": RadosgwServer}


class CountingProxy:
    """nginx before the server. It tells the requests by its log; nobody is measured through it."""

    def __init__(self, space, url):
        self._nginx = Nginx.proxying(space, url.rsplit(":", 1)[1], rate_bytes_per_s=0)
        self.url = f"http://127.0.0.1:{self._nginx.http_port}"
        self._marks = 0

    def requests_since_last_time(self):
        """nginx writes a line when it is done with a request, which may be after the client is.
        So a request of our own is sent behind them, whose line comes last."""
        mark = f"/no-bucket-{self._marks}"
        before = f"/no-bucket-{self._marks - 1}"
        self._marks += 1
        try:
            urllib.request.urlopen(self.url + mark, timeout=20)
        except urllib.error.HTTPError:
            pass  # unsigned, and no such bucket

        def lines_to_the_mark():
            uris = [request.uri for request in self._nginx.requests()]
            return uris[uris.index(before) + 1 if before in uris else 0:] if mark in uris else None
        lines = harness.wait_until(lines_to_the_mark, "nginx's log", seconds_max=20)
        return lines.index(mark)


class Comparison:
    """One server, and the programs of both sides."""

    def __init__(self, space, case, arguments):
        self._arguments = arguments
        self._programs = {"go": build_go_driver(space, arguments.build, arguments.go),
                          "ours": Path(arguments.build) / "bench" / "driver_operations"}
        self._server = SERVERS[case](space, arguments)
        self._proxy = CountingProxy(space, self._server.url)
        self._environment = clean_environment(space.directory("home"), **self._server.environment)
        self._case = case

    def measure(self, key):
        operation = OPERATIONS[key]
        log(f"{self._case}, {operation.title}: {self._arguments.pairs} pairs")
        self._prepare(operation)
        # These runs also compare what is read with what should be there.
        requests = {side: self._count(side, operation) for side in SIDES}
        runs = []
        for index in range(self._arguments.pairs):
            order = SIDES if index % 2 == 0 else SIDES[::-1]
            runs.append({side: self._run(side, operation) for side in order})
            log(f"  pair {index + 1}: " + ", ".join(
                f"{side} {runs[-1][side]['wall_s']:.3f} s, CPU {cpu_s(runs[-1][side]):.3f} s"
                for side in SIDES))
        row = {"case": self._case, "operation": key, "title": operation.title,
               "count": operation.count, "requests": requests, "runs": runs,
               "go_version": runs[0]["go"]["version"]}
        for name, value in (("wall_s", lambda run: run["wall_s"]), ("cpu_s", cpu_s),
                            ("rss_peak_bytes", lambda run: run["rss_peak_bytes"])):
            row[name] = {side: harness.median([value(pair[side]) for pair in runs])
                         for side in SIDES}
            ratios = [value(pair["ours"]) / value(pair["go"]) for pair in runs]
            row[name + "_ratio"] = harness.median(ratios)
            row[name + "_bounds"] = harness.median_bounds(ratios)
        return row

    def _prepare(self, operation):
        if operation.prepare:
            self._execute("ours", operation, self._server.url, name=operation.prepare)

    def _run(self, side, operation):
        if operation.removes:
            self._prepare(operation)
        figures = self._execute(side, operation, self._server.url)
        self._server.tidy()
        return figures

    def _count(self, side, operation):
        """The requests of a run, as the server's side sees them."""
        if operation.removes:
            self._prepare(operation)
        self._proxy.requests_since_last_time()
        figures = self._execute(side, operation, self._proxy.url, "--verify")
        counted = self._proxy.requests_since_last_time()
        if figures.get("requests", counted) != counted:
            raise CheckFailed(f"{side}, {operation.title}: {figures['requests']} requests by its own "
                              f"account, {counted} by the server's")
        self._server.tidy()
        return counted

    def _execute(self, side, operation, url, *more, name=None):
        command = [self._programs[side], "--operation", name or operation.name, "--endpoint", url,
                   "--bucket", BUCKET, *operation.options(self._arguments.size), *more]
        return harness.run([str(word) for word in command], self._arguments.client_cpu,
                           self._environment)


def cpu_s(run):
    return run["user_s"] + run["sys_s"]


def measure(case, arguments):
    """The rows of go_sandbox or go_radosgw."""
    with harness.in_memory() as space:
        comparison = Comparison(space, case, arguments)
        return [comparison.measure(key) for key in arguments.operation or OPERATIONS]


def print_tables(rows):
    for case in SERVERS:
        compared = [row for row in rows if row["case"] == case]
        if not compared:
            continue
        print(f"\n| {case} ({compared[0]['go_version']}) | requests: Go | ours | ms: Go | ours "
              "| ratio (95 % of the median) | CPU-ms: Go | ours | ratio | peak RSS MiB: Go | ours |")
        print("|---|---|---|---|---|---|---|---|---|---|---|")
        for row in compared:
            print(table_line(row))


def table_line(row):
    def each(name, scale, digits):
        return [f"{row[name][side] * scale / row['count']:.{digits}f}" for side in SIDES]

    def ratio(name):
        bounds = row[name + "_bounds"]
        interval = f" ({bounds[0]:.2f}-{bounds[1]:.2f})" if bounds else ""
        return f"{row[name + '_ratio']:.2f}{interval}"
    requests = [f"{row['requests'][side] / row['count']:g}" for side in SIDES]
    memory = [f"{row['rss_peak_bytes'][side] / MIB:.0f}" for side in SIDES]
    cells = [row["title"], *requests, *each("wall_s", 1e3, 2), ratio("wall_s"),
             *each("cpu_s", 1e3, 3), ratio("cpu_s"), *memory]
    return f"| {' | '.join(cells)} |"
