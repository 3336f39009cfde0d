"""The storage driver's calls about the tree, against Ceph's gateway and our sandbox, with a bucket that
boto3 fills and looks at: markers, siblings, parts, and URLs that curl follows.

Usage: s3_driver_test.py RINGPULL DRIVER_LINES
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from support.checks import check, check_equal, run_test, step
from support.endpoints import list_keys
from support.programs import find_program, run_program
from support.radosgw import Radosgw
from support.sandbox import Sandbox
from support.workspace import Workspace

BUCKET = "driver"
MIB = 1 << 20


class Driver:
    """One process per conversation."""

    def __init__(self, program, endpoint, **options):
        self.program = program
        self.setup = {"endpoint": endpoint.url, "access_key": endpoint.access_key,
                      "secret": endpoint.secret_key, "bucket": BUCKET, **options}

    def answers(self, *calls):
        lines = [json.dumps(line) for line in (self.setup, *calls)]
        done = run_program(self.program, stdin=("\n".join(lines) + "\n").encode())
        return [json.loads(line) for line in done.out.splitlines()]

    def call(self, what, path="", **more):
        answer = self.answers({"do": what, "path": path, **more})[0]
        check("ok" in answer, f"{what} {path}: {answer}")
        return answer["ok"]

    def refusal(self, what, path="", **more):
        answer = self.answers({"do": what, "path": path, **more})[0]
        check("error" in answer, f"{what} {path} was to fail: {answer}")
        return answer


def fill(client, keys, body=b"x"):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=BUCKET, Key=key, Body=body), keys))


def check_tree(client, driver):
    with step("stat and list"):
        fill(client, ("r/a", "r/a-b/c", "r/a.b", "r/a/b/c", "r/d/", "r/e/_uploads/", "other"))
        check_equal(driver.call("stat", "/a"), 1, "a file's size")
        check_equal(driver.call("stat", "/a/b"), "directory", "a directory")
        check_equal(driver.call("stat", "/"), "directory", "the root")
        refusal = driver.refusal("stat", "/a/x")
        check_equal(refusal["error"], "not_found", "a missing path")
        check_equal(driver.refusal("stat", "/a-")["error"], "not_found", "the start of a name")
        check_equal(driver.call("list", "/"), ["/a", "/a-b", "/a.b", "/d", "/e"], "the root's names")
        check_equal(driver.call("list", "/d"), [], "a directory that is only a marker")
        check_equal(driver.refusal("list", "/x")["error"], "not_found", "a missing directory")
    with step("walk"):
        everything = ["/a", "/a-b/", "/a-b/c", "/a.b", "/a/", "/a/b/", "/a/b/c", "/d/", "/e/",
                      "/e/_uploads/"]
        check_equal(driver.call("walk", "/"), everything, "in byte order")
        check_equal(driver.call("walk", "/", after="/a-b/c"), everything[3:], "after a file")
        check_equal(driver.call("walk", "/", after="/a/b/c"), everything[7:], "after a deep file")
        check_equal(driver.call("walk", "/", skip="/a/b"),
                    everything[:6] + everything[7:], "with a directory left out")
        check_equal(driver.call("walk", "/", components=True),
                    ["/a", "/a/", "/a/b/", "/a/b/c", "/a-b/", "/a-b/c", "/a.b", "/d/", "/e/",
                     "/e/_uploads/"], "by components")
        check_equal(driver.refusal("walk", "/x")["error"], "not_found", "a missing directory")
    with step("remove"):
        driver.call("remove", "/a")
        check_equal(list_keys(client, BUCKET),
                    ["other", "r/a-b/c", "r/a.b", "r/d/", "r/e/_uploads/"], "keys")
        check_equal(driver.refusal("remove", "/a")["error"], "not_found", "once more")
        fill(client, ("r/f/1", "r/f/2"))
        check_equal(driver.call("remove_files", paths=["/f/1", "/f/2", "/f/3"]), [], "failures")
        for path in ("/a-b", "/a.b", "/d", "/e"):
            driver.call("remove", path)
        check_equal(list_keys(client, BUCKET), ["other"], "keys at the end")


def check_many(client, driver, count):
    with step(f"{count} files: list, walk with a jump, remove"):
        fill(client, (f"r/many/{i:05}" for i in range(count)))
        fill(client, ("r/many-x", "r/many0"))
        check_equal(len(driver.call("list", "/many")), count, "names")
        check_equal(driver.call("walk", "/", skip="/many"), ["/many-x", "/many/", "/many0"], "walk")
        driver.call("remove", "/many")
        check_equal(list_keys(client, BUCKET, Prefix="r/"), ["r/many-x", "r/many0"], "keys left")
        driver.call("remove_files", paths=["/many-x", "/many0"])


def check_move(client, driver):
    body = bytes(range(256)) * (4096 * 12)
    with step("move a small file onto another"):
        fill(client, ("r/from",), b"small")
        fill(client, ("r/to",), b"other")
        driver.call("move", "/from", to="/to")
        check_equal(list_keys(client, BUCKET, Prefix="r/"), ["r/to"], "keys")
        check_equal(client.get_object(Bucket=BUCKET, Key="r/to")["Body"].read(), b"small", "bytes")
    with step("move a file of 12 MiB in parts of 5"):
        client.put_object(Bucket=BUCKET, Key="r/from", Body=body, ContentType="text/x")
        driver.call("move", "/from", to="/deep/to")
        got = client.get_object(Bucket=BUCKET, Key="r/deep/to")
        check(got["Body"].read() == body, "other bytes than before")
        check(got["ETag"].strip('"').endswith("-3"), f"not made of three parts: {got['ETag']}")
        check_equal(got["ContentType"], "text/x", "Content-Type")
        uploads = client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        check_equal(uploads, [], "uploads under way")
        check_equal(driver.refusal("move", "/from", to="/to")["error"], "not_found", "no source")
    for path in ("/to", "/deep"):
        driver.call("remove", path)


def curl(space, url, *options):
    done = run_program(find_program("curl"), "--silent", "--show-error", "--noproxy", "*",
                       "--write-out", "\n%{http_code}", *options, url, env=space.environment())
    body, _, status = done.out.rpartition("\n")
    return int(status), body


def check_redirect(space, client, driver):
    fill(client, ("r/a/b",), b"forty-two")
    url = driver.call("redirect", "/a/b")
    check_equal(curl(space, url), (200, "forty-two"), "GET")
    check_equal(curl(space, url, "--head")[0], 403, "HEAD by the URL for GET")
    head_url = driver.call("redirect", "/a/b", method="HEAD")
    status, head = curl(space, head_url, "--head")
    check_equal(status, 200, "HEAD")
    check("content-length: 9" in head.lower(), f"the length is missing: {head}")
    check_equal(curl(space, url.replace("/a/b", "/a/c"))[0], 403, "another key by the same URL")
    driver.call("remove", "/a")


def test(executable, program):
    with Workspace() as space:
        with step("the sandbox starts"):
            sandbox = Sandbox(space, executable, buckets=(BUCKET,)).endpoint
        with step("radosgw starts"):
            rados = Radosgw(space).endpoint
            rados.boto().create_bucket(Bucket=BUCKET)
        for name, endpoint in (("sandbox", sandbox), ("radosgw", rados)):
            with step(name):
                client = endpoint.boto()
                driver = Driver(program, endpoint, root="/r/", copy_threshold=5 * MIB,
                                copy_chunk=5 * MIB)
                check_tree(client, driver)
                check_many(client, driver, 1200)
                check_move(client, driver)
            with step(f"{name}: redirects"):
                check_redirect(space, client, driver)
        for addressing in ("path", "virtual_host"):
            with step(f"redirects for another name of the sandbox, {addressing}"):
                public = sandbox.url.replace("127.0.0.1", "s3.localhost")
                driver = Driver(program, sandbox, root="r", redirect_endpoint=public,
                                addressing=addressing)
                url = driver.call("redirect", "/a/b")
                check(url.startswith(public if addressing == "path"
                                     else public.replace("s3.", f"{BUCKET}.s3.")), url)
                check_redirect(space, sandbox.boto(), driver)


if __name__ == "__main__":
    run_test("s3_driver", lambda: test(sys.argv[1], sys.argv[2]), seconds_max=170)
