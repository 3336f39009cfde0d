"""The aws command line at work: high-level transfers and single calls."""

import base64
import hashlib
import json
import os
import urllib.error

from support.checks import check, check_equal, step
from support.images import sha256_of, write_random_file
from support.programs import run_program

BUCKET = "aws-cli"
MIB = 1 << 20


class AwsCli:
    def __init__(self, space, endpoint):
        self._endpoint = endpoint
        self._env = space.environment(**endpoint.settings(), AWS_PAGER="", AWS_MAX_ATTEMPTS="1")

    def __call__(self, *arguments, expect=0, stdin=None):
        trust = ("--ca-bundle", self._endpoint.ca) if self._endpoint.ca else ()
        return run_program("aws", "--endpoint-url", self._endpoint.url, *trust, *arguments,
                           env=self._env, expect=expect, stdin=stdin)

    def json(self, *arguments):
        return json.loads(self("s3api", *arguments, "--output", "json").out)


def work(server):
    aws = AwsCli(server.space, server.endpoint)
    with step("aws: bucket, small file, ls"):
        check_small(server, aws)
    with step("aws: 20 MiB up, copied and down, in parts"):
        check_large(server, aws)
    with step("aws: single calls"):
        check_calls(server, aws)
    with step("aws: presigned URL"):
        check_presigned(server, aws)
    with step("aws: wrong secret"):
        check_wrong_secret(server)
    with step("aws: sync, rm and rb"):
        check_sync(server, aws)


def check_small(server, aws):
    aws("s3", "mb", f"s3://{BUCKET}")
    source = server.space.path / "small"
    source.write_text("a small file")
    aws("s3", "cp", source, f"s3://{BUCKET}/dir/small ключ.txt")
    listed = aws("s3", "ls", f"s3://{BUCKET}/dir/").out.split(maxsplit=2)
    check_equal(listed[2].strip(), "12 small ключ.txt", "size and name by ls")
    check_equal(aws("s3", "cp", f"s3://{BUCKET}/dir/small ключ.txt", "-").out, "a small file",
                "cp to stdout")
    aws("s3", "cp", "-", f"s3://{BUCKET}/dir/from-stdin", stdin=b"through a pipe")


def check_large(server, aws):
    source, back = server.space.path / "large", server.space.path / "large-back"
    write_random_file(source, 20 * MIB + 3, seed=41)
    aws("s3", "cp", source, f"s3://{BUCKET}/large")
    aws("s3", "cp", f"s3://{BUCKET}/large", f"s3://{BUCKET}/large-copy")
    aws("s3", "cp", f"s3://{BUCKET}/large-copy", back)
    check_equal(sha256_of(back), sha256_of(source), "sha256 of what came back")


def check_calls(server, aws):
    where = ("--bucket", BUCKET, "--key", "large")
    head = aws.json("head-object", *where)
    check_equal(head["ContentLength"], 20 * MIB + 3, "head-object")
    part = server.space.path / "part"
    got = aws.json("get-object", *where, "--range", "bytes=1048570-1048585", part)
    check_equal((got["ContentRange"], part.stat().st_size),
                (f"bytes 1048570-1048585/{20 * MIB + 3}", 16), "get-object --range")
    refused = aws("s3api", "get-object", *where, "--if-none-match", head["ETag"], part, expect=None)
    check(refused.code != 0 and "304" in refused.err, f"get-object --if-none-match\n{refused}")
    page = aws.json("list-objects-v2", "--bucket", BUCKET, "--max-items", "2", "--page-size", "1")
    check_equal([item["Key"] for item in page["Contents"]],
                ["dir/from-stdin", "dir/small ключ.txt"], "list-objects-v2 in pages of one")
    names = {"Objects": [{"Key": "dir/from-stdin"}, {"Key": "no such"}]}
    done = aws.json("delete-objects", "--bucket", BUCKET, "--delete", json.dumps(names))
    check_equal(len(done["Deleted"]), 2, "delete-objects")
    source = server.space.path / "small"
    if server.keeps_to("x-amz-checksum headers are verified, stored and returned"):
        put = aws.json("put-object", "--bucket", BUCKET, "--key", "sha", "--body", source,
                       "--checksum-algorithm", "SHA256")
        digest = base64.b64encode(hashlib.sha256(source.read_bytes()).digest()).decode()
        check_equal(put["ChecksumSHA256"], digest, "put-object --checksum-algorithm SHA256")


def check_presigned(server, aws):
    url = aws("s3", "presign", f"s3://{BUCKET}/dir/small ключ.txt", "--expires-in", "60").out
    with server.fetch(url.strip()) as answer:
        check_equal(answer.read(), b"a small file", "body by a presigned URL")
    try:
        server.fetch(url.strip().replace("dir/small", "dir/other"))
        check(False, "a presigned URL works for another object")
    except urllib.error.HTTPError as error:
        check_equal(error.code, 403, "a presigned URL of another object")


def check_wrong_secret(server):
    wrong = server.endpoint.with_(secret_key="w" * 40)
    done = AwsCli(server.space, wrong)("s3", "ls", f"s3://{BUCKET}/", expect=None)
    check(done.code != 0, f"ls with a wrong secret\n{done}")
    if server.keeps_to("an error has a message"):  # without one this version of aws stumbles
        check("SignatureDoesNotMatch" in done.err, f"ls with a wrong secret\n{done}")


def check_sync(server, aws):
    tree, back = server.space.directory("tree"), server.space.path / "tree-back"
    for name in ("a", "b c", "sub/ключ", "sub/deep/d"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(f"this is {name}")
        # S3 keeps whole seconds: a file as young as its object would count as newer.
        os.utime(tree / name, (1_700_000_000, 1_700_000_000))
    aws("s3", "sync", tree, f"s3://{BUCKET}/tree")
    aws("s3", "sync", f"s3://{BUCKET}/tree", back)
    for path in tree.rglob("*"):
        if path.is_file():
            check_equal((back / path.relative_to(tree)).read_text(), path.read_text(), str(path))
    check_equal(aws("s3", "sync", tree, f"s3://{BUCKET}/tree").out, "", "a second sync")
    aws("s3", "rm", f"s3://{BUCKET}/", "--recursive")
    aws("s3", "rb", f"s3://{BUCKET}")
