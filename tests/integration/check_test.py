"""`ringpull check` tries the storage of a registry's configuration: on our sandbox behind a gate that
evaluates policies, with everything wrong that people get wrong, and on radosgw. Whatever happens,
nothing is left behind, and no secret shows.

Usage: check_test.py RINGPULL
"""

import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from support.checks import check, check_equal, run_test, step
from support.endpoints import list_keys
from support.policy_gate import PolicyGate
from support.programs import run_program
from support.radosgw import Radosgw
from support.ringpull import Ringpull
from support.sandbox import Sandbox
from support.workspace import Workspace

BUCKET, ROOT = "images", "docker"
# Exit codes, as documented.
USAGE, NOT_FOUND, DENIED, UNREACHABLE, TLS, TIMED_OUT, LOCAL, INTERRUPTED = 2, 3, 4, 5, 6, 7, 10, 130

WRITING = ["configuration", "credentials", "address", "connection", "bucket", "region",
           "put object", "list objects", "head object", "ranged get", "missing object",
           "presigned GET", "presigned HEAD", "copy object", "delete objects", "upload two parts",
           "list uploads", "list parts", "complete upload", "copy two parts", "abort upload",
           "clean up", "nothing left"]
READING = ["configuration", "credentials", "address", "connection", "bucket", "region",
           "find object", "head object", "ranged get", "missing object", "presigned GET",
           "presigned HEAD"]

# Which step is the first to miss a permission.
FIRST_TO_MISS = {
    "s3:ListBucket": "bucket",
    "s3:PutObject": "put object",
    "s3:GetObject": "head object",
    "s3:DeleteObject": "delete objects",
    "s3:ListBucketMultipartUploads": "list uploads",
    "s3:ListMultipartUploadParts": "list parts",
    "s3:AbortMultipartUpload": "abort upload",
}


class Check:
    """Runs the command with a configuration for `endpoint`."""

    def __init__(self, executable, space, endpoint, storage="", **parameters):
        self.executable, self.space, self.endpoint = executable, space, endpoint
        known = {"bucket": BUCKET, "rootdirectory": f"/{ROOT}", "region": endpoint.region,
                 "regionendpoint": endpoint.url, "forcepathstyle": "true",
                 "accesskey": endpoint.access_key, "secretkey": endpoint.secret_key, **parameters}
        lines = [f"    {name}: {value}" for name, value in known.items() if value is not None]
        self.text = "version: 0.1\nstorage:\n  s3:\n" + "\n".join(lines) + "\n" + storage
        self.file = space.path / "config.yml"
        self.rewritten()

    def rewritten(self):
        """Itself, after another one has written its file."""
        self.file.write_text(self.text)
        return self

    def run(self, *options, expect=0, **settings):
        done = run_program(self.executable, "check", "-c", self.file, *options, expect=expect,
                           env=self.space.environment(**settings), seconds_max=60)
        check(self.endpoint.secret_key not in done.out + done.err, "the secret key shows")
        return done

    def report(self, *options, expect=0, **settings):
        """What --json prints, with its steps by name."""
        done = self.run("--json", *options, expect=expect, **settings)
        found = json.loads(done.out)
        check_equal(found["exit_code"], expect, "the exit code that --json says")
        check_equal(found["ok"], expect == 0, "ok in --json")
        found["steps"] = {item["name"]: item for item in found["steps"]}
        return found

    def failures(self, expect, *options, **settings):
        """The failed steps; the first of them comes first."""
        steps = self.report(*options, expect=expect, **settings)["steps"]
        failed = {name: item for name, item in steps.items() if item["state"] == "failed"}
        for item in failed.values():
            print(f"    {item['name']}: {item['error']['message']} -> {item['remedy']}")
        check(failed, "no step has failed")
        return failed

    def first_failure(self, expect, *options, **settings):
        return next(iter(self.failures(expect, *options, **settings).values()))

    def policy(self, *options):
        return json.loads(self.run("--print-policy", *options).out)


