"""boto3 uploads in parts: by hand, by copying, by its transfer manager; lists, aborts, mistakes."""

import hashlib

from boto3.s3.transfer import TransferConfig

from foreign.server import expect_error
from support.checks import check, check_equal, step
from support.endpoints import list_keys
from support.images import random_bytes, sha256_of, write_random_file

BUCKET = "boto3-multipart"
MIB = 1 << 20


def work(server):
    client = server.new_bucket(BUCKET)
    with step("boto3: an upload in parts"):
        check_upload(server, client)
    with step("boto3: parts copied from another object"):
        check_part_copies(server, client)
    with step("boto3: lists of parts and uploads"):
        check_lists(client)
    with step("boto3: abort"):
        check_abort(server, client)
    with step("boto3: parts too small, missing, in the wrong order"):
        check_mistakes(server, client)
    with step("boto3: 40 MiB by the transfer manager"):
        check_transfer(server, client)


class Upload:
    """One multipart upload and the parts that were put into it."""

    def __init__(self, client, key, **options):
        self._client, self.key = client, key
        self.id = client.create_multipart_upload(Bucket=BUCKET, Key=key, **options)["UploadId"]
        self.name = dict(Bucket=BUCKET, Key=key, UploadId=self.id)
        self.parts = []

    def put(self, number, body):
        etag = self._client.upload_part(**self.name, PartNumber=number, Body=body)["ETag"]
        self.parts.append({"PartNumber": number, "ETag": etag})
        return etag

    def complete(self, parts=None):
        return self._client.complete_multipart_upload(
            **self.name, MultipartUpload={"Parts": self.parts if parts is None else parts})


def multipart_etag(*bodies):
    digests = b"".join(hashlib.md5(body).digest() for body in bodies)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(bodies)}"'


def check_upload(server, client):
    bodies = [random_bytes(size, seed=size) for size in (5 * MIB, 6 * MIB, 100)]
    upload = Upload(client, "three/ключ +", ContentType="text/x-test", Metadata={"color": "blue"})
    for number in (7, 2):  # any numbers, in any order; a part may be replaced
        upload.put(number, bodies[0])
    upload.parts.clear()
    upload.put(7, bodies[1])
    upload.put(2, bodies[0])
    upload.put(10000, bodies[2])
    upload.parts.sort(key=lambda part: part["PartNumber"])
    done = upload.complete()
    if server.keeps_to("CompleteMultipartUpload answers with the ETag"):
        check_equal(done["ETag"], multipart_etag(*bodies), "ETag of three parts")
    check_equal((done["Bucket"], done["Key"]), (BUCKET, upload.key), "what was completed")
    got = client.get_object(Bucket=BUCKET, Key=upload.key)
    check_equal(got["ETag"], multipart_etag(*bodies), "ETag of an object of three parts")
    check(got["Body"].read() == b"".join(bodies), "the parts came back with other bytes")
    check_equal((got["ContentType"], got["Metadata"]), ("text/x-test", {"color": "blue"}),
                "headers given when the upload was created")
    across = client.get_object(Bucket=BUCKET, Key=upload.key,
                               Range=f"bytes={5 * MIB - 10}-{5 * MIB + 9}")["Body"].read()
    check(across == bodies[0][-10:] + bodies[1][:10], "a range across parts has other bytes")


def check_part_copies(server, client):
    body = random_bytes(11 * MIB, seed=21)
    source = {"Bucket": BUCKET, "Key": "copied/from ключ"}
    etag = client.put_object(**source, Body=body)["ETag"]
    upload = Upload(client, "copied/to")
    ranges = [(0, 5 * MIB), (5 * MIB, 11 * MIB - 1), (11 * MIB - 1, 11 * MIB)]
    for number, (first, end) in enumerate(ranges, start=1):
        copied = client.upload_part_copy(**upload.name, PartNumber=number, CopySource=source,
                                         CopySourceRange=f"bytes={first}-{end - 1}",
                                         CopySourceIfMatch=etag)
        upload.parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    if server.keeps_to("UploadPartCopy heeds x-amz-copy-source-if-match"):
        expect_error(412, "PreconditionFailed", client.upload_part_copy, **upload.name,
                     PartNumber=4, CopySource=source, CopySourceIfMatch=f'"{"0" * 32}"')
    upload.complete()
    check(client.get_object(Bucket=BUCKET, Key="copied/to")["Body"].read() == body,
          "the copied parts came back with other bytes")


