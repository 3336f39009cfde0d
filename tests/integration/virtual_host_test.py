"""The tool addresses buckets as BUCKET.ENDPOINT: against our sandbox by names below .localhost, which
no server of names is asked for, over http and TLS.

Usage: virtual_host_test.py RINGPULL
"""

import sys

from support.checks import check, check_equal, run_test, step
from support.ringpull import Ringpull
from support.sandbox import Sandbox
from support.workspace import Workspace

BUCKET = "by-name"
KEYS = ("plain", "a b+c/\u00fcmlaut?&=%.bin")
USAGE, NOT_FOUND = 2, 3  # exit codes, as documented


def by_name(endpoint):
    """The sandbox listens at an address; its name is the domain that it takes buckets below."""
    return endpoint.with_(url=endpoint.url.replace("127.0.0.1", "s3.localhost"))


def check_verbs(space, by_host, by_path):
    small, large, back = space.path / "small", space.path / "large", space.path / "back"
    small.write_bytes(b"forty-two")
    large.write_bytes(bytes(range(256)) * (11 * 4096))
    for key in KEYS:
        for path in (small, large):
            with step(f"put, stat, get of {key!r}, {path.stat().st_size} bytes"):
                url = f"s3://{BUCKET}/{key}"
                by_host.put(path, url)
                check_equal(by_host.stat(url)["size"], path.stat().st_size, "size")
                by_host.get(url, back)
                check(back.read_bytes() == path.read_bytes(), "other bytes came back")
                back.unlink()
    with step("both ways of addressing show the same bucket"):
        check_equal(sorted(by_host.list(f"s3://{BUCKET}/")), sorted(KEYS), "keys by host")
        check_equal(sorted(by_path.list(f"s3://{BUCKET}/")), sorted(KEYS), "keys by path")
    with step("rm"):
        by_host.run("rm", *(f"s3://{BUCKET}/{key}" for key in KEYS))
        check_equal(by_path.list(f"s3://{BUCKET}/"), {}, "keys after rm")


def check_refusals(by_host):
    with step("a bucket that does not exist is told from a host that does not"):
        code, line = by_host.error_line("ls", "s3://no-such-bucket/")
        check_equal(code, NOT_FOUND, line)
        check("NoSuchBucket" in line, f"another reason than the bucket: {line}")
    with step("a bucket whose name is no host name"):
        code, line = by_host.error_line("ls", "s3://Not_A_Label/")
        check_equal(code, USAGE, line)


def test(executable):
    with Workspace() as space:
        for tls in (False, True):
            with step(f"the sandbox starts, {'https' if tls else 'http'}"):
                sandbox = Sandbox(space, executable, tls=tls, buckets=(BUCKET,))
            endpoint = by_name(sandbox.endpoint)
            by_host = Ringpull(executable, space, endpoint, ("--virtual-host",))
            check_verbs(space, by_host, Ringpull(executable, space, endpoint))
            check_refusals(by_host)
        with step("an address cannot carry a bucket's name"):
            numeric = Ringpull(executable, space, sandbox.endpoint, ("--virtual-host",))
            code, line = numeric.error_line("ls", f"s3://{BUCKET}/")
            check_equal(code, USAGE, line)
            check("path addressing" in line, f"no word of what to do: {line}")


if __name__ == "__main__":
    run_test("virtual_host", lambda: test(sys.argv[1]), 110)
