"""What the tool does with this machine's files and streams, against our sandbox: outputs that are
full, closed or read by nobody, files that are none, names in no encoding, wrong command lines.

Usage: local_io_test.py RINGPULL
"""

import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

from support.checks import check, check_equal, run_test, step, wait_until
from support.programs import dies_with_us
from support.ringpull import Ringpull
from support.sandbox import Sandbox
from support.workspace import Workspace

BUCKET = "local"
USAGE, NOT_FOUND, UNREACHABLE, LOCAL, INTERRUPTED = 2, 3, 5, 10, 130  # exit codes, as documented
ODD_KEYS = ("a b", "../up", "a/../b", "//", "a//b", "a+b", "a%2Fb", ".", "..", "a?b#c&d=e", "q'\"<>",
            "folder/", " lead", "tab\there", "\u00fc/\u65e5\u672c", "\x01")
LATIN_KEY = b"latin-\xe9"  # which S3 refuses, and other servers may have
KEYS_OF_A_LONG_LISTING = 1100  # of 100 characters: more than a pipe holds


def expect_line(tool, code, pattern, command, *arguments):
    actual, line = tool.error_line(command, *arguments)
    check_equal(actual, code, f"exit code of {line}")
    check(line.startswith(f"ringpull {command}: "), f"another beginning: {line}")
    check(re.search(pattern, line), f"no word of {pattern!r}: {line}")


def check_odd_keys(tool, space, source):
    target = space.path / "back"
    for key in ODD_KEYS:
        # A URL that ends in a slash gets the file's name.
        stored = f"odd/{key}{source.name if key.endswith('/') else ''}"
        url = f"s3://{BUCKET}/{stored}"
        tool.put(source, f"s3://{BUCKET}/odd/{key}")
        tool.get(url, target)
        check_equal(target.read_bytes(), source.read_bytes(), f"the bytes of {key!r}")
        check_equal(tool.stat(url)["key"], stored, "the key that stat --json shows")
        check(stored in tool.list(f"s3://{BUCKET}/odd/"), f"{stored!r} is not listed")
        tool.run("rm", url)


class LatinListing(BaseHTTPRequestHandler):
    """A server with one object, whose key is LATIN_KEY."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        listing = (f"<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url"
                   f"</EncodingType><Contents><Key>{quote(LATIN_KEY)}</Key><Size>1</Size>"
                   f"<ETag>&quot;00&quot;</ETag></Contents></ListBucketResult>").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(listing)))
        self.end_headers()
        self.wfile.write(listing)

    def log_message(self, *_arguments):
        pass


def check_keys_in_no_encoding(executable, space, endpoint):
    with ThreadingHTTPServer(("127.0.0.1", 0), LatinListing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        listed = Ringpull(executable, space, endpoint.with_(url=url)).list(f"s3://{BUCKET}/")
        server.shutdown()
    check_equal(list(listed), [LATIN_KEY.decode(errors="replace")], "the key as JSON")


def check_sandbox_refuses(executable, space, source):
    """A key, a prefix or a header that is no UTF-8; a sandbox in a directory lives on."""
    directory = space.directory("kept")
    sandbox = Sandbox(space, executable, directory=directory, buckets=(BUCKET,))
    tool = Ringpull(executable, space, sandbox.endpoint)
    latin = os.fsdecode(f"s3://{BUCKET}/".encode() + LATIN_KEY)
    expect_line(tool, USAGE, "InvalidURI", "put", source, latin)
    expect_line(tool, USAGE, "InvalidURI", "ls", latin)
    expect_line(tool, USAGE, "UTF-8", "put", "--content-type", os.fsdecode(b"text/\xe9"), source,
                f"s3://{BUCKET}/header")
    tool.put(source, f"s3://{BUCKET}/\u00fc\U0001f600")
    space.stop(sandbox.server)
    again = Ringpull(executable, space, Sandbox(space, executable, directory=directory).endpoint)
    check_equal(list(again.list(f"s3://{BUCKET}/")), ["\u00fc\U0001f600"], "keys after a restart")


def check_keys_without_a_name(tool, client, space):
    client.put_object(Bucket=BUCKET, Key="marker/", Body=b"marked")
    client.put_object(Bucket=BUCKET, Key="..", Body=b"up")
    target = space.path / "marker"
    for key, content in (("marker/", b"marked"), ("..", b"up")):
        tool.get(f"s3://{BUCKET}/{key}", target)
        check_equal(target.read_bytes(), content, f"the bytes of {key}, into a file that is named")
        expect_line(tool, USAGE, "name a file", "get", f"s3://{BUCKET}/{key}", space.path)
        expect_line(tool, USAGE, "name a file", "get", f"s3://{BUCKET}/{key}")
    expect_line(tool, USAGE, "names no object", "get", f"s3://{BUCKET}/", target)


def check_damaged_directory(tool, space):
    """A record that is not one ends the sandbox's start by a line that names the file."""
    record = space.directory("damaged/buckets/b") / "record"
    for content in ("{}", "[]", "{", "", '{"etag": 1}', '{"key": "k", "extents": {}}'):
        record.write_text(content)
        code, line = tool.error_line_of("sandbox", "--port", "0", "--dir", space.path / "damaged")
        check_equal(code, LOCAL, f"exit code of {line}")
        check(f"{record} is not the record of an object" in line, f"another line: {line}")


