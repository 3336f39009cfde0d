#!/usr/bin/env python3
"""Measures the library against the floor programs, pair by pair, from one server.

README.md says what the numbers mean. Every command is a template: {build} {url} {ca} {size}
{part_size} {connections} {total} are filled in, and the program prints one line of JSON:
{"bytes": ..., "wall_s": ..., "user_s": ..., "sys_s": ..., "enters": ..., "rss_peak_bytes": ...}
"""

import argparse
import json
import os
import shlex
import signal
import sys
from datetime import date
from pathlib import Path
from typing import NamedTuple, Optional

sys.path.insert(0, str(Path(__file__).resolve().parent))
import harness  # noqa: E402
import registry_driver  # noqa: E402
from harness import GIB, log  # noqa: E402

COMMON = ("--url {url} --size {size} --part-size {part_size} --connections {connections} "
          "--total-bytes {total} --json")
DRIVER = "{build}/bench/driver %s --endpoint {url} --bucket bench "
DRIVER_COMMON = ("--size {size} --part-size {part_size} --concurrency {connections} "
                 "--total-bytes {total}")


class Case(NamedTuple):
    # http and https are nginx, sink is bench_sink, tls_sink is nginx before bench_sink, sandbox is
    # `ringpull sandbox`
    server: str
    path: str
    floor: str
    ours: str
    limit: Optional[float] = None  # what the ratio ours / floor must not exceed


CASES = {
    "get": Case("http", "/object", "{build}/bench/floor/floor_recv " + COMMON,
                "{build}/bench/pull get " + COMMON, 1.25),
    "get_tls": Case("https", "/object", "{build}/bench/floor/floor_tls --ca {ca} " + COMMON,
                    "{build}/bench/pull get --ca {ca} " + COMMON, 1.15),
    "put": Case("sink", "/object", "{build}/bench/floor/floor_send " + COMMON,
                "{build}/bench/pull put " + COMMON, 1.25),
    "put_tls": Case("tls_sink", "/sink/object", "{build}/bench/floor/floor_send_tls --ca {ca} " + COMMON,
                    "{build}/bench/pull put --ca {ca} " + COMMON),
    # put before get, which reads what put has left.
    "driver_put": Case("sandbox", "", DRIVER % "put" + "--verbs " + DRIVER_COMMON,
                       DRIVER % "put" + DRIVER_COMMON, 1.10),
    "driver_put_memory": Case("sandbox", "", DRIVER % "put-memory" + "--verbs " + DRIVER_COMMON,
                              DRIVER % "put-memory" + DRIVER_COMMON),
    "driver_get": Case("sandbox", "", DRIVER % "get" + "--verbs " + DRIVER_COMMON,
                       DRIVER % "get" + DRIVER_COMMON, 1.10),
}

# Floor programs against each other: which of two ways is the floor.
FLOORS = {
    "floor_recv / floor_recv_blocking": Case(
        "http", "/object", "{build}/bench/floor/floor_recv_blocking " + COMMON,
        "{build}/bench/floor/floor_recv " + COMMON),
    "floor_recv --low-water 512K / floor_recv": Case(
        "http", "/object", "{build}/bench/floor/floor_recv " + COMMON,
        "{build}/bench/floor/floor_recv --low-water 512K " + COMMON),
    "floor_tls / floor_tls_epoll": Case(
        "https", "/object", "{build}/bench/floor/floor_tls_epoll " + COMMON,
        "{build}/bench/floor/floor_tls " + COMMON),
}

PEERS = {
    "curl": "curl -sS -o /dev/null {url}",
    "aws": "aws s3 cp --region us-east-1 --no-sign-request --endpoint-url {origin} s3://bucket/object -",
    "rclone": "rclone cat --config= --http-url {origin}/bucket :http:object",
}

