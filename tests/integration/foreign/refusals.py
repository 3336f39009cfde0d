"""Requests that botocore signed and somebody spoilt: each is refused as Amazon refuses it."""

import contextlib
import hashlib
import socket
import ssl

from foreign.signed_requests import Request
from support.checks import check, check_equal, step
from support.endpoints import list_keys

BUCKET = "refusals"
BODY = b"what it was from the start"
MINUTE = 60
WEEK = 7 * 24 * 60 * MINUTE


def work(server):
    client = server.new_bucket(BUCKET)
    client.put_object(Bucket=BUCKET, Key="kept", Body=BODY)
    with step("refusals: keys"):
        check_keys(server)
    with step("refusals: clock"):
        check_clock(server)
    with step("refusals: changes after signing"):
        check_changes(server)
    with step("refusals: payload hash"):
        check_payload(server)
    with step("refusals: scope and form of the authorization"):
        check_scope(server)
    with step("refusals: presigned URLs"):
        check_presigned(server)
    with step("refusals: bodies cut short or without a length"):
        check_bodies(server)
    check_equal(list_keys(client, BUCKET), ["kept"], "objects that refused requests left")
    check_equal(client.get_object(Bucket=BUCKET, Key="kept")["Body"].read(), BODY,
                "the object that refused requests aimed at")


def get(endpoint, **options):
    return Request(endpoint, "GET", f"/{BUCKET}/kept", **options)


def put(endpoint, **options):
    return Request(endpoint, "PUT", f"/{BUCKET}/refused", **options)


def delete(endpoint):
    return Request(endpoint, "DELETE", f"/{BUCKET}/kept")


def check_keys(server):
    endpoint = server.endpoint
    check_equal(get(endpoint).sign().must_give(200, "", "a good request").body, BODY, "body")
    wrong = endpoint.with_(secret_key=endpoint.secret_key[:-1] + "#")
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        request = Request(wrong, method, f"/{BUCKET}/kept", body=b"x" if method == "PUT" else b"")
        request.sign().must_give(403, "SignatureDoesNotMatch", f"{method} with a wrong secret")
    stranger = endpoint.with_(access_key="AKIDNOBODYKNOWSME000")
    get(stranger).sign().must_give(403, "InvalidAccessKeyId", "an unknown access key")
    for request in (get(endpoint), put(endpoint, body=b"x"), delete(endpoint)):
        request.must_give(403, "AccessDenied", f"{request.method} without authorization")
    expecting = put(wrong, body=b"x" * 100_000, headers={"Expect": "100-continue"})
    expecting.sign().must_give(403, "SignatureDoesNotMatch", "Expect with a wrong secret")


def check_clock(server):
    for minutes in (-14, 14):
        get(server.endpoint).sign(at=minutes * MINUTE).must_give(200, "", f"{minutes} min of skew")
    for minutes in (-16, 16, -24 * 60, 24 * 60):
        get(server.endpoint).sign(at=minutes * MINUTE).must_give(
            403, "RequestTimeTooSkewed", f"{minutes} min of skew")


def check_changes(server):
    endpoint = server.endpoint

    def changed(what, request, **changes):
        request.sign()
        for field, value in changes.items():
            setattr(request, field, value)
        request.must_give(403, "SignatureDoesNotMatch", f"{what} changed after signing")

    changed("path", get(endpoint), path=f"/{BUCKET}/other")
    changed("method", get(endpoint), method="DELETE")
    changed("query", get(endpoint), query={"response-content-type": "text/html"})
    listing = Request(endpoint, "GET", f"/{BUCKET}", query={"list-type": "2", "prefix": "a"})
    changed("query value", listing, query={"list-type": "2", "prefix": "b"})
    request = put(endpoint, body=b"x", headers={"x-amz-meta-color": "blue"}).sign()
    request.headers["x-amz-meta-color"] = "red"
    request.must_give(403, "SignatureDoesNotMatch", "signed header changed after signing")
    request = get(endpoint).sign()
    request.headers["Authorization"] = _with_other_last_digit(request.headers["Authorization"])
    request.must_give(403, "SignatureDoesNotMatch", "signature changed")
    if server.keeps_to("an x-amz header that is not signed gives 403 AccessDenied"):
        request = put(endpoint, body=b"x").sign()
        request.headers["x-amz-meta-color"] = "red"
        request.must_give(403, "AccessDenied", "an x-amz header added after signing")


def _with_other_last_digit(signature):
    return signature[:-1] + ("0" if signature[-1] != "0" else "1")


