"""The programs of bench/ move the right bytes: against nginx, and against a server that keeps what
is PUT. A program that skipped bytes would make every ratio wrong."""

import argparse
import hashlib
import http.server
import json
import pathlib
import random
import ssl
import sys
import threading

from support.checks import check, check_equal, run_test, step, wait_until
from support.endpoints import list_keys
from support.nginx import Nginx
from support.programs import run_program
from support.sandbox import Sandbox
from support.workspace import Workspace, accepts_connections

# Neither a multiple of the part nor of a TLS record, and small enough for a second.
OBJECT_SIZE = 21 * (1 << 20) + 12345
PART_SIZE = 1 << 20
CONNECTIONS = 4
PARTS = -(-OBJECT_SIZE // PART_SIZE)


def arguments_for(url, **options):
    options = {"url": url, "size": OBJECT_SIZE, "part-size": PART_SIZE,
               "connections": CONNECTIONS, **options}
    return [text for name, value in options.items() for text in (f"--{name}", value)] + ["--json"]


def command_of(programs, name):
    """"pull get" is a program of bench/ and its command, the others are in bench/floor/."""
    program, *command = name.split()
    return [programs / program if command else programs / "floor" / program, *command]


def check_result(done, program, size):
    result = json.loads(done.out)
    check_equal((result["program"], result["bytes"]), (program, size), "the result line")
    check(result["user_s"] + result["sys_s"] > 0, f"no CPU time in {result}")
    check(result["enters"] > 0, f"no calls in {result}")
    check(result["rss_peak_bytes"] >= OBJECT_SIZE, f"less memory than the object in {result}")


class KeepingServer(http.server.ThreadingHTTPServer):
    """Keeps the SHA-256 of each PUT body by its target, and the headers of the last request."""

    def __init__(self, certificates=None):
        super().__init__(("127.0.0.1", 0), KeepingHandler)
        self.bodies, self.last_headers = {}, {}
        self.url = f"{'https' if certificates else 'http'}://127.0.0.1:{self.server_port}"
        if certificates:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificates.certificate, certificates.key)
            self.socket = tls.wrap_socket(self.socket, server_side=True,
                                          do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ssl.SSLError):  # a client that refuses us is a test
            super().handle_error(request, client_address)


class KeepingHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies[self.path] = hashlib.sha256(body).hexdigest()
        self.server.last_headers = dict(self.headers)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def receive(space, programs, data):
    root = space.directory("root")
    (root / "object").write_bytes(data)
    spoiled = space.path / "spoiled"
    spoiled.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    # TLS 1.3, which nginx 1.22 does not offer by itself, is all that the floor speaks.
    nginx = Nginx(space, f"    ssl_protocols TLSv1.3;\n    location / {{ root {root}; }}")
    plain = f"http://127.0.0.1:{nginx.http_port}/object"
    tls = f"https://127.0.0.1:{nginx.https_port}/object"
    ca = {"ca": space.certificates().ca}
    for program, url, more in (("floor_recv", plain, {}), ("floor_recv_blocking", plain, {}),
                               ("floor_tls", tls, ca), ("floor_tls_epoll", tls, ca),
                               ("pull get", plain, {}), ("pull get", tls, ca)):
        command = command_of(programs, program)
        with step(f"{program} fills its destination with the object"):
            done = run_program(*command, *arguments_for(
                url, **{"object-file": root / "object"}, **more))
            check_result(done, program, OBJECT_SIZE)
        with step(f"{program} goes through the object again until the total is reached"):
            done = run_program(*command, *arguments_for(
                url, **{"object-file": root / "object", "total-bytes": 2 * OBJECT_SIZE + 7}, **more))
            check_result(done, program, 2 * OBJECT_SIZE + 7)
        with step(f"{program} notices one wrong byte"):
            done = run_program(*command, *arguments_for(
                url, **{"object-file": spoiled}, **more), expect=1)
            check("differ" in done.err, f"another error than expected:\n{done}")
        with step(f"{program} refuses an answer of another size"):
            done = run_program(*command, *arguments_for(
                url + "-missing", **more), expect=1)
            check("answered 404" in done.err, f"another error than expected:\n{done}")
    with step("floor_recv with a low-water mark receives the last bytes too"):
        done = run_program(*command_of(programs, "floor_recv"), *arguments_for(
            plain, **{"object-file": root / "object", "low-water": 64 << 10}))
        check_result(done, "floor_recv", OBJECT_SIZE)
    with step("floor_tls refuses a certificate that its CA did not sign"):
        done = run_program(*command_of(programs, "floor_tls"), *arguments_for(
            tls, ca=space.certificates().other_ca), expect=1)
        check("certificate verify failed" in done.err, f"another error than expected:\n{done}")