def check_files_that_are_none(tool, space, source):
    pipe, missing, small = space.path / "pipe", space.path / "missing", f"s3://{BUCKET}/small"
    os.mkfifo(pipe)
    tool.put(source, small)
    expect_line(tool, USAGE, "regular file", "put", pipe, f"s3://{BUCKET}/from-pipe")
    expect_line(tool, USAGE, "regular file", "put", space.path, f"s3://{BUCKET}/from-folder")
    expect_line(tool, USAGE, "regular file.*cat", "get", small, pipe)
    check(pipe.is_fifo(), "get replaced a pipe by a file")
    check_equal(tool.list(f"s3://{BUCKET}/from-"), {}, "keys made of a pipe or a folder")
    expect_line(tool, NOT_FOUND, "check the path", "put", missing, f"s3://{BUCKET}/missing")
    expect_line(tool, NOT_FOUND, "check the path", "get", small, missing / "file")


def check_long_names(tool, space, source):
    """As long as a file's name may be; the partial file's is no longer."""
    directory = space.directory("long")
    for name in ("n" * 255, "n" * 250, "\u00fc" * 127, "n" + "\u65e5" * 84):
        tool.put(source, f"s3://{BUCKET}/long/{name}")
        tool.get(f"s3://{BUCKET}/long/{name}", directory)
        check_equal((directory / name).read_bytes(), source.read_bytes(), f"the bytes of {name}")
        (directory / name).unlink()
    check_equal(list(directory.iterdir()), [], "files left beside long names")


def check_unknown_host(tool, space, endpoint):
    """Nobody may register a name below .invalid (RFC 6761 6.4)."""
    url = "http://no-such-host.invalid"
    stranger = Ringpull(tool.executable, space, endpoint.with_(url=url))
    expect_line(stranger, UNREACHABLE, "resolve no-such-host.invalid: .*--endpoint", "ls",
                f"s3://{BUCKET}/")


def check_unreachable_proxy(tool, space):
    nobody = f"127.0.0.1:{space.free_port()}"
    code, line = tool.error_line_of("ls", "--endpoint", "http://s3.invalid", f"s3://{BUCKET}/",
                                    HTTP_PROXY=f"http://{nobody}")
    check_equal(code, UNREACHABLE, f"exit code of {line}")
    check(re.search(f"proxy {nobody}; .*HTTP_PROXY.*refused", line), f"no proxy: {line}")
    check("--endpoint" not in line, f"advice about the endpoint: {line}")


def check_command_lines(tool):
    expect_line(tool, USAGE, "url is required", "get")
    expect_line(tool, USAGE, "--concurrency", "get", "--concurrency", "0", f"s3://{BUCKET}/small")
    expect_line(tool, USAGE, "--no-such", "ls", "--no-such", f"s3://{BUCKET}/")
    expect_line(tool, USAGE, "s3://", "ls", BUCKET)
    code, line = tool.error_line_of("nosuch", "--region", "x")
    check_equal((code, line.split(";")[0]), (USAGE, 'ringpull: unknown command "nosuch"'),
                "an unknown command")


