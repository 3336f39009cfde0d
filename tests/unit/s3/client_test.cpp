// The S3 client against scripted peers: what it repeats, resumes, gives up and says.
#include <algorithm>
#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/refreshing_credentials.hpp>

#include "s3/src/request_log.hpp"
#include "tests/support/fixed_resolver.hpp"
#include "tests/support/scripted_peer.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using testing::close;
using testing::FixedResolver;
using testing::hold;
using testing::read_bytes;
using testing::read_head;
using testing::read_request;
using testing::reset;
using testing::Script;
using testing::ScriptedPeer;
using testing::Step;
using testing::write;

constexpr auto kNow = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));

class Bed {
 public:
  std::vector<Script> scripts;
  RetryOptions retry;
  SignatureVersion signature_version = SignatureVersion::v4;
  S3LogLevel log_level = S3LogLevel::off;
  std::vector<std::string> records;  // of the request log
  FixedResolver resolver;
  std::unique_ptr<ScriptedPeer> peer;
  std::unique_ptr<http::Client> http;
  /// Unless the test gives one: "AKIDEXAMPLE", for ever.
  std::unique_ptr<CredentialsProvider> credentials;
  std::unique_ptr<Client> client;

  Bed() {
    retry.base_delay = 0ms;
    retry.throttle_base_delay = 0ms;
  }
  using Body = Task<void> (*)(Bed&);
  void run(Body body) {
    auto loop = engine::Loop::create(engine::LoopOptions()).value();
    loop->run([&] { return both(body); });
  }
  /// Heads that arrived, by request line.
  std::string line(std::size_t index) const {
    const std::string& head = peer->heads().at(index);
    return head.substr(0, head.find("\r\n"));
  }

 private:
  Task<void> both(Body body) {
    peer = std::make_unique<ScriptedPeer>(ScriptedPeer::create(std::move(scripts)).value());
    http::ClientOptions http_options;
    http = http::Client::create(http_options, resolver).value();
    if (!credentials) {
      credentials = std::make_unique<StaticCredentialsProvider>(
          static_credentials("AKIDEXAMPLE", Secret("canary-secret")).value());
    }
    ClientOptions options(
        Endpoint::create("http://127.0.0.1:" + std::to_string(peer->port()), Region("us-east-1"))
            .value());
    options.retry = retry;
    options.signature_version = signature_version;
    options.clock = [] { return kNow; };
    options.log.level = log_level;
    options.log.sink = [this](std::string_view record) { records.emplace_back(record); };
    client = std::make_unique<Client>(std::move(options), *http, *credentials);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(peer->run());
    co_await body(*this);
    client.reset();
    http.reset();
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    peer.reset();
  }
};

std::string answer(int status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " x\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string error(int status, const std::string& code, const std::string& more = {}) {
  return answer(status, "Content-Type: application/xml\r\n",
                "<Error><Code>" + code + "</Code><Message>m</Message>" + more + "</Error>");
}

std::string part_of(const std::string& bytes, std::size_t first, std::size_t total,
                    const std::string& etag) {
  return answer(206,
                "ETag: \"" + etag + "\"\r\nContent-Range: bytes " + std::to_string(first) + "-" +
                    std::to_string(first + bytes.size() - 1) + "/" + std::to_string(total) + "\r\n",
                bytes);
}

/// Ten bytes of version "e1" from `first` on, of which four arrive.
std::string cut_part(std::size_t first, std::size_t total) {
  std::string whole = part_of("abcdefghij", first, total, "e1");
  return whole.substr(0, whole.size() - 6);
}

GetObjectOptions get_options(std::uint64_t first, std::uint64_t length) {
  GetObjectOptions options(Bucket("b"), ObjectKey("k"));
  options.range = http::ByteRange::of_length(first, length).value();
  return options;
}

std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