class Store:
    """A bucket on a sandbox or radosgw; `left` is what must be empty after each check."""

    def __init__(self, endpoint):
        self.endpoint, self.client = endpoint, endpoint.boto()

    def left(self):
        uploads = self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        keys = [key for key in list_keys(self.client, BUCKET) if "ringpull-check-" in key]
        return keys + [upload["Key"] for upload in uploads]

    def check_empty(self):
        check_equal(self.left(), [], "what the check has left behind")


def actions_of(policy):
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def without(policy, action):
    policy = json.loads(json.dumps(policy))
    for statement in policy["Statement"]:
        statement["Action"] = [other for other in statement["Action"] if other != action]
    return policy


def check_success(executable, space, store):
    command = Check(executable, space, store.endpoint)
    lines = command.run().out.splitlines()
    check_equal([line[8:26].strip() for line in lines], WRITING, "the steps")
    for line in lines:
        check(re.match(r"ok      .{18} *\d+\.\d{3} s  \S", line), f"another form: {line}")
    check(any("configuration: " + store.endpoint.access_key in line for line in lines),
          "the key's id is not said")
    store.check_empty()
    found = command.report()
    check_equal(list(found["steps"]), sorted(WRITING, key=WRITING.index), "the steps in JSON")
    check(found["prefix"].startswith(f"{ROOT}/ringpull-check-"), f"prefix {found['prefix']}")
    check_equal(found["bucket"], BUCKET, "bucket in JSON")
    store.check_empty()
    # Without a root directory, with an ACL that the sandbox takes, and with keys of the chain.
    other = Check(executable, space, store.endpoint, rootdirectory=None, accesskey=None,
                  secretkey=None)
    found = other.report(**store.endpoint.settings())
    check("environment: " in found["steps"]["credentials"]["detail"],
          f"who gave the key: {found['steps']['credentials']['detail']}")
    store.check_empty()


def check_policy_is_least(executable, space, store):
    gate = PolicyGate(store.endpoint)
    command = Check(executable, space, gate.endpoint)
    gate.policy = command.policy()
    command.run()
    check_equal(gate.asked, actions_of(gate.policy), "the actions that were needed")
    check_equal(gate.policy["Statement"][0]["Condition"],
                {"StringLikeIfExists": {"s3:prefix": f"{ROOT}/*"}}, "the prefix of listings")
    store.check_empty()
    # A read has no prefix: with this condition S3 says that what is missing is forbidden.
    gate.policy["Statement"][0]["Condition"] = {"StringLike": {"s3:prefix": f"{ROOT}/*"}}
    failed = command.failures(DENIED)
    check_equal({name: item["permission"] for name, item in failed.items()},
                {"missing object": "s3:ListBucket"}, "what a condition on reads breaks")
    store.check_empty()
    # Another folder of the bucket is none of its business.
    elsewhere = Check(executable, space, gate.endpoint, rootdirectory="/other")
    failed = elsewhere.failures(DENIED)
    check_equal({item["permission"] for item in failed.values()}, {"s3:ListBucket", "s3:PutObject"},
                "what another folder lacks")
    check(f"arn:aws:s3:::{BUCKET}/other/*" in failed["put object"]["remedy"],
          f"the resource: {failed['put object']['remedy']}")
    store.check_empty()