class Streams:
    """Runs the tool with a standard output of the test's choice."""

    def __init__(self, executable, space, endpoint):
        self._executable = executable
        self._environment = space.environment(AWS_ENDPOINT_URL_S3=endpoint.url,
                                              **endpoint.settings())

    def start(self, *arguments, **streams):
        return subprocess.Popen(dies_with_us((self._executable, *arguments)),
                                env=self._environment, stderr=subprocess.PIPE, text=True, **streams)

    def expect_output_error(self, process, how):
        _, err = process.communicate(timeout=60)
        check_equal(process.returncode, LOCAL, f"exit code with {how}: {err}")
        check(re.fullmatch(r"ringpull \w+: write to standard output: [^\n]+\n", err),
              f"another line with {how}: {err}")


def check_outputs(streams, client, space):
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda n: client.put_object(Bucket=BUCKET, Key=f"many/{n:0100}", Body=b""),
                         range(KEYS_OF_A_LONG_LISTING)))
    client.put_object(Bucket=BUCKET, Key="large", Body=bytes(4 << 20))
    commands = (("ls", "-r", f"s3://{BUCKET}/"), ("ls", "-r", "--json", f"s3://{BUCKET}/"),
                ("stat", f"s3://{BUCKET}/large"), ("stat", "--json", f"s3://{BUCKET}/large"),
                ("cat", f"s3://{BUCKET}/large"))
    for command in commands:
        with step(f"{' '.join(command)}: output full, closed, and left by its reader"):
            with open("/dev/full", "wb") as full:
                streams.expect_output_error(streams.start(*command, stdout=full), "a full device")
            closed = streams.start(*command, preexec_fn=lambda: os.close(1))
            streams.expect_output_error(closed, "a closed output")
            reader, writer = os.pipe()
            os.close(reader)
            left = streams.start(*command, stdout=writer)
            os.close(writer)
            streams.expect_output_error(left, "a reader that has gone")
    with step("a failure that cannot be told still has its exit code"):
        silent = streams.start("ls", "s3://no-such-bucket/", preexec_fn=lambda: os.close(2))
        silent.communicate(timeout=60)
        check_equal(silent.returncode, NOT_FOUND, "exit code without a standard error")
    with step("with standard error closed, get does not write its failure into the file"):
        target = space.path / "without-streams"
        get = streams.start("get", f"s3://{BUCKET}/large", target,
                            preexec_fn=lambda: os.closerange(0, 3))
        get.communicate(timeout=60)
        check_equal(get.returncode, 0, "exit code of get without standard streams")
        check_equal(target.read_bytes(), bytes(4 << 20), "what get wrote")


def check_output_that_waits(streams):
    """Neither a pipe nor a socket that nobody empties keeps Ctrl-C from ending the command."""
    sockets = [end.detach() for end in socket.socketpair()]
    for name, (reader, writer) in (("pipe", os.pipe()), ("socket", sockets)):
        cat = streams.start("cat", f"s3://{BUCKET}/large", stdout=writer)
        wait_until(lambda: not select.select([], [writer], [], 0)[1], f"a full {name}", 60)
        cat.send_signal(signal.SIGINT)
        _, err = cat.communicate(timeout=20)
        check_equal(cat.returncode, INTERRUPTED, f"exit code with a full {name}: {err}")
        os.close(reader)
        os.close(writer)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with open(reader, "rb") as output:
        cat = streams.start("cat", f"s3://{BUCKET}/large", stdout=writer)
        wait_until(lambda: not select.select([], [writer], [], 0)[1], "a full pipe", 60)
        os.close(writer)
        check_equal(output.read(), bytes(4 << 20), "what cat wrote to a pipe that does not block")
        _, err = cat.communicate(timeout=60)
        check_equal(cat.returncode, 0, f"exit code with a pipe that does not block: {err}")