# Writers side by side: how many, of how many bytes each.
WRITERS = ((32, 100 << 20), (1000, 1 << 20))
WRITERS_BUDGET = 128 << 20
WRITERS_RSS_MAX = WRITERS_BUDGET + (24 << 20)
# Every writer's parts fit: 1000 writers hold a block each, 32 of them five.
WRITERS_UNBOUNDED = 16 << 30
WRITERS_OURS = (DRIVER % "writers" + "--part-size 10M --concurrency 4 --writers {writers} "
                "--size {size} --budget {budget}")

WALK_KEYS = (1_000, 10_000, 100_000, 1_000_000)
WALK_RUNS = 3
# Few files are walked over again until there were so many: one request is too short to measure.
WALK_KEYS_MIN = 100_000
# What a file may cost over what it costs in the smallest tree.
WALK_GROWTH_MAX = 1.25

OTHERS = ("small", "overlap", "aes", "driver_writers", "driver_walk")
KNOWN = (*CASES, *OTHERS, "floors", "peers", *registry_driver.SERVERS)

SMALL_CONNECTIONS = (16, 64, 1000)
SMALL_SIZE = 1 << 10
SMALL_OURS = ("{build}/bench/pull small --url {url} --connections {connections} "
              "--size {size} --total-bytes {total} --json")


def parse_bytes(text):
    units = {"K": 10, "M": 20, "G": 30}
    unit = text[-1:].upper()
    return int(text[:-1]) << units[unit] if unit in units else int(text)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="case",
                        help=f"of {' '.join(KNOWN)}"
                             " (default: all but floors, peers and go_*)")
    parser.add_argument("--build", default="build/bench", help="build directory")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--size", type=parse_bytes, default=GIB, help="of the object")
    parser.add_argument("--total", type=parse_bytes, default=4 * GIB, help="bytes in each run")
    parser.add_argument("--part-size", type=parse_bytes, default=8 << 20)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--requests", type=int, default=200_000, help="small GETs in each run")
    parser.add_argument("--seconds", type=int, default=5, help="of wrk for small GETs")
    parser.add_argument("--client-cpu", type=int, default=0)
    parser.add_argument("--server-cpu", type=int, default=1)
    parser.add_argument("--floor", help="another floor command for the case")
    parser.add_argument("--ours", help="another command of ours for the case")
    parser.add_argument("--walk-keys", type=int, action="append",
                        help=f"default: {' '.join(map(str, WALK_KEYS))}")
    parser.add_argument("--operation", action="append", choices=list(registry_driver.OPERATIONS),
                        help="of go_sandbox and go_radosgw; default: all")
    parser.add_argument("--go", help="another Go compiler than the system's, for go_*")
    parser.add_argument("--peer", action="append", choices=list(PEERS), help="default: all")
    parser.add_argument("--json", action="store_true", help="print all runs as one JSON object")
    arguments = parser.parse_args()
    for case in arguments.cases:
        if case not in KNOWN:
            parser.error(f"no case {case}; there are {' '.join(KNOWN)}")
    if (arguments.floor or arguments.ours) and len(arguments.cases) != 1:
        parser.error("--floor and --ours need exactly one case")
    arguments.cases = arguments.cases or [*CASES, *OTHERS]
    return arguments


