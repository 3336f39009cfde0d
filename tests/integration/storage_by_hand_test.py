"""The tool on the storage that a registry's configuration file describes: every verb on our sandbox,
mv, walk and sign by s3:// URLs too; and redirects, which docker-registry gives for the same file and
the same blob to the byte.

Usage: storage_by_hand_test.py RINGPULL
"""

import datetime
import errno
import http.client
import json
import os
import sys
import urllib.parse
import urllib.request

from support.checks import check, check_equal, run_test, step
from support.docker_registry import DockerRegistry
from support.endpoints import list_keys
from support.images import blob_digests, make_image
from support.nginx import Nginx
from support.programs import run_program
from support.ringpull import Ringpull
from support.sandbox import Sandbox
from support.workspace import Workspace

BUCKET, ROOT, REPOSITORY = "images", "/reg", "lab/image"
FAILURE, USAGE, NOT_FOUND, UNREACHABLE, TLS, INTERRUPTED = 1, 2, 3, 5, 6, 130  # exit codes, as documented
KEY_PAIR, CDN = "K2JCJMDEHXQW5F", "https://d111111abcdef8.cloudfront.net"
TEXT = b"a line\nand another\n"
LAYER = bytes(range(256)) * 50_000  # 12.2 MiB: two parts

CONFIGURATION = """\
version: 0.1
log: {{level: info}}
x-keys: &keys
  accesskey: {endpoint.access_key}
  secretkey: "{endpoint.secret_key}"
storage:
  cache: {{blobdescriptor: inmemory}}
  s3:
    <<: *keys
    region: {endpoint.region}
    regionendpoint: {endpoint.url}
    bucket: {bucket}
    rootdirectory: {root}
    chunksize: 8MiB
http:
  addr: :5000
"""


def write_configuration(space, endpoint, name="config.yml", more="", bucket=BUCKET):
    path = space.path / name
    path.write_text(CONFIGURATION.format(endpoint=endpoint, bucket=bucket, root=ROOT) + more)
    return path


def check_files(tool, client, space):
    source = space.path / "layer"
    source.write_bytes(LAYER)
    with step("put, in parts and in one request"):
        tool.run("put", source, "/a/b/layer")
        tool.run("put", source, "/a/c/")
        (space.path / "empty").write_bytes(b"")
        tool.run("put", space.path / "empty", "/a/empty")
        check_equal(list_keys(client, BUCKET), ["reg/a/b/layer", "reg/a/c/layer", "reg/a/empty"],
                    "the keys of what was put")
    with step("get and cat give it back"):
        target = space.directory("back")
        tool.run("get", "/a/b/layer", target)
        check_equal((target / "layer").read_bytes(), LAYER, "the file that get wrote")
        tool.run("put", space.path / "small", "/a/small")
        check_equal(tool.run("cat", "/a/small", "/a/empty", "/a/small").out.encode(), 2 * TEXT,
                    "what cat wrote")
        tool.run("rm", "/a/small")
        tool.run("get", "/a/empty", target / "nothing")
        check_equal((target / "nothing").read_bytes(), b"", "the empty file")
        check_equal(sorted(path.name for path in target.iterdir()), ["layer", "nothing"],
                    "what get left")


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def check_listings(tool, small):
    with step("ls shows one level, with sizes; -r all"):
        lines = json_lines(tool.run("ls", "--json", "/a").out)
        check_equal([(line["path"], line["directory"]) for line in lines],
                    [("/a/b", True), ("/a/c", True), ("/a/empty", False)], "ls /a")
        check_equal(lines[2]["size"], 0, "the size of an empty file")
        rows = tool.run("ls", "-r", "/").out.splitlines()
        check_equal([row.split()[-2:] for row in rows],
                    [["DIR", "/a"], ["DIR", "/a/b"], [str(len(LAYER)), "/a/b/layer"],
                     ["DIR", "/a/c"], [str(len(LAYER)), "/a/c/layer"], ["0", "/a/empty"]],
                    "ls -r /")
        check_equal([line["path"] for line in json_lines(tool.run("ls", "--json",
                                                                  "/a/b/layer").out)],
                    ["/a/b/layer"], "ls of a file")
    with step("stat"):
        facts = json.loads(tool.run("stat", "--json", "/a/b/layer").out)
        check_equal((facts["path"], facts["size"], facts["directory"]),
                    ("/a/b/layer", len(LAYER), False), "stat of a file")
        check_equal(json.loads(tool.run("stat", "--json", "/a").out),
                    {"path": "/a", "directory": True}, "stat of a directory")
        check("directory" in tool.run("stat", "/a").out, "stat says that it is a directory")
    with step("walk, from somewhere on and in both orders"):
        tool.run("put", small, "/a/b-b/x")
        walked = [line["path"] for line in json_lines(tool.run("walk", "--json", "/a").out)]
        check_equal(walked, ["/a/b-b", "/a/b-b/x", "/a/b", "/a/b/layer", "/a/c", "/a/c/layer",
                             "/a/empty"], "walk by bytes")
        walked = json_lines(tool.run("walk", "--json", "--order", "components", "/a").out)
        check_equal([line["path"] for line in walked],
                    ["/a/b", "/a/b/layer", "/a/b-b", "/a/b-b/x", "/a/c", "/a/c/layer", "/a/empty"],
                    "walk by components")
        walked = json_lines(tool.run("walk", "--json", "--start-after", "/a/b/layer", "/a").out)
        check_equal([line["path"] for line in walked], ["/a/c", "/a/c/layer", "/a/empty"],
                    "walk from somewhere on")