def send(space, programs, data):
    plain, tls = KeepingServer(), KeepingServer(space.certificates())
    ca = {"ca": space.certificates().ca}
    body = space.path / "body"
    body.write_bytes(data)
    parts = [data[at:at + PART_SIZE] for at in range(0, OBJECT_SIZE, PART_SIZE)]
    for program, server, more in (("floor_send", plain, {}), ("floor_send_tls", tls, ca),
                                  ("pull put", plain, {}), ("pull put", tls, ca)):
        with step(f"{program} puts each part to its own target, with the header asked for"):
            targets = [f"/part-{index}?signature={index}" for index in range(PARTS)]
            target_file = space.path / "targets"
            target_file.write_text("\n".join(targets) + "\n")
            server.bodies.clear()
            server.last_headers.clear()
            done = run_program(*command_of(programs, program), *arguments_for(
                server.url, **{"object-file": body, "target-file": target_file,
                               "header": "X-Canary: here"}, **more))
            check_result(done, program, OBJECT_SIZE)
            expected = {target: hashlib.sha256(part).hexdigest()
                        for target, part in zip(targets, parts)}
            check_equal(server.bodies, expected, "what the server kept")
            check_equal(server.last_headers.get("X-Canary"), "here", "the added header")
    with step("floor_send_tls refuses a certificate that its CA did not sign"):
        done = run_program(*command_of(programs, "floor_send_tls"), *arguments_for(
            tls.url, ca=space.certificates().other_ca), expect=1)
        check("certificate verify failed" in done.err, f"another error than expected:\n{done}")
    plain.shutdown()
    tls.shutdown()


def sink(space, programs):
    port = space.free_port()
    server = space.start("sink", [programs / "bench_sink", port])

    def ready():
        server.fail_if_dead()
        return accepts_connections(port)
    wait_until(ready, "the sink", seconds_max=20)
    with step("bench_sink takes bodies and answers"):
        done = run_program(*command_of(programs, "floor_send"),
                           *arguments_for(f"http://127.0.0.1:{port}/object"))
        check_result(done, "floor_send", OBJECT_SIZE)


def small(space, programs):
    root = space.directory("small")
    (root / "object").write_bytes(bytes(range(256)) * 4)
    nginx = Nginx.serving_files(space, root)
    with step("pull small fetches the whole object as often as asked"):
        done = run_program(programs / "pull", "small", "--url",
                           f"http://127.0.0.1:{nginx.http_port}/object", "--size", "1K",
                           "--total-bytes", "500K", "--connections", "7", "--object-file",
                           root / "object", "--json")
        check_equal(json.loads(done.out)["bytes"], 500 << 10, "bytes fetched")
        # nginx writes a line when it is done with a request, which is after the client is.
        wait_until(lambda: len(nginx.requests()) >= 500, "500 lines in the log", seconds_max=10)
        check_equal([request.status for request in nginx.requests()], [200] * 500, "the log")


def aes(programs):
    with step("floor_aes decrypts and authenticates"):
        done = run_program(*command_of(programs, "floor_aes"), "--size", "1M", "--total-bytes", "64M", "--json")
        check_equal(json.loads(done.out)["bytes"], 64 << 20, "bytes decrypted")


class Driver:
    """The programs `driver` and `driver_operations` on a sandbox of their own."""

    def __init__(self, space, programs, ringpull):
        self._programs = programs
        self.sandbox = Sandbox(space, ringpull, buckets=("bench",)).endpoint
        self._environment = space.environment(**self.sandbox.settings())

    def run(self, case, *options, expect=0):
        return self._run("driver", case, *options, expect=expect)

    def operate(self, operation, *options, expect=0):
        return self._run("driver_operations", "--operation", operation, *options, expect=expect)

    def _run(self, program, *options, expect):
        done = run_program(self._programs / program, *options, "--endpoint", self.sandbox.url,
                           "--bucket", "bench", env=self._environment, expect=expect)
        return done if expect else json.loads(done.out)

    def keys(self, prefix):
        return list_keys(self.sandbox.boto(), "bench", Prefix=prefix)


def driver_transfers(driver):
    parts = ("--size", OBJECT_SIZE, "--part-size", "5M", "--concurrency", "3")
    twice = ("--total-bytes", 2 * OBJECT_SIZE)
    client = driver.sandbox.boto()
    digests = set()
    for case, *side in (("put",), ("put", "--verbs"), ("put-memory",), ("put-memory", "--verbs")):
        with step(f"driver {' '.join((case, *side))} writes the file in parts"):
            result = driver.run(case, *parts, *twice, *side)
            # Each time five parts, what begins the upload and what ends it.
            check_equal((result["bytes"], result["requests"]), (2 * OBJECT_SIZE, 2 * 7),
                        "bytes and requests")
            data = client.get_object(Bucket="bench", Key="object")["Body"].read()
            check_equal(len(data), OBJECT_SIZE, "the object's size")
            digests.add(hashlib.sha256(data).hexdigest())
    check_equal(len(digests), 1, "contents that writer and verbs have written")
    for side, requests in (((), None), (("--verbs",), 5)):
        with step(f"driver get {' '.join(side)} reads it"):
            result = driver.run("get", *parts, *side)
            check_equal(result["bytes"], OBJECT_SIZE, "bytes")
            check_equal(result["requests"], requests or result["requests"], "requests")
    spoiled = data[:-1] + bytes([data[-1] ^ 1])
    client.put_object(Bucket="bench", Key="object", Body=spoiled)
    for side in ((), ("--verbs",)):
        with step(f"driver get {' '.join(side)} notices one wrong byte"):
            done = driver.run("get", *parts, *side, expect=1)
            check("differ" in done.err, f"another error than expected:\n{done}")


