"""Our signer and botocore's agree, signature for signature, on generated requests, in Version 4 and in
Version 2; and our verifier takes what botocore signed by Version 4 and refuses it when something was
changed.

Signer and sandbox are ours both: an error that they share would show in no other test."""

import argparse
import contextlib
import datetime
import email.utils
import hashlib
import json
import random
import types
from unittest import mock
from urllib.parse import parse_qs

from support.checks import CheckFailed, check, check_equal, run_test, step
from support.programs import run_program

try:
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    from botocore.compat import quote, urlsplit
except ImportError:
    botocore = None

REGIONS = ("us-east-1", "eu-west-3", "ap-southeast-2", "cn-north-1", "us-gov-west-1", "default", "x")
KEY_CHARACTERS = ("abcXYZ019" * 3 + "/-._~" * 2 + " !\"#$%&'()*+,:;<=>?@[\\]^`{|}" +
                  "\t\u00e9\u20ac\u6f22\u5b57\U0001f433e\u0301")
KEYS = ("a/../b", "a//b", "/leading", "trailing/", ".", "..", "100%25", "a%2Fb", "a+b c", "?", "%")
VALUE_CHARACTERS = "abcXYZ019 ,;=/+\"'()<>@[]{}\u00e9\u6f22"
PARAMETERS = ("uploads", "prefix", "delimiter", "list-type", "uploadId", "partNumber", "a", "a-", "A",
              "continuation-token", "start-after", "\u00fcber", "x y", "%", "response-content-type")
HOSTS = ("examplebucket.s3.amazonaws.com", "127.0.0.1:9000", "s3.example.com:8443", "localhost")
STREAMED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


class Request:
    """One generated request, before anybody signs it."""

    def __init__(self, dice):
        self.presigned = dice.random() < 0.35
        self.method = dice.choice(("GET", "GET", "PUT", "HEAD", "POST", "DELETE"))
        self.scheme = dice.choice(("http", "https"))
        self.host = dice.choice(HOSTS)
        self.key = dice.choice(KEYS) if dice.random() < 0.1 else text_of(dice, KEY_CHARACTERS, 1, 40)
        self.path = "/bucket/" + quote(self.key, safe="/~")
        self.query = self.make_query(dice)
        self.headers = self.make_headers(dice)
        self.body = dice.randbytes(dice.randrange(200)) if self.method in ("PUT", "POST") else b""
        self.payload_mode = dice.choice(("signed", "unsigned", "trailer"))
        if self.payload_mode == "trailer":
            self.headers += [("Content-Encoding", dice.choice(("aws-chunked", "aws-chunked,gzip"))),
                             ("x-amz-decoded-content-length", str(len(self.body))),
                             ("x-amz-trailer", "x-amz-checksum-crc32c")]
        self.region = dice.choice(REGIONS)
        self.time = datetime.datetime(2013, 5, 24) + datetime.timedelta(
            seconds=dice.randrange(20 * 365 * 86400))
        self.expires = dice.choice((1, 60, 900, 1200, 86400, 604800))
        self.access_key = text_of(dice, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 3, 20)
        self.secret = text_of(dice, "abcdefghijklmnopqrstuvwxyzABCDEF0123456789/+", 1, 80)
        self.token = text_of(dice, "abcABC019/+=", 1, 400) if dice.random() < 0.4 else None

    def make_query(self, dice):
        # botocore's presigner keeps one value per name, so repetitions are for headers only.
        count = dice.randrange(5)
        names = (dice.sample(PARAMETERS, count) if self.presigned
                 else [dice.choice(PARAMETERS) for _ in range(count)])
        parts = []
        for name in names:
            value = text_of(dice, KEY_CHARACTERS, 0, 12) if dice.random() < 0.8 else ""
            parts.append(quote(name, safe="-_.~") + "=" + quote(value, safe="-_.~"))
        return "&".join(parts)

    def make_headers(self, dice):
        headers = [("Host", self.host)]
        candidates = [
            ("Content-Type", "application/octet-stream"), ("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
            ("Range", f"bytes={dice.randrange(99)}-"), ("x-amz-acl", "private"), ("If-Match", '"tag"'),
            ("x-amz-meta-Text", text_of(dice, VALUE_CHARACTERS, 1, 30)),
            ("X-Amz-Meta-Blanks", "  two  inner   blanks\t "), ("x-amz-meta-empty", ""),
            ("User-Agent", "not signed"), ("Expect", "100-continue"), ("X-Amzn-Trace-Id", "Root=1"),
            ("x-amz-meta-again", "first"), ("x-amz-meta-again", "second, third"),
        ]
        headers += dice.sample(candidates, dice.randrange(len(candidates)))
        dice.shuffle(headers)
        return headers

    @property
    def target(self):
        return self.path + ("?" + self.query if self.query else "")

    @property
    def payload(self):
        if self.presigned or self.payload_mode == "unsigned":
            return "UNSIGNED-PAYLOAD"
        return STREAMED if self.payload_mode == "trailer" else hashlib.sha256(self.body).hexdigest()


def text_of(dice, characters, size_min, size_max):
    return "".join(dice.choice(characters) for _ in range(dice.randint(size_min, size_max)))


@contextlib.contextmanager
def botocore_clock(time):
    """botocore reads the clock inside; newer versions do so through a function of their own."""
    class Fixed(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return time

    module = types.SimpleNamespace(datetime=Fixed, timezone=datetime.timezone)
    with contextlib.ExitStack() as stack:
        if hasattr(botocore.auth, "datetime"):
            stack.enter_context(mock.patch("botocore.auth.datetime", module))
        if hasattr(botocore.auth, "get_current_datetime"):
            stack.enter_context(mock.patch("botocore.auth.get_current_datetime",
                                           lambda *_, **__: time))
        yield


def sign_with_botocore(request):
    theirs = botocore.awsrequest.AWSRequest(
        method=request.method, url=f"{request.scheme}://{request.host}{request.target}",
        data=b"" if request.presigned else request.body)
    for name, value in request.headers:
        theirs.headers.add_header(name, value)
    if request.payload_mode == "trailer":
        theirs.context["checksum"] = {"request_algorithm": {
            "in": "trailer", "algorithm": "crc32c", "name": "x-amz-checksum-crc32c"}}
    theirs.context["client_config"] = types.SimpleNamespace(
        s3={"payload_signing_enabled": request.payload_mode == "signed"})
    credentials = botocore.credentials.Credentials(request.access_key, request.secret, request.token)
    signer = (botocore.auth.S3SigV4QueryAuth(credentials, "s3", request.region, request.expires)
              if request.presigned else
              botocore.auth.S3SigV4Auth(credentials, "s3", request.region))
    with botocore_clock(request.time):
        signer.add_auth(theirs)
    return theirs, signer.canonical_request(theirs) if not request.presigned else ""


def line_for(request, theirs):
    line = {"method": request.method, "target": request.target, "headers": request.headers,
            "payload": request.payload, "access_key": request.access_key, "secret": request.secret,
            "token": request.token or "", "region": request.region, "key": request.key,
            "time": request.time.strftime("%Y%m%dT%H%M%SZ")}
    if request.presigned:
        parts = urlsplit(theirs.url)
        line |= {"expires": request.expires, "presigned_target": f"{parts.path}?{parts.query}"}
    else:
        names = ("X-Amz-Date", "X-Amz-Content-SHA256", "X-Amz-Security-Token")
        line |= {"authorization": theirs.headers["Authorization"],
                 "signed_headers": [[name, theirs.headers[name]] for name in names
                                    if name in theirs.headers]}
    return line


def compare(number, request, line, canonical_request, answer):
    what = f"request {number} ({request.method} {request.target})"
    check("error" not in answer, f"{what}: {answer.get('error')}")
    check_equal(answer["key_target"], request.path, f"{what}: the target of key {request.key!r}")
    expected = line["presigned_target"] if request.presigned else line["authorization"]
    if answer["signature"] != expected:
        print(f"theirs: {expected}\nours:   {answer['signature']}\n--- their canonical request\n"
              f"{canonical_request}\n--- ours\n{answer['canonical_request']}", flush=True)
        raise CheckFailed(f"{what}: the signatures differ")
    malformed = ("AuthorizationQueryParametersError" if request.presigned
                 else "AuthorizationHeaderMalformed")
    check_equal(answer["verified"],
                {"as_it_is": "ok", "tampered": "SignatureDoesNotMatch",
                 "wrong_secret": "SignatureDoesNotMatch", "wrong_region": malformed},
                f"{what}: what our verifier says to botocore's request")


# Signature Version 2: the sub-resources that it signs stand among other parameters.
PARAMETERS_V2 = PARAMETERS + ("acl", "delete", "partNumber", "versionId", "tagging", "location",
                              "response-cache-control", "response-content-disposition")


def generate_v2(dice):
    request = Request(dice)
    names = dice.sample(PARAMETERS_V2, dice.randrange(6))
    request.query = "&".join(
        quote(name, safe="-_.~") + dice.choice(("", "=" + quote(text_of(dice, KEY_CHARACTERS, 0, 12),
                                                                safe="-_.~")))
        for name in names)
    request.bucket = dice.choice(("", "bucket.of.the.host"))
    # A value with blanks at its ends is not a header that we would send.
    request.headers = [(name, value.strip()) for name, value in request.headers]
    return request


def sign_v2_with_botocore(request):
    theirs = botocore.awsrequest.AWSRequest(
        method=request.method, url=f"{request.scheme}://{request.host}{request.target}",
        auth_path=f"/{request.bucket}{request.path}" if request.bucket else None)
    for name, value in request.headers:
        theirs.headers.add_header(name, value)
    credentials = botocore.credentials.Credentials(request.access_key, request.secret, request.token)
    seconds = int(request.time.replace(tzinfo=datetime.timezone.utc).timestamp())
    signer = (botocore.auth.HmacV1QueryAuth(credentials, request.expires) if request.presigned
              else botocore.auth.HmacV1Auth(credentials))
    date = (str(seconds + request.expires) if request.presigned
            else email.utils.formatdate(seconds, usegmt=True))
    with mock.patch.object(signer, "_get_date", lambda: date):
        signer.add_auth(theirs)
    return theirs


def line_for_v2(request):
    line = {"version": 2, "method": request.method, "target": request.target,
            "headers": request.headers, "access_key": request.access_key, "secret": request.secret,
            "token": request.token or "", "virtual_bucket": request.bucket,
            "time": request.time.strftime("%Y%m%dT%H%M%SZ")}
    return line | ({"expires": request.expires} if request.presigned else {})


def compare_v2(number, request, theirs, answer):
    what = f"Version 2, request {number} ({request.method} {request.target})"
    check("error" not in answer, f"{what}: {answer.get('error')}")
    signed = answer["string_to_sign"]
    if not request.presigned:
        check_equal(answer["date"], theirs.headers["Date"], f"{what}: Date")
        check_equal(answer["authorization"], theirs.headers["Authorization"], f"{what}\n{signed}")
        return
    # Theirs carries the signed headers in the query too; ours leaves them to the sender.
    ours, expected = (parse_qs(urlsplit(target).query, keep_blank_values=True)
                      for target in (answer["target"], theirs.url))
    for name in ("AWSAccessKeyId", "Expires", "Signature", "x-amz-security-token"):
        check_equal(ours.get(name), expected.get(name), f"{what}: {name}\n{signed}")


def test_v2(program, dice, count):
    with step(f"Version 2: {count} requests"):
        requests = [generate_v2(dice) for _ in range(count)]
        lines = "".join(json.dumps(line_for_v2(request)) + "\n" for request in requests)
        done = run_program(program, stdin=lines.encode())
        answers = [json.loads(line) for line in done.out.splitlines()]
        check_equal(len(answers), len(requests), "the number of answers")
        for number, (request, answer) in enumerate(zip(requests, answers)):
            compare_v2(number, request, sign_v2_with_botocore(request), answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the sigv4_lines program")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--count", type=int, default=2000)
    options = parser.parse_args()

    def test():
        check(botocore is not None, "python3 has no botocore; run: "
              "apt-get install -y --no-install-recommends python3-botocore")
        dice = random.Random(options.seed)
        with step(f"sign {options.count} requests with botocore {botocore.__version__}, "
                  f"seed {options.seed}"):
            requests = [Request(dice) for _ in range(options.count)]
            signed = [sign_with_botocore(request) for request in requests]
            lines = [line_for(request, theirs)
                     for request, (theirs, _) in zip(requests, signed)]
        with step("sign and verify them with ours"):
            text = "".join(json.dumps(line) + "\n" for line in lines)
            done = run_program(options.program, stdin=text.encode())
            answers = [json.loads(line) for line in done.out.splitlines()]
        with step("compare"):
            check_equal(len(answers), len(requests), "the number of answers")
            for number, (request, line, (_, canonical), answer) in enumerate(
                    zip(requests, lines, signed, answers)):
                compare(number, request, line, canonical, answer)
        test_v2(options.program, dice, options.count)

    run_test("signer", test, 110)


if __name__ == "__main__":
    main()