def check_each_permission(executable, space, store):
    gate = PolicyGate(store.endpoint)
    command = Check(executable, space, gate.endpoint)
    whole = command.policy()
    check_equal(set(FIRST_TO_MISS), actions_of(whole), "the permissions to take away")
    for action, name in FIRST_TO_MISS.items():
        with step(f"without {action}"):
            gate.policy = without(whole, action)
            failed = command.failures(DENIED)
            first = next(iter(failed.values()))
            check_equal((first["name"], first["permission"]), (name, action), "what is missing")
            check_equal({item["permission"] for item in failed.values()}, {action},
                        "every failure is about it")
            check(first["remedy"].startswith(f"allow {action} on arn:aws:s3:::{BUCKET}"),
                  f"another remedy: {first['remedy']}")
            if action == "s3:DeleteObject":
                check_equal({key.rsplit("/", 1)[1] for key in store.left()}, {"object", "copy"},
                            "only what was written before the refusal")
                check("left behind: docker/ringpull-check-" in failed["clean up"]["error"]["message"],
                      "what is left is not named")
                for key in store.left():
                    store.client.delete_object(Bucket=BUCKET, Key=key)
            store.check_empty()


def check_odd_root(executable, space, endpoint):
    """Names that a policy would take for wildcards or variables, and one that is no text."""
    odd = Check(executable, space, endpoint, rootdirectory="'/a*b?c${x}'").policy()
    check_equal(odd["Statement"][2]["Resource"],
                f"arn:aws:s3:::{BUCKET}/a${{*}}b${{?}}c${{$}}{{x}}/*", "wildcards that are names")
    command = Check(executable, space, endpoint, rootdirectory="ROOT")
    command.file.write_bytes(command.text.encode().replace(b"ROOT", b"'/a\xffb'"))
    line = command.run("--print-policy", expect=USAGE).err
    check(re.search(r"config\.yml:\d+: storage.s3: parameter rootdirectory: .* of UTF-8", line), line)


def check_key_and_acl(executable, space, store):
    key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd"
    gate = PolicyGate(store.endpoint)
    command = Check(executable, space, gate.endpoint, encrypt="true", keyid=key)
    gate.policy = command.policy()
    check({"kms:GenerateDataKey", "kms:Decrypt"} <= actions_of(gate.policy), "no kms actions")
    gate.policy = without(gate.policy, "kms:GenerateDataKey")
    failed = command.first_failure(DENIED)
    check_equal((failed["name"], failed["permission"]), ("put object", "kms:GenerateDataKey"),
                "what the answer names")
    check(key in failed["remedy"], f"the key is not named: {failed['remedy']}")
    gate.policy = Check(executable, space, gate.endpoint).policy()
    failed = Check(executable, space, gate.endpoint,
                   objectacl="public-read").first_failure(DENIED)
    check("s3:PutObjectAcl" in failed["remedy"], f"no word of the ACL: {failed['remedy']}")
    store.check_empty()


def check_read_only(executable, space, store):
    gate = PolicyGate(store.endpoint)
    command = Check(executable, space, gate.endpoint)
    steps = command.report("--read-only")["steps"]
    check_equal(list(steps), READING, "the steps that read")
    check_equal(steps["ranged get"]["state"], "skipped", "reading in an empty bucket")
    store.client.put_object(Bucket=BUCKET, Key=f"{ROOT}/blobs/data", Body=b"x" * 100)
    gate.policy = command.policy("--read-only")
    steps = command.report("--read-only")["steps"]
    check_equal({item["state"] for item in steps.values()}, {"ok"}, "the states")
    check_equal(gate.asked, actions_of(gate.policy), "the actions that were needed")
    check_equal(gate.methods, {"GET", "HEAD"}, "the methods of signed requests")
    store.client.delete_object(Bucket=BUCKET, Key=f"{ROOT}/blobs/data")