def check_changes(tool, client):
    with step("mv replaces its target"):
        tool.run("mv", "/a/c/layer", "/a/empty")
        check_equal(json.loads(tool.run("stat", "--json", "/a/empty").out)["size"], len(LAYER),
                    "the size of what was moved")
        expect_line(tool, NOT_FOUND, "/a/c/layer: path not found", "stat", "/a/c/layer")
    with step("rm takes files, and directories only with -r"):
        expect_line(tool, USAGE, "/a/b is a directory; -r", "rm", "/a/b")
        tool.run("rm", "/a/empty")
        expect_line(tool, NOT_FOUND, "path not found", "rm", "/a/empty")
        tool.run("rm", "-r", "/a")
        check_equal(list_keys(client, BUCKET), [], "keys after rm -r")


def expect_line(tool, code, part, command, *arguments, without=()):
    actual, line = tool.error_line(command, *arguments)
    check_equal(actual, code, f"exit code of {line}")
    check(line.startswith(f"ringpull {command}: ") and part in line, f"no {part!r} in: {line}")
    for word in without:
        check(word not in line, f"{word} in: {line}")


def check_failures(tool, space, endpoint):
    with step("what is wrong is told in one line"):
        expect_line(tool, NOT_FOUND, "path not found", "cat", "/nothing")
        expect_line(tool, NOT_FOUND, "path not found", "get", "/nothing", space.path / "nothing")
        check(not list(space.path.glob("nothing*")), "a file of a get that failed")
        expect_line(tool, NOT_FOUND, "path not found", "ls", "/nothing")
        expect_line(tool, NOT_FOUND, "path not found", "walk", "/nothing")
        expect_line(tool, NOT_FOUND, "path not found", "mv", "/nothing", "/other")
        expect_line(tool, USAGE, "invalid path", "stat", f"s3://{BUCKET}/a")
        expect_line(tool, USAGE, "--config", "stat", "--endpoint", endpoint.url, "/a")
        expect_line(tool, FAILURE, "cloudfront middleware", "sign", "--cookies", "/a")
        expect_line(tool, USAGE, "90s, 20m", "sign", "--expires", "20", "/a")
        without = Ringpull(tool.executable, space, endpoint)
        expect_line(without, USAGE, "--config FILE", "stat", "/a")
    with step("a configuration that is wrong, by file, line and path of keys"):
        wrong = write_configuration(space, endpoint, "wrong.yml", bucket="images\n    regoin: x")
        expect_line(Ringpull(tool.executable, space, endpoint, config=wrong), USAGE,
                    f"{wrong}:13: storage.s3: parameter regoin is unknown", "ls", "/")
        missing = space.path / "missing.yml"
        expect_line(Ringpull(tool.executable, space, endpoint, config=missing), NOT_FOUND,
                    str(missing), "ls", "/")
    with step("advice names the file's parameters, and no option that the file excludes"):
        nobody = f"http://127.0.0.1:{space.free_port()}"
        with Workspace() as other:
            secure = Sandbox(other, tool.executable, tls=True, buckets=(BUCKET,)).endpoint
            for there, code, part in (
                    (endpoint.with_(url=nobody), UNREACHABLE, "refused; check regionendpoint"),
                    (endpoint.with_(url="http://no-such-host.invalid"), UNREACHABLE,
                     "check regionendpoint"),
                    (secure.with_(ca=None), TLS, "; name the file of the authority to trust in "
                                                 "AWS_CA_BUNDLE, or correct regionendpoint")):
                config = write_configuration(space, there, "advice.yml")
                expect_line(Ringpull(tool.executable, space, there, config=config), code, part,
                            "ls", "/", without=("--endpoint", "--ca", "--no-verify"))


