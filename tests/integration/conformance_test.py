"""The conformance suite of storage drivers on Ceph's radosgw, by a user who may do what a bucket
policy says: the documented actions and no others, then fewer.

Usage: conformance_test.py CONFORMANCE [--long]
"""

import json
import re
import sys

from support.checks import check, check_equal, run_test, say, step
from support.endpoints import list_keys
from support.programs import run_program
from support.radosgw import Radosgw
from support.workspace import Workspace

BUCKET = "conformance"
SMALL = ("s3:ListAllMyBuckets", "s3:ListBucket", "s3:GetBucketLocation", "s3:PutObject",
         "s3:GetObject", "s3:DeleteObject")
DOCUMENTED = ("s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads",
              "s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListMultipartUploadParts",
              "s3:AbortMultipartUpload")

# Everything without a root directory; what depends on paths also below the longest one.
SUITE = ":".join(["*/NoRoot", *(f"With/{suite}.*/RootWithSlash" for suite in (
    "Paths", "Stat", "List", "Walk", "Remove", "Redirect"))]) + ":-*SmallPolicy*"


def allow(client, user, actions):
    """Exactly these: what the user made belongs to it, so that the rest must be denied."""
    who = {"AWS": [f"arn:aws:iam:::user/{user}"]}
    where = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": who, "Action": list(actions), "Resource": where},
            {"Effect": "Deny", "Principal": who, "NotAction": list(actions), "Resource": where}]}))


def is_denied(call, **arguments):
    try:
        call(Bucket=BUCKET, **arguments)
    except Exception as error:  # pylint: disable=broad-except
        return error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return False


def run_suite(program, space, owner, driver, tests, seconds_max, **settings):
    environment = space.environment(
        RINGPULL_CONFORMANCE_ENDPOINT=driver.url, RINGPULL_CONFORMANCE_BUCKET=BUCKET,
        RINGPULL_CONFORMANCE_KEY=driver.access_key, RINGPULL_CONFORMANCE_SECRET=driver.secret_key,
        RINGPULL_CONFORMANCE_OWNER_KEY=owner.access_key,
        RINGPULL_CONFORMANCE_OWNER_SECRET=owner.secret_key, **settings)
    done = run_program(program, f"--gtest_filter={tests}", "--gtest_brief=1", env=environment,
                       seconds_max=seconds_max, expect=None)
    if done.code != 0:
        print(done.out, done.err)
    check_equal(done.code, 0, "exit code of the suite")
    say(done.out.strip().splitlines()[-1])
    check(re.search(r"PASSED  \] [1-9]", done.out), "no test has run")


def test(program, long):
    with Workspace() as space:
        with step("radosgw starts"):
            server = Radosgw(space, on_disk=long)
            owner = server.endpoint
            client = owner.boto()
            client.create_bucket(Bucket=BUCKET)
            access_key, secret_key = server.create_user("driver")
            driver = owner.with_(access_key=access_key, secret_key=secret_key)
        if long:
            with step("the long tests"):
                allow(client, "driver", DOCUMENTED)
                run_suite(program, space, owner, driver, "*Long*/NoRoot", 1500)
            return
        with step("the whole suite with the documented permissions"):
            allow(client, "driver", DOCUMENTED)
            check(is_denied(driver.boto().get_bucket_acl), "the policy does not hold")
            run_suite(program, space, owner, driver, SUITE, 240)
            server.collect_garbage()
        with step("push, pull and delete with fewer permissions"):
            allow(client, "driver", SMALL)
            check(is_denied(driver.boto().list_multipart_uploads), "the policy does not hold")
            run_suite(program, space, owner, driver, "*SmallPolicy*/NoRoot", 60,
                      RINGPULL_CONFORMANCE_SMALL_POLICY="1")
        check_equal(list_keys(client, BUCKET), [], "what the suite has left in the bucket")


if __name__ == "__main__":
    LONG = "--long" in sys.argv[2:]
    run_test("conformance", lambda: test(sys.argv[1], LONG), seconds_max=1700 if LONG else 350)