def driver_writers(driver):
    with step("driver writers finishes more files than its budget has blocks, each in parts"):
        result = driver.run("writers", "--writers", "12", "--size", 11 << 20, "--part-size", "5M",
                            "--concurrency", "2", "--budget", "20M")
        check_equal(result["bytes"], 12 * (11 << 20), "bytes")
        check_equal(result["requests"], 12 * 5, "requests")
        check(result["rss_peak_bytes"] > 0, f"no memory in {result}")
        check_equal(driver.keys("writers/"), [], "files left behind")


def driver_walk(driver):
    with step("driver walk lists a thousand keys in each request"):
        result = driver.run("fill", "--keys", "2500")
        check_equal((result["keys"], result["requests"]), (2500, 2500), "files and requests")
        result = driver.run("walk", "--keys", "2500")
        check_equal((result["keys"], result["bytes"], result["requests"]), (2500, 2500, 3),
                    "files, bytes and requests")
    with step("driver walk notices a missing file"):
        driver.sandbox.boto().delete_object(Bucket="bench", Key="walk-2500/00002/499")
        done = driver.run("walk", "--keys", "2500", expect=1)
        check("2499 files" in done.err, f"another error than expected:\n{done}")


def driver_operations(driver):
    """What is compared with docker distribution's driver; the figures must be of the whole work."""
    client = driver.sandbox.boto()
    large = ("--size", OBJECT_SIZE, "--chunk-size", "5M")
    with step("driver_operations writer and reader move the whole file, in chunks"):
        result = driver.operate("writer", *large, "--count", "2")
        check_equal((result["bytes"], result["requests"]), (2 * OBJECT_SIZE, 2 * 7),
                    "bytes and requests")
        result = driver.operate("reader", *large, "--count", "2", "--verify")
        check_equal(result["bytes"], 2 * OBJECT_SIZE, "bytes")
    with step("driver_operations move leaves the file where it was after two times"):
        data = client.get_object(Bucket="bench", Key="compare/file")["Body"].read()
        result = driver.operate("move", "--count", "2")
        check_equal(result["requests"], 2 * 3, "requests")
        check_equal(driver.keys("compare/"), ["compare/file"], "files")
    with step("driver_operations reader notices one wrong byte"):
        spoiled = data[:-1] + bytes([data[-1] ^ 1])
        client.put_object(Bucket="bench", Key="compare/file", Body=spoiled)
        done = driver.operate("reader", *large, "--verify", expect=1)
        check("differ" in done.err, f"another error than expected:\n{done}")
    small = ("--size", "1K", "--count", "30")
    with step("driver_operations puts, gets and looks at small files in one request each"):
        for operation, size in (("put_content", 30 << 10), ("get_content", 30 << 10), ("stat", 0)):
            result = driver.operate(operation, *small, "--verify")
            check_equal((result["bytes"], result["requests"]), (size, 30), operation)
        check_equal(len(driver.keys("compare/small/")), 30, "files")
        result = driver.operate("stat_missing", *small)
        check_equal(result["requests"], 2 * 30, "requests for what might be directories")
    with step("driver_operations stat notices that a file is missing"):
        client.delete_object(Bucket="bench", Key="compare/small/00029")
        done = driver.operate("stat", *small, expect=1)
        check("/compare/small/00029" in done.err, f"another error than expected:\n{done}")
    tree = ("--size", "1", "--files", "2500")
    with step("driver_operations fills, lists and deletes a directory"):
        driver.operate("fill", *tree)
        check_equal(driver.operate("list", *tree)["requests"], 3, "requests of a list")
        done = driver.operate("list", "--files", "2501", expect=1)
        check("2500 files" in done.err, f"another error than expected:\n{done}")
        check_equal(driver.operate("delete", *tree)["requests"], 8, "requests of a delete")
        check_equal(driver.keys("compare/tree/"), [], "files left behind")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", type=pathlib.Path, help="the build's folder bench")
    parser.add_argument("ringpull", type=pathlib.Path, help="the tool, for its sandbox")
    arguments = parser.parse_args()
    programs = arguments.programs
    seed = 20
    print(f"seed {seed}")
    data = random.Random(seed).randbytes(OBJECT_SIZE)
    with Workspace() as space:
        receive(space, programs, data)
        send(space, programs, data)
        sink(space, programs)
    with Workspace() as space:
        small(space, programs)
    aes(programs)
    with Workspace() as space:
        driver = Driver(space, programs, arguments.ringpull)
        driver_transfers(driver)
        driver_writers(driver)
        driver_walk(driver)
        driver_operations(driver)


if __name__ == "__main__":
    run_test("bench_programs", main, seconds_max=100)
