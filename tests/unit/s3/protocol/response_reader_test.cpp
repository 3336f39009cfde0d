#include "s3/src/protocol/response_reader.hpp"

#include <gtest/gtest.h>
#include <string>

namespace ringpull::s3 {
namespace {

const Bucket kBucket("bucket");
const ObjectKey kKey("key");
const UploadId kUpload("upload");

ResponseContext context(Operation operation) {
  return ResponseContext(operation, "s3://bucket/key", "us-east-1");
}

http::ResponseHead response(
    int status, std::initializer_list<std::pair<const char*, const char*>> headers = {}) {
  http::ResponseHead head(status);
  for (auto [name, value] : headers) {
    head.headers.add(name, value);
    if (std::string_view(name) == "Content-Length") head.content_length = std::stoull(value);
  }
  return head;
}

class GetObjectResponse : public testing::Test {
 protected:
  Result<GetObjectResult> read(const http::ResponseHead& head, std::string_view body = {}) {
    return read_response(get_, context(Operation::get_object), head, body);
  }
  bool is_protocol_error(const http::ResponseHead& head) {
    auto result = read(head);
    return !result && result.error().is(ErrorKind::protocol);
  }

  GetObjectOptions get_{kBucket, kKey};
};

TEST_F(GetObjectResponse, DescribesTheWholeObject) {
  auto result = read(response(200, {{"Content-Length", "5"},
                                    {"ETag", "\"abc-2\""},
                                    {"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"},
                                    {"Content-Type", "text/plain"},
                                    {"x-amz-version-id", "v1"},
                                    {"X-Amz-Meta-Origin", "hub"},
                                    {"x-amz-meta-", "no name"},
                                    {"x-amz-checksum-crc64nvme", "rosUhgp5mIg="},
                                    {"x-amz-checksum-type", "FULL_OBJECT"}}));
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_FALSE(result->range);
  EXPECT_EQ(result->info.size_bytes, 5u);
  EXPECT_EQ(result->info.etag.str(), "abc-2");
  EXPECT_EQ(result->info.last_modified->time_since_epoch().count(), 784111777);
  EXPECT_EQ(result->info.content_type, "text/plain");
  EXPECT_EQ(result->info.version_id, VersionId("v1"));
  EXPECT_EQ(result->info.metadata, (Metadata{{"origin", "hub"}}));
  ASSERT_EQ(result->info.checksums.size(), 1u);
  EXPECT_FALSE(result->info.checksums[0].composite);
}

TEST_F(GetObjectResponse, TakesThePartThatWasAskedFor) {
  get_.range = *http::ByteRange::create(10, 19);
  auto result =
      read(response(206, {{"Content-Length", "10"}, {"Content-Range", "bytes 10-19/100"}}));
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->range, *http::ByteRange::create(10, 19));
  EXPECT_EQ(result->info.size_bytes, 100u);
}

TEST_F(GetObjectResponse, TakesARangeThatTheEndOfTheObjectCuts) {
  get_.range = *http::ByteRange::create(90, 199);
  auto result =
      read(response(206, {{"Content-Length", "10"}, {"Content-Range", "bytes 90-99/100"}}));
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->range->length(), 10u);
}

TEST_F(GetObjectResponse, RefusesEveryOtherContentRange) {
  get_.range = *http::ByteRange::create(10, 19);
  for (const char* range :
       {"bytes 0-9/100", "bytes 10-18/100", "bytes 10-20/100", "bytes 11-19/100", "bytes 10-19/*",
        "bytes */100", "bytes 10-19", "pages 10-19/100", "bytes 10-19/15", ""}) {
    EXPECT_TRUE(
        is_protocol_error(response(206, {{"Content-Length", "10"}, {"Content-Range", range}})))
        << range;
  }
  EXPECT_TRUE(is_protocol_error(response(206, {{"Content-Length", "10"}})));
  EXPECT_TRUE(is_protocol_error(
      response(206, {{"Content-Length", "300"}, {"Content-Type", "multipart/byteranges"}})));
  EXPECT_TRUE(is_protocol_error(
      response(206, {{"Content-Length", "9"}, {"Content-Range", "bytes 10-19/100"}})));
}

