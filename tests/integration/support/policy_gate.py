"""An identity policy in front of an S3 server that knows none: what Amazon would refuse, it refuses."""

import fnmatch
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

DENIED = ("<Error><Code>AccessDenied</Code><Message>{}</Message></Error>")
KMS_MESSAGE = ("User: arn:aws:iam::111122223333:user/registry is not authorized to perform: {} on "
               "resource: the key, because no identity-based policy allows it")


class Need:
    """One permission that a request needs. `prefix` is what s3:prefix compares with."""

    def __init__(self, action, bucket, key=None, prefix=None):
        self.action, self.prefix = action, prefix
        self.resource = f"arn:aws:s3:::{bucket}" + ("" if key is None else f"/{key}")
        if action.startswith("kms:"):
            self.resource = key


class PolicyGate:
    """A proxy to `endpoint`, path style, for requests that are signed for the proxy's own address.

    `policy` may be changed while it runs. `asked` are the actions that requests needed, `methods` the
    methods of signed requests. `hold`, when set, is given each request as "PUT path?query"; where it
    returns an Event, the request is done, but its answer waits for that and then is lost.
    """

    def __init__(self, endpoint, policy=None, date=None):
        self.policy, self.date, self.hold = policy, date, None
        self.asked, self.methods = set(), set()
        self._upstream = endpoint.host
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.gate = self
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.endpoint = endpoint.with_(url=f"http://127.0.0.1:{self._server.server_port}")

    def allows(self, need):
        if self.policy is None:
            return True
        return any(self._covers(statement, need) for statement in self.policy["Statement"])

    def connection(self):
        return http.client.HTTPConnection(self._upstream, timeout=60)

    @staticmethod
    def _covers(statement, need):
        actions, resources = statement["Action"], statement["Resource"]
        resources = [resources] if isinstance(resources, str) else resources
        if need.action not in actions:
            return False
        if not any(fnmatch.fnmatchcase(need.resource, pattern) for pattern in resources):
            return False
        condition = statement.get("Condition", {})
        if need.prefix is None:  # a condition on what the request does not have does not hold
            return "StringLike" not in condition
        patterns = [operator["s3:prefix"] for operator in condition.values()
                    if "s3:prefix" in operator]
        return all(fnmatch.fnmatchcase(need.prefix, pattern) for pattern in patterns)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments):
        pass

    def answer(self, status, body, headers=()):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() == "date" and self.gate.date:
                value = self.gate.date
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        length = dict((name.lower(), value) for name, value in headers).get("content-length")
        self.send_header("Content-Length", length if self.command == "HEAD" and length
                         else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def needs(self, body):
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path)[1:].partition("/")
        query = parse_qs(url.query, keep_blank_values=True)
        if not bucket:
            return []
        if not key:
            return list(self.bucket_needs(bucket, query, body))
        return list(self.object_needs(bucket, key, query))

    def bucket_needs(self, bucket, query, body):
        if self.command == "POST" and "delete" in query:
            for element in ElementTree.fromstring(body).iter():
                if element.tag.endswith("Key"):
                    yield Need("s3:DeleteObject", bucket, element.text)
        elif self.command == "GET" and "uploads" in query:
            yield Need("s3:ListBucketMultipartUploads", bucket)
        else:
            yield Need("s3:ListBucket", bucket, prefix=query.get("prefix", [None])[0])

    def object_needs(self, bucket, key, query):
        if self.command in ("GET", "HEAD"):
            yield Need("s3:ListMultipartUploadParts" if "uploadId" in query else "s3:GetObject",
                       bucket, key)
        elif self.command == "DELETE":
            yield Need("s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject",
                       bucket, key)
        else:
            yield Need("s3:PutObject", bucket, key)
        if self.headers.get("x-amz-acl", "private") != "private":
            yield Need("s3:PutObjectAcl", bucket, key)
        source = self.headers.get("x-amz-copy-source")
        if source:
            yield Need("s3:GetObject", *unquote(source).lstrip("/").split("/", 1))
        key_id = self.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        if key_id:
            yield Need("kms:GenerateDataKey", bucket, key_id)

    def refuse(self, need):
        message = "Access Denied"
        if need.action.startswith("kms:"):
            message = KMS_MESSAGE.format(need.action)
        if self.command == "POST" and "delete" in self.path:  # Amazon says it of each key
            key = need.resource.split("/", 1)[1]
            self.answer(200, (f"<DeleteResult><Error><Key>{key}</Key><Code>AccessDenied</Code>"
                              f"<Message>{message}</Message></Error></DeleteResult>").encode())
            return
        self.answer(403, DENIED.format(message).encode())

    def may_know_what_is_missing(self):
        """As S3: whoever may not list is told that a missing object is forbidden."""
        bucket, _, key = unquote(urlsplit(self.path).path)[1:].partition("/")
        reads = key and self.command in ("GET", "HEAD")
        return not reads or self.gate.allows(Need("s3:ListBucket", bucket))

    def pass_on(self, body):
        upstream = self.gate.connection()
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "expect":
                    upstream.putheader(name, value)
            upstream.endheaders(body or None)
            response = upstream.getresponse()
            answer = response.status, response.read(), response.getheaders()
            if response.status == 404 and not self.may_know_what_is_missing():
                answer = 403, DENIED.format("Access Denied").encode(), []
            held = self.gate.hold(f"{self.command} {self.path}") if self.gate.hold else None
            if held:
                held.wait(60)
                self.close_connection = True
            else:
                self.answer(*answer)
        finally:
            upstream.close()

    def serve(self):
        self.gate = self.server.gate
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "Authorization" in self.headers:
            self.gate.methods.add(self.command)
        needs = self.needs(body)
        self.gate.asked.update(need.action for need in needs)
        for need in needs:
            if not self.gate.allows(need):
                self.refuse(need)
                return
        self.pass_on(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve
