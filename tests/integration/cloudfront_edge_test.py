"""Pulls through CloudFront, end to end: the URLs and cookies of `ringpull sign -c` are taken to nginx with TLS,
which asks an edge written from Amazon's documentation to verify each signature by the openssl command,
and fetches the object from the sandbox with a signature of boto3's, as an origin access control does.

Usage: cloudfront_edge_test.py RINGPULL CLOUDFRONT_LINES
"""

import json
import pathlib
import sys
import time

from support.checks import check, check_equal, run_test, step
from support.cloudfront_edge import EdgeServer, Verifier
from support.nginx import Nginx
from support.programs import find_program, run_program
from support.sandbox import Sandbox
from support.workspace import Workspace

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "cloudfront"
KEY_FILES = {"KRSA": "rsa2048-pkcs8", "KECDSA": "p256-sec1"}
PUBLIC = {"KRSA": GOLDEN / "rsa2048-public.pem", "KECDSA": GOLDEN / "p256-public.pem"}
BUCKET = "layers"
ROOT = "registry \u00fcber+100%/it's \"odd\""
BLOBS = {"/docker/registry/v2/blobs/sha256/ab/abcd/data": bytes(range(256)) * 4096,
         "/docker/registry/v2/blobs/sha256/cd/cdef/data": b"another layer"}
BLOB, OTHER = BLOBS
NEAR = {"prefixes": [{"ip_prefix": "198.51.100.0/24", "region": "eu-west-3", "service": "EC2"}]}

EDGE = """\
    location = /ip-ranges.json {{ root {files}; }}
    location = /_verify {{
      internal;
      proxy_pass http://127.0.0.1:{edge_port};
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Original-URI $request_uri;
      proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Client $remote_addr;
    }}
    location / {{
      auth_request /_verify;
      auth_request_set $origin_target $upstream_http_x_origin_target;
      proxy_pass http://{origin}$origin_target;
      proxy_set_header Host {origin};
      proxy_set_header Cookie "";
    }}"""

CONFIG = """\
version: 0.1
storage:
  s3:
    region: us-east-1
    regionendpoint: {endpoint}
    bucket: {bucket}
    rootdirectory: {root}
    accesskey: {access_key}
    secretkey: {secret_key}
middleware:
  storage:
    - name: cloudfront
      options: {options}
"""


class Bed:
    """The sandbox as origin, nginx as edge, and storages over them."""

    def __init__(self, space, ringpull, program):
        self.space, self.ringpull, self.program = space, ringpull, program
        self.origin = Sandbox(space, ringpull, buckets=(BUCKET,)).endpoint
        self.client = self.origin.boto()
        for path, content in BLOBS.items():
            self.client.put_object(Bucket=BUCKET, Key=ROOT + path, Body=content)
        files = space.directory("files")
        (files / "ip-ranges.json").write_text(json.dumps(NEAR))
        # The URL is known only when nginx has its port.
        self.verifier = Verifier(PUBLIC)
        self.edge = EdgeServer(self, None, self.sign_for_origin)
        self.nginx = Nginx(space, EDGE.format(edge_port=self.edge.port, origin=self.origin.host,
                                              files=files))
        self.url = f"https://127.0.0.1:{self.nginx.https_port}"

    def verify(self, _url, target, cookies, address):
        return self.verifier.verify(self.url, target, cookies, address)

    def sign_for_origin(self, method, key):
        verb = {"GET": "get_object", "HEAD": "head_object"}[method]
        url = self.client.generate_presigned_url(verb, Params={"Bucket": BUCKET, "Key": key})
        return url.removeprefix(self.origin.url)

    def configure(self, **options):
        """A file whose middleware has these options; the key is KRSA unless they name one."""
        key_id = options.setdefault("keypairid", "KRSA")
        options.setdefault("baseurl", self.url)
        if "privatekey" not in options:
            options["privatekey"] = str(GOLDEN / f"{KEY_FILES[key_id]}.pem")
        config = self.space.path / "config.yml"
        config.write_text(CONFIG.format(
            endpoint=self.origin.url, bucket=BUCKET, root=json.dumps(ROOT, ensure_ascii=False),
            access_key=self.origin.access_key, secret_key=self.origin.secret_key,
            options=json.dumps(options)))
        return config

    def sign(self, config, *options, path=BLOB, expect=0):
        """What `ringpull sign` prints."""
        return run_program(self.ringpull, "sign", "-c", config, *options, path, expect=expect,
                           env=self.space.environment())

    def redirects(self, lines, **options):
        """What the storage answers to each line: for what no command line has, as header fields."""
        argv = [self.program, self.configure(**options)]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        done = run_program(*argv, stdin=text.encode(), env=self.space.environment())
        return [json.loads(line) for line in done.out.splitlines()]

    def redirect(self, epoch=None, **options):
        """The URL of BLOB."""
        at = ("--at", epoch) if epoch else ()
        return self.sign(self.configure(**options), *at).out.strip()

    def curl(self, url, *options):
        """Status and body."""
        body = self.space.path / "body"
        body.write_bytes(b"")
        done = run_program(find_program("curl"), "--silent", "--show-error", "--noproxy", "*", "--globoff",
                           "--cacert", self.space.certificates().ca, "--path-as-is", "--output", body,
                           "--write-out", "%{http_code}", *options, url,
                           env=self.space.environment())
        return int(done.out), body.read_bytes()

    def expect_refused(self, url, reason, *options):
        check_equal(self.curl(url, *options)[0], 403, f"status of what is {reason}")
        check(self.edge.reasons and reason in self.edge.reasons[-1],
              f"refused for another reason than {reason}: {self.edge.reasons[-1:]}")