def opened_by_reader(pipe, writers):
    """Whether somebody opens a named pipe for reading; its other end goes to `writers` then."""
    try:
        writers.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
    return bool(writers)


def check_interrupts(executable, space, endpoint):
    client = endpoint.boto()
    large = space.path / "large"
    with open(large, "wb") as file:
        file.truncate(512 << 20)

    def uploads():
        return client.list_multipart_uploads(Bucket=BUCKET).get("Uploads")
    with step("Ctrl-C while certificates are read from a pipe that gives none"):
        pipe = space.path / "pipe.pem"
        os.mkfifo(pipe)
        config = write_configuration(space, endpoint)
        by_file = Ringpull(executable, space, endpoint, config=config,
                           variables={"AWS_CA_BUNDLE": str(pipe)})
        by_option = Ringpull(executable, space, endpoint.with_(ca=pipe))
        for tool, command in ((by_file, ("stat", "/a")), (by_file, ("check",)),
                              (by_option, ("ls", f"s3://{BUCKET}/"))):
            writers = []
            code, err = tool.interrupt(*command, when=lambda: opened_by_reader(pipe, writers))
            check_equal(code, INTERRUPTED, f"exit code of {command} ({err})")
            check_equal(err, "ringpull: stopped before anything was begun\n", "what is said")
            os.close(writers.pop())
    with step("Ctrl-C during put leaves no upload"):
        tool = Ringpull(executable, space, endpoint,
                        config=write_configuration(space, endpoint))
        code, err = tool.interrupt("put", large, "/large", when=uploads)
        check_equal(code, INTERRUPTED, f"exit code of an interrupted put: {err}")
        check_equal(uploads(), None, "uploads that are left")
        expect_line(tool, NOT_FOUND, "path not found", "stat", "/large")
    with step("Ctrl-C during get leaves no file"):
        os.truncate(large, 64 << 20)
        client.upload_file(str(large), BUCKET, "reg/large")
        # 4 MiB/s for each request, so that it cannot be there too soon.
        slow = Nginx.proxying(space, int(endpoint.url.rsplit(":", 1)[1]),
                              rate_bytes_per_s=4 << 20)
        behind = endpoint.with_(url=f"http://127.0.0.1:{slow.http_port}")
        tool = Ringpull(executable, space, behind,
                        config=write_configuration(space, behind, "slow.yml"))
        target = space.directory("interrupted")
        code, err = tool.interrupt("get", "/large", target, when=lambda: list(target.iterdir()))
        check_equal(code, INTERRUPTED, f"exit code of an interrupted get: {err}")
        check_equal(list(target.iterdir()), [], "files that are left")
        client.delete_object(Bucket=BUCKET, Key="reg/large")


