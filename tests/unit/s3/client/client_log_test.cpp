// The request log.
#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/task.hpp>

#include "s3/src/client/request_log.hpp"
#include "tests/unit/s3/client/client_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using ringpull::testing::close;
using ringpull::testing::hold;
using ringpull::testing::read_head;
using ringpull::testing::Script;
using ringpull::testing::write;
using testing::ClientBed;
using testing::error_response;
using testing::ranged_get;
using testing::response;

/// One refusal, then success.
std::vector<Script> busy_once() {
  std::string good = response(206,
                              "ETag: \"e\"\r\nContent-Range: bytes 0-0/1\r\n"
                              "x-amz-request-id: tx01\r\nx-amz-id-2: host2\r\n",
                              "a");
  return {{read_head(), write(error_response(503, "SlowDown")), read_head(), write(good), hold()}};
}

Task<void> read_k(ClientBed& b) {
  std::array<std::byte, 1> out;
  GetObjectOptions options = ranged_get(0, 1);
  auto got = co_await b.client->get_object_into(options, out);
  EXPECT_TRUE(got) << got.error().message();
}

/// Records that hold a text.
std::size_t count(const ClientBed& bed, std::string_view text) {
  auto holds = [&](const std::string& record) { return record.find(text) != std::string::npos; };
  return static_cast<std::size_t>(std::count_if(bed.records.begin(), bed.records.end(), holds));
}

TEST(S3RequestLog, TellsNothingWhenOff) {
  ClientBed bed;
  bed.scripts = busy_once();
  bed.run(&read_k);
  EXPECT_TRUE(bed.records.empty());
}

TEST(S3RequestLog, HasALineForEachRequestAtEveryLevel) {
  for (S3LogLevel level :
       {S3LogLevel::debug, S3LogLevel::debug_with_signing, S3LogLevel::debug_with_http_body,
        S3LogLevel::debug_with_request_retries, S3LogLevel::debug_with_request_errors,
        S3LogLevel::debug_with_event_stream_body}) {
    ClientBed bed;
    bed.scripts = busy_once();
    bed.log_level = level;
    bed.run(&read_k);
    EXPECT_EQ(count(bed, "GET http://127.0.0.1:"), 2u);
    EXPECT_EQ(count(bed, "/b/k 503 in "), 1u);
    EXPECT_EQ(count(bed, "/b/k 206 in "), 1u);
    EXPECT_EQ(count(bed, ", request id tx01, host id host2"), 1u);
    const bool retries = level == S3LogLevel::debug_with_request_retries;
    EXPECT_EQ(count(bed, "retry in "), retries ? 1u : 0u);
    const bool errors = level == S3LogLevel::debug_with_request_errors;
    EXPECT_EQ(count(bed, "failed: "), errors ? 1u : 0u);
    const bool signing = level == S3LogLevel::debug_with_signing;
    EXPECT_EQ(count(bed, "string to sign:\nAWS4-HMAC-SHA256\n"), signing ? 2u : 0u);
    EXPECT_EQ(count(bed, "canonical request:\nGET\n/b/k\n"), signing ? 2u : 0u);
    const bool sizes = level == S3LogLevel::debug_with_http_body;
    EXPECT_EQ(count(bed, ", bytes sent 0, bytes to come "), sizes ? 2u : 0u);
    EXPECT_EQ(count(bed, "canary-secret"), 0u);
    EXPECT_EQ(count(bed, "Signature="), 0u);
  }
}

TEST(S3RequestLog, SaysWhyARetryIsMade) {
  ClientBed bed;
  bed.scripts = busy_once();
  bed.log_level = S3LogLevel::debug_with_request_retries;
  bed.run(&read_k);
  EXPECT_EQ(count(bed, "retry in 0 ms, throttled: "), 1u) << ::testing::PrintToString(bed.records);
}

TEST(S3RequestLog, SaysWhyThereWasNoAnswer) {
  ClientBed bed;
  bed.scripts = {{read_head(), close()}};
  bed.retry.attempts_max = 1;
  bed.log_level = S3LogLevel::debug;
  bed.run([](ClientBed& b) -> Task<void> {
    HeadObjectOptions options(Bucket("b"), ObjectKey("k"));
    auto info = co_await b.client->head_object(options);
    EXPECT_FALSE(info);
  });
  EXPECT_GE(count(bed, "/b/k without an answer after "), 1u)
      << ::testing::PrintToString(bed.records);
}

TEST(S3RequestLog, HidesTheSessionTokenInBothVersions) {
  for (SignatureVersion version : {SignatureVersion::v4, SignatureVersion::v2}) {
    ClientBed bed;
    bed.scripts = busy_once();
    bed.log_level = S3LogLevel::debug_with_signing;
    bed.signature_version = version;
    Credentials credentials("AKIDEXAMPLE", Secret("canary-secret"), Secret("canary-token"));
    bed.credentials = std::make_unique<StaticCredentialsProvider>(std::move(credentials));
    bed.run(&read_k);
    EXPECT_EQ(count(bed, "x-amz-security-token:REDACTED\n"), 2u)
        << ::testing::PrintToString(bed.records);
    EXPECT_EQ(count(bed, "canary"), 0u);
  }
}

TEST(S3RequestLog, HidesWhateverCanBeSecretInARequest) {
  EXPECT_EQ(without_secrets("/b/k?X-Amz-Signature=ab12&X-Amz-Date=1&x-amz-security-token=a%2Bb c"),
            "/b/k?X-Amz-Signature=REDACTED&X-Amz-Date=1&x-amz-security-token=REDACTED c");
  EXPECT_EQ(without_secrets("/b/k?AWSAccessKeyId=id&Signature=a%3D"),
            "/b/k?AWSAccessKeyId=id&Signature=REDACTED");
  EXPECT_EQ(without_secrets("host:h\nx-amz-server-side-encryption-customer-key:a b\nx-amz-date:1"),
            "host:h\nx-amz-server-side-encryption-customer-key:REDACTED\nx-amz-date:1");
  EXPECT_EQ(without_secrets("Authorization: AWS4 Credential=x, Signature=y\r\nHost: h"),
            "Authorization:REDACTED\r\nHost: h");
  EXPECT_EQ(without_secrets("PUT /b/assignature=1"), "PUT /b/assignature=REDACTED")
      << "rather too much than too little";
  EXPECT_EQ(without_secrets(""), "");
}

}  // namespace
}  // namespace ringpull::s3
