"""boto3 at work on objects: put, get, head, ranges, conditions, copies, deletes, presigned URLs."""

import hashlib
import urllib.request

from foreign.server import expect_error
from support.checks import check, check_equal, step
from support.endpoints import list_keys
from support.images import random_bytes

BUCKET = "boto3-objects"

# Names that a wrong percent-encoding, normalisation or sort order would break.
KEYS = ["plain", "with space", "plus+sign", "percent%20literal", "a/./b", "a/../b", "double//slash",
        "marker/", "semi;colon,and=&?#", "quote'\"<>&", "tilde~(paren)*!", "ключ/鍵", "z\U0001f600",
        "z\uffee", "UPPER", "a" * 1024]


def md5_etag(body):
    return f'"{hashlib.md5(body).hexdigest()}"'


def work(server):
    client = server.new_bucket(BUCKET)
    with step("boto3: put, get and head under every kind of key"):
        check_keys(client)
    with step("boto3: metadata"):
        check_metadata(client)
    with step("boto3: ranges"):
        check_ranges(server, client)
    with step("boto3: conditions"):
        check_conditions(server, client)
    with step("boto3: copies"):
        check_copies(server, client)
    with step("boto3: deletes"):
        check_deletes(client)
    with step("boto3: presigned URLs"):
        check_presigned(server, client)
    with step("boto3: errors"):
        check_errors(server, client)
    with step("boto3: buckets"):
        check_buckets(server, client)


def check_keys(client):
    for key in KEYS:
        body = f"the body of {key}".encode()
        put = client.put_object(Bucket=BUCKET, Key=key, Body=body)
        check_equal(put["ETag"], md5_etag(body), f"ETag of put {key}")
        got = client.get_object(Bucket=BUCKET, Key=key)
        check_equal(got["Body"].read(), body, f"body of {key}")
        head = client.head_object(Bucket=BUCKET, Key=key)
        check_equal((head["ETag"], head["ContentLength"]), (md5_etag(body), len(body)),
                    f"head of {key}")
    check_equal(list_keys(client, BUCKET), sorted(KEYS, key=str.encode), "keys in UTF-8 order")
    client.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    check_equal(client.get_object(Bucket=BUCKET, Key="empty")["Body"].read(), b"", "empty object")
    check_equal(client.put_object(Bucket=BUCKET, Key="plain", Body=b"newer")["ETag"],
                md5_etag(b"newer"), "ETag of an overwriting put")
    check_equal(client.get_object(Bucket=BUCKET, Key="plain")["Body"].read(), b"newer",
                "body after an overwriting put")


def check_metadata(client):
    client.put_object(Bucket=BUCKET, Key="described", Body=b"x", ContentType="text/x-test",
                      CacheControl="max-age=5", ContentDisposition="inline",
                      Metadata={"color": "blue", "size": "two words"})
    for answer in (client.head_object(Bucket=BUCKET, Key="described"),
                   client.get_object(Bucket=BUCKET, Key="described")):
        check_equal((answer["ContentType"], answer["CacheControl"], answer["ContentDisposition"]),
                    ("text/x-test", "max-age=5", "inline"), "stored headers")
        check_equal(answer["Metadata"], {"color": "blue", "size": "two words"}, "metadata")


def check_ranges(server, client):
    body = random_bytes(100_000, seed=11)
    client.put_object(Bucket=BUCKET, Key="ranged", Body=body)
    for text, expected in (("bytes=0-0", (0, 1)), ("bytes=0-99", (0, 100)),
                           ("bytes=50000-50999", (50000, 51000)), ("bytes=99990-", (99990, 100000)),
                           ("bytes=99990-200000", (99990, 100000)), ("bytes=-10", (99990, 100000)),
                           ("bytes=-200000", (0, 100000)), ("bytes=0-", (0, 100000))):
        got = client.get_object(Bucket=BUCKET, Key="ranged", Range=text)
        first, end = expected
        check_equal(got["ResponseMetadata"]["HTTPStatusCode"], 206, f"status of {text}")
        check_equal(got["ContentRange"], f"bytes {first}-{end - 1}/{len(body)}", f"range of {text}")
        check(got["Body"].read() == body[first:end], f"{text} gave other bytes")
    beyond = ["bytes=100000-", "bytes=100000-100001"]
    if server.keeps_to("the last 0 bytes give 416 InvalidRange"):
        beyond.append("bytes=-0")
    for text in beyond:
        expect_error(416, "InvalidRange", client.get_object, Bucket=BUCKET, Key="ranged",
                     Range=text)
    head = client.head_object(Bucket=BUCKET, Key="ranged", Range="bytes=10-19")
    check_equal((head["ResponseMetadata"]["HTTPStatusCode"], head["ContentLength"]), (206, 10),
                "head with a range")