def check_by_url(tool, client):
    """mv, walk and sign without a configuration file."""
    client.put_object(Bucket=BUCKET, Key="x/one", Body=b"one", Metadata={"kept": "yes"})
    client.put_object(Bucket=BUCKET, Key="x/two", Body=b"two")
    tool.run("mv", f"s3://{BUCKET}/x/one", f"s3://{BUCKET}/y/")
    check_equal(list_keys(client, BUCKET), ["x/two", "y/one"], "keys after mv")
    check_equal(client.head_object(Bucket=BUCKET, Key="y/one")["Metadata"], {"kept": "yes"},
                "metadata after mv")
    expect_line(tool, NOT_FOUND, "x/one", "mv", f"s3://{BUCKET}/x/one", f"s3://{BUCKET}/z")
    expect_line(tool, USAGE, "onto itself", "mv", f"s3://{BUCKET}/y/one", f"s3://{BUCKET}/y/")
    check_equal(tool.run("stat", f"s3://{BUCKET}/y/one").code, 0, "what was to move onto itself")
    lines = json_lines(tool.run("walk", "--json", f"s3://{BUCKET}/").out)
    check_equal([line["path"] for line in lines], ["x/two", "y/one"], "walk of a bucket")
    lines = json_lines(tool.run("walk", "--json", "--start-after", "x/two", f"s3://{BUCKET}/").out)
    check_equal([line["path"] for line in lines], ["y/one"], "walk from somewhere on")
    url = tool.run("sign", "--expires", "90s", f"s3://{BUCKET}/y/one").out.strip()
    check("X-Amz-Expires=90&" in url, f"the expiry of {url}")
    check_equal(urllib.request.urlopen(url, timeout=20).read(), b"one", "what the URL gives")
    tool.run("rm", f"s3://{BUCKET}/x/two", f"s3://{BUCKET}/y/one")


class Redirects:
    """What a registry answers for a blob, beside what the tool signs for the same file."""

    def __init__(self, registry, tool, digest):
        self._registry, self.tool, self._digest = registry, tool, digest
        self.path = f"/docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}/data"

    def location(self, method):
        connection = http.client.HTTPConnection(self._registry.address, timeout=30)
        connection.request(method, f"/v2/{REPOSITORY}/blobs/sha256:{self._digest}")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.headers["Location"]

    def signed(self, *options):
        return self.tool.run("sign", *options, self.path)


def parts_of(url):
    parts = urllib.parse.urlsplit(url)
    return parts._replace(query="").geturl(), dict(urllib.parse.parse_qsl(parts.query))


def check_presigned(redirects):
    """docker-registry's time taken over, everything is the same: the signature too."""
    for method in ("GET", "HEAD"):
        status, theirs = redirects.location(method)
        check_equal(status, 307, f"docker-registry's answer to {method}")
        place, query = parts_of(theirs)
        when = datetime.datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
        at = int(when.replace(tzinfo=datetime.timezone.utc).timestamp())
        ours = redirects.signed("--method", method, "--at", at).out.strip()
        check_equal(parts_of(ours), (place, query), f"our redirect for {method}")
        later = parts_of(redirects.signed("--method", method).out.strip())
        check_equal((later[0], sorted(later[1])), (place, sorted(query)), "a redirect of now")
        check_equal(later[1]["X-Amz-Expires"], "1200", "the seconds that it is good for")