def check_printed_policies(executable, space, endpoint):
    def policy(*options, **parameters):
        return Check(executable, space, endpoint, **parameters).policy(*options)

    def resources(printed):
        return [statement["Resource"] for statement in printed["Statement"]]

    for region, partition in (("eu-central-1", "aws"), ("cn-north-1", "aws-cn"),
                              ("us-gov-west-1", "aws-us-gov")):
        printed = policy(region=region, rootdirectory=None)
        check_equal(resources(printed)[2], f"arn:{partition}:s3:::{BUCKET}/*", "the objects")
        check("Condition" not in printed["Statement"][0], "a condition on nothing")
    acl = actions_of(policy(objectacl="bucket-owner-full-control"))
    check("s3:PutObjectAcl" in acl, "no ACL")
    for private in ("private", "none"):
        check("s3:PutObjectAcl" not in actions_of(policy(objectacl=private)), "an ACL")
    check_equal(actions_of(policy("--read-only")), {"s3:ListBucket", "s3:GetObject"}, "reading")
    by_id = policy(encrypt="true", keyid="1234abcd")["Statement"][-1]
    check_equal(by_id["Resource"], "arn:aws:kms:us-east-1:*:key/1234abcd", "a key by its id")
    alias = policy(encrypt="true", keyid="alias/registry")["Statement"][-1]
    check_equal(alias["Condition"], {"ForAnyValue:StringEquals":
                                     {"kms:ResourceAliases": "alias/registry"}}, "a key's alias")
    check_equal(actions_of(policy("--read-only", encrypt="true", keyid="1234abcd")),
                {"s3:ListBucket", "s3:GetObject", "kms:Decrypt"}, "reading with a key")


def check_mistakes(executable, space, store, secure):
    endpoint = store.endpoint

    def first(expect, *options, at=endpoint, **parameters):
        return Check(executable, space, at, **parameters).first_failure(expect, *options)

    wrong = first(DENIED, secretkey="canary" + "0" * 30)
    check_equal((wrong["name"], wrong["error"]["code"], wrong["remedy"]),
                ("bucket", "SignatureDoesNotMatch", "correct secretkey"), "a wrong secret")
    wrong = first(DENIED, accesskey="RINGPULLNOBODY00001")
    check_equal((wrong["name"], wrong["remedy"]), ("bucket", "correct accesskey and secretkey"),
                "an unknown key")
    wrong = first(DENIED, accesskey=None, secretkey=None)
    check_equal(wrong["name"], "credentials", "no key")
    check("set accesskey and secretkey" in wrong["remedy"], f"remedy: {wrong['remedy']}")
    wrong = first(NOT_FOUND, bucket="no-such-bucket")
    check("bucket" in wrong["remedy"] and wrong["name"] == "bucket", f"remedy: {wrong['remedy']}")
    wrong = first(USAGE, region="eu-west-9")
    check_equal((wrong["name"], wrong["remedy"]), ("region", "set region: us-east-1"), "the region")
    wrong = first(UNREACHABLE, regionendpoint=f"http://127.0.0.1:{space.free_port()}")
    check("regionendpoint" in wrong["remedy"] and wrong["name"] == "connection", f"{wrong}")
    wrong = first(UNREACHABLE, regionendpoint="http://no-such-host.invalid")
    check("regionendpoint" in wrong["remedy"] and wrong["name"] == "connection", f"{wrong}")
    wrong = first(TLS, at=secure.endpoint)
    check_equal(wrong["name"], "connection", "an untrusted certificate")
    check("AWS_CA_BUNDLE" in wrong["remedy"], f"remedy: {wrong['remedy']}")
    trusted = Check(executable, space, secure.endpoint)
    trusted.run(AWS_CA_BUNDLE=str(secure.endpoint.ca))
    wrong = first(USAGE, chunksize="7")
    check_equal(wrong["name"], "configuration", "a wrong parameter")
    check(re.search(r"config\.yml:\d+: .*chunksize", wrong["error"]["message"]), f"{wrong}")
    line = Check(executable, space, endpoint, chunksize="7").run("--print-policy", expect=USAGE).err
    check(line.count("\n") == 1 and "chunksize" in line, f"another line: {line}")
    store.check_empty()


def check_clock(executable, space, store):
    gate = PolicyGate(store.endpoint, date="Fri, 01 Jan 2021 00:00:00 GMT")
    wrong = Check(executable, space, gate.endpoint).first_failure(DENIED)
    check_equal(wrong["name"], "connection", "the clock")
    check("s ahead of the server's" in wrong["error"]["message"] and "NTP" in wrong["remedy"], f"{wrong}")
    store.check_empty()