def check_pull(bed, url):
    check(url.startswith(bed.url + "/registry%20%C3%BCber%2B100%25/it%27s%20%22odd%22/docker/"),
          f"another URL: {url}")
    check_equal(bed.curl(url), (200, BLOBS[BLOB]), "GET")
    check_equal(bed.curl(url, "--range", "256-511"), (206, bytes(range(256))), "a range")
    status, head = bed.curl(url, "--head")
    check_equal(status, 200, "HEAD by the same URL")
    check(f"content-length: {len(BLOBS[BLOB])}" in head.decode().lower(), f"no length: {head}")


def check_signing(bed):
    for key_id in KEY_FILES:
        for options in ({}, {"hashalgorithm": "sha256"}, {"signaturereuse": "url"},
                        {"signaturereuse": "wildcard", "hashalgorithm": "sha256"}):
            with step(f"pull, {key_id} {options}"):
                url = bed.redirect(keypairid=key_id, **options)
                check_pull(bed, url)
                config = bed.configure(keypairid=key_id, **options)
                cookies = "; ".join(bed.sign(config, "--cookies").out.splitlines())
                plain = url.partition("?")[0]
                check_equal(bed.curl(plain, "--cookie", cookies), (200, BLOBS[BLOB]), "by cookies")
                bed.expect_refused(plain, "MissingKey")


def check_successor(bed):
    with step("a key that is named and not there yet leaves the signing to the next"):
        url = bed.redirect(privatekey=[str(bed.space.path / "new.pem"),
                                       str(GOLDEN / "p256-pkcs8.pem")],
                           keypairid=["KNEW", "KECDSA"])
        check("&Key-Pair-Id=KECDSA" in url, f"another key: {url}")
        check_pull(bed, url)