def check_conditions(server, client):
    etag = client.put_object(Bucket=BUCKET, Key="conditional", Body=b"one")["ETag"]
    name = dict(Bucket=BUCKET, Key="conditional")
    other = md5_etag(b"other")
    check_equal(client.get_object(**name, IfMatch=etag)["Body"].read(), b"one", "If-Match")
    check_equal(client.get_object(**name, IfNoneMatch=other)["ETag"], etag, "If-None-Match")
    expect_error(412, "PreconditionFailed", client.get_object, **name, IfMatch=other)
    expect_error(304, "304", client.get_object, **name, IfNoneMatch=etag)
    expect_error(304, "304", client.head_object, **name, IfNoneMatch=etag)
    expect_error(412, "412", client.head_object, **name, IfMatch=other)
    check_put_conditions(server, name, etag, other)


def check_put_conditions(server, name, etag, other):
    def putting(**headers):
        client = server.endpoint.boto()
        client.meta.events.register("before-call.s3.PutObject",
                                    lambda params, **_: params["headers"].update(headers))
        return client.put_object
    expect_error(412, "PreconditionFailed", putting(**{"If-None-Match": "*"}), **name, Body=b"no")
    expect_error(412, "PreconditionFailed", putting(**{"If-Match": other}), **name, Body=b"no")
    client = server.endpoint.boto()
    check_equal(client.get_object(**name)["Body"].read(), b"one", "body after refused puts")
    if server.keeps_to("PUT If-Match with the right ETag is done"):
        putting(**{"If-Match": etag})(**name, Body=b"two")
        check_equal(client.get_object(**name)["Body"].read(), b"two", "body after put If-Match")
    fresh = dict(name, Key="conditional-new")
    if server.keeps_to("PUT If-Match on a missing key gives 404 NoSuchKey"):
        expect_error(404, "NoSuchKey", putting(**{"If-Match": etag}), **fresh, Body=b"no")
    putting(**{"If-None-Match": "*"})(**fresh, Body=b"new")
    check_equal(client.get_object(**fresh)["Body"].read(), b"new", "body of put If-None-Match: *")


def check_copies(server, client):
    body = random_bytes(70_000, seed=12)
    source = "origin/ключ + %41"
    etag = client.put_object(Bucket=BUCKET, Key=source, Body=body, ContentType="text/x-test",
                             Metadata={"color": "red"})["ETag"]
    where = {"Bucket": BUCKET, "Key": source}
    copied = client.copy_object(Bucket=BUCKET, Key="copy", CopySource=where)
    check_equal(copied["CopyObjectResult"]["ETag"].strip('"'), etag.strip('"'), "ETag of a copy")
    got = client.get_object(Bucket=BUCKET, Key="copy")
    check(got["Body"].read() == body, "a copy has other bytes")
    check_equal((got["ContentType"], got["Metadata"]), ("text/x-test", {"color": "red"}),
                "what a copy inherits")
    client.copy_object(Bucket=BUCKET, Key="copy", CopySource=where, MetadataDirective="REPLACE",
                       ContentType="text/other", Metadata={"color": "green"})
    head = client.head_object(Bucket=BUCKET, Key="copy")
    check_equal((head["ContentType"], head["Metadata"]), ("text/other", {"color": "green"}),
                "what a copy replaces")
    expect_error(400, "InvalidRequest", client.copy_object, Bucket=BUCKET, Key=source,
                 CopySource=where)  # onto itself, with nothing changed
    if server.keeps_to("CopyObject heeds x-amz-copy-source-if-match"):
        expect_error(412, "PreconditionFailed", client.copy_object, Bucket=BUCKET, Key="copy",
                     CopySource=where, CopySourceIfMatch=md5_etag(b"other"))
    expect_error(404, "NoSuchKey", client.copy_object, Bucket=BUCKET, Key="copy",
                 CopySource={"Bucket": BUCKET, "Key": "missing"})


