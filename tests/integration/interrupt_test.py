"""Ctrl-C in the middle of a transfer: exit code 130 at once, no partial file, no multipart upload.

Usage: interrupt_test.py RINGPULL
"""

import sys

from botocore.exceptions import ClientError

from support.checks import check, check_equal, run_test, step
from support.endpoints import list_keys
from support.images import write_random_file
from support.nginx import Nginx
from support.radosgw import Radosgw
from support.ringpull import Ringpull
from support.workspace import Workspace

BUCKET = "interrupted"
PARALLEL = ("--part-size", "8MiB", "--concurrency", "4")


def check_get(executable, space, store):
    """The proxy gives 4 MiB/s to each request, so that the 64 MiB cannot be there too soon."""
    client = store.endpoint.boto()
    source = space.path / "small"
    write_random_file(source, 64 << 20, seed=3)
    client.upload_file(str(source), BUCKET, "object")
    slow = Nginx.proxying(space, store.http_port, rate_bytes_per_s=4 << 20)
    ringpull = Ringpull(executable, space,
                        store.endpoint.with_(url=f"http://127.0.0.1:{slow.http_port}"))
    for old in (None, "an older version of the file"):
        directory = space.directory(f"download-{'new' if old is None else 'old'}")
        target = directory / "object"
        if old is not None:
            target.write_text(old)

        def half_way():
            return any(path != target and path.stat().st_blocks for path in directory.iterdir())
        code, err = ringpull.interrupt("get", *PARALLEL, f"s3://{BUCKET}/object", target,
                                       when=half_way)
        check_equal(code, 130, f"exit code of an interrupted get ({err.strip()})")
        check_equal([path.name for path in directory.iterdir()],
                    [] if old is None else ["object"], "files left by an interrupted get")
        check(old is None or target.read_text() == old, "an interrupted get changed the old file")


def uploaded_parts(client):
    """The number of parts of the only multipart upload under way; None when there is none."""
    for upload in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        try:
            return len(client.list_parts(Bucket=BUCKET, Key=upload["Key"],
                                         UploadId=upload["UploadId"]).get("Parts", []))
        except ClientError:  # gone between the two requests
            return None
    return None


def check_put(executable, space, endpoint):
    client = endpoint.boto()
    source = space.path / "large"
    write_random_file(source, 512 << 20, seed=4)
    ringpull = Ringpull(executable, space, endpoint)
    code, err = ringpull.interrupt("put", *PARALLEL, source, f"s3://{BUCKET}/uploaded",
                                   when=lambda: uploaded_parts(client))
    check_equal(code, 130, f"exit code of an interrupted put ({err.strip()})")
    check_equal(uploaded_parts(client), None, "parts left by an interrupted put")
    check("uploaded" not in list_keys(client, BUCKET), "an interrupted put made an object")


def test(executable):
    with Workspace() as space:
        with step("radosgw starts"):
            store = Radosgw(space)
            store.endpoint.boto().create_bucket(Bucket=BUCKET)
        with step("get interrupted"):
            check_get(executable, space, store)
        with step("put interrupted"):
            check_put(executable, space, store.endpoint)
        with step("put over TLS interrupted"):
            check_put(executable, space, store.secure_endpoint)


if __name__ == "__main__":
    run_test("interrupt", lambda: test(sys.argv[1]), seconds_max=100)