TEST_F(GetObjectResponse, ChecksAnOpenRangeAgainstItsOffset) {
  get_.offset = 40;
  EXPECT_TRUE(
      read(response(206, {{"Content-Length", "60"}, {"Content-Range", "bytes 40-99/100"}})));
  EXPECT_TRUE(is_protocol_error(
      response(206, {{"Content-Length", "10"}, {"Content-Range", "bytes 40-49/100"}})));
  EXPECT_TRUE(is_protocol_error(response(200, {{"Content-Length", "100"}})));
}

TEST_F(GetObjectResponse, TakesA200ForARangeOnlyIfItIsTheWholeObject) {
  get_.range = *http::ByteRange::create(0, 99);
  EXPECT_TRUE(read(response(200, {{"Content-Length", "100"}})));
  EXPECT_TRUE(is_protocol_error(response(200, {{"Content-Length", "101"}})));
  get_.range = *http::ByteRange::create(10, 19);
  EXPECT_TRUE(is_protocol_error(response(200, {{"Content-Length", "20"}})));
}

TEST_F(GetObjectResponse, RefusesAPartThatWasNotAskedForAndObjectsWithoutLength) {
  EXPECT_TRUE(is_protocol_error(
      response(206, {{"Content-Length", "10"}, {"Content-Range", "bytes 0-9/100"}})));
  EXPECT_TRUE(is_protocol_error(response(200)));
  EXPECT_TRUE(is_protocol_error(response(204)));
}

TEST_F(GetObjectResponse, ReportsAChangedObjectAndAnUnchangedOne) {
  auto changed = read(response(412), "<Error><Code>PreconditionFailed</Code></Error>");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().kind(), ErrorKind::precondition_failed);
  auto unchanged = read(response(304));
  ASSERT_FALSE(unchanged);
  EXPECT_EQ(unchanged.error().kind(), ErrorKind::not_modified);
}

TEST(HeadObjectResponse, GivesTheSizeThatContentLengthAnnounces) {
  auto info = read_response(HeadObjectOptions(kBucket, kKey), context(Operation::head_object),
                            response(200, {{"Content-Length", "77"}, {"ETag", "unquoted"}}), "");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size_bytes, 77u);
  EXPECT_EQ(info->etag.quoted(), "\"unquoted\"");
  auto without = read_response(HeadObjectOptions(kBucket, kKey), context(Operation::head_object),
                               response(200), "");
  EXPECT_FALSE(without);
}

TEST(PutObjectResponse, A412IsAlreadyExistsOnlyForCreateOnly) {
  PutObjectOptions put(kBucket, kKey);
  put.create_only = true;
  auto exists = read_response(put, context(Operation::put_object), response(412), "");
  ASSERT_FALSE(exists);
  EXPECT_EQ(exists.error().kind(), ErrorKind::already_exists);
  put.create_only = false;
  put.if_match = ETag("tag");
  auto changed = read_response(put, context(Operation::put_object), response(412), "");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().kind(), ErrorKind::precondition_failed);
  auto stored =
      read_response(put, context(Operation::put_object), response(200, {{"ETag", "\"new\""}}), "");
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->etag.str(), "new");
}

TEST(UploadPartResponse, WithoutAnETagIsAFailure) {
  UploadPartOptions part(kBucket, kKey, kUpload, PartNumber(1));
  auto taken = read_response(part, context(Operation::upload_part), response(200), "");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind(), ErrorKind::protocol);
  EXPECT_TRUE(
      read_response(part, context(Operation::upload_part), response(200, {{"ETag", "\"e\""}}), ""));
}

class CompleteResponse : public testing::Test {
 protected:
  Result<CompleteMultipartUploadResult> read(int status, std::string_view body) {
    return read_response(complete_, context(Operation::complete_multipart_upload),
                         response(status, {{"x-amz-version-id", "v9"}}), body);
  }

  CompleteMultipartUploadOptions complete_{kBucket, kKey, kUpload};
};

