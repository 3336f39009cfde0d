"""Checksum headers: verified, stored and returned; and boto3's own way to send them."""

import base64
import functools
import hashlib

from foreign.signed_requests import Request
from support.checks import check, check_equal, step
from support.endpoints import list_keys
from support.images import random_bytes

BUCKET = "checksums"
CHECK_INPUT = b"123456789"  # of which every CRC's published check value is taken


@functools.lru_cache
def _crc_table(polynomial):
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (polynomial if byte & 1 else 0)
        table.append(byte)
    return table


def _crc(polynomial, bits, data):
    """A reflected CRC with all ones before and after, as both of Amazon's are."""
    ones = (1 << bits) - 1
    table, crc = _crc_table(polynomial), ones
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return (crc ^ ones).to_bytes(bits // 8, "big")


def crc32c(data):
    return _crc(0x82F63B78, 32, data)


def crc64nvme(data):
    return _crc(0x9A6C9329AC4BC9B5, 64, data)


ALGORITHMS = {"crc32c": crc32c, "crc64nvme": crc64nvme,
              "sha256": lambda data: hashlib.sha256(data).digest()}


def header(name):
    return f"x-amz-checksum-{name}"


def value(name, data):
    return base64.b64encode(ALGORITHMS[name](data)).decode()


def work(server):
    check_equal(crc32c(CHECK_INPUT).hex(), "e3069283", "check value of CRC32C")
    check_equal(crc64nvme(CHECK_INPUT).hex(), "ae8b14860a799888", "check value of CRC64NVME")
    client = server.new_bucket(BUCKET)
    if not server.keeps_to("x-amz-checksum headers are verified, stored and returned"):
        return
    for name in ALGORITHMS:
        with step(f"checksums: {name} of objects and parts"):
            check_object(server.endpoint, name)
            check_part(server.endpoint, client, name)
    with step("checksums: boto3's own"):
        check_boto3(client)
    check_equal([key for key in list_keys(client, BUCKET) if "bad" in key], [],
                "objects whose checksum was wrong")


def put(endpoint, key, body, **headers):
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Request(endpoint, "PUT", f"/{BUCKET}/{key}", body=body, headers=names).sign()


def read(endpoint, method, key, **headers):
    request = Request(endpoint, method, f"/{BUCKET}/{key}", headers=headers)
    return request.sign().must_give(200, "", f"{method} {key}")


def check_object(endpoint, name):
    for size in (0, 9, 70_001):
        body, key = random_bytes(size, seed=size), f"{name}-{size}"
        good = value(name, body)
        answer = put(endpoint, key, body, **{header(name): good}).must_give(200, "", f"put {key}")
        check_equal(answer.headers[header(name)], good, f"{header(name)} in the answer to put")
        for method in ("HEAD", "GET"):
            asked = read(endpoint, method, key, **{"x-amz-checksum-mode": "ENABLED"})
            check_equal(asked.headers[header(name)], good, f"{header(name)} of {method}")
            check_equal(read(endpoint, method, key).headers[header(name)], None,
                        f"{header(name)} of {method} that did not ask")
    bad = value(name, b"another body")
    put(endpoint, f"{name}-bad", b"body", **{header(name): bad}).must_give(
        400, "BadDigest", f"a wrong {name}")
    put(endpoint, f"{name}-bad", b"body", **{header(name): "AAA="}).must_give(
        400, "InvalidRequest", f"a {name} of the wrong length")


def check_part(endpoint, client, name):
    upload = dict(Bucket=BUCKET, Key=f"{name}-parts")
    upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
    body = random_bytes(10_000, seed=31)

    def part(text):
        query = {"partNumber": "1", "uploadId": upload["UploadId"]}
        return Request(endpoint, "PUT", f"/{BUCKET}/{upload['Key']}", body=body, query=query,
                       headers={header(name): text}).sign()
    part(value(name, b"another")).must_give(400, "BadDigest", f"a part with a wrong {name}")
    check_equal(client.list_parts(**upload).get("Parts", []), [], "parts after a refused one")
    answer = part(value(name, body)).must_give(200, "", f"a part with {name}")
    check_equal(answer.headers[header(name)], value(name, body), "checksum of the part")
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": answer.headers["ETag"]}]})
    check(read(endpoint, "GET", upload["Key"]).body == body, "the part has other bytes")


def check_boto3(client):
    """Over http boto3 sends a header, over https a trailer behind an aws-chunked body."""
    body = random_bytes(200_000, seed=32)
    for algorithm in ("SHA256", "CRC32C"):
        field = f"Checksum{algorithm}"
        client.put_object(Bucket=BUCKET, Key="by-boto3", Body=body, ChecksumAlgorithm=algorithm)
        got = client.get_object(Bucket=BUCKET, Key="by-boto3", ChecksumMode="ENABLED")
        check_equal(got[field], value(algorithm.lower(), body), f"{field} of boto3's put")
        check(got["Body"].read() == body, "boto3's put has other bytes")  # verifies it once more