def check_time(executable, space, store):
    """A server that does not answer costs a step its time, and the rest is not tried."""
    gate, never = PolicyGate(store.endpoint), threading.Event()
    gate.hold = lambda request: never if request.startswith("PUT") else None
    wrong = Check(executable, space, gate.endpoint).first_failure(TIMED_OUT, "--timeout", "1")
    check_equal(wrong["name"], "put object", "the step that waited")
    check(0.9 <= wrong["seconds"] < 10, f"it took {wrong['seconds']} s")
    never.set()
    store.check_empty()


def check_interrupt(executable, space, store):
    """Ctrl-C when a request is done and its answer has not come: of a part, of an upload whose id
    nobody knows then, and of an object."""
    for pattern in ("partNumber=2", "POST .*uploads", "PUT .*object$"):
        gate, reached, never = PolicyGate(store.endpoint), threading.Event(), threading.Event()

        def hold(request, pattern=pattern, reached=reached, never=never):
            if not re.search(pattern, request) or reached.is_set():
                return None
            reached.set()
            return never

        gate.hold = hold
        command = Check(executable, space, gate.endpoint)
        tool = Ringpull(executable, space, gate.endpoint, config=command.file)
        code, err = tool.interrupt("check", when=reached.is_set)
        check_equal(code, INTERRUPTED, f"exit code after {pattern} ({err.strip()})")
        never.set()
        store.check_empty()


RANGES = {"prefixes": [{"ip_prefix": "198.51.100.0/24", "region": "eu-west-3", "service": "EC2"},
                       {"ip_prefix": "203.0.113.0/24", "region": "us-east-1", "service": "S3"}]}


class Edge(BaseHTTPRequestHandler):
    """AWS's list of networks, and what a distribution with no key group gives: the bucket's objects to everybody; or, without a
    store, what one with another key group says."""

    def do_GET(self):
        if self.path == "/ip-ranges.json":
            self.answer(200, json.dumps(RANGES).encode())
            return
        store = self.server.store
        body = b"<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>"
        if store:
            key = unquote(urlsplit(self.path).path)[1:]
            body = store.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        self.server.queries.append(parse_qs(urlsplit(self.path).query))
        self.answer(200 if store else 403, body)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


def make_key(space, name="cloudfront.pem", bits=2048):
    key = space.path / name
    run_program("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}",
                "-out", key)
    return key


def cloudfront(base, key, **options):
    """The section of the configuration, for the id K2JCJMDEHXQW5F unless `options` have another."""
    known = {"baseurl": base, "privatekey": str(key), "keypairid": "K2JCJMDEHXQW5F", **options}
    return ("middleware:\n  storage:\n    - name: cloudfront\n      options:\n"
            + "".join(f"        {name}: {json.dumps(value)}\n" for name, value in known.items()))


def check_warnings(executable, space, store):
    """What is odd is told on standard error, by --print-policy too, and in the JSON."""
    plain = Check(executable, space, store.endpoint)
    check_equal(plain.report()["warnings"], [], "warnings of a configuration without any")
    check_equal(plain.run("--print-policy").err, "", "what is told beside its policy")
    storage = cloudfront("https://cdn.example.com", make_key(space), updatefrenquency="6h")
    odd = Check(executable, space, store.endpoint, storage=storage)
    line = odd.text[:odd.text.index("updatefrenquency")].count("\n") + 1
    begin = f"{odd.file}:{line}: middleware.storage[0].options: parameter updatefrenquency: "
    warnings = odd.report()["warnings"]
    check(len(warnings) == 1 and warnings[0].startswith(begin), f"the warnings: {warnings}")
    for done in (odd.run(), odd.run("--print-policy")):
        check_equal(done.err, f"ringpull check: {warnings[0]}\n", "standard error")
    store.check_empty()


