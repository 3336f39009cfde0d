"""What an edge of CloudFront does before it serves: looks for a signature in the query or in cookies,
verifies it by the openssl command, and compares URL, time and address with the policy.

Written from Amazon's documentation, without a line of Ringpull:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/PrivateContent.html
"""

import base64
import http.server
import ipaddress
import json
import re
import tempfile
import threading
import time
import urllib.parse

from .programs import run_program

SIGNING_PARAMETERS = ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")


class Refused(Exception):
    """A 403, with its reason."""


def decode(text):
    return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")), validate=True)


def split_query(target):
    """The target without the parameters of signing, and those by name."""
    path, _, query = target.partition("?")
    kept, signing = [], {}
    for pair in query.split("&") if query else []:
        name, _, value = pair.partition("=")
        if name in SIGNING_PARAMETERS:
            signing[name] = value
        else:
            kept.append(pair)
    return path + ("?" + "&".join(kept) if kept else ""), signing


def signing_cookies(header):
    cookies = dict(pair.strip().partition("=")[::2] for pair in header.split(";") if pair.strip())
    return {name: cookies["CloudFront-" + name] for name in SIGNING_PARAMETERS
            if "CloudFront-" + name in cookies}


def covers(resource, url):
    pattern = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in resource)
    return re.fullmatch(pattern, url, re.DOTALL) is not None


class Verifier:
    """`public_keys`: PEM files by key pair id."""

    def __init__(self, public_keys, now=time.time):
        self._keys, self._now = public_keys, now

    def verify(self, url, target, cookie_header, address):
        """The target that the origin is to see; url is everything in front of it."""
        plain, signing = split_query(target)
        signing = signing or signing_cookies(cookie_header)
        if not {"Signature", "Key-Pair-Id"} <= signing.keys():
            raise Refused("MissingKey")
        if signing["Key-Pair-Id"] not in self._keys:
            raise Refused("unknown Key-Pair-Id")
        policy = self._policy_text(signing, url + plain)
        self._verify_signature(policy, signing)
        self._compare(json.loads(policy), url + plain, address)
        return plain

    @staticmethod
    def _policy_text(signing, url):
        if "Policy" in signing:
            return decode(signing["Policy"])
        if "Expires" not in signing:
            raise Refused("neither Policy nor Expires")
        return ('{"Statement":[{"Resource":"' + url + '","Condition":{"DateLessThan":'
                '{"AWS:EpochTime":' + signing["Expires"] + '}}}]}').encode()

    def _verify_signature(self, policy, signing):
        digest = {"SHA256": "-sha256", "SHA1": "-sha1"}[signing.get("Hash-Algorithm", "SHA1")]
        try:
            signature = decode(signing["Signature"])
        except ValueError as error:
            raise Refused("Signature is no base64") from error
        with tempfile.NamedTemporaryFile() as file:
            file.write(signature)
            file.flush()
            done = run_program("openssl", "dgst", digest, "-verify", self._keys[signing["Key-Pair-Id"]],
                               "-signature", file.name, stdin=policy, expect=None)
        if done.code != 0 or "Verified OK" not in done.out:
            raise Refused("wrong Signature")

    def _compare(self, policy, url, address):
        statement, = policy["Statement"]
        condition, now = statement["Condition"], self._now()
        if not covers(statement["Resource"], url):
            raise Refused(f"another Resource than {url}")
        if now >= condition["DateLessThan"]["AWS:EpochTime"]:
            raise Refused("expired")
        if "DateGreaterThan" in condition and now <= condition["DateGreaterThan"]["AWS:EpochTime"]:
            raise Refused("not yet")
        source = condition.get("IpAddress", {}).get("AWS:SourceIp")
        if source and ipaddress.ip_address(address) not in ipaddress.ip_network(source):
            raise Refused("another SourceIp")


class EdgeServer:
    """Answers nginx's auth_request: 200 with X-Origin-Target, or 403.

    `sign_for_origin(method, key)` is the origin access control: the target, presigned for S3.
    """

    def __init__(self, verifier, url, sign_for_origin):
        self.reasons = []  # of the refusals

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):  # pylint: disable=no-self-argument
                headers = handler.headers
                try:
                    target = verifier.verify(url, headers["X-Original-URI"],
                                             headers.get("Cookie", ""), headers["X-Client"])
                except Refused as refusal:
                    self.reasons.append(str(refusal))
                    handler.send_response(403)
                else:
                    key = urllib.parse.unquote(target.partition("?")[0].removeprefix("/"))
                    handler.send_response(200)
                    handler.send_header("X-Origin-Target",
                                        sign_for_origin(headers["X-Original-Method"], key))
                handler.send_header("Content-Length", "0")
                handler.end_headers()

            def log_message(handler, *_):  # pylint: disable=no-self-argument
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
