#include <gtest/gtest.h>
#include <set>
#include <string>

#include <ringpull/s3/error.hpp>

#include "s3/src/protocol/error_codes.hpp"

namespace ringpull::s3 {
namespace {

const ResponseContext kGet(Operation::get_object, "s3://bucket/key", "us-east-1");

http::ResponseHead response(
    int status, std::initializer_list<std::pair<const char*, const char*>> headers = {}) {
  http::ResponseHead head(status);
  for (auto [name, value] : headers) head.headers.add(name, value);
  return head;
}

std::string document(std::string_view code, std::string_view more = {}) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + std::string(code) +
         "</Code>" + std::string(more) + "</Error>";
}

TEST(S3Error, CarriesEverythingTheServerSaid) {
  Error error = error_from_response(kGet, response(404, {{"x-amz-request-id", "TX1"}}),
                                    document("NoSuchKey",
                                             "<Message>The specified key does not exist.</Message>"
                                             "<RequestId>other</RequestId>"));
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(error.http_status(), 404);
  EXPECT_EQ(error.service_code(), "NoSuchKey");
  EXPECT_EQ(error.request_id(), "TX1");
  EXPECT_EQ(error.message(),
            "GetObject s3://bucket/key: NoSuchKey: The specified key does not exist (HTTP 404)");
  EXPECT_EQ(retry_class(error), RetryClass::none);
}

TEST(S3Error, EveryKnownCodeMapsToItsKindAndRetryClass) {
  std::set<std::string_view> seen;
  for (const KnownCode& known : kKnownCodes) {
    EXPECT_TRUE(seen.insert(known.code).second) << known.code << " is listed twice";
    Error error = error_from_response(kGet, response(400), document(known.code));
    EXPECT_EQ(error.kind(), known.kind) << known.code;
    EXPECT_EQ(retry_class(error), known.retry) << known.code;
    EXPECT_EQ(error.service_code(), known.code);
  }
}

TEST(S3Error, KeepsUnknownCodesAndJudgesThemByStatus) {
  Error forbidden = error_from_response(kGet, response(403), document("VendorSpecificRefusal"));
  EXPECT_EQ(forbidden.kind(), ErrorKind::permission_denied);
  EXPECT_EQ(forbidden.service_code(), "VendorSpecificRefusal");
  EXPECT_EQ(retry_class(forbidden), RetryClass::none);
  Error broken = error_from_response(kGet, response(500), document("VendorSpecificTrouble"));
  EXPECT_EQ(broken.kind(), ErrorKind::unavailable);
  EXPECT_EQ(retry_class(broken), RetryClass::server_error);
}

struct StatusCase {
  int status;
  ErrorKind kind;
  RetryClass retry;
};

TEST(S3Error, HeadHasNoBodySoThatItsStatusDecides) {
  const StatusCase kCases[] = {
      {304, ErrorKind::not_modified, RetryClass::none},
      {400, ErrorKind::invalid_argument, RetryClass::none},
      {401, ErrorKind::unauthenticated, RetryClass::none},
      {403, ErrorKind::permission_denied, RetryClass::none},
      {404, ErrorKind::not_found, RetryClass::none},
      {405, ErrorKind::unsupported, RetryClass::none},
      {408, ErrorKind::timed_out, RetryClass::transient},
      {409, ErrorKind::conflict, RetryClass::none},
      {412, ErrorKind::precondition_failed, RetryClass::none},
      {413, ErrorKind::too_large, RetryClass::none},
      {416, ErrorKind::invalid_argument, RetryClass::none},
      {418, ErrorKind::invalid_argument, RetryClass::none},
      {429, ErrorKind::throttled, RetryClass::throttle},
      {500, ErrorKind::unavailable, RetryClass::server_error},
      {501, ErrorKind::unsupported, RetryClass::none},
      {502, ErrorKind::unavailable, RetryClass::server_error},
      {503, ErrorKind::unavailable, RetryClass::throttle},
      {504, ErrorKind::unavailable, RetryClass::server_error},
      {599, ErrorKind::unavailable, RetryClass::server_error},
  };
  ResponseContext head(Operation::head_object, "s3://b/k", "us-east-1");
  for (const StatusCase& test : kCases) {
    Error error = error_from_response(head, response(test.status), "");
    EXPECT_EQ(error.kind(), test.kind) << test.status;
    EXPECT_EQ(retry_class(error), test.retry) << test.status;
    EXPECT_EQ(error.service_code(), "");
  }
}

TEST(S3Error, AnErrorInsideA200IsTheErrorThatItNames) {
  ResponseContext complete(Operation::complete_multipart_upload, "s3://b/k", "us-east-1");
  Error internal = error_from_response(complete, response(200), document("InternalError"));
  EXPECT_EQ(internal.kind(), ErrorKind::unavailable);
  EXPECT_EQ(internal.http_status(), 200);
  EXPECT_EQ(retry_class(internal), RetryClass::server_error);
  Error denied = error_from_response(complete, response(200), document("AccessDenied"));
  EXPECT_EQ(denied.kind(), ErrorKind::permission_denied);
  EXPECT_EQ(retry_class(denied), RetryClass::none);
  Error unknown = error_from_response(complete, response(200), document("Hiccup"));
  EXPECT_EQ(unknown.kind(), ErrorKind::unavailable);
  EXPECT_EQ(retry_class(unknown), RetryClass::server_error);
}

TEST(S3Error, BodiesThatAreNoErrorDocumentLeaveTheStatusToDecide) {
  const std::string kBodies[] = {
      "<html><head><title>503 Service Temporarily Unavailable</title></head></html>",
      "no healthy upstream",
      "<Error><Code>NoSuchKey",
      "<!DOCTYPE a [<!ENTITY b \"c\">]><Error><Code>NoSuchKey</Code></Error>",
      "<Other><Code>NoSuchKey</Code></Other>",
      document("NoSuchKey", "<Message>" + std::string(kErrorBodyBytesMax, 'x') + "</Message>"),
      std::string("\xff\xfe\x00\x01", 4),
  };
  for (const std::string& body : kBodies) {
    Error error = error_from_response(kGet, response(503), body);
    EXPECT_EQ(error.kind(), ErrorKind::unavailable) << body.substr(0, 40);
    EXPECT_EQ(retry_class(error), RetryClass::throttle);
    EXPECT_EQ(error.service_code(), "");
    EXPECT_EQ(error.message(), "GetObject s3://bucket/key: HTTP 503 Service Unavailable");
  }
}

TEST(S3Error, TakesAnEmptyMessageAsRadosgwSendsIt) {
  Error error = error_from_response(
      kGet, response(404),
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>NoSuchBucket</Code><Message/>"
      "<BucketName>b</BucketName><RequestId>tx0</RequestId><HostId>h</HostId></Error>");
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(error.request_id(), "tx0");
  EXPECT_EQ(error.message(),
            "GetObject s3://bucket/key: NoSuchBucket (HTTP 404); check the bucket's name and the "
            "endpoint");
}

TEST(S3Error, KeepsForeignTextOnOneLineAndShort) {
  Error error =
      error_from_response(kGet, response(400),
                          document("Odd\nCode", "<Message>line one\r\n\x1b[31mline two" +
                                                    std::string(9000, 'y') + "</Message>"));
  EXPECT_EQ(error.message().find('\n'), std::string::npos);
  EXPECT_EQ(error.message().find('\x1b'), std::string::npos);
  EXPECT_LT(error.message().size(), 700u);
}

TEST(S3Error, ThrottlingIsKnownByCodeAndByStatus) {
  Error slow_down = error_from_response(kGet, response(503), document("SlowDown"));
  EXPECT_EQ(slow_down.kind(), ErrorKind::throttled);
  EXPECT_EQ(retry_class(slow_down), RetryClass::throttle);
  EXPECT_EQ(retry_class(error_from_response(kGet, response(503), "")), RetryClass::throttle);
}

TEST(S3Error, NamesTheRegionWhereTheRegionIsTheTrouble) {
  Error moved = error_from_response(kGet, response(301, {{"x-amz-bucket-region", "eu-west-3"}}),
                                    document("PermanentRedirect"));
  EXPECT_EQ(moved.hint(), "eu-west-3");
  EXPECT_EQ(retry_class(moved), RetryClass::wrong_region);
  Error malformed = error_from_response(
      kGet, response(400), document("AuthorizationHeaderMalformed", "<Region>ap-south-1</Region>"));
  EXPECT_EQ(malformed.hint(), "ap-south-1");
  EXPECT_EQ(retry_class(malformed), RetryClass::wrong_region);
  ResponseContext head(Operation::head_bucket, "s3://b", "us-east-1");
  for (int status : {301, 400}) {
    Error bare =
        error_from_response(head, response(status, {{"x-amz-bucket-region", "eu-west-3"}}), "");
    EXPECT_EQ(retry_class(bare), RetryClass::wrong_region) << status;
  }
}

TEST(S3Error, SaysWhatToSetWhereARedirectNamesNoTarget) {
  for (int status : {301, 302, 307, 308}) {
    Error lost = error_from_response(kGet, response(status), "");
    EXPECT_EQ(lost.hint(), "") << status;
    EXPECT_NE(lost.message().find("set the right region and endpoint"), std::string::npos)
        << lost.message();
  }
}

TEST(S3Error, NamesNoRegionWhereItIsOnlyMentioned) {
  http::ResponseHead mentions = response(403, {{"x-amz-bucket-region", "eu-west-3"}});
  Error denied = error_from_response(kGet, mentions, document("AccessDenied"));
  EXPECT_EQ(denied.hint(), "");
  EXPECT_EQ(retry_class(denied), RetryClass::none);
  // A HEAD that fails with 400 in the right region has some other trouble.
  ResponseContext head(Operation::head_object, "s3://b/k", "eu-west-3");
  Error same = error_from_response(head, response(400, {{"x-amz-bucket-region", "eu-west-3"}}), "");
  EXPECT_EQ(same.hint(), "");
  EXPECT_EQ(retry_class(same), RetryClass::none);
}

TEST(S3Error, ReadsRetryAfterInItsThreeForms) {
  auto asked = [](std::initializer_list<std::pair<const char*, const char*>> headers) {
    return error_from_response(kGet, response(503, headers), "").retry_after_seconds();
  };
  EXPECT_EQ(asked({{"Retry-After", "7"}}), 7);
  EXPECT_EQ(asked({{"x-amz-retry-after", "1500"}, {"Retry-After", "7"}}), 1.5);
  EXPECT_EQ(asked({{"Retry-After", "Sun, 06 Nov 1994 08:49:40 GMT"},
                   {"Date", "Sun, 06 Nov 1994 08:49:37 GMT"}}),
            3);
  EXPECT_EQ(asked({{"Retry-After", "Sun, 06 Nov 1994 08:49:30 GMT"},
                   {"Date", "Sun, 06 Nov 1994 08:49:37 GMT"}}),
            0);
  EXPECT_LT(asked({}), 0);
  for (const char* nonsense : {"", "-1", "1.5", "soon", "99999999999999"}) {
    EXPECT_LT(asked({{"Retry-After", nonsense}}), 0) << nonsense;
  }
}

TEST(S3Error, SaysWhenAWriteMayHaveBeenApplied) {
  ResponseContext put(Operation::put_object, "s3://b/k", "us-east-1");
  EXPECT_TRUE(error_from_response(put, response(500), "").maybe_applied());
  EXPECT_TRUE(error_from_response(put, response(504), "").maybe_applied());
  EXPECT_FALSE(error_from_response(put, response(503), "").maybe_applied());
  EXPECT_FALSE(error_from_response(put, response(403), "").maybe_applied());
  EXPECT_FALSE(error_from_response(kGet, response(500), "").maybe_applied());
}

TEST(S3Error, ErrorsFromBelowHttpHaveTheirRetryClassToo) {
  EXPECT_EQ(retry_class(Error(ErrorKind::connection_closed, "")), RetryClass::transient);
  EXPECT_EQ(retry_class(Error(ErrorKind::timed_out, "")), RetryClass::transient);
  EXPECT_EQ(retry_class(Error(ErrorKind::unavailable, "")), RetryClass::transient);
  EXPECT_EQ(retry_class(Error(ErrorKind::truncated, "").with_http_status(206)),
            RetryClass::transient);
  EXPECT_EQ(retry_class(Error(ErrorKind::checksum_mismatch, "")), RetryClass::transient);
  for (ErrorKind kind :
       {ErrorKind::cancelled, ErrorKind::tls, ErrorKind::invalid_argument, ErrorKind::protocol,
        ErrorKind::resource_exhausted, ErrorKind::io, ErrorKind::internal}) {
    EXPECT_EQ(retry_class(Error(kind, "")), RetryClass::none) << to_string(kind);
  }
}

TEST(S3Error, PerKeyFailuresUseTheSameTable) {
  ResponseContext one(Operation::delete_objects, "s3://b/k", "us-east-1");
  Error denied = error_from_code(one, "AccessDenied", "Access Denied");
  EXPECT_EQ(denied.kind(), ErrorKind::permission_denied);
  EXPECT_EQ(denied.message(),
            "DeleteObjects s3://b/k: AccessDenied: Access Denied; check the key's policy and the "
            "bucket's");
  EXPECT_EQ(retry_class(error_from_code(one, "InternalError", "")), RetryClass::server_error);
}

}  // namespace
}  // namespace ringpull::s3