def check_needs_of_middleware(executable, space, store, base):
    """The keys, and the networks to filter by."""
    def found(*options, expect=0, **more):
        storage = cloudfront(base, more.pop("key", first), **more)
        command = Check(executable, space, store.endpoint, storage=storage)
        return command.report("--read-only", *options, expect=expect)

    first, second = make_key(space, "first.pem"), make_key(space, "second.pem")
    steps = found()["steps"]
    check_equal(steps["signing keys"]["detail"], "K2JCJMDEHXQW5F signs (RSA of 2048 bits)", "a key")
    check("client networks" not in steps, "networks without a filter")
    two = {"privatekey": [str(first), str(second)], "keypairid": "KNEW,KOLD"}
    detail = found(**two)["steps"]["signing keys"]["detail"]
    check_equal(detail, "KNEW signs (RSA of 2048 bits), KOLD stands by (RSA of 2048 bits)", "keys")
    long = found(key=make_key(space, "long.pem", bits=3072))
    check_equal(long["steps"]["signing keys"]["detail"], "K2JCJMDEHXQW5F signs (RSA of 3072 bits)",
                "a long key")
    check(any("long.pem holds RSA of 3072 bits" in text for text in long["warnings"]), f"{long}")
    first.unlink()
    report = found(**two)
    check_equal(report["steps"]["signing keys"]["detail"],
                f"KNEW is not there yet ({first}), KOLD signs (RSA of 2048 bits)", "a successor")
    check(any("first.pem: No such file" in text for text in report["warnings"]), f"{report}")
    first.write_text("no key")
    failed = found(**two, expect=USAGE)["steps"]["signing keys"]
    check(failed["error"]["message"].startswith(f"key KNEW: {first}: ")
          and "privatekey" in failed["remedy"], f"a broken successor: {failed}")
    first = second
    near = {"ipfilteredby": "aws", "trustedproxies": "10.0.0.0/8"}
    step_of = found(**near, iprangesurl=f"{base}/ip-ranges.json")["steps"]["client networks"]
    check_equal(step_of["detail"], "2 networks", "the networks")
    odd = {"ipfilteredby": "awsregion", "awsregion": "us-east-1,eu-wst-3", "trustedproxies": "10.0.0.1"}
    report = found(**odd, iprangesurl=f"{base}/ip-ranges.json")
    check_equal(report["steps"]["client networks"]["detail"],
                "2 networks; of eu-wst-3 the list has none, did you mean eu-west-3?", "a region")
    check_equal([text.partition(";")[0] for text in report["warnings"] if "awsregion" in text],
                ["cloudfront: awsregion names eu-wst-3, of which the list has no network"],
                "what is told of it")
    report = found(**near, iprangesurl=f"{base}/nothing", expect=UNREACHABLE)
    failed = report["steps"]["client networks"]
    check("/nothing: the server answers 403" in failed["error"]["message"]
          and "iprangesurl" in failed["remedy"], f"no list: {failed}")
    check(any("every client is sent to CloudFront" in text for text in report["warnings"]),
          f"{report['warnings']}")