def check_refusals(bed):
    url = bed.redirect()
    other = url.replace("/ab/abcd/", "/cd/cdef/")
    expires = url.partition("Expires=")[2].partition("&")[0]
    signature = url.partition("Signature=")[2].partition("&")[0]
    flipped = ("A" if signature[9] != "A" else "B").join((signature[:9], signature[10:]))
    with step("changed URLs are refused"):
        bed.expect_refused(other, "wrong Signature")
        bed.expect_refused(url.replace(expires, str(int(expires) + 1)), "wrong Signature")
        bed.expect_refused(url.replace(signature, flipped), "wrong Signature")
        bed.expect_refused(url + "&versionId=3", "wrong Signature")
        bed.expect_refused(url.replace("KRSA", "KECDSA"), "wrong Signature")
        bed.expect_refused(url.replace("KRSA", "KNOBODYS"), "unknown Key-Pair-Id")
        bed.expect_refused(url.replace("/registry%20", "/registry+"), "wrong Signature")
    with step("expired URLs are refused"):
        now = int(time.time())
        check_equal(bed.curl(bed.redirect(epoch=now - 600))[0], 200, "halfway")
        bed.expect_refused(bed.redirect(epoch=now - 1201), "expired")
        bed.expect_refused(bed.redirect(epoch=now - 3600, duration="59m"), "expired")
    with step("one wildcard signature opens another blob"):
        wide = bed.redirect(signaturereuse="wildcard")
        moved = wide.replace("/ab/abcd/", "/cd/cdef/")
        check_equal(bed.curl(moved), (200, BLOBS[OTHER]), "another blob")


def check_filter(bed):
    options = {"ipfilteredby": "awsregion", "awsregion": "eu-west-3", "trustedproxies": "10.0.0.0/8",
               "iprangesurl": f"http://127.0.0.1:{bed.nginx.http_port}/ip-ranges.json"}
    lines = [{"path": BLOB, "peer": "198.51.100.9:5000"},
             {"path": BLOB, "peer": "10.0.0.1:5000", "forwarded_for": "198.51.100.9", "method": "HEAD"},
             {"path": BLOB, "peer": "192.0.2.1:5000", "forwarded_for": "198.51.100.9"},
             {"path": BLOB, "peer": "10.0.0.1:5000", "forwarded_for": "192.0.2.1"}]
    with step("clients near the bucket get S3's URL, by their method"):
        near, near_head, far, far_behind = (
            answer["url"] for answer in bed.redirects(lines, **options))
        check(near.startswith(bed.origin.url), near)
        check_equal(bed.curl(near), (200, BLOBS[BLOB]), "GET from the store")
        check_equal(bed.curl(near_head, "--head")[0], 200, "HEAD at the store")
        check_equal(bed.curl(near_head)[0], 403, "GET by the URL for HEAD")
    with step("others get CloudFront's"):
        for url in (far, far_behind):
            check_pull(bed, url)
    with step("sign decides as for a client"):
        config = bed.configure(**options)
        for address, method in (("198.51.100.9", "GET"), ("::ffff:198.51.100.9", "HEAD")):
            url = bed.sign(config, "--method", method, "--client-address", address).out.strip()
            check(url.startswith(bed.origin.url), f"{address}: {url}")
            check_equal(bed.curl(url, *(["--head"] if method == "HEAD" else []))[0], 200, method)
        for far in (["--client-address", "192.0.2.1"], ["--client-address", "2001:db8::1"], []):
            check_pull(bed, bed.sign(config, *far).out.strip())
        wrong = bed.sign(config, "--client-address", "198.51.100.0/24", expect=2).err
        check("is no IP address" in wrong, wrong)
        wrong = bed.sign(config, "--client-address", "192.0.2.1", "--cookies", expect=2).err
        check("--cookies" in wrong and "excludes" in wrong, wrong)
        options["iprangesurl"] = f"http://127.0.0.1:{bed.space.free_port()}/ip-ranges.json"
        wrong = bed.sign(bed.configure(**options), "--client-address", "192.0.2.1", expect=5)
        check_equal(wrong.out, "", "what is printed without a list")
        check("correct iprangesurl" in wrong.err and "refused" in wrong.err, wrong.err)


def test(ringpull, program):
    with Workspace() as space:
        with step("sandbox, edge and nginx start"):
            bed = Bed(space, ringpull, program)
        try:
            check_signing(bed)
            check_successor(bed)
            check_refusals(bed)
            check_filter(bed)
        finally:
            bed.edge.close()


if __name__ == "__main__":
    run_test("cloudfront_edge", lambda: test(*sys.argv[1:]), 110)
