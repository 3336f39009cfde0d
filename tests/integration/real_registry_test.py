"""A real image comes out of a real S3 server: skopeo pushed it, docker-registry stored it, Ceph's
radosgw keeps it, and ringpull lists and pulls it. Then 1 GiB goes up and comes back, over http and
over TLS.

Usage: real_registry_test.py RINGPULL
"""

import filecmp
import sys

from support.checks import check, check_equal, run_test, step
from support.docker_registry import DockerRegistry
from support.endpoints import list_keys
from support.images import blob_digests, make_image, sha256_of, write_random_file
from support.radosgw import Radosgw
from support.ringpull import Ringpull
from support.workspace import Workspace

BUCKET = "registry"
LAYER_SIZES = (88 << 20, 72 << 20)
FILE_SIZE = 1 << 30
PARALLEL = ("--part-size", "8MiB", "--concurrency", "8")


def push_image(space, store):
    """Pushes an image and gives the digests of its blobs."""
    store.endpoint.boto().create_bucket(Bucket=BUCKET)
    with step("umoci makes an image"):
        image = make_image(space, "image", LAYER_SIZES, seed=1)
    with step("skopeo pushes it through docker-registry"):
        registry = DockerRegistry(space, store.endpoint, BUCKET)
        registry.push(image, "lab/image:v1")
    return blob_digests(image)


def check_listing(ringpull, client):
    """`ls` agrees with another client on every key and size."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    expected = {item["Key"]: item["Size"] for page in pages for item in page["Contents"]}
    listed = {key: item["size"] for key, item in ringpull.list(f"s3://{BUCKET}/").items()}
    check_equal(listed, expected, "keys and sizes listed by ls and by boto3")


def check_blobs(space, ringpull, digests):
    """Every blob of the image comes out with the digest that names it."""
    stored = [key for key in ringpull.list(f"s3://{BUCKET}/reg/docker/registry/v2/blobs/")
              if key.endswith("/data")]
    check_equal(sorted(key.split("/")[-2] for key in stored), sorted(digests),
                "blobs in the registry's bucket")
    total = 0
    for key in stored:
        path = space.path / "blob"
        ringpull.get(f"s3://{BUCKET}/{key}", path, *PARALLEL)
        check_equal(sha256_of(path), key.split("/")[-2], f"sha256 of {key}")
        total += path.stat().st_size
        path.unlink()
    check(total >= 150_000_000, f"the image has only {total} bytes")


def check_round_trip(space, ringpull, source):
    """A file goes up by parallel multipart and comes back equal by parallel ranged reads."""
    client, key, back = ringpull.endpoint.boto(), "big/file.bin", space.path / "back"
    with step("put 1 GiB"):
        ringpull.put(source, f"s3://{BUCKET}/{key}", *PARALLEL)
    etag = client.head_object(Bucket=BUCKET, Key=key)["ETag"]
    check_equal(etag.strip('"').split("-")[1:], [str(FILE_SIZE // (8 << 20))],
                "number of parts that the server counted")
    fact = ringpull.stat(f"s3://{BUCKET}/{key}")
    check_equal((fact["size"], fact["etag"].strip('"')), (FILE_SIZE, etag.strip('"')), "stat")
    with step("get 1 GiB"):
        ringpull.get(f"s3://{BUCKET}/{key}", back, *PARALLEL)
    check(filecmp.cmp(source, back, shallow=False), "the file came back with other bytes")
    back.unlink()
    ringpull.run("rm", f"s3://{BUCKET}/{key}")
    check(key not in list_keys(client, BUCKET), "rm left the object")


def test(executable):
    with Workspace() as space:
        with step("radosgw starts"):
            store = Radosgw(space)
        digests = push_image(space, store)
        source = space.path / "source"
        write_random_file(source, FILE_SIZE, seed=2)
        for name, endpoint in (("http", store.endpoint), ("TLS", store.secure_endpoint)):
            ringpull = Ringpull(executable, space, endpoint)
            with step(f"ls over {name}"):
                check_listing(ringpull, endpoint.boto())
            with step(f"every blob over {name}"):
                check_blobs(space, ringpull, digests)
            with step(f"1 GiB there and back over {name}"):
                check_round_trip(space, ringpull, source)
            store.collect_garbage()


if __name__ == "__main__":
    run_test("real_registry", lambda: test(sys.argv[1]), seconds_max=170)