def check_cloudfront(redirects):
    for method in ("GET", "HEAD"):
        status, theirs = redirects.location(method)
        check_equal(status, 307, f"docker-registry's answer to {method}")
        place, query = parts_of(theirs)
        check_equal(place, f"{CDN}{ROOT}{redirects.path}", "the place at CloudFront")
        at = int(query["Expires"]) - 20 * 60
        done = redirects.signed("--method", method, "--at", at)
        check_equal(done.out.strip(), theirs, f"our redirect for {method}")
        check("updatefrenquency" in done.err and done.err.count("\n") == 1,
              f"no warning of the old spelling: {done.err}")
    lines = redirects.signed("--cookies", "--at", at).out.splitlines()
    cookies = dict(line.split("=", 1) for line in lines)
    check_equal(cookies, {"CloudFront-Expires": query["Expires"],
                          "CloudFront-Signature": query["Signature"],
                          "CloudFront-Key-Pair-Id": KEY_PAIR}, "the cookies")
    shorter = parts_of(redirects.signed("--expires", "1m30s", "--at", at).out.strip())[1]
    check_equal(shorter["Expires"], str(at + 90), "an expiry that was asked for")


def check_disabled(redirects):
    status, location = redirects.location("GET")
    check_equal((status, location), (200, None), "docker-registry's answer without redirects")
    expect_line(redirects.tool, FAILURE, "storage.redirect.disable", "sign", redirects.path)


def check_against_registry(executable, space, endpoint, digest, check_redirects, **sections):
    registry = DockerRegistry(space, endpoint, BUCKET, root=ROOT, **sections)
    tool = Ringpull(executable, space, endpoint, config=registry.configuration,
                    variables=sections.get("variables"))
    check_redirects(Redirects(registry, tool, digest))


def check_redirects(executable, space, endpoint):
    with step("an image in the registry's bucket"):
        image = make_image(space, "image", [1 << 20], seed=1)
        DockerRegistry(space, endpoint, BUCKET, root=ROOT).push(image, f"{REPOSITORY}:latest")
        digest = blob_digests(image)[-1]
    private = space.path / "cloudfront.pem"
    run_program("openssl", "genrsa", "-traditional", "-out", private, "2048")
    options = {"baseurl": CDN, "privatekey": str(private), "keypairid": KEY_PAIR,
               "updatefrenquency": "3h"}
    with step("docker-registry and sign give the same redirect to S3"):
        check_against_registry(executable, space, endpoint, digest, check_presigned)
    with step("docker-registry and sign give the same redirect to CloudFront"):
        check_against_registry(
            executable, space, endpoint, digest, check_cloudfront,
            middleware={"storage": [{"name": "cloudfront", "options": options}]})
    with step("the same by a variable over the file"):
        listed = json.dumps([{"name": "cloudfront", "options": options}])  # JSON is YAML too
        check_against_registry(executable, space, endpoint, digest, check_cloudfront,
                               variables={"REGISTRY_MIDDLEWARE_STORAGE": listed})
    with step("docker-registry and sign give none where redirects are disabled"):
        check_against_registry(executable, space, endpoint, digest, check_disabled,
                               redirect={"disable": True})


def test(executable):
    with Workspace() as space:
        with step("the sandbox starts"):
            endpoint = Sandbox(space, executable, buckets=(BUCKET,)).endpoint
            client = endpoint.boto()
        config = write_configuration(space, endpoint)
        tool = Ringpull(executable, space, endpoint, config=config)
        small = space.path / "small"
        small.write_bytes(TEXT)
        check_files(tool, client, space)
        check_listings(tool, small)
        check_changes(tool, client)
        check_failures(tool, space, endpoint)
        check_interrupts(executable, space, endpoint)
        with step("mv, walk and sign by URL"):
            check_by_url(Ringpull(executable, space, endpoint), client)
        check_redirects(executable, space, endpoint)


if __name__ == "__main__":
    run_test("storage_by_hand", lambda: test(sys.argv[1]), 150)