def check_deletes(client):
    names = [f"doomed/{number}+ключ&<" for number in range(20)]
    for name in names:
        client.put_object(Bucket=BUCKET, Key=name, Body=b"x")
    client.delete_object(Bucket=BUCKET, Key=names[0])
    expect_error(404, "NoSuchKey", client.get_object, Bucket=BUCKET, Key=names[0])
    client.delete_object(Bucket=BUCKET, Key=names[0])  # a missing key is no error
    done = client.delete_objects(Bucket=BUCKET, Delete={"Objects": [
        {"Key": name} for name in names[:10]]})  # one of them missing
    check_equal(sorted(item["Key"] for item in done["Deleted"]), sorted(names[:10]), "deleted")
    done = client.delete_objects(Bucket=BUCKET, Delete={"Quiet": True, "Objects": [
        {"Key": name} for name in names[10:]]})
    check_equal((done.get("Deleted", []), done.get("Errors", [])), ([], []), "quiet delete")
    check_equal(list_keys(client, BUCKET, Prefix="doomed/"), [], "keys after deleting them")


def check_presigned(server, client):
    name = {"Bucket": BUCKET, "Key": "presigned/ключ + x"}
    request = urllib.request.Request(client.generate_presigned_url("put_object", name),
                                     data=b"by url", method="PUT")
    with server.fetch(request) as answer:
        check_equal(answer.headers["ETag"], md5_etag(b"by url"), "ETag of a presigned put")
    with server.fetch(client.generate_presigned_url("get_object", name)) as answer:
        check_equal(answer.read(), b"by url", "body of a presigned get")
    named = {**name, "ResponseContentType": "text/x-wanted",
             "ResponseContentDisposition": "attachment; filename=x"}
    with server.fetch(client.generate_presigned_url("get_object", named)) as answer:
        check_equal((answer.headers["Content-Type"], answer.headers["Content-Disposition"]),
                    ("text/x-wanted", "attachment; filename=x"), "headers asked for in a URL")
    request = urllib.request.Request(client.generate_presigned_url("head_object", name),
                                     method="HEAD")
    with server.fetch(request) as answer:
        check_equal(answer.headers["Content-Length"], "6", "length by a presigned head")


def check_errors(server, client):
    expect_error(404, "NoSuchKey", client.get_object, Bucket=BUCKET, Key="no/such/key")
    expect_error(404, "404", client.head_object, Bucket=BUCKET, Key="no/such/key")
    expect_error(404, "NoSuchBucket", client.get_object, Bucket="no-such-bucket", Key="x")
    expect_error(404, "NoSuchBucket", client.put_object, Bucket="no-such-bucket", Key="x", Body=b"")
    expect_error(404, "NoSuchBucket", client.list_objects_v2, Bucket="no-such-bucket")
    expect_error(404, "404", client.head_bucket, Bucket="no-such-bucket")
    expect_error(400, "BadDigest", client.put_object, Bucket=BUCKET, Key="digest", Body=b"x",
                 ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    expect_error(400, "InvalidDigest", client.put_object, Bucket=BUCKET, Key="digest", Body=b"x",
                 ContentMD5="short")
    expect_error(404, "404", client.head_object, Bucket=BUCKET, Key="digest")
    if server.keeps_to("a key of 1025 bytes gives 400 KeyTooLongError"):
        expect_error(400, "KeyTooLongError", client.put_object, Bucket=BUCKET, Key="k" * 1025,
                     Body=b"")


def check_buckets(server, client):
    check(BUCKET in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]],
          "the new bucket is not listed")
    client.head_bucket(Bucket=BUCKET)
    if server.keeps_to("GetBucketLocation names the region"):
        location = client.get_bucket_location(Bucket=BUCKET)["LocationConstraint"]
        check_equal(location or "us-east-1", server.endpoint.region, "location")
    expect_error(409, "BucketNotEmpty", client.delete_bucket, Bucket=BUCKET)
    expect_error(400, "InvalidBucketName", client.create_bucket, Bucket="No")
    client.create_bucket(Bucket="boto3-short-lived")
    client.delete_bucket(Bucket="boto3-short-lived")
    expect_error(404, "404", client.head_bucket, Bucket="boto3-short-lived")