def check_payload(server):
    of_another = hashlib.sha256(b"another body").hexdigest()
    put(server.endpoint, body=b"the body").sign(payload_hash=of_another).must_give(
        400, "XAmzContentSHA256Mismatch", "a hash of another body")
    put(server.endpoint, body=b"x" * (3 << 20)).sign(payload_hash=of_another).must_give(
        400, "XAmzContentSHA256Mismatch", "a hash of another body of 3 MiB")
    if server.keeps_to("a payload hash that is none gives 400 InvalidArgument"):
        put(server.endpoint, body=b"the body").sign(payload_hash="rubbish").must_give(
            400, "InvalidArgument", "a hash that is none")


def check_scope(server):
    if server.keeps_to("a wrong region or service gives 400 AuthorizationHeaderMalformed"):
        get(server.endpoint).sign(region="eu-north-1").must_give(
            400, "AuthorizationHeaderMalformed", "another region")
        get(server.endpoint).sign(service="ec2").must_give(
            400, "AuthorizationHeaderMalformed", "another service")
    if server.keeps_to("an authorization without its fields is malformed"):
        request = get(server.endpoint).sign()
        request.headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=x"
        request.must_give(400, "AuthorizationHeaderMalformed", "fields missing")


def check_presigned(server):
    endpoint = server.endpoint
    check_equal(get(endpoint).presign().must_give(200, "", "a good URL").body, BODY, "body")
    get(endpoint).presign(seconds=WEEK).must_give(200, "", "a URL for a week")

    def tampered(what, **changes):
        request = get(endpoint).presign()
        for field, value in changes.items():
            check(field in request.query, f"the URL has no {field}")
            request.query[field] = value(request.query[field])
        request.must_give(403, "SignatureDoesNotMatch", f"a URL with another {what}")

    tampered("signature", **{"X-Amz-Signature": _with_other_last_digit})
    tampered("lifetime", **{"X-Amz-Expires": lambda seconds: str(int(seconds) + 1)})
    request = get(endpoint).presign()
    request.path = f"/{BUCKET}/other"
    request.must_give(403, "SignatureDoesNotMatch", "a URL of another object")
    request = get(endpoint).presign()
    request.query["response-content-type"] = "text/html"
    request.must_give(403, "SignatureDoesNotMatch", "a URL with one more parameter")
    for method in ("PUT", "DELETE"):
        request = get(endpoint).presign()
        request.method, request.body = method, b"x" if method == "PUT" else b""
        request.must_give(403, "SignatureDoesNotMatch", f"a URL to read used for {method}")
    wrong = endpoint.with_(secret_key="not" + endpoint.secret_key)
    get(wrong).presign().must_give(403, "SignatureDoesNotMatch", "a URL by a wrong secret")
    get(endpoint).presign(seconds=60, at=-61).must_give(403, "AccessDenied", "an expired URL")
    if server.keeps_to("a URL for more than a week is malformed"):
        get(endpoint).presign(seconds=WEEK + 1).must_give(
            400, "AuthorizationQueryParametersError", "a URL for more than a week")
    if server.keeps_to("a URL from the future gives 403 AccessDenied"):
        get(endpoint).presign(at=20 * MINUTE).must_give(403, "AccessDenied", "a URL of tomorrow")


def check_bodies(server):
    request = put(server.endpoint, body=b"x" * 1000).sign()
    with contextlib.closing(request.connect()) as connection:
        send_head(connection, request, {"Content-Length": "1000"})
        connection.send(b"x" * 500)
        connection.sock.shutdown(socket.SHUT_WR)
        answer = read_to_end(connection.sock)
        check(b" 200 " not in answer[:20], f"half a body was taken: {answer[:200]}")
    request = put(server.endpoint).sign()
    with contextlib.closing(request.connect()) as connection:
        send_head(connection, request, {})
        answer = read_to_end(connection.sock, count_min=12)
        check_equal(answer[:12], b"HTTP/1.1 411", "answer to a put without a length")


def send_head(connection, request, more):
    connection.putrequest("PUT", request.target, skip_host=True, skip_accept_encoding=True)
    for name, value in {**request.headers, **more}.items():
        connection.putheader(name, value)
    connection.endheaders()


def read_to_end(sock, count_min=1 << 20):
    """What the server says before it closes, or the first `count_min` bytes of it."""
    answer = b""
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        while len(answer) < count_min and (received := sock.recv(65536)):
            answer += received
    return answer