TEST_F(CompleteResponse, TakesTheResultAlsoBehindKeepAliveBlanks) {
  auto done = read(200,
                   "  \n \n<?xml version=\"1.0\"?><CompleteMultipartUploadResult>"
                   "<ETag>\"e-2\"</ETag></CompleteMultipartUploadResult>");
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->etag.str(), "e-2");
  EXPECT_EQ(done->version_id, VersionId("v9"));
}

TEST_F(CompleteResponse, AnErrorInsideA200Fails) {
  auto failed = read(200, "\n<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().service_code(), "InternalError");
  EXPECT_EQ(retry_class(failed.error()), RetryClass::server_error);
}

TEST_F(CompleteResponse, A200WithoutItsAnswerMayHaveBeenApplied) {
  for (std::string_view body : {"", " \n \n", "<?xml version=\"1.0\"?><CompleteMultipartUpl"}) {
    auto lost = read(200, body);
    ASSERT_FALSE(lost) << body;
    EXPECT_EQ(lost.error().kind(), ErrorKind::truncated) << body;
    EXPECT_TRUE(lost.error().maybe_applied());
    EXPECT_EQ(retry_class(lost.error()), RetryClass::transient);
  }
  auto strange = read(200, "<html></html>");
  ASSERT_FALSE(strange);
  EXPECT_EQ(strange.error().kind(), ErrorKind::protocol);
}

TEST_F(CompleteResponse, AConditionThatFailedInsideA200IsAlreadyExists) {
  complete_.create_only = true;
  auto exists = read(200, "<Error><Code>PreconditionFailed</Code></Error>");
  ASSERT_FALSE(exists);
  EXPECT_EQ(exists.error().kind(), ErrorKind::already_exists);
}

TEST(CopyResponses, AnErrorInsideA200FailsForBothCopies) {
  constexpr std::string_view kError = "<Error><Code>SlowDown</Code></Error>";
  auto copy =
      read_response(CopyObjectOptions(), context(Operation::copy_object), response(200), kError);
  ASSERT_FALSE(copy);
  EXPECT_EQ(copy.error().kind(), ErrorKind::throttled);
  auto part = read_response(UploadPartCopyOptions(), context(Operation::upload_part_copy),
                            response(200), kError);
  ASSERT_FALSE(part);
  EXPECT_EQ(retry_class(part.error()), RetryClass::throttle);
}

TEST(DeleteObjectsResponse, ReportsEachKeyThatFailed) {
  auto result = read_response(
      DeleteObjectsOptions(kBucket, {kKey}), context(Operation::delete_objects), response(200),
      "<DeleteResult><Error><Key>a b</Key><Code>AccessDenied</Code><Message>Access Denied</Message>"
      "</Error><Error><Key>c</Key><Code>InternalError</Code></Error></DeleteResult>");
  ASSERT_TRUE(result) << result.error().message();
  ASSERT_EQ(result->failures.size(), 2u);
  EXPECT_EQ(result->failures[0].key, ObjectKey("a b"));
  EXPECT_EQ(result->failures[0].error.kind(), ErrorKind::permission_denied);
  EXPECT_NE(result->failures[0].error.message().find("s3://bucket/a b"), std::string::npos);
  EXPECT_EQ(retry_class(result->failures[1].error), RetryClass::server_error);
}

TEST(ListResponses, APageThatLeadsNowhereNewIsRefused) {
  ListObjectsV2Options list(kBucket);
  list.continuation_token = "same";
  auto objects = read_response(list, context(Operation::list_objects_v2), response(200),
                               "<ListBucketResult><IsTruncated>true</IsTruncated>"
                               "<NextContinuationToken>same</NextContinuationToken>"
                               "</ListBucketResult>");
  ASSERT_FALSE(objects);
  EXPECT_EQ(objects.error().kind(), ErrorKind::protocol);

  ListObjectsOptions old(kBucket);
  old.marker = "b";
  auto marked = read_response(old, context(Operation::list_objects), response(200),
                              "<ListBucketResult><IsTruncated>true</IsTruncated>"
                              "<NextMarker>a</NextMarker></ListBucketResult>");
  ASSERT_FALSE(marked);
  EXPECT_EQ(marked.error().kind(), ErrorKind::protocol);

  ListPartsOptions parts(kBucket, kKey, kUpload);
  parts.part_number_marker = 5;
  auto listed = read_response(parts, context(Operation::list_parts), response(200),
                              "<ListPartsResult><IsTruncated>true</IsTruncated>"
                              "<NextPartNumberMarker>5</NextPartNumberMarker></ListPartsResult>");
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().kind(), ErrorKind::protocol);

  ListMultipartUploadsOptions uploads(kBucket);
  uploads.key_marker = "k";
  uploads.upload_id_marker = "u";
  auto open = read_response(uploads, context(Operation::list_multipart_uploads), response(200),
                            "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
                            "<NextKeyMarker>k</NextKeyMarker>"
                            "<NextUploadIdMarker>u</NextUploadIdMarker>"
                            "</ListMultipartUploadsResult>");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().kind(), ErrorKind::protocol);
}

