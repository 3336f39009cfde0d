"""The S3 server that the foreign clients work against."""

import ssl
import urllib.request

from botocore.exceptions import ClientError

from support.checks import CheckFailed, check_equal, say


class Server:
    """`endpoint` to work on, `space` to work in.

    Every expectation is Amazon's. The checks are run against radosgw too, to know that they are
    right; where radosgw is known to differ, `deviations` names the expectation.
    """

    def __init__(self, space, endpoint, deviations=()):
        self.space, self.endpoint, self._deviations = space, endpoint, deviations

    def keeps_to(self, expectation):
        """Whether this server is held to an expectation; says so when it is not."""
        if expectation in self._deviations:
            say(f"  not checked, this server is known to differ: {expectation}")
            return False
        return True

    def new_bucket(self, name):
        client = self.endpoint.boto()
        client.create_bucket(Bucket=name)
        return client

    def fetch(self, request):
        """The answer to a URL or urllib request, without any key."""
        handlers = [urllib.request.ProxyHandler({})]
        if self.endpoint.ca:
            context = ssl.create_default_context(cafile=self.endpoint.ca)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        return urllib.request.build_opener(*handlers).open(request, timeout=30)


# What radosgw 16.2 does otherwise than Amazon.
RADOSGW_DEVIATIONS = frozenset((
    "a key of 1025 bytes gives 400 KeyTooLongError",
    "a payload hash that is none gives 400 InvalidArgument",
    "a URL for more than a week is malformed",
    "a URL from the future gives 403 AccessDenied",
    "a wrong region or service gives 400 AuthorizationHeaderMalformed",
    "an authorization without its fields is malformed",
    "an error has a message",
    "an invented continuation token gives 400 InvalidArgument",
    "an upload can be completed without one of its parts",
    "an x-amz header that is not signed gives 403 AccessDenied",
    "CompleteMultipartUpload answers with the ETag",
    "completing an aborted upload gives 404 NoSuchUpload",
    "CopyObject heeds x-amz-copy-source-if-match",
    "GetBucketLocation names the region",
    "ListParts of an aborted upload gives 404 NoSuchUpload",
    "more than 1000 keys to delete give 400 MalformedXML",
    "part numbers 0 and 10001 give 400 InvalidArgument",
    "parts out of order give 400 InvalidPartOrder",
    "PUT If-Match on a missing key gives 404 NoSuchKey",
    "PUT If-Match with the right ETag is done",
    "the last 0 bytes give 416 InvalidRange",
    "UploadPartCopy heeds x-amz-copy-source-if-match",
    "x-amz-checksum headers are verified, stored and returned",
))


def expect_error(status, code, call, **arguments):
    """The response of a boto3 call that must fail with this HTTP status and S3 error code."""
    try:
        call(**arguments)
    except ClientError as error:
        response = error.response
        check_equal((response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]),
                    (status, code), f"answer to {error.operation_name}")
        return response
    raise CheckFailed(f"{getattr(call, '__name__', call)} succeeded; expected {status} {code}")
