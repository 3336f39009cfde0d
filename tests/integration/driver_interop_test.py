"""Our storage driver and docker distribution's take turns on radosgw: each finishes uploads that the
other has begun, ours those of a writer that was killed, and ours lists, reads and removes what the
other wrote.

Usage: driver_interop_test.py DRIVER_COMMAND
"""

import array
import base64
import hashlib
import hmac
import json
import subprocess
import sys
import urllib.parse
import urllib.request

from support.checks import check, check_equal, run_test, step, wait_until
from support.docker_registry import DockerRegistry
from support.endpoints import list_keys
from support.programs import dies_with_us, run_program
from support.radosgw import Radosgw
from support.workspace import Workspace

BUCKET, REPOSITORY = "registry", "lab/image"
MIB = 1 << 20
# Parts that a killed writer may have had on their way: the default upload_concurrency, and one more.
UNDER_WAY = 5
MASK = (1 << 64) - 1


def noise(size):
    """Content::noise(1) of tests/conformance: splitmix64 by index."""
    words = array.array("Q")
    for index in range((size + 7) // 8):
        word = (1 + (index + 1) * 0x9E3779B97F4A7C15) & MASK
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
        words.append(word ^ (word >> 31))
    return words.tobytes()[:size]


class Driver:
    """Ours, a process for each call."""

    def __init__(self, program, space, endpoint):
        self._program = program
        self._environment = space.environment(
            RINGPULL_CONFORMANCE_ENDPOINT=endpoint.url, RINGPULL_CONFORMANCE_BUCKET=BUCKET,
            RINGPULL_CONFORMANCE_KEY=endpoint.access_key,
            RINGPULL_CONFORMANCE_SECRET=endpoint.secret_key, RINGPULL_CONFORMANCE_ROOT="/reg")

    def call(self, verb, path, *size):
        done = run_program(self._program, verb, path, *size, env=self._environment)
        return done.out.split()

    def start(self, verb, path):
        return subprocess.Popen(dies_with_us([self._program, verb, path]), env=self._environment,
                                stdout=subprocess.DEVNULL)


class Upload:
    """One blob upload at the registry, by its HTTP interface."""

    def __init__(self, registry):
        self._registry = registry
        answer = self._send("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
        self._location = answer.headers["Location"]
        identity = answer.headers["Docker-Upload-UUID"]
        self.directory = (f"/docker/registry/v2/repositories/{REPOSITORY}/_uploads/{identity}")
        self.path = self.directory + "/data"

    def patch(self, body):
        answer = self._send("PATCH", self._location, body)
        self._location = answer.headers["Location"]

    def put(self, digest):
        self._send("PUT", f"{self._location}&digest={digest}", b"")

    def pretend_size(self, size):
        """What the registry would have said had it received that many bytes: it signs the state."""
        url = urllib.parse.urlsplit(self._location)
        query = dict(urllib.parse.parse_qsl(url.query))
        state = json.loads(base64.urlsafe_b64decode(query["_state"])[32:])
        state["Offset"] = size
        text = json.dumps(state, separators=(",", ":")).encode()
        digest = hmac.new(self._registry.secret.encode(), text, hashlib.sha256).digest()
        query["_state"] = base64.urlsafe_b64encode(digest + text).decode()
        self._location = url._replace(query=urllib.parse.urlencode(query)).geturl()

    def _send(self, method, target, body=None):
        url = urllib.parse.urljoin(f"http://{self._registry.address}", target)
        request = urllib.request.Request(url, body, method=method,
                                         headers={"Content-Type": "application/octet-stream"})
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)


def uploads(client):
    return client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])


def theirs_then_ours(registry, driver, client, content, size):
    upload = Upload(registry)
    upload.patch(content[:size])
    total = size + 6 * MIB
    check_equal(driver.call("finish", upload.path, total), [str(size)], "size found")
    check_equal(driver.call("verify", upload.path), [str(total)], "size read")
    driver.call("remove", upload.directory)
    check_equal(uploads(client), [], "uploads left")


def ours_then_theirs(registry, driver, client, content, size):
    upload = Upload(registry)
    for begun in uploads(client):
        client.abort_multipart_upload(Bucket=BUCKET, Key=begun["Key"], UploadId=begun["UploadId"])
    driver.call("begin", upload.path, size)
    upload.pretend_size(size)
    total = size + 6 * MIB
    upload.patch(content[size:total])
    digest = hashlib.sha256(content[:total]).hexdigest()
    upload.put(f"sha256:{digest}")
    blob = f"/docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}/data"
    check_equal(driver.call("verify", blob), [str(total)], "size of the blob that they stored")
    check_equal(uploads(client), [], "uploads left")


def killed_then_resumed(driver, client):
    path, key = "/killed", "reg/killed"
    writer = driver.start("begin", path)
    try:
        def parts_stored():
            begun = uploads(client)
            if not begun:
                return False
            parts = client.list_parts(Bucket=BUCKET, Key=key, UploadId=begun[0]["UploadId"])
            return len(parts.get("Parts", [])) >= 3
        wait_until(parts_stored, "three parts", seconds_max=60)
    finally:
        writer.kill()
        writer.wait()
    size = int(driver.call("append", path, 0)[0])
    check(size > 0 and size % (10 * MIB) == 0, f"{size} bytes are no whole parts")
    # The rest of the file, which has all that was under way: radosgw completes an upload with every
    # part that it has, and behind a part that was cut off there may be one that was not.
    whole = size + UNDER_WAY * 10 * MIB + 3 * MIB
    driver.call("finish", path, whole)
    check_equal(driver.call("verify", path), [str(whole)], "size after the resumption")
    driver.call("remove", path)
    check_equal(uploads(client), [], "uploads left")


def test(program):
    with Workspace() as space:
        with step("radosgw and docker-registry start"):
            server = Radosgw(space)
            client = server.endpoint.boto()
            client.create_bucket(Bucket=BUCKET)
            registry = DockerRegistry(space, server.endpoint, BUCKET, root="/reg")
        driver = Driver(program, space, server.endpoint)
        content = noise(26 * MIB)
        for size in (1000, 3 * MIB, 7 * MIB, 20 * MIB):
            with step(f"they begin with {size} bytes, ours finishes"):
                theirs_then_ours(registry, driver, client, content, size)
            with step(f"ours begins with {size} bytes, they finish"):
                ours_then_theirs(registry, driver, client, content, size)
        with step("ours goes on after a kill"):
            killed_then_resumed(driver, client)
        with step("ours lists, walks and removes what they wrote"):
            check_equal(driver.call("list", "/docker/registry/v2"),
                        ["/docker/registry/v2/blobs", "/docker/registry/v2/repositories"], "list")
            check_equal(driver.call("walk", "/"),
                        [key.removeprefix("reg") for key in list_keys(client, BUCKET)], "walk")
            driver.call("remove", "/docker")
            check_equal(list_keys(client, BUCKET), [], "keys left")


if __name__ == "__main__":
    run_test("driver_interop", lambda: test(sys.argv[1]), seconds_max=170)