class Bench:
    def __init__(self, arguments, space, root):
        self.arguments = arguments
        sink = None
        if {"put", "put_tls"} & set(arguments.cases):
            sink = harness.start_sink(space, arguments.build, arguments.server_cpu)
        self.nginx = harness.Nginx(space, root, arguments.server_cpu, sink)
        self.origins = {"http": self.nginx.http, "https": self.nginx.https, "sink": sink,
                        "tls_sink": self.nginx.https}
        if any(case.startswith("driver_") for case in arguments.cases):
            sandbox = harness.Sandbox(space, arguments.build, arguments.server_cpu)
            os.environ.update(sandbox.environment)
            self.origins["sandbox"] = sandbox.url

    def measure(self, case):
        """The rows of one case named on the command line."""
        if case in CASES:
            return [self.case(case, CASES[case])]
        if case in registry_driver.SERVERS:
            return registry_driver.measure(case, self.arguments)
        if case == "small":
            return [self.small(connections) for connections in SMALL_CONNECTIONS]
        rows = getattr(self, case)()
        return rows if isinstance(rows, list) else [rows]

    def fill(self, template, **values):
        arguments = self.arguments
        values = {"build": arguments.build, "ca": self.nginx.ca, "size": arguments.size,
                  "part_size": arguments.part_size, "connections": arguments.connections,
                  "total": arguments.total, **values}
        return shlex.split(template.format(**values))

    def url(self, server, path):
        return self.origins[server] + path

    def pairs(self, first, second):
        """Runs both commands alternately, after one of each that does not count."""
        harness.run(first, self.arguments.client_cpu)
        harness.run(second, self.arguments.client_cpu)
        runs = []
        for index in range(self.arguments.pairs):
            pair = {}
            for side in ("floor", "ours") if index % 2 == 0 else ("ours", "floor"):
                command = first if side == "floor" else second
                pair[side] = harness.run(command, self.arguments.client_cpu)
            ratio = harness.cpu_per_gib(pair["ours"]) / harness.cpu_per_gib(pair["floor"])
            pair["ratio"] = ratio
            runs.append(pair)
            steal = pair["floor"]["steal_s"] + pair["ours"]["steal_s"]
            log(f"  pair {index + 1}: {harness.cpu_per_gib(pair['floor']):.4f} and "
                f"{harness.cpu_per_gib(pair['ours']):.4f} CPU-s/GiB, ratio {ratio:.3f}"
                + (f", steal {steal:.2f} s" if steal else ""))
        return runs

    def compare(self, name, first, second, limit=None):
        log(f"{name}: {self.arguments.pairs} pairs of {self.arguments.total / GIB:g} GiB")
        runs = self.pairs(first, second)
        ratios = [pair["ratio"] for pair in runs]
        return {"case": name, "ratio": harness.median(ratios), "limit": limit,
                "bounds": harness.median_bounds(ratios), "floor": summary(runs, "floor"),
                "ours": summary(runs, "ours"), "runs": runs}

    def case(self, name, case):
        url = self.url(case.server, case.path)
        if name == "driver_get":  # the file that it reads
            prepare = self.fill(DRIVER % "put" + "--size {size} --part-size {part_size}", url=url)
            harness.run(prepare, self.arguments.client_cpu)
        return self.compare(name, self.fill(self.arguments.floor or case.floor, url=url),
                            self.fill(self.arguments.ours or case.ours, url=url), case.limit)

    def floors(self):
        return [self.case(name, case) for name, case in FLOORS.items()]

    def aes(self):
        command = self.fill("{build}/bench/floor/floor_aes --size {size} --total-bytes {total} --json")
        runs = [{"floor": harness.run(command, self.arguments.client_cpu)}
                for _ in range(self.arguments.pairs)]
        return {"case": "aes", "floor": summary(runs, "floor"), "runs": runs}

    def small(self, connections):
        """1 KiB GETs: our requests per second over wrk's, in pairs."""
        url = self.url("http", "/small")
        wrk = ["wrk", "-t1", f"-c{connections}", f"-d{self.arguments.seconds}s", url]
        ours = self.fill(self.arguments.ours or SMALL_OURS, url=url, connections=connections,
                         size=SMALL_SIZE, total=self.arguments.requests * SMALL_SIZE)
        log(f"small, {connections} connections: {self.arguments.pairs} pairs")
        runs = []
        for index in range(self.arguments.pairs):
            pair = {}
            for side in ("floor", "ours") if index % 2 == 0 else ("ours", "floor"):
                if side == "floor":
                    run = harness.run_wrk(wrk, self.arguments.client_cpu)
                else:
                    run = harness.run(ours, self.arguments.client_cpu)
                    run["requests"] = self.arguments.requests
                pair[side] = run
            pair["ratio"] = per_second(pair["ours"]) / per_second(pair["floor"])
            runs.append(pair)
            log(f"  pair {index + 1}: wrk {per_second(pair['floor']):.0f}, ours "
                f"{per_second(pair['ours']):.0f} requests/s, ratio {pair['ratio']:.3f}")
        ratios = [pair["ratio"] for pair in runs]
        return {"case": f"small_{connections}", "ratio": harness.median(ratios), "limit_low": 0.6,
                "bounds": harness.median_bounds(ratios), "runs": runs,
                "wrk": small_summary(runs, "floor"), "ours": small_summary(runs, "ours")}

    def driver_writers(self):
        return [self.writers(count, size) for count, size in WRITERS]

    def writers(self, count, size):
        """Files written side by side under a small budget: throughput over that without a bound."""
        log(f"driver_writers, {count} of {size >> 20} MiB: {self.arguments.pairs} pairs")
        commands = {side: self.fill(WRITERS_OURS, url=self.url("sandbox", ""), writers=count,
                                    size=size, budget=budget)
                    for side, budget in (("floor", WRITERS_UNBOUNDED), ("ours", WRITERS_BUDGET))}
        runs = []
        for index in range(self.arguments.pairs):
            pair = {}
            for side in ("floor", "ours") if index % 2 == 0 else ("ours", "floor"):
                pair[side] = harness.run(commands[side], self.arguments.client_cpu)
            pair["ratio"] = pair["floor"]["wall_s"] / pair["ours"]["wall_s"]
            runs.append(pair)
            log(f"  pair {index + 1}: ratio {pair['ratio']:.3f}, peak RSS "
                f"{pair['ours']['rss_peak_bytes'] / (1 << 20):.1f} MiB and without a bound "
                f"{pair['floor']['rss_peak_bytes'] / (1 << 20):.1f}")
        ratios = [pair["ratio"] for pair in runs]
        return {"case": f"driver_writers, {count} x {size >> 20} MiB", "limit_low": 0.9,
                "writers": count, "ratio": harness.median(ratios),
                "bounds": harness.median_bounds(ratios), "runs": runs,
                "rss_peak_bytes": max(pair["ours"]["rss_peak_bytes"] for pair in runs),
                "rss_unbounded_bytes": max(pair["floor"]["rss_peak_bytes"] for pair in runs)}

    def driver_walk(self):
        rows = [self.walk(keys) for keys in sorted(self.arguments.walk_keys or WALK_KEYS)]
        for row in rows:
            row["growth"] = {cost: row[cost] / rows[0][cost] for cost in ("cpu_us", "wall_us")}
        return rows

    def walk(self, keys):
        """Walks over so many files: the requests of each, and what a file costs."""
        url = self.url("sandbox", "")
        rounds = max(1, WALK_KEYS_MIN // keys)
        log(f"driver_walk: {keys} files, {rounds} times in each run")
        harness.run(self.fill(DRIVER % "fill" + "--keys {keys}", url=url, keys=keys),
                    self.arguments.client_cpu)
        command = self.fill(DRIVER % "walk" + "--keys {keys} --rounds {rounds}", url=url, keys=keys,
                            rounds=rounds)
        runs = [harness.run(command, self.arguments.client_cpu) for _ in range(WALK_RUNS)]
        return {"case": f"driver_walk_{keys}", "keys": keys, "runs": runs,
                "requests": max(run["requests"] for run in runs) / rounds,
                "cpu_us": harness.median([(run["user_s"] + run["sys_s"]) / run["keys"] * 1e6
                                          for run in runs]),
                "wall_us": harness.median([run["wall_s"] / run["keys"] * 1e6 for run in runs])}

    def overlap(self):
        """Whether as many requests are in service at once as we ask for."""
        template = self.arguments.ours or CASES["get"].ours
        harness.run(self.fill(template, url=self.url("http", "/logged/object"),
                              total=4 * self.arguments.connections * self.arguments.part_size),
                    self.arguments.client_cpu)
        return {"case": "overlap", "asked": self.arguments.connections,
                "served_at_once": self.nginx.most_overlapping()}

    def peers(self):
        rows = []
        wanted = self.arguments.peer or PEERS
        floor = self.fill(CASES["get"].floor, url=self.url("http", "/object"))
        for name in wanted:
            command = self.fill(PEERS[name], origin=self.nginx.http,
                                url=self.url("http", "/object"))
            log(f"peer {name}: {shlex.join(command)}")
            runs = []
            for _ in range(3):
                pair = {"floor": harness.run(floor, self.arguments.client_cpu),
                        "ours": harness.run_peer(command, self.arguments.client_cpu)}
                pair["ours"]["bytes"] = self.arguments.size
                pair["ratio"] = (harness.cpu_per_gib(pair["ours"])
                                 / harness.cpu_per_gib(pair["floor"]))
                runs.append(pair)
            rows.append({"case": f"peer {name}", "bounds": None,
                         "ratio": harness.median([pair["ratio"] for pair in runs]),
                         "floor": summary(runs, "floor"), "ours": summary(runs, "ours"),
                         "runs": runs})
        return rows


def per_second(run):
    return run["requests"] / run["wall_s"]


def small_summary(runs, side):
    def cpu_us(run):
        return (run["user_s"] + run["sys_s"]) / run["requests"] * 1e6

    return {"per_s": harness.median([per_second(pair[side]) for pair in runs]),
            "cpu_us": harness.median([cpu_us(pair[side]) for pair in runs])}


def summary(runs, side):
    def middle(value):
        return harness.median([value(pair[side]) for pair in runs])

    def per_gib(key):
        return middle(lambda run: run.get(key, 0) / (run["bytes"] / GIB))

    return {"cpu_s_per_gib": middle(harness.cpu_per_gib),
            "cpu_s_per_gib_min": min(harness.cpu_per_gib(pair[side]) for pair in runs),
            "user_share": middle(lambda run: run["user_s"] / (run["user_s"] + run["sys_s"])),
            "gib_per_s": middle(lambda run: run["bytes"] / GIB / run["wall_s"]),
            "enters_per_gib": per_gib("enters"),
            "rss_peak_bytes": int(middle(lambda run: run["rss_peak_bytes"])),
            "steal_s": sum(pair[side]["steal_s"] for pair in runs)}


def verdict(row):
    """Against the bar: the whole interval below it, above it, or neither."""
    low, high = row["bounds"] or (row["ratio"], row["ratio"])
    if row.get("limit_low"):
        held, missed, bar = low >= row["limit_low"], high < row["limit_low"], row["limit_low"]
        sign = ">="
    elif row.get("limit"):
        held, missed, bar = high <= row["limit"], low > row["limit"], row["limit"]
        sign = "<="
    else:
        return ""
    return f"{sign} {bar}: " + ("met" if held else "MISSED" if missed else "not decided")


def print_tables(rows):
    compared = [row for row in rows if "ratio" in row and "floor" in row]
    if compared:
        print("| case | floor CPU-s/GiB | ours | ratio (95 % of the median) | bar | ours: GiB/s "
              "| user share | enters/GiB | peak RSS MiB (floor) | steal s |")
        print("|---|---|---|---|---|---|---|---|---|---|")
    for row in compared:
        floor, ours, bounds = row["floor"], row["ours"], row["bounds"]
        interval = f" ({bounds[0]:.3f}-{bounds[1]:.3f})" if bounds else ""
        print(f"| {row['case']} | {floor['cpu_s_per_gib']:.4f} | {ours['cpu_s_per_gib']:.4f} "
              f"| {row['ratio']:.3f}{interval} | {verdict(row)} | {ours['gib_per_s']:.2f} "
              f"| {100 * ours['user_share']:.1f} % | {ours['enters_per_gib']:.0f} "
              f"| {ours['rss_peak_bytes'] >> 20} ({floor['rss_peak_bytes'] >> 20}) | {floor['steal_s'] + ours['steal_s']:.2f} |")
    small = [row for row in rows if "wrk" in row]
    if small:
        print("\n| 1 KiB GETs | wrk: requests/s | ours | ratio (95 % of the median) | bar "
              "| wrk: client CPU-us each | ours |")
        print("|---|---|---|---|---|---|---|")
    for row in small:
        bounds = row["bounds"]
        interval = f" ({bounds[0]:.3f}-{bounds[1]:.3f})" if bounds else ""
        print(f"| {row['case']} | {row['wrk']['per_s']:.0f} | {row['ours']['per_s']:.0f} "
              f"| {row['ratio']:.3f}{interval} | {verdict(row)} "
              f"| {row['wrk']['cpu_us']:.1f} | {row['ours']['cpu_us']:.1f} |")
    print_driver_tables(rows)
    registry_driver.print_tables(rows)
    for row in rows:
        if row["case"] == "aes":
            print(f"\nAES-128-GCM alone: {row['floor']['cpu_s_per_gib']:.4f} CPU-s/GiB")
        if row["case"] == "overlap":
            print(f"\nRequests in service at once: {row['served_at_once']} "
                  f"of {row['asked']} asked for")


def print_driver_tables(rows):
    writers = [row for row in rows if "writers" in row]
    if writers:
        print("\n| writers side by side | throughput / unbounded (95 % of the median) | bar "
              "| peak RSS MiB | bar | unbounded |")
        print("|---|---|---|---|---|---|")
    for row in writers:
        bounds = row["bounds"]
        interval = f" ({bounds[0]:.3f}-{bounds[1]:.3f})" if bounds else ""
        held = "met" if row["rss_peak_bytes"] <= WRITERS_RSS_MAX else "MISSED"
        print(f"| {row['case']} | {row['ratio']:.3f}{interval} | {verdict(row)} "
              f"| {row['rss_peak_bytes'] / (1 << 20):.1f} | <= {WRITERS_RSS_MAX >> 20}: {held} "
              f"| {row['rss_unbounded_bytes'] / (1 << 20):.1f} |")
    walks = [row for row in rows if "keys" in row]
    if walks:
        print("\n| walk over files | requests | bar | CPU-us per file (over the first) "
              "| us per file | bar |")
        print("|---|---|---|---|---|---|")
    for row in walks:
        most = row["keys"] // 1000 + 1
        held = "met" if row["requests"] <= most else "MISSED"
        flat = "met" if max(row["growth"].values()) <= WALK_GROWTH_MAX else "MISSED"
        print(f"| {row['keys']} | {row['requests']:g} | <= {most}: {held} "
              f"| {row['cpu_us']:.2f} ({row['growth']['cpu_us']:.2f}) "
              f"| {row['wall_us']:.2f} ({row['growth']['wall_us']:.2f}) "
              f"| <= {WALK_GROWTH_MAX} of the first: {flat} |")


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown CPU")
    return {"date": date.today().isoformat(), "cpu": model, "cores": os.cpu_count(),
            "kernel": os.uname().release}


def measure(arguments):
    with harness.in_memory() as space:
        root = space.directory("root")
        harness.make_object(root / "object", arguments.size)
        harness.make_object(root / "small", SMALL_SIZE)
        (space.directory("root/bucket") / "object").symlink_to(root / "object")
        bench = Bench(arguments, space, root)
        rows = []
        for case in arguments.cases:
            rows += bench.measure(case)
        return rows


def main():
    arguments = parse_arguments()
    # As an exception, which removes the workspace on its way.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        rows = measure(arguments)
    except harness.CheckFailed as failure:
        raise SystemExit(f"{sys.argv[0]}: {failure}")
    where = machine()
    if arguments.json:
        print(json.dumps({"machine": where, "rows": rows}))
    else:
        print(f"{where['date']}, {where['cores']} x {where['cpu']}, Linux {where['kernel']}\n")
        print_tables(rows)


if __name__ == "__main__":
    main()