TEST(S3Client, SignsWhatItSends) {
  Bed bed;
  bed.scripts = {{read_head(), write(answer(200, "ETag: \"e\"\r\nContent-Length: 0\r\n", ""))}};
  bed.scripts = {
      {read_head(), write("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 7\r\n\r\n")}};
  bed.run([](Bed& b) -> Task<void> {
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
  Bed bed;
  bed.signature_version = SignatureVersion::v2;
  bed.scripts = {
      {read_head(), write("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 7\r\n\r\n")}};
  bed.run([](Bed& b) -> Task<void> {
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

/// Numbered keys, with a life from kNow on.
class NumberedSource final : public CredentialsSource {
 public:
  explicit NumberedSource(std::chrono::seconds life) : life_(life) {}
  std::string name() const override { return "numbered"; }
  Task<Result<Credentials>> load() override {
    Credentials credentials("KEY" + std::to_string(++loads_), Secret("canary"), Secret("token"));
    credentials.expiry = kNow + life_;
    co_return credentials;
  }

 private:
  std::chrono::seconds life_;
  int loads_ = 0;
};

std::unique_ptr<CredentialsProvider> numbered_keys(std::chrono::seconds life) {
  RefreshOptions options;
  options.clock = [] { return kNow; };
  return std::make_unique<RefreshingCredentialsProvider>(std::make_unique<NumberedSource>(life),
                                                         options);
}

TEST(S3Client, RenewsKeysThatTheServerCallsExpiredAndRepeatsOnce) {
  Bed bed;
  bed.credentials = numbered_keys(1h);
  bed.scripts = {{read_head(), write(error(400, "ExpiredToken")), read_head(),
                  write(error(404, "NoSuchKey")), read_head(), write(error(400, "ExpiredToken")),
                  read_head(), write(error(400, "ExpiredToken")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
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
  Bed bed;
  bed.credentials = numbered_keys(10min);
  bed.run([](Bed& b) -> Task<void> {
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
  Bed bed;
  bed.scripts = {{read_head(), write(error(503, "SlowDown")), read_head(),
                  write(error(500, "InternalError")), read_head(), write(part_of("abc", 0, 3, "e")),
                  hold()}};
  bed.run([](Bed& b) -> Task<void> {
    std::array<std::byte, 3> out;
    GetObjectOptions options = get_options(0, 3);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_EQ(text_of(out), "abc");
    EXPECT_EQ(b.client->stats().retries, 2u);
    EXPECT_EQ(b.client->stats().throttled, 1u);
  });
}

TEST(S3Client, GivesUpAfterAttemptsMaxWithTheLastError) {
  Bed bed;
  bed.retry.attempts_max = 3;
  bed.scripts = {{read_head(), write(error(500, "InternalError")), read_head(),
                  write(error(500, "InternalError")), read_head(), write(error(503, "SlowDown")),
                  hold()}};
  bed.run([](Bed& b) -> Task<void> {
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
  Bed bed;
  bed.scripts = {{read_head(), write(error(403, "AccessDenied")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    ListObjectsV2Options list{Bucket("b")};
    auto got = co_await b.client->list_objects_v2(list);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::permission_denied);
    EXPECT_EQ(b.peer->heads().size(), 1u);
  });
}

TEST(S3Client, ResumesABrokenBodyFromItsLastByteAndPinsTheVersion) {
  Bed bed;
  std::string broken = cut_part(10, 100);
  bed.scripts = {{read_head(), write(broken), close()},
                 {read_head(), write(part_of("efghij", 14, 100, "e1")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    std::array<std::byte, 10> out;
    GetObjectOptions options = get_options(10, 10);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_EQ(text_of(out), "abcdefghij");
    const std::string& second = b.peer->heads().at(1);
    EXPECT_NE(second.find("Range: bytes=14-19\r\n"), std::string::npos) << second;
    EXPECT_NE(second.find("If-Match: \"e1\"\r\n"), std::string::npos) << second;
  });
}

TEST(S3Client, AFailureCountsTheBytesOfAllAttempts) {
  Bed bed;
  std::string broken = cut_part(10, 100);
  bed.scripts = {{read_head(), write(broken), close()},
                 {read_head(), write(error(403, "AccessDenied")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    std::array<std::byte, 10> out;
    GetObjectOptions options = get_options(10, 10);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::permission_denied);
    EXPECT_EQ(got.error().bytes_done(), 4u);
  });
}

TEST(S3Client, ReadsTheBodyOfAnOpenedObjectWithResumption) {
  Bed bed;
  std::string broken = cut_part(10, 100);
  bed.scripts = {{read_head(), write(broken), close()},
                 {read_head(), write(part_of("efghij", 14, 100, "e1")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    GetObjectOptions options = get_options(10, 10);
    auto stream = co_await b.client->get_object(options);
    EXPECT_TRUE(stream) << stream.error().message();
    EXPECT_EQ(stream->result.info.size_bytes, 100u);
    std::array<std::byte, 20> out;
    auto bytes = co_await b.client->read_object_body(options, std::move(*stream), out);
    EXPECT_EQ(bytes.value(), 10u);
    EXPECT_EQ(text_of(std::span(out).first(10)), "abcdefghij");
  });
}

TEST(S3Client, NoticesAnotherVersionWhereTheServerIgnoresIfMatch) {
  Bed bed;
  std::string broken = cut_part(10, 100);
  bed.scripts = {{read_head(), write(broken), close()},
                 {read_head(), write(part_of("EFGHIJ", 14, 100, "e2")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    std::array<std::byte, 10> out;
    GetObjectOptions options = get_options(10, 10);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::precondition_failed);
    EXPECT_EQ(got.error().bytes_done(), 4u);
  });
}

TEST(S3Client, NeverMixesTwoVersionsOfAnObject) {
  Bed bed;
  std::string broken = cut_part(0, 10);
  bed.scripts = {{read_head(), write(broken), close()},
                 {read_head(), write(error(412, "PreconditionFailed")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    std::array<std::byte, 10> out;
    GetObjectOptions options = get_options(0, 10);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::precondition_failed);
  });
}

TEST(S3Client, RefusesAnotherRangeThanItAskedFor) {
  Bed bed;
  bed.scripts = {{read_head(), write(part_of("abc", 5, 100, "e")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    std::array<std::byte, 3> out;
    GetObjectOptions options = get_options(0, 3);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::protocol);
  });
}

TEST(S3Client, TakesAnErrorInsideA200AsAFailureAndRepeatsIt) {
  Bed bed;
  std::string inside =
      answer(200, "", "<Error><Code>InternalError</Code><Message>m</Message></Error>");
  std::string good = answer(200, "", "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>");
  bed.scripts = {{read_head(), write(inside), read_head(), write(good), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    CopyObjectOptions options;
    options.source_bucket = Bucket("b");
    options.source_key = ObjectKey("from");
    options.bucket = Bucket("b");
    options.key = ObjectKey("to");
    auto copied = co_await b.client->copy_object(options);
    EXPECT_TRUE(copied) << copied.error().message();
    EXPECT_EQ(b.peer->heads().size(), 2u);
  });
}

CompleteMultipartUploadOptions complete_options() {
  CompleteMultipartUploadOptions options(Bucket("b"), ObjectKey("k"), UploadId("u"));
  // MD5 of "a" and of "b": the object's ETag is the MD5 of both, and their number.
  options.parts.emplace_back(PartNumber(1), ETag("0cc175b9c0f1b6a831c399e269772661"));
  options.parts.emplace_back(PartNumber(2), ETag("92eb5ffee6ae2fec3ad71c777531578f"));
  return options;
}

Script lost_then_gone_then_head(const std::string& etag) {
  return {read_request(), write(error(404, "NoSuchUpload")), read_head(),
          write("HTTP/1.1 200 x\r\nETag: \"" + etag + "\"\r\nContent-Length: 2\r\n\r\n"), hold()};
}

TEST(S3Client, ACompletionWhoseAnswerGotLostCountsWhenTheObjectIsThere) {
  Bed bed;
  // The MD5 of the MD5s of "a" and "b".
  bed.scripts = {{read_request(), reset()},
                 lost_then_gone_then_head("96e024ba2074fe77e8e965ba43a704be-2")};
  bed.run([](Bed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_TRUE(completed) << completed.error().message();
    EXPECT_EQ(b.line(2).substr(0, 5), "HEAD ");
  });
}

TEST(S3Client, ACompletionWhoseAnswerGotLostIsNotTakenFromAnotherObject) {
  Bed bed;
  bed.scripts = {{read_request(), reset()},
                 lost_then_gone_then_head("00000000000000000000000000000000-2")};
  bed.run([](Bed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_FALSE(completed);
    EXPECT_TRUE(completed.error().maybe_applied());
  });
}

TEST(S3Client, ACompletionThatIsReallyGoneIsAFailure) {
  Bed bed;
  bed.scripts = {{read_request(), write(error(404, "NoSuchUpload")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_FALSE(completed);
    EXPECT_EQ(completed.error().kind(), ErrorKind::not_found);
    EXPECT_FALSE(completed.error().maybe_applied());
    EXPECT_EQ(b.peer->heads().size(), 1u);
  });
}

// What HEAD says of an object of three bytes.
Step head_says(const std::string& headers, std::size_t size = 3) {
  return write("HTTP/1.1 200 x\r\n" + headers + "Content-Length: " + std::to_string(size) +
               "\r\n\r\n");
}

/// The first answer to "abc" gets lost, the second says that there is an object, and HEAD shows it.
std::vector<Script> lost_then_refused(Step head) {
  return {{read_request(), reset()},
          {read_request(), write(error(412, "PreconditionFailed")), read_head(), std::move(head),
           hold()}};
}

Task<Result<PutObjectResult>> create_abc(Bed& b) {
  http::SpanSource body(bytes_of("abc"));
  PutObjectOptions options(Bucket("b"), ObjectKey("k"));
  options.create_only = true;
  auto put = co_await b.client->put_object(options, body);
  co_return put;
}

Task<void> expect_created(Bed& b) {
  auto put = co_await create_abc(b);
  EXPECT_TRUE(put) << put.error().message();
  EXPECT_EQ(b.line(2).substr(0, 5), "HEAD ");
  if (put) {
    EXPECT_FALSE(put->etag.empty());
  }
}

Task<void> expect_in_the_way(Bed& b, bool maybe_applied) {
  auto put = co_await create_abc(b);
  EXPECT_FALSE(put);
  EXPECT_EQ(put.error().kind(), ErrorKind::already_exists);
  EXPECT_EQ(put.error().maybe_applied(), maybe_applied);
}

TEST(S3Client, ACreationWhoseAnswerGotLostCountsWhenTheMd5IsTheBodys) {
  Bed bed;
  bed.scripts = lost_then_refused(head_says("ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n"));
  bed.run([](Bed& b) -> Task<void> { co_await expect_created(b); });
}

TEST(S3Client, ACreationWhoseAnswerGotLostCountsWhenTheChecksumIsTheBodys) {
  Bed bed;
  bed.scripts = lost_then_refused(head_says("ETag: \"opaque\"\r\nx-amz-checksum-crc32c: " +
                                            checksum_base64(Crc32c::of(bytes_of("abc"))) + "\r\n"));
  bed.run([](Bed& b) -> Task<void> {
    co_await expect_created(b);
    EXPECT_NE(b.peer->heads().at(2).find("x-amz-checksum-mode: ENABLED"), std::string::npos);
  });
}

TEST(S3Client, ACreationWhoseAnswerGotLostIsNotTakenFromAnotherObject) {
  for (const Step& other : {head_says("ETag: \"00000000000000000000000000000000\"\r\n"),
                            head_says("ETag: \"opaque\"\r\n"),
                            head_says("ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n", 4),
                            head_says("ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n"
                                      "x-amz-checksum-crc32c: AAAAAA==\r\n"),
                            write("HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n")}) {
    Bed bed;
    bed.scripts = lost_then_refused(other);
    bed.run([](Bed& b) -> Task<void> { co_await expect_in_the_way(b, true); });
  }
}

TEST(S3Client, ACreationThatIsRefusedAtOnceDoesNotLook) {
  Bed bed;
  bed.scripts = {{read_request(), write(error(412, "PreconditionFailed")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    co_await expect_in_the_way(b, false);
    EXPECT_EQ(b.peer->heads().size(), 1u);
  });
}

TEST(S3Client, RepeatsACreationAfterAConflict) {
  Bed bed;
  bed.scripts = {{read_request(), write(error(409, "ConditionalRequestConflict")), read_request(),
                  write(answer(200, "ETag: \"e\"\r\n", "")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    auto put = co_await create_abc(b);
    EXPECT_TRUE(put) << put.error().message();
    EXPECT_EQ(b.client->stats().retries, 1u);
  });
}

TEST(S3Client, RefusesAnAnswerWithAnotherChecksumThanItSent) {
  Bed bed;
  bed.retry.attempts_max = 1;
  bed.scripts = {{read_request(),
                  write(answer(200, "ETag: \"e\"\r\nx-amz-checksum-crc32c: AAAAAA==\r\n", "")),
                  hold()}};
  bed.run([](Bed& b) -> Task<void> {
    http::SpanSource body(bytes_of("abc"));
    PutObjectOptions options(Bucket("b"), ObjectKey("k"));
    options.compute_checksum = ChecksumAlgorithm::crc32c;
    auto put = co_await b.client->put_object(options, body);
    EXPECT_FALSE(put);
    EXPECT_EQ(put.error().kind(), ErrorKind::checksum_mismatch);
    EXPECT_TRUE(put.error().maybe_applied());
  });
}

/// As lost_then_refused, for the completion of an upload.
std::vector<Script> completion_lost_then_refused(const std::string& headers) {
  return {{read_request(), reset()},
          {read_request(), write(error(412, "PreconditionFailed")), read_head(),
           head_says(headers, 2), hold()}};
}

TEST(S3Client, ACompletionThatCreatesCountsWhenTheObjectInTheWayIsItsOwn) {
  Bed bed;
  bed.scripts = completion_lost_then_refused("ETag: \"96e024ba2074fe77e8e965ba43a704be-2\"\r\n");
  bed.run([](Bed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    options.create_only = true;
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_TRUE(completed) << completed.error().message();
  });
}

TEST(S3Client, ACompletionThatCreatesCountsWhenTheChecksumIsItsOwn) {
  Bed bed;
  bed.scripts =
      completion_lost_then_refused("ETag: \"opaque-2\"\r\nx-amz-checksum-crc32c: 4waSgw==\r\n");
  bed.run([](Bed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    options.create_only = true;
    options.checksum.emplace(ChecksumAlgorithm::crc32c, "4waSgw==");
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_TRUE(completed) << completed.error().message();
  });
}

TEST(S3Client, ACompletionThatCreatesTakesNoObjectWithoutAProof) {
  Bed bed;
  bed.scripts = completion_lost_then_refused("ETag: \"opaque-2\"\r\n");
  bed.run([](Bed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    options.create_only = true;
    for (CompletedPart& part : options.parts) part.etag = ETag("opaque");
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_FALSE(completed);
    EXPECT_EQ(completed.error().kind(), ErrorKind::already_exists);
    EXPECT_TRUE(completed.error().maybe_applied());
  });
}

TEST(S3Client, ACompletionNeedsNoETagInItsAnswer) {
  Bed bed;
  bed.scripts = {{read_request(),
                  write(answer(200, "",
                               "<CompleteMultipartUploadResult><ETag></ETag>"
                               "</CompleteMultipartUploadResult>")),
                  hold()}};
  bed.run([](Bed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_TRUE(completed) << completed.error().message();
    EXPECT_TRUE(completed->etag.empty());
    EXPECT_EQ(b.peer->heads().size(), 1u);
  });
}

TEST(S3Client, RepeatsACompletionAfterAConflict) {
  Bed bed;
  std::string good = answer(200, "",
                            "<CompleteMultipartUploadResult><ETag>\"e-2\"</ETag>"
                            "</CompleteMultipartUploadResult>");
  bed.scripts = {{read_request(), write(error(409, "ConditionalRequestConflict")), read_request(),
                  write(good), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    options.create_only = true;
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_TRUE(completed) << completed.error().message();
  });
}

TEST(S3Client, AnAbortOfWhatIsGoneIsASuccess) {
  Bed bed;
  bed.scripts = {{read_head(), write(error(404, "NoSuchUpload")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    AbortMultipartUploadOptions options(Bucket("b"), ObjectKey("k"), UploadId("u"));
    auto aborted = co_await b.client->abort_multipart_upload(options);
    EXPECT_TRUE(aborted);
  });
}

TEST(S3Client, CorrectsItsClockOnceByTheServersDate) {
  Bed bed;
  std::string skewed =
      answer(403, "Date: Wed, 15 Nov 2023 12:00:00 GMT\r\n",
             "<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>");
  bed.scripts = {{read_head(), write(skewed), read_head(), write(part_of("a", 0, 1, "e")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    std::array<std::byte, 1> out;
    GetObjectOptions options = get_options(0, 1);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_NE(b.peer->heads().at(1).find("20231115T120000Z"), std::string::npos)
        << b.peer->heads().at(1);
  });
}

TEST(S3Client, SignsForTheRegionThatTheServerNames) {
  Bed bed;
  std::string malformed = error(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>");
  bed.scripts = {{read_head(), write(malformed), read_head(), write(part_of("a", 0, 1, "e")),
                  read_head(), write(part_of("a", 0, 1, "e")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
    std::array<std::byte, 1> out;
    GetObjectOptions options = get_options(0, 1);
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
  Bed bed;
  bed.scripts = {{read_head(), read_bytes(3), write(error(503, "SlowDown")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
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
  Bed bed;
  bed.retry.base_delay = std::chrono::hours(1);
  bed.retry.delay_max = std::chrono::hours(1);
  bed.scripts = {{read_head(), write(error(500, "InternalError")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
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
  Bed bed;
  bed.retry.base_delay = std::chrono::hours(1);
  bed.retry.delay_max = std::chrono::hours(1);
  bed.scripts = {{read_head(), write(error(500, "InternalError")), hold()}};
  bed.run([](Bed& b) -> Task<void> {
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

// --- The request log.

/// One refusal, then success.
std::vector<Script> busy_once() {
  std::string good = answer(206,
                            "ETag: \"e\"\r\nContent-Range: bytes 0-0/1\r\n"
                            "x-amz-request-id: tx01\r\nx-amz-id-2: host2\r\n",
                            "a");
  return {{read_head(), write(error(503, "SlowDown")), read_head(), write(good), hold()}};
}

Task<void> read_k(Bed& b) {
  std::array<std::byte, 1> out;
  GetObjectOptions options = get_options(0, 1);
  auto got = co_await b.client->get_object_into(options, out);
  EXPECT_TRUE(got) << got.error().message();
}

/// Records that hold a text.
std::size_t count(const Bed& bed, std::string_view text) {
  auto holds = [&](const std::string& record) { return record.find(text) != std::string::npos; };
  return static_cast<std::size_t>(std::count_if(bed.records.begin(), bed.records.end(), holds));
}

TEST(S3RequestLog, TellsNothingWhenOff) {
  Bed bed;
  bed.scripts = busy_once();
  bed.run(&read_k);
  EXPECT_TRUE(bed.records.empty());
}

TEST(S3RequestLog, HasALineForEachRequestAtEveryLevel) {
  for (S3LogLevel level :
       {S3LogLevel::debug, S3LogLevel::debug_with_signing, S3LogLevel::debug_with_http_body,
        S3LogLevel::debug_with_request_retries, S3LogLevel::debug_with_request_errors,
        S3LogLevel::debug_with_event_stream_body}) {
    Bed bed;
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
  Bed bed;
  bed.scripts = busy_once();
  bed.log_level = S3LogLevel::debug_with_request_retries;
  bed.run(&read_k);
  EXPECT_EQ(count(bed, "retry in 0 ms, throttled: "), 1u) << ::testing::PrintToString(bed.records);
}

TEST(S3RequestLog, SaysWhyThereWasNoAnswer) {
  Bed bed;
  bed.scripts = {{read_head(), close()}};
  bed.retry.attempts_max = 1;
  bed.log_level = S3LogLevel::debug;
  bed.run([](Bed& b) -> Task<void> {
    HeadObjectOptions options(Bucket("b"), ObjectKey("k"));
    auto info = co_await b.client->head_object(options);
    EXPECT_FALSE(info);
  });
  EXPECT_GE(count(bed, "/b/k without an answer after "), 1u)
      << ::testing::PrintToString(bed.records);
}

TEST(S3RequestLog, HidesTheSessionTokenInBothVersions) {
  for (SignatureVersion version : {SignatureVersion::v4, SignatureVersion::v2}) {
    Bed bed;
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
