// The S3 client against scripted peers: what it signs, repeats, corrects and gives up.
#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/s3/refreshing_credentials.hpp>

#include "tests/unit/s3/client/client_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_bytes;
using ringpull::testing::read_head;
using ringpull::testing::write;
using testing::ClientBed;
using testing::error_response;
using testing::kBedNow;
using testing::part_response;
using testing::ranged_get;
using testing::response;
using testing::text_of;

TEST(S3Client, SignsWhatItSends) {
  ClientBed bed;
  bed.scripts = {{read_head(), write(response(200, "ETag: \"e\"\r\nContent-Length: 0\r\n", ""))}};
  bed.scripts = {
      {read_head(), write("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 7\r\n\r\n")}};
  bed.run([](ClientBed& b) -> Task<void> {
    HeadObjectOptions options(Bucket("b"), ObjectKey("k"));
    auto info = co_await b.client->head_object(options);
    EXPECT_TRUE(info);
    EXPECT_EQ(info->size_bytes, 7u);
    const std::string& head = b.peer->heads().at(0);
    EXPECT_NE(head.find("Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
              std::string::npos)
        << head;
    EXPECT_EQ(head.find("canary-secret"), std::string::npos);
  });
}

TEST(S3Client, SignsByVersion2WhereAsked) {
  ClientBed bed;
  bed.signature_version = SignatureVersion::v2;
  bed.scripts = {
      {read_head(), write("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 7\r\n\r\n")}};
  bed.run([](ClientBed& b) -> Task<void> {
    HeadObjectOptions options(Bucket("b"), ObjectKey("k"));
    auto info = co_await b.client->head_object(options);
    EXPECT_TRUE(info);
    const std::string& head = b.peer->heads().at(0);
    EXPECT_NE(head.find("\r\nAuthorization: AWS AKIDEXAMPLE:"), std::string::npos) << head;
    EXPECT_NE(head.find("\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"), std::string::npos) << head;
    EXPECT_EQ(head.find("x-amz-content-sha256"), std::string::npos) << head;

    GetObjectOptions get(Bucket("b"), ObjectKey("k"));
    PresignOptions presign(600s);
    auto url = co_await b.client->presign(get, presign);
    EXPECT_TRUE(url) << url.error().message();
    EXPECT_NE(url->find("/b/k?AWSAccessKeyId=AKIDEXAMPLE&Expires=1700000600&Signature="),
              std::string::npos)
        << *url;
  });
}

/// Numbered keys, with a life from kBedNow on.
class NumberedSource final : public CredentialsSource {
 public:
  explicit NumberedSource(std::chrono::seconds life) : life_(life) {}
  std::string name() const override { return "numbered"; }
  Task<Result<Credentials>> load() override {
    Credentials credentials("KEY" + std::to_string(++loads_), Secret("canary"), Secret("token"));
    credentials.expiry = kBedNow + life_;
    co_return credentials;
  }

 private:
  std::chrono::seconds life_;
  int loads_ = 0;
};

std::unique_ptr<CredentialsProvider> numbered_keys(std::chrono::seconds life) {
  RefreshOptions options;
  options.clock = [] { return kBedNow; };
  return std::make_unique<RefreshingCredentialsProvider>(std::make_unique<NumberedSource>(life),
                                                         options);
}

TEST(S3Client, RenewsKeysThatTheServerCallsExpiredAndRepeatsOnce) {
  ClientBed bed;
  bed.credentials = numbered_keys(1h);
  bed.scripts = {{read_head(), write(error_response(400, "ExpiredToken")), read_head(),
                  write(error_response(404, "NoSuchKey")), read_head(),
                  write(error_response(400, "ExpiredToken")), read_head(),
                  write(error_response(400, "ExpiredToken")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    GetObjectOptions options(Bucket("b"), ObjectKey("k"));
    auto got = co_await b.client->get_object(options);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().service_code(), "NoSuchKey");
    EXPECT_NE(b.peer->heads().at(0).find("Credential=KEY1/"), std::string::npos);
    EXPECT_NE(b.peer->heads().at(1).find("Credential=KEY2/"), std::string::npos);

    ListObjectsV2Options list{Bucket("b")};
    auto listed = co_await b.client->list_objects_v2(list);
    EXPECT_FALSE(listed);
    EXPECT_EQ(listed.error().service_code(), "ExpiredToken");
    EXPECT_EQ(b.peer->heads().size(), 4u) << "not more than once";
    EXPECT_NE(b.peer->heads().at(3).find("Credential=KEY3/"), std::string::npos);
  });
}

TEST(S3Client, PresignsForNoLongerThanItsKeysLive) {
  ClientBed bed;
  bed.credentials = numbered_keys(10min);
  bed.run([](ClientBed& b) -> Task<void> {
    GetObjectOptions options(Bucket("b"), ObjectKey("k"));
    PresignOptions twenty_minutes(20min);
    auto cut = co_await b.client->presign(options, twenty_minutes);
    EXPECT_TRUE(cut);
    EXPECT_NE(cut->find("&X-Amz-Expires=600&"), std::string::npos) << *cut;
    PresignOptions one_minute(1min);
    auto whole = co_await b.client->presign(options, one_minute);
    EXPECT_TRUE(whole);
    EXPECT_NE(whole->find("&X-Amz-Expires=60&"), std::string::npos) << *whole;
  });
}

TEST(S3Client, RepeatsAfterSlowDownAndServerErrors) {
  ClientBed bed;
  bed.scripts = {{read_head(), write(error_response(503, "SlowDown")), read_head(),
                  write(error_response(500, "InternalError")), read_head(),
                  write(part_response("abc", 0, 3, "e")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::array<std::byte, 3> out;
    GetObjectOptions options = ranged_get(0, 3);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_EQ(text_of(out), "abc");
    EXPECT_EQ(b.client->stats().retries, 2u);
    EXPECT_EQ(b.client->stats().throttled, 1u);
  });
}

TEST(S3Client, GivesUpAfterAttemptsMaxWithTheLastError) {
  ClientBed bed;
  bed.retry.attempts_max = 3;
  bed.scripts = {{read_head(), write(error_response(500, "InternalError")), read_head(),
                  write(error_response(500, "InternalError")), read_head(),
                  write(error_response(503, "SlowDown")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    HeadBucketOptions options{Bucket("b")};
    ListObjectsV2Options list{Bucket("b")};
    auto got = co_await b.client->list_objects_v2(list);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::throttled);
    EXPECT_EQ(got.error().service_code(), "SlowDown");
    EXPECT_EQ(b.peer->heads().size(), 3u);
  });
}

TEST(S3Client, DoesNotRepeatWhatCannotSucceed) {
  ClientBed bed;
  bed.scripts = {{read_head(), write(error_response(403, "AccessDenied")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    ListObjectsV2Options list{Bucket("b")};
    auto got = co_await b.client->list_objects_v2(list);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::permission_denied);
    EXPECT_EQ(b.peer->heads().size(), 1u);
  });
}

TEST(S3Client, AnAbortOfWhatIsGoneIsASuccess) {
  ClientBed bed;
  bed.scripts = {{read_head(), write(error_response(404, "NoSuchUpload")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    AbortMultipartUploadOptions options(Bucket("b"), ObjectKey("k"), UploadId("u"));
    auto aborted = co_await b.client->abort_multipart_upload(options);
    EXPECT_TRUE(aborted);
  });
}

TEST(S3Client, CorrectsItsClockOnceByTheServersDate) {
  ClientBed bed;
  std::string skewed =
      response(403, "Date: Wed, 15 Nov 2023 12:00:00 GMT\r\n",
               "<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>");
  bed.scripts = {
      {read_head(), write(skewed), read_head(), write(part_response("a", 0, 1, "e")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::array<std::byte, 1> out;
    GetObjectOptions options = ranged_get(0, 1);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_NE(b.peer->heads().at(1).find("20231115T120000Z"), std::string::npos)
        << b.peer->heads().at(1);
  });
}

TEST(S3Client, SignsForTheRegionThatTheServerNames) {
  ClientBed bed;
  std::string malformed =
      error_response(400, "AuthorizationHeaderMalformed", {}, "<Region>eu-west-3</Region>");
  bed.scripts = {{read_head(), write(malformed), read_head(), write(part_response("a", 0, 1, "e")),
                  read_head(), write(part_response("a", 0, 1, "e")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::array<std::byte, 1> out;
    GetObjectOptions options = ranged_get(0, 1);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_NE(b.peer->heads().at(1).find("/eu-west-3/s3/aws4_request"), std::string::npos);
    auto again = co_await b.client->get_object_into(options, out);
    EXPECT_TRUE(again);
    EXPECT_NE(b.peer->heads().at(2).find("/eu-west-3/s3/aws4_request"), std::string::npos);
    EXPECT_EQ(b.client->endpoint_of(options.bucket).region().str(), "eu-west-3");
    EXPECT_EQ(b.client->endpoint_of(Bucket("another")).region().str(), "us-east-1");
  });
}

TEST(S3Client, DoesNotRepeatAnUploadWhoseBodyCannotBeReadAgain) {
  ClientBed bed;
  bed.scripts = {{read_head(), read_bytes(3), write(error_response(503, "SlowDown")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    static const std::string text = "abc";
    static int calls = 0;
    calls = 0;
    struct Once {
      static Task<Result<http::ConstBytes>> next() {
        if (calls++ > 0) co_return http::ConstBytes();
        co_return std::as_bytes(std::span<const char>(text.data(), text.size()));
      }
    };
    http::GeneratorSource body(&Once::next, 3);
    PutObjectOptions options(Bucket("b"), ObjectKey("k"));
    auto put = co_await b.client->put_object(options, body);
    EXPECT_FALSE(put);  // over plain HTTP the payload would be signed, hence read twice
    EXPECT_EQ(put.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(b.peer->heads().size(), 0u);
  });
}

TEST(S3Client, ADeadlineEndsAVerbWhileItWaitsBetweenAttempts) {
  ClientBed bed;
  bed.retry.base_delay = std::chrono::hours(1);
  bed.retry.delay_max = std::chrono::hours(1);
  bed.scripts = {{read_head(), write(error_response(500, "InternalError")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    ListObjectsV2Options list{Bucket("b")};
    auto got =
        co_await engine::with_deadline(Deadline::after(10ms), b.client->list_objects_v2(list));
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::timed_out);
  });
}

Task<void> stop_between_attempts(Client& client, engine::StopSource& source) {
  while (client.stats().retries == 0) {
    auto slept = co_await engine::sleep_for(1ms);
    (void)slept;
  }
  source.request_stop();
}

TEST(S3Client, AStopBetweenAttemptsTellsTheFailureThatWasToBeRepeated) {
  ClientBed bed;
  bed.retry.base_delay = std::chrono::hours(1);
  bed.retry.delay_max = std::chrono::hours(1);
  bed.scripts = {{read_head(), write(error_response(500, "InternalError")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    ListObjectsV2Options list{Bucket("b")};
    engine::Context& context = co_await engine::current_context();
    engine::StopSource source;
    engine::Scope scope(context);
    scope.spawn(stop_between_attempts(*b.client, source));
    auto got = co_await engine::with_stop(source, b.client->list_objects_v2(list));
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::cancelled);
    std::string text = got.error().message();
    EXPECT_NE(text.find("InternalError"), std::string::npos) << text;
    EXPECT_NE(text.find("stopped before another attempt"), std::string::npos) << text;
  });
}

}  // namespace
}  // namespace ringpull::s3
