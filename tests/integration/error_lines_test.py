"""What goes wrong with a real server is told in one line that says what failed, on what, why, and
what to do; each cause has its own.

Usage: error_lines_test.py RINGPULL
"""

import re
import sys

from support.checks import check, check_equal, run_test, step
from support.radosgw import Radosgw
from support.ringpull import Ringpull
from support.workspace import Workspace

BUCKET, KEY = "errors", "present/key.txt"
URL = f"s3://{BUCKET}/{KEY}"
NOT_FOUND, DENIED, UNREACHABLE, TLS = 3, 4, 5, 6  # exit codes, as documented


class Case:
    """A command that must fail with this exit code, and what its line must say (regular
    expressions, any case)."""

    def __init__(self, name, endpoint, command, *, code, on, why, advice):
        self.name, self.endpoint, self.command, self.code = name, endpoint, command, code
        self.phrases = {"on what": on, "why": why, "what to do": advice}


def cases(space, store):
    plain, secure = store.endpoint, store.secure_endpoint
    nobody = f"127.0.0.1:{space.free_port()}"
    target = space.path / "download"
    missing = f"s3://{BUCKET}/no/such-key"
    stranger = space.certificates().other_ca
    return [
        Case("wrong secret", plain.with_(secret_key="canary" + "0" * 34), ["get", URL, target],
             code=DENIED, on=re.escape(KEY), why="403|SignatureDoesNotMatch",
             advice="secret|credential"),
        Case("missing bucket", plain, ["ls", "s3://no-such-bucket-here/"],
             code=NOT_FOUND, on="no-such-bucket-here",
             why="NoSuchBucket|bucket does not exist", advice="create|check|name"),
        Case("missing key", plain, ["get", missing, target],
             code=NOT_FOUND, on="no/such-key", why="404|NoSuchKey|not found|no such key",
             advice="ls|check|list"),
        Case("unreachable port", plain.with_(url=f"http://{nobody}"), ["get", URL, target],
             code=UNREACHABLE, on=re.escape(nobody), why="refused",
             advice="endpoint|running|listening"),
        Case("unknown host", plain.with_(url="http://no-such-host.invalid"), ["get", URL, target],
             code=UNREACHABLE, on="no-such-host.invalid", why="not found|resolve",
             advice="endpoint"),
        Case("untrusted certificate", secure.with_(ca=stranger), ["get", URL, target],
             code=TLS, on=re.escape(secure.host), why="certificate", advice="--ca"),
    ]


def check_case(executable, space, case):
    code, line = Ringpull(executable, space, case.endpoint).error_line(*case.command)
    for what, pattern in case.phrases.items():
        check(re.search(pattern, line, re.IGNORECASE),
              f"{case.name}: the line does not say {what} ({pattern}): {line}")
    check_equal(code, case.code, f"exit code: {line}")
    print(f"    {case.name} ({code}): {line}")
    leftovers = [path.name for path in space.path.iterdir() if "download" in path.name]
    check_equal(leftovers, [], f"{case.name}: files left behind")
    return line


def test(executable):
    with Workspace() as space:
        with step("radosgw starts"):
            store = Radosgw(space)
            client = store.endpoint.boto()
            client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key=KEY, Body=b"here")
        lines = []
        for case in cases(space, store):
            with step(case.name):
                lines.append(check_case(executable, space, case))
        # The rest of a line must differ too when the names in it are taken away.
        check_equal(len({re.sub(r"\S*[/:.\d]\S*", "", line) for line in lines}), len(lines),
                    "number of different error lines")
        with step("the right secret still works"):
            done = Ringpull(executable, space, store.endpoint).run("cat", URL)
            check_equal(done.out, "here", "cat")
        with step("--no-verify takes the untrusted certificate"):
            options = ("--path-style", "--no-verify")
            done = Ringpull(executable, space, store.secure_endpoint.with_(ca=None), options).run(
                "cat", URL)
            check_equal(done.out, "here", "cat")


if __name__ == "__main__":
    run_test("error_lines", lambda: test(sys.argv[1]), seconds_max=100)
