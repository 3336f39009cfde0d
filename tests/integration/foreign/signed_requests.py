"""Requests signed by botocore that can then be spoilt in one place, and their plain answers."""

import contextlib
import datetime
import hashlib
import http.client
import re
import ssl
import urllib.parse
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.checks import check_equal


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.body = response.read()
        code = re.search(rb"<Code>([^<]*)</Code>", self.body)
        self.code = code.group(1).decode() if code else ""

    def __repr__(self):
        return f"{self.status} {self.code} {dict(self.headers)} {self.body[:300]!r}"


class _Auth(botocore.auth.S3SigV4Auth):
    """Signs for a given payload hash, whatever the body is."""

    payload_hash = None

    def payload(self, _request):
        return self.payload_hash


class Request:
    """One request; signed by sign() or presign(), open to changes before and after."""

    def __init__(self, endpoint, method, path, body=b"", headers=None, query=None):
        self.endpoint, self.method, self.body = endpoint, method, body
        self.path = urllib.parse.quote(path)
        self.query = dict(query or {})
        self.headers = {"Host": endpoint.host, **(headers or {})}

    @property
    def target(self):
        query = urllib.parse.urlencode(self.query, quote_via=urllib.parse.quote)
        return f"{self.path}?{query}" if query else self.path

    def sign(self, payload_hash=None, region=None, service="s3", at=0):
        """Signs by headers; `at` shifts the clock by seconds."""
        auth = _Auth(self._credentials(), service, region or self.endpoint.region)
        auth.payload_hash = payload_hash or hashlib.sha256(self.body).hexdigest()
        request = self._request()
        with _clock(at):
            auth.add_auth(request)
        self.headers = dict(request.headers.items())
        return self

    def presign(self, seconds=300, at=0):
        auth = botocore.auth.S3SigV4QueryAuth(self._credentials(), "s3", self.endpoint.region,
                                              expires=seconds)
        request = self._request()
        with _clock(at):
            auth.add_auth(request)
        query = urllib.parse.urlsplit(request.url).query
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        return self

    def send(self):
        connection = self.connect()
        with contextlib.closing(connection):
            connection.request(self.method, self.target, body=self.body or None,
                               headers=self.headers)
            return Answer(connection.getresponse())

    def connect(self):
        if self.endpoint.ca:
            context = ssl.create_default_context(cafile=self.endpoint.ca)
            return http.client.HTTPSConnection(self.endpoint.host, context=context, timeout=30)
        return http.client.HTTPConnection(self.endpoint.host, timeout=30)

    def must_give(self, status, code, what):
        """Sends, and demands this status and error code (HEAD answers carry no code)."""
        answer = self.send()
        check_equal((answer.status, answer.code),
                    (status, code if self.method != "HEAD" else ""), what)
        return answer

    def _credentials(self):
        return Credentials(self.endpoint.access_key, self.endpoint.secret_key)

    def _request(self):
        return AWSRequest(self.method, self.endpoint.url + self.target, headers=self.headers,
                          data=self.body)


@contextlib.contextmanager
def _clock(seconds):
    now = datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)
    with mock.patch.object(botocore.auth, "datetime") as clock:
        clock.datetime.utcnow.return_value = now
        yield
