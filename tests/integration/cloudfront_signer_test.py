"""Our CloudFront signatures and botocore's agree on generated URLs and policies, byte for byte where RSA
signs; the openssl command verifies those of ECDSA, and every one of SHA-256; and an edge written from
Amazon's documentation takes our URLs and cookies.

Usage: cloudfront_signer_test.py CLOUDFRONT_LINES
"""

import argparse
import datetime
import json
import pathlib
import random
import subprocess

from support.checks import CheckFailed, check, check_equal, run_test, step
from support.cloudfront_edge import Refused, Verifier, covers
from support.programs import find_program, run_program

try:
    import botocore
    from botocore.compat import quote
    from botocore.signers import CloudFrontSigner
except ImportError:
    botocore = None

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "cloudfront"
KEYS = ("rsa2048-pkcs1", "rsa2048-pkcs8", "p256-sec1", "p256-pkcs8")
PUBLIC = {"rsa2048": GOLDEN / "rsa2048-public.pem", "p256": GOLDEN / "p256-public.pem"}
ID = "K2JCJMDEHXQW5F"
CHARACTERS = "abcXYZ019" * 3 + "/-._~" * 2 + " !\"#$%&'()*+,:;<=>?@[\\]^`{|}\u00e9\u6f22\U0001f433"
ADDRESSES = ("192.0.2.0/24", "203.0.113.5", "0.0.0.0/0", "10.0.0.0/8")
NOW = 1767323045


class Case:
    """One URL and what is to be signed about it."""

    def __init__(self, dice):
        self.key = dice.choice(KEYS)
        self.hash = dice.choice(("sha1", "sha1", "sha256"))
        self.base = dice.choice(("https://d111111abcdef8.cloudfront.net/", "http://cdn.example.com:8080/p/"))
        path = "".join(dice.choice(CHARACTERS) for _ in range(dice.randint(1, 60))).lstrip("/") or "x"
        self.url = self.base + quote(path, safe="/~")
        if dice.random() < 0.2:
            self.url += "?versionId=" + dice.choice(("3", "a%2Fb", ""))
        self.expires = NOW + dice.choice((-60, 1, 1200, 86400, 10**9))
        self.not_before = self.expires - dice.randint(1, 5000) if dice.random() < 0.3 else None
        self.source = dice.choice(ADDRESSES) if dice.random() < 0.3 else None
        self.resource = dice.choice((None, None, self.url, self.base + "*", self.url[:-1] + "?"))

    @property
    def custom(self):
        resource = self.resource or self.url
        return bool(self.not_before or self.source or "*" in resource or resource != self.url)

    @property
    def kind(self):
        return self.key.split("-")[0]

    def line(self):
        line = {"key": str(GOLDEN / f"{self.key}.pem"), "id": ID, "hash": self.hash, "url": self.url,
                "resource": self.resource or self.url, "expires": self.expires}
        line |= {"not_before": self.not_before} if self.not_before else {}
        return line | ({"source": self.source} if self.source else {})


def time_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def botocore_policy(case):
    signer = CloudFrontSigner(ID, None)
    return signer.build_policy(case.resource or case.url, time_of(case.expires),
                               time_of(case.not_before) if case.not_before else None, case.source)


def botocore_url(case, policy):
    """By RSA, which openssl computes: RSA signs the same text always in the same way."""
    def sign(message):
        return subprocess.run([find_program("openssl"), "dgst", f"-{case.hash}", "-sign",
                               GOLDEN / "rsa2048-pkcs1.pem"], input=message, check=True,
                              stdout=subprocess.PIPE).stdout
    signer = CloudFrontSigner(ID, sign)
    url = (signer.generate_presigned_url(case.url, policy=policy) if case.custom else
           signer.generate_presigned_url(case.url, date_less_than=time_of(case.expires)))
    return url + ("&Hash-Algorithm=SHA256" if case.hash == "sha256" else "")


def check_edge(case, answer):
    """The edge says of URL and cookies what follows from the case."""
    origin, target = case.url[:case.url.index("/", 8)], case.url[case.url.index("/", 8):]
    signed_target = answer["url"][len(origin):]
    address = (case.source or "198.51.100.9").split("/")[0]
    cookies = "; ".join("=".join(pair) for pair in answer["cookies"])
    now = case.expires - 0.5
    verifier = Verifier({ID: PUBLIC[case.kind]}, now=lambda: now)
    check(covers(case.resource or case.url, case.url), "the test's own resource covers its URL")
    check_equal(verifier.verify(origin, signed_target, "", address), target, "what the origin sees")
    if case.custom or (case.resource or case.url) == case.url:
        verifier.verify(origin, target, cookies, address)
    for changed, why in ((signed_target.replace("Key-Pair-Id=K2", "Key-Pair-Id=K3"), "Key-Pair-Id"),
                         (signed_target.replace("/", "//", 1), "URL")):
        try:
            verifier.verify(origin, changed, "", address)
        except Refused:
            continue
        check(why == "URL" and case.resource and "*" in case.resource and
              covers(case.resource, origin + changed.partition("?")[0]),
              f"the edge takes a changed {why}")


def compare(number, case, answer):
    what = f"case {number} ({json.dumps(case.line())})"
    check("error" not in answer, f"{what}: {answer.get('error')}")
    policy = botocore_policy(case)
    check_equal(answer["policy"], policy, f"{what}: the policy")
    if case.kind == "rsa2048":
        check_equal(answer["url"], botocore_url(case, policy), f"{what}: the URL")
    try:
        check_edge(case, answer)
    except Refused as refusal:
        raise CheckFailed(f"{what}: the edge refuses: {refusal}") from refusal


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the cloudfront_lines program")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--count", type=int, default=120)
    options = parser.parse_args()

    def test():
        check(botocore is not None, "python3 has no botocore; run: "
              "apt-get install -y --no-install-recommends python3-botocore")
        dice = random.Random(options.seed)
        cases = [Case(dice) for _ in range(options.count)]
        with step(f"sign {options.count} URLs and cookies, seed {options.seed}"):
            text = "".join(json.dumps(case.line()) + "\n" for case in cases)
            done = run_program(options.program, stdin=text.encode())
            answers = [json.loads(line) for line in done.out.splitlines()]
            check_equal(len(answers), len(cases), "the number of answers")
        with step(f"compare with botocore {botocore.__version__} and verify by openssl"):
            for number, (case, answer) in enumerate(zip(cases, answers)):
                compare(number, case, answer)

    run_test("cloudfront_signer", test, 110)


if __name__ == "__main__":
    main()