def check_sandbox_by_name(executable, space):
    """Listens where the name leads, and fails where its one line cannot be written."""
    sandbox = space.start("named", [executable, "sandbox", "--host", "localhost", "--port", "0"])
    wait_until(lambda: "listens at http://" in sandbox.log.read_text(), "the sandbox", 20)
    with open("/dev/full", "wb") as full:
        mute = subprocess.run(dies_with_us((executable, "sandbox", "--json", "--port", "0")),
                              stdout=full, stderr=subprocess.PIPE, timeout=60)
    check_equal(mute.returncode, LOCAL, f"exit code with a full output: {mute.stderr}")


def check_second_signal(executable, space):
    """The server stands still, so that the abort of the upload cannot end."""
    sandbox = Sandbox(space, executable, buckets=(BUCKET,))
    client = sandbox.endpoint.boto()
    source = space.path / "endless"
    with open(source, "wb") as file:
        file.truncate(4 << 30)
    put = Streams(executable, space, sandbox.endpoint).start(
        "put", "--region", sandbox.endpoint.region, source, f"s3://{BUCKET}/endless")
    wait_until(lambda: client.list_multipart_uploads(Bucket=BUCKET).get("Uploads"), "an upload", 60)
    os.kill(sandbox.server.pid, signal.SIGSTOP)
    try:
        put.send_signal(signal.SIGHUP)
        wait_until(lambda: not has_pending_signals(put), "the first signal to be taken", 20)
        check(put.poll() is None, "the first signal did not wait for the abort")
        put.send_signal(signal.SIGINT)
        _, err = put.communicate(timeout=20)
    finally:
        os.kill(sandbox.server.pid, signal.SIGCONT)
    check_equal(put.returncode, INTERRUPTED, f"exit code of a second signal: {err}")
    check("second signal; the parts of a multipart upload may be left" in err, f"line: {err}")


def has_pending_signals(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        pending = [line.split()[1] for line in file if line.startswith(("SigPnd", "ShdPnd"))]
    return any(int(mask, 16) for mask in pending)


def check_file_size_limit(streams, space):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    target = space.path / "limited"
    limited = streams.start("get", f"s3://{BUCKET}/large", target, preexec_fn=limit)
    _, err = limited.communicate(timeout=60)
    check_equal(limited.returncode, LOCAL, f"exit code of {err}")
    check(str(target) in err and "too large; raise the limit" in err, f"another line: {err}")
    check_equal([path.name for path in space.path.glob("limited*")], [], "files left")


def test(executable):
    with Workspace() as space:
        with step("the sandbox starts"):
            endpoint = Sandbox(space, executable, buckets=(BUCKET,)).endpoint
            client = endpoint.boto(max_pool_connections=8)
        tool = Ringpull(executable, space, endpoint)
        source = space.path / "source"
        source.write_bytes(b"forty-two")
        with step("odd keys"):
            check_odd_keys(tool, space, source)
        with step("keys in no encoding"):
            check_keys_in_no_encoding(executable, space, endpoint)
            check_sandbox_refuses(executable, space, source)
        with step("long names"):
            check_long_names(tool, space, source)
        with step("a sandbox's directory with a file that is no record"):
            check_damaged_directory(tool, space)
        with step("keys whose last part is no file name"):
            check_keys_without_a_name(tool, client, space)
        with step("files that are none"):
            check_files_that_are_none(tool, space, source)
        with step("a host that nobody knows"):
            check_unknown_host(tool, space, endpoint)
        with step("a proxy that is not there"):
            check_unreachable_proxy(tool, space)
        with step("command lines"):
            check_command_lines(tool)
        streams = Streams(executable, space, endpoint)
        check_outputs(streams, client, space)
        with step("an output that takes nothing for now"):
            check_output_that_waits(streams)
        with step("a sandbox by its name, and without an output"):
            check_sandbox_by_name(executable, space)
        with step("a second signal does not wait for the abort"):
            check_second_signal(executable, space)
        with step("a file larger than this process may write"):
            check_file_size_limit(streams, space)


if __name__ == "__main__":
    run_test("local_io", lambda: test(sys.argv[1]), 110)