def check_lists(client):
    first, second = Upload(client, "listed/one"), Upload(client, "listed/two")
    for number in range(1, 6):
        first.put(number, b"x" * number)
    page = client.list_parts(**first.name, MaxParts=3)
    check_equal((page["IsTruncated"], page["NextPartNumberMarker"],
                 [(part["PartNumber"], part["Size"], part["ETag"]) for part in page["Parts"]]),
                (True, 3, [(part["PartNumber"], part["PartNumber"], part["ETag"])
                           for part in first.parts[:3]]), "first page of parts")
    page = client.list_parts(**first.name, PartNumberMarker=3)
    check_equal((page["IsTruncated"], [part["PartNumber"] for part in page["Parts"]]),
                (False, [4, 5]), "second page of parts")
    third = Upload(client, "other/three")
    everything = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    check_equal([(item["Key"], item["UploadId"]) for item in everything],
                [(upload.key, upload.id) for upload in (first, second, third)], "uploads")
    listed = client.list_multipart_uploads(Bucket=BUCKET, Prefix="listed/", MaxUploads=1)
    check_equal((listed["IsTruncated"], [item["Key"] for item in listed["Uploads"]]),
                (True, ["listed/one"]), "first page of uploads")
    listed = client.list_multipart_uploads(
        Bucket=BUCKET, Prefix="listed/", KeyMarker=listed["NextKeyMarker"],
        UploadIdMarker=listed["NextUploadIdMarker"])
    check_equal([item["UploadId"] for item in listed["Uploads"]], [second.id], "second page")
    check("listed/one" not in list_keys(client, BUCKET), "an upload under way is listed as object")
    for upload in (first, second, third):
        client.abort_multipart_upload(**upload.name)
    check_equal(client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []), [],
                "uploads after aborting them")


def check_abort(server, client):
    upload = Upload(client, "aborted")
    upload.put(1, b"x")
    client.abort_multipart_upload(**upload.name)
    if server.keeps_to("ListParts of an aborted upload gives 404 NoSuchUpload"):
        expect_error(404, "NoSuchUpload", client.list_parts, **upload.name)
    expect_error(404, "NoSuchUpload", client.upload_part, **upload.name, PartNumber=1, Body=b"x")
    if server.keeps_to("completing an aborted upload gives 404 NoSuchUpload"):
        expect_error(404, "NoSuchUpload", upload.complete)
    expect_error(404, "NoSuchKey", client.get_object, Bucket=BUCKET, Key="aborted")


def check_mistakes(server, client):
    upload = Upload(client, "mistaken")
    small, large = upload.put(1, b"x" * (5 * MIB - 1)), upload.put(2, b"y" * 5 * MIB)
    upload.put(3, b"z")
    expect_error(400, "EntityTooSmall", upload.complete)
    if server.keeps_to("parts out of order give 400 InvalidPartOrder"):
        expect_error(400, "InvalidPartOrder", upload.complete, parts=upload.parts[1::-1])
    expect_error(400, "InvalidPart", upload.complete, parts=[
        {"PartNumber": 2, "ETag": large}, {"PartNumber": 4, "ETag": small}])
    expect_error(400, "InvalidPart", upload.complete, parts=[
        {"PartNumber": 2, "ETag": small}])
    expect_error(400, "MalformedXML", upload.complete, parts=[])
    if server.keeps_to("part numbers 0 and 10001 give 400 InvalidArgument"):
        for number in (0, 10001):
            expect_error(400, "InvalidArgument", client.upload_part, **upload.name,
                         PartNumber=number, Body=b"x")
    expect_error(404, "NoSuchKey", client.get_object, Bucket=BUCKET, Key="mistaken")
    if server.keeps_to("an upload can be completed without one of its parts"):
        upload.complete(parts=upload.parts[1:])  # after refusals, the upload is as good as before
        check_equal(client.head_object(Bucket=BUCKET, Key="mistaken")["ContentLength"],
                    5 * MIB + 1, "length once the parts are right")


def check_transfer(server, client):
    source, back = server.space.path / "transfer", server.space.path / "transfer-back"
    write_random_file(source, 40 * MIB + 5, seed=22)
    transfer = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB,
                              max_concurrency=4)
    client.upload_file(str(source), BUCKET, "transfer", Config=transfer)
    client.copy({"Bucket": BUCKET, "Key": "transfer"}, BUCKET, "transfer-copy", Config=transfer)
    client.download_file(BUCKET, "transfer-copy", str(back), Config=transfer)
    check_equal(sha256_of(back), sha256_of(source), "sha256 after upload, copy and download")