def check_middleware(executable, space, store):
    key = make_key(space)
    with ThreadingHTTPServer(("127.0.0.1", 0), Edge) as edge:
        edge.store, edge.queries = store, []
        threading.Thread(target=edge.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{edge.server_port}"
        command = Check(executable, space, store.endpoint, storage=cloudfront(base, key))
        steps = command.report()["steps"]
        check_equal(steps["middleware URL"]["detail"], f"a URL at {base}", "where clients are sent")
        check("middleware GET" not in steps and not edge.queries, "it was fetched without a flag")
        steps = command.report("--fetch-redirect")["steps"]
        check_equal(steps["middleware GET"]["state"], "ok", "the fetch")
        check_equal(set(edge.queries[0]), {"Expires", "Signature", "Key-Pair-Id"}, "the query")
        edge.store = None
        check_needs_of_middleware(executable, space, store, base)
        failed = command.rewritten().first_failure(DENIED, "--fetch-redirect")
        check_equal((failed["name"], failed["permission"]), ("middleware GET", ""), "a wrong key")
        check("key group" in failed["remedy"], f"remedy: {failed['remedy']}")
        # What runs behind the middleware ends first, whatever has gone wrong.
        with open("/dev/full", "w") as full:
            code = subprocess.run([executable, "check", "-c", command.file], stdout=full,
                                  stderr=subprocess.PIPE, env=space.environment(), timeout=60,
                                  check=False).returncode
        check_equal(code, LOCAL, "the exit code when standard output is full")
        edge.shutdown()
    store.check_empty()
    off = Check(executable, space, store.endpoint,
                storage="  redirect:\n    disable: true\n").report()["steps"]
    check_equal([name for name in off if "presigned" in name], [], "redirects that are disabled")
    key.write_text("no key")
    failed = command.rewritten().first_failure(USAGE)
    check_equal(failed["name"], "configuration", "a key that is none")
    check("cloudfront.pem" in failed["error"]["message"], f"{failed}")


def check_radosgw(executable, space):
    server = Radosgw(space)
    store = Store(server.endpoint)
    store.client.create_bucket(Bucket=BUCKET)
    Check(executable, space, server.endpoint).run()
    store.check_empty()
    # The printed policy as a bucket's policy, and everything else denied.
    access_key, secret_key = server.create_user("registry")
    command = Check(executable, space, server.endpoint.with_(access_key=access_key,
                                                             secret_key=secret_key))
    failed = command.first_failure(DENIED)
    check_equal(failed["permission"], "s3:ListBucket", "what a stranger lacks")
    who = {"AWS": ["arn:aws:iam:::user/registry"]}
    where = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    policy = command.policy()
    for statement in policy["Statement"]:
        statement["Principal"] = who
    # radosgw asks for the right to delete several objects on the bucket.
    policy["Statement"].append({"Effect": "Allow", "Principal": who, "Resource": where[0],
                                "Action": ["s3:DeleteObject"]})
    policy["Statement"].append({"Effect": "Deny", "Principal": who, "Resource": where,
                                "NotAction": sorted(actions_of(policy))})
    store.client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    command.run()
    store.check_empty()


def test(executable):
    with Workspace() as space, Workspace() as other:
        with step("the sandboxes start"):
            store = Store(Sandbox(space, executable, buckets=(BUCKET,)).endpoint)
            secure = Store(Sandbox(other, executable, tls=True, buckets=(BUCKET,)).endpoint)
        for title, work in (
                ("everything works", lambda: check_success(executable, space, store)),
                ("the printed policy is enough, and no more",
                 lambda: check_policy_is_least(executable, space, store)),
                ("each permission denied in turn",
                 lambda: check_each_permission(executable, space, store)),
                ("a key of KMS, and an ACL", lambda: check_key_and_acl(executable, space, store)),
                ("reading only", lambda: check_read_only(executable, space, store)),
                ("policies in print",
                 lambda: check_printed_policies(executable, space, store.endpoint)),
                ("policies of odd names",
                 lambda: check_odd_root(executable, space, store.endpoint)),
                ("mistakes", lambda: check_mistakes(executable, space, store, secure)),
                ("a clock that is wrong", lambda: check_clock(executable, space, store)),
                ("a server that does not answer", lambda: check_time(executable, space, store)),
                ("warnings", lambda: check_warnings(executable, space, store)),
                ("middlewares", lambda: check_middleware(executable, space, store)),
                ("Ctrl-C", lambda: check_interrupt(executable, space, store)),
                ("radosgw", lambda: check_radosgw(executable, space))):
            with step(title):
                work()


run_test("check", lambda: test(sys.argv[1]), seconds_max=190)