/// A page of uploads that was asked for behind `key` and "u", and goes on behind `next`.
Result<ListMultipartUploadsResult> page_of_uploads(const std::string& key, const std::string& next,
                                                   const std::string& next_id) {
  ListMultipartUploadsOptions uploads(kBucket);
  uploads.key_marker = key;
  uploads.upload_id_marker = "u";
  return read_response(uploads, context(Operation::list_multipart_uploads), response(200),
                       "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
                       "<NextKeyMarker>" +
                           next + "</NextKeyMarker><NextUploadIdMarker>" + next_id +
                           "</NextUploadIdMarker></ListMultipartUploadsResult>");
}

TEST(ListResponses, APageOfUploadsThatLeadsBackIsAProtocolError) {
  for (const char* earlier : {"b", "la", "laye", "layer"}) {
    auto page = page_of_uploads("layer/1", earlier, "other");
    ASSERT_FALSE(page) << earlier;
    EXPECT_EQ(page.error().kind(), ErrorKind::protocol);
    EXPECT_NE(page.error().message().find("endless listing"), std::string::npos);
  }
}

TEST(ListResponses, UploadsOfOneKeyComeInAnyOrder) {
  EXPECT_TRUE(page_of_uploads("k", "k", "a"));
  EXPECT_TRUE(page_of_uploads("k", "k", "z"));
}

TEST(ListResponses, RadosgwSortsUploadsByKeyAndADot) {
  EXPECT_TRUE(page_of_uploads("k-1", "k", "other"));
  EXPECT_TRUE(page_of_uploads("k", "k/1", "other"));
  EXPECT_TRUE(page_of_uploads("k", "k-1", "other")) << "as S3 sorts them";
  EXPECT_FALSE(page_of_uploads("k/1", "k", "other")) << "before in both";
}

TEST(ListResponses, AnEmptyPageWithAFreshTokenIsFine) {
  auto page = read_response(ListObjectsV2Options(kBucket), context(Operation::list_objects_v2),
                            response(200),
                            "<ListBucketResult><IsTruncated>true</IsTruncated>"
                            "<NextContinuationToken>next</NextContinuationToken>"
                            "</ListBucketResult>");
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->objects.empty());
  EXPECT_EQ(page->next_continuation_token, "next");
}

TEST(SimpleResponses, SucceedOnAny2xxAndFailOtherwise) {
  EXPECT_TRUE(read_response(DeleteObjectOptions(kBucket, kKey), context(Operation::delete_object),
                            response(204), ""));
  EXPECT_TRUE(read_response(AbortMultipartUploadOptions(kBucket, kKey, kUpload),
                            context(Operation::abort_multipart_upload), response(204), ""));
  auto bucket = read_response(HeadBucketOptions(kBucket), context(Operation::head_bucket),
                              response(200, {{"x-amz-bucket-region", "eu-west-3"}}), "");
  ASSERT_TRUE(bucket);
  EXPECT_EQ(bucket->region, Region("eu-west-3"));
  auto gone = read_response(AbortMultipartUploadOptions(kBucket, kKey, kUpload),
                            context(Operation::abort_multipart_upload), response(404),
                            "<Error><Code>NoSuchUpload</Code></Error>");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind(), ErrorKind::not_found);
}

}  // namespace
}  // namespace ringpull::s3
