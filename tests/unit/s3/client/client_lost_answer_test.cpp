// Completions and creations whose answer is lost, late or another one's.
#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ringpull/engine/task.hpp>

#include "tests/unit/s3/client/client_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_head;
using ringpull::testing::read_request;
using ringpull::testing::reset;
using ringpull::testing::Script;
using ringpull::testing::Step;
using ringpull::testing::write;
using testing::ClientBed;
using testing::error_response;
using testing::response;

TEST(S3ClientLostAnswer, TakesAnErrorInsideA200AsAFailureAndRepeatsIt) {
  ClientBed bed;
  std::string inside =
      response(200, "", "<Error><Code>InternalError</Code><Message>m</Message></Error>");
  std::string good = response(200, "", "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>");
  bed.scripts = {{read_head(), write(inside), read_head(), write(good), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
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
  return {read_request(), write(error_response(404, "NoSuchUpload")), read_head(),
          write("HTTP/1.1 200 x\r\nETag: \"" + etag + "\"\r\nContent-Length: 2\r\n\r\n"), hold()};
}

TEST(S3ClientLostAnswer, ACompletionWhoseAnswerGotLostCountsWhenTheObjectIsThere) {
  ClientBed bed;
  // The MD5 of the MD5s of "a" and "b".
  bed.scripts = {{read_request(), reset()},
                 lost_then_gone_then_head("96e024ba2074fe77e8e965ba43a704be-2")};
  bed.run([](ClientBed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_TRUE(completed) << completed.error().message();
    EXPECT_EQ(b.line(2).substr(0, 5), "HEAD ");
  });
}

TEST(S3ClientLostAnswer, ACompletionWhoseAnswerGotLostIsNotTakenFromAnotherObject) {
  ClientBed bed;
  bed.scripts = {{read_request(), reset()},
                 lost_then_gone_then_head("00000000000000000000000000000000-2")};
  bed.run([](ClientBed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_FALSE(completed);
    EXPECT_TRUE(completed.error().maybe_applied());
  });
}

TEST(S3ClientLostAnswer, ACompletionThatIsReallyGoneIsAFailure) {
  ClientBed bed;
  bed.scripts = {{read_request(), write(error_response(404, "NoSuchUpload")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
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
          {read_request(), write(error_response(412, "PreconditionFailed")), read_head(),
           std::move(head), hold()}};
}

Task<Result<PutObjectResult>> create_abc(ClientBed& b) {
  http::SpanSource body(bytes_of("abc"));
  PutObjectOptions options(Bucket("b"), ObjectKey("k"));
  options.create_only = true;
  auto put = co_await b.client->put_object(options, body);
  co_return put;
}

Task<void> expect_created(ClientBed& b) {
  auto put = co_await create_abc(b);
  EXPECT_TRUE(put) << put.error().message();
  EXPECT_EQ(b.line(2).substr(0, 5), "HEAD ");
  if (put) {
    EXPECT_FALSE(put->etag.empty());
  }
}

Task<void> expect_in_the_way(ClientBed& b, bool maybe_applied) {
  auto put = co_await create_abc(b);
  EXPECT_FALSE(put);
  EXPECT_EQ(put.error().kind(), ErrorKind::already_exists);
  EXPECT_EQ(put.error().maybe_applied(), maybe_applied);
}

TEST(S3ClientLostAnswer, ACreationWhoseAnswerGotLostCountsWhenTheMd5IsTheBodys) {
  ClientBed bed;
  bed.scripts = lost_then_refused(head_says("ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n"));
  bed.run([](ClientBed& b) -> Task<void> { co_await expect_created(b); });
}

TEST(S3ClientLostAnswer, ACreationWhoseAnswerGotLostCountsWhenTheChecksumIsTheBodys) {
  ClientBed bed;
  bed.scripts = lost_then_refused(head_says("ETag: \"opaque\"\r\nx-amz-checksum-crc32c: " +
                                            checksum_base64(Crc32c::of(bytes_of("abc"))) + "\r\n"));
  bed.run([](ClientBed& b) -> Task<void> {
    co_await expect_created(b);
    EXPECT_NE(b.peer->heads().at(2).find("x-amz-checksum-mode: ENABLED"), std::string::npos);
  });
}

TEST(S3ClientLostAnswer, ACreationWhoseAnswerGotLostIsNotTakenFromAnotherObject) {
  for (const Step& other : {head_says("ETag: \"00000000000000000000000000000000\"\r\n"),
                            head_says("ETag: \"opaque\"\r\n"),
                            head_says("ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n", 4),
                            head_says("ETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n"
                                      "x-amz-checksum-crc32c: AAAAAA==\r\n"),
                            write("HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n")}) {
    ClientBed bed;
    bed.scripts = lost_then_refused(other);
    bed.run([](ClientBed& b) -> Task<void> { co_await expect_in_the_way(b, true); });
  }
}

TEST(S3ClientLostAnswer, ACreationThatIsRefusedAtOnceDoesNotLook) {
  ClientBed bed;
  bed.scripts = {{read_request(), write(error_response(412, "PreconditionFailed")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    co_await expect_in_the_way(b, false);
    EXPECT_EQ(b.peer->heads().size(), 1u);
  });
}

TEST(S3ClientLostAnswer, RepeatsACreationAfterAConflict) {
  ClientBed bed;
  bed.scripts = {{read_request(), write(error_response(409, "ConditionalRequestConflict")),
                  read_request(), write(response(200, "ETag: \"e\"\r\n", "")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto put = co_await create_abc(b);
    EXPECT_TRUE(put) << put.error().message();
    EXPECT_EQ(b.client->stats().retries, 1u);
  });
}

TEST(S3ClientLostAnswer, RefusesAnAnswerWithAnotherChecksumThanItSent) {
  ClientBed bed;
  bed.retry.attempts_max = 1;
  bed.scripts = {{read_request(),
                  write(response(200, "ETag: \"e\"\r\nx-amz-checksum-crc32c: AAAAAA==\r\n", "")),
                  hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
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
          {read_request(), write(error_response(412, "PreconditionFailed")), read_head(),
           head_says(headers, 2), hold()}};
}

TEST(S3ClientLostAnswer, ACompletionThatCreatesCountsWhenTheObjectInTheWayIsItsOwn) {
  ClientBed bed;
  bed.scripts = completion_lost_then_refused("ETag: \"96e024ba2074fe77e8e965ba43a704be-2\"\r\n");
  bed.run([](ClientBed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    options.create_only = true;
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_TRUE(completed) << completed.error().message();
  });
}

TEST(S3ClientLostAnswer, ACompletionThatCreatesCountsWhenTheChecksumIsItsOwn) {
  ClientBed bed;
  bed.scripts =
      completion_lost_then_refused("ETag: \"opaque-2\"\r\nx-amz-checksum-crc32c: 4waSgw==\r\n");
  bed.run([](ClientBed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    options.create_only = true;
    options.checksum.emplace(ChecksumAlgorithm::crc32c, "4waSgw==");
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_TRUE(completed) << completed.error().message();
  });
}

TEST(S3ClientLostAnswer, ACompletionThatCreatesTakesNoObjectWithoutAProof) {
  ClientBed bed;
  bed.scripts = completion_lost_then_refused("ETag: \"opaque-2\"\r\n");
  bed.run([](ClientBed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    options.create_only = true;
    for (CompletedPart& part : options.parts) part.etag = ETag("opaque");
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_FALSE(completed);
    EXPECT_EQ(completed.error().kind(), ErrorKind::already_exists);
    EXPECT_TRUE(completed.error().maybe_applied());
  });
}

TEST(S3ClientLostAnswer, ACompletionNeedsNoETagInItsAnswer) {
  ClientBed bed;
  bed.scripts = {{read_request(),
                  write(response(200, "",
                                 "<CompleteMultipartUploadResult><ETag></ETag>"
                                 "</CompleteMultipartUploadResult>")),
                  hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_TRUE(completed) << completed.error().message();
    EXPECT_TRUE(completed->etag.empty());
    EXPECT_EQ(b.peer->heads().size(), 1u);
  });
}

TEST(S3ClientLostAnswer, RepeatsACompletionAfterAConflict) {
  ClientBed bed;
  std::string good = response(200, "",
                              "<CompleteMultipartUploadResult><ETag>\"e-2\"</ETag>"
                              "</CompleteMultipartUploadResult>");
  bed.scripts = {{read_request(), write(error_response(409, "ConditionalRequestConflict")),
                  read_request(), write(good), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    CompleteMultipartUploadOptions options = complete_options();
    options.create_only = true;
    auto completed = co_await b.client->complete_multipart_upload(options);
    EXPECT_TRUE(completed) << completed.error().message();
  });
}

}  // namespace
}  // namespace ringpull::s3
