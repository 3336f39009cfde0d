"""Ceph's gateway takes what we sign by Signature Version 2: the tool's verbs, several parts and a
listing among them, and presigned URLs; and it refuses a wrong secret and a changed URL.

Usage: signature_v2_test.py RINGPULL SIGV4_LINES
"""

import datetime
import json
import sys
import urllib.error
import urllib.request

from support.checks import check, check_equal, run_test, step
from support.programs import run_program
from support.radosgw import Radosgw
from support.ringpull import Ringpull
from support.workspace import Workspace

BUCKET = "version2"
KEYS = ("plain", "a b+c/\u00fcmlaut?&=%.bin")
DENIED = 4  # exit code, as documented


def presigned(program, endpoint, target, lifetime_s):
    now = datetime.datetime.now(datetime.timezone.utc)
    line = {"version": 2, "method": "GET", "target": target, "headers": [["Host", endpoint.host]],
            "access_key": endpoint.access_key, "secret": endpoint.secret_key, "token": "",
            "virtual_bucket": "", "time": now.strftime("%Y%m%dT%H%M%SZ"), "expires": lifetime_s}
    done = run_program(program, stdin=(json.dumps(line) + "\n").encode())
    return endpoint.url + json.loads(done.out)["target"]


def fetch(url):
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test(executable, lines_program):
    with Workspace() as space:
        with step("radosgw starts"):
            endpoint = Radosgw(space).endpoint
            client = endpoint.boto()
            client.create_bucket(Bucket=BUCKET)
        tool = Ringpull(executable, space, endpoint, ("--path-style", "--signature", "v2"))
        small, large = space.path / "small", space.path / "large"
        small.write_bytes(b"forty-two")
        large.write_bytes(bytes(range(256)) * (13 * 4096))
        for key in KEYS:
            for path in (small, large):
                with step(f"put, stat, get of {key!r}, {path.stat().st_size} bytes"):
                    url = f"s3://{BUCKET}/{key}"
                    tool.put(path, url)
                    check_equal(tool.stat(url)["size"], path.stat().st_size, "size")
                    back = space.path / "back"
                    tool.get(url, back)
                    check(back.read_bytes() == path.read_bytes(), "other bytes came back")
                    back.unlink()
        with step("ls and rm"):
            check_equal(sorted(tool.list(f"s3://{BUCKET}/")), sorted(KEYS), "keys")
            tool.run("rm", f"s3://{BUCKET}/{KEYS[1]}")
            check_equal(sorted(tool.list(f"s3://{BUCKET}/")), [KEYS[0]], "keys after rm")
        with step("presigned URLs"):
            tool.put(small, f"s3://{BUCKET}/{KEYS[0]}")
            target = (f"/{BUCKET}/{KEYS[0]}?response-content-disposition="
                      "attachment%3B%20filename%3D%22a%20b%22")
            url = presigned(lines_program, endpoint, target, 600)
            check_equal(fetch(url), (200, b"forty-two"), "the object behind a presigned URL")
            check_equal(fetch(url.replace("a%20b", "a%20c"))[0], 403, "a changed URL")
            check_equal(fetch(presigned(lines_program, endpoint, target, -60))[0], 403,
                        "a URL that has expired")
        with step("a wrong secret"):
            wrong = Ringpull(executable, space, endpoint.with_(secret_key="canary" + "0" * 34),
                             ("--path-style", "--signature", "v2"))
            code, line = wrong.error_line("cat", f"s3://{BUCKET}/{KEYS[0]}")
            check_equal(code, DENIED, line)


if __name__ == "__main__":
    run_test("signature_v2", lambda: test(sys.argv[1], sys.argv[2]), seconds_max=150)
