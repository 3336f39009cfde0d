"""`--concurrency N` means N: the log of a server in between shows N requests in progress at once.

nginx stands before radosgw and writes down when each request began and ended. It answers at a
limited rate, so that a part takes a second however fast the machine is.

Usage: overlap_test.py RINGPULL
"""

import sys

from support.checks import check, check_equal, run_test, step, wait_until
from support.images import sha256_of, write_random_file
from support.nginx import Nginx, overlap_max
from support.radosgw import Radosgw
from support.ringpull import Ringpull
from support.workspace import Workspace

BUCKET, URL = "overlap", "s3://overlap/object"
PART_SIZE, PARTS = 8 << 20, 16


def uploads(proxy, seen):
    return [request for request in finished(proxy, seen)
            if request.method == "PUT" and "partNumber=" in request.uri]


def downloads(proxy, seen):
    return [request for request in finished(proxy, seen) if request.status == 206]


def finished(proxy, seen):
    """The requests after the first `seen`; a line is logged after the client has its answer."""
    requests = wait_until(lambda: len(proxy.requests()) >= seen + 2 * PARTS and proxy.requests(),
                          f"{2 * PARTS} more requests in nginx's log", seconds_max=5)[seen:]
    check(all(request.status < 300 for request in requests), "the server refused a request")
    return requests


def check_overlap(requests, what, concurrency):
    most = overlap_max(requests)
    print(f"    {what} with --concurrency {concurrency}: {len(requests)} requests, "
          f"{most} at once")
    check_equal(len(requests), PARTS, f"number of {what} requests")
    check_equal(most, concurrency, f"{what} requests in progress at once")


def test(executable):
    with Workspace() as space:
        with step("radosgw and nginx start"):
            store = Radosgw(space)
            store.endpoint.boto().create_bucket(Bucket=BUCKET)
            proxy = Nginx.proxying(space, store.http_port, rate_bytes_per_s=PART_SIZE)
        ringpull = Ringpull(executable, space,
                            store.endpoint.with_(url=f"http://127.0.0.1:{proxy.http_port}"))
        source, back = space.path / "source", space.path / "back"
        write_random_file(source, PARTS * PART_SIZE, seed=5)
        for concurrency in (4, 8):
            options = ("--part-size", "8MiB", "--concurrency", str(concurrency))
            with step(f"put and get with --concurrency {concurrency}"):
                seen = len(proxy.requests())
                ringpull.put(source, URL, *options)
                ringpull.get(URL, back, *options)
            check_equal(sha256_of(back), sha256_of(source), "sha256 of what came back")
            check_overlap(uploads(proxy, seen), "UploadPart", concurrency)
            check_overlap(downloads(proxy, seen), "ranged GetObject", concurrency)
        with step("parts of a size that no block of memory has"):
            one_by_one = ("--part-size", "9MiB", "--concurrency", "1")
            write_random_file(source, 10 << 20, seed=6)
            ringpull.put(source, URL, *one_by_one)
            ringpull.get(URL, back, *one_by_one)
            check_equal(sha256_of(back), sha256_of(source), "sha256 of what came back")


if __name__ == "__main__":
    run_test("overlap", lambda: test(sys.argv[1]), seconds_max=100)
