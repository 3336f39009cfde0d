#include "s3/src/protocol/request_builder.hpp"

#include <gtest/gtest.h>
#include <string>

namespace ringpull::s3 {
namespace {

const Endpoint& endpoint() {
  static const Endpoint value = *Endpoint::create("http://127.0.0.1:9000", Region("us-east-1"));
  return value;
}
const Bucket kBucket("bucket");
const ObjectKey kKey("a key");
const UploadId kUpload("up/load+id==");

/// The request line and the fields but Host, one per line.
std::string text(const Result<PreparedRequest>& request) {
  if (!request) return std::string(to_string(request.error().kind()));
  std::string out = request->head.method + " " + request->head.target + "\n";
  for (http::HeaderField field : request->head.headers) {
    if (field.name == "Host") continue;
    out += std::string(field.name) + ": " + std::string(field.value) + "\n";
  }
  return out;
}

TEST(RequestBuilder, GetObject) {
  GetObjectOptions get(kBucket, kKey);
  auto plain = prepare(endpoint(), get);
  EXPECT_EQ(text(plain), "GET /bucket/a%20key\n");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->head.headers.get("host"), "127.0.0.1:9000");
  EXPECT_EQ(plain->origin.origin(), "http://127.0.0.1:9000");
  EXPECT_EQ(plain->resource, "s3://bucket/a key");
  get.range = *http::ByteRange::create(0, 9);
  get.offset = 5;
  get.conditions.if_match = ETag("\"tag\"");
  get.version_id = VersionId("v/1");
  get.checksum_mode = true;
  EXPECT_EQ(text(prepare(endpoint(), get)),
            "GET /bucket/a%20key?versionId=v%2F1\nRange: bytes=0-9\nIf-Match: \"tag\"\n"
            "x-amz-checksum-mode: ENABLED\n");
  get = GetObjectOptions(kBucket, kKey);
  get.offset = 5;
  get.conditions.if_none_match = ETag("tag");
  EXPECT_EQ(text(prepare(endpoint(), get)),
            "GET /bucket/a%20key\nRange: bytes=5-\nIf-None-Match: \"tag\"\n");
}

TEST(RequestBuilder, HeadAndDelete) {
  EXPECT_EQ(text(prepare(endpoint(), HeadObjectOptions(kBucket, kKey))), "HEAD /bucket/a%20key\n");
  EXPECT_EQ(text(prepare(endpoint(), HeadBucketOptions(kBucket))), "HEAD /bucket\n");
  EXPECT_EQ(text(prepare(endpoint(), DeleteObjectOptions(kBucket, kKey))),
            "DELETE /bucket/a%20key\n");
}

TEST(RequestBuilder, PutObjectWithEverything) {
  PutObjectOptions put(kBucket, kKey);
  put.attributes.content_type = "application/octet-stream";
  put.attributes.storage_class = "STANDARD_IA";
  put.attributes.acl = "private";
  put.attributes.encryption.algorithm = "aws:kms";
  put.attributes.encryption.kms_key_id = "key-1";
  put.attributes.metadata = {{"origin", "hub"}};
  put.create_only = true;
  put.checksum = ObjectChecksum(ChecksumAlgorithm::crc32c, "4waSgw==");
  EXPECT_EQ(text(prepare(endpoint(), put)),
            "PUT /bucket/a%20key\nContent-Type: application/octet-stream\n"
            "x-amz-storage-class: STANDARD_IA\nx-amz-acl: private\n"
            "x-amz-server-side-encryption: aws:kms\n"
            "x-amz-server-side-encryption-aws-kms-key-id: key-1\nx-amz-meta-origin: hub\n"
            "If-None-Match: *\nx-amz-checksum-crc32c: 4waSgw==\n");
  put.attributes.encryption.algorithm = "AES256";
  EXPECT_EQ(text(prepare(endpoint(), put)).find("kms"), std::string::npos)
      << "a key id belongs to kms only";
}

TEST(RequestBuilder, DeleteObjectsCarriesItsDigest) {
  auto request =
      prepare(endpoint(), DeleteObjectsOptions(kBucket, {ObjectKey("a"), ObjectKey("b")}));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body,
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
            "<Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>");
  EXPECT_EQ(text(request), "POST /bucket?delete\nContent-Type: application/xml\nContent-MD5: " +
                               base64(Md5::of(bytes_of(request->body))) + "\n");
  EXPECT_EQ(text(prepare(endpoint(), DeleteObjectsOptions(kBucket, {}))), "invalid_argument");
  EXPECT_EQ(text(prepare(endpoint(), DeleteObjectsOptions(
                                         kBucket, std::vector<ObjectKey>(1001, ObjectKey("k"))))),
            "invalid_argument");
}

TEST(RequestBuilder, ListObjectsV2EncodesItsParametersAndOmitsEmptyOnes) {
  ListObjectsV2Options list(kBucket);
  EXPECT_EQ(text(prepare(endpoint(), list)),
            "GET /bucket?list-type=2&encoding-type=url&max-keys=1000\n");
  list.prefix = "a/b c+d";
  list.delimiter = "/";
  list.start_after = "a&b=\xc3\xa9";
  list.continuation_token = "1/x+y==";
  list.keys_max = 10;
  EXPECT_EQ(text(prepare(endpoint(), list)),
            "GET /bucket?list-type=2&encoding-type=url&prefix=a%2Fb%20c%2Bd&delimiter=%2F"
            "&start-after=a%26b%3D%C3%A9&continuation-token=1%2Fx%2By%3D%3D&max-keys=10\n");
  list.keys_max = 0;
  EXPECT_EQ(text(prepare(endpoint(), list)), "invalid_argument");
  list.keys_max = 1001;
  EXPECT_EQ(text(prepare(endpoint(), list)), "invalid_argument");
}

TEST(RequestBuilder, ListObjectsAsksByMarker) {
  ListObjectsOptions list(kBucket);
  EXPECT_EQ(text(prepare(endpoint(), list)), "GET /bucket?encoding-type=url&max-keys=1000\n");
  list.prefix = "a/b c";
  list.delimiter = "/";
  list.marker = "a/b c+d";
  list.keys_max = 1;
  EXPECT_EQ(text(prepare(endpoint(), list)),
            "GET /bucket?encoding-type=url&prefix=a%2Fb%20c&delimiter=%2F"
            "&marker=a%2Fb%20c%2Bd&max-keys=1\n");
  list.keys_max = 0;
  EXPECT_EQ(text(prepare(endpoint(), list)), "invalid_argument");
}

TEST(RequestBuilder, CopyObjectEncodesItsSource) {
  CopyObjectOptions copy;
  copy.source_bucket = Bucket("from");
  copy.source_key = ObjectKey("a/b c?d");
  copy.source_version_id = VersionId("v&1");
  copy.source_if_match = ETag("tag");
  copy.bucket = kBucket;
  copy.key = kKey;
  copy.attributes.content_type = "text/plain";
  copy.attributes.storage_class = "STANDARD";
  EXPECT_EQ(text(prepare(endpoint(), copy)),
            "PUT /bucket/a%20key\nx-amz-copy-source: /from/a/b%20c%3Fd?versionId=v%261\n"
            "x-amz-copy-source-if-match: \"tag\"\nx-amz-storage-class: STANDARD\n");
  copy.replace_metadata = true;
  EXPECT_NE(text(prepare(endpoint(), copy))
                .find("x-amz-metadata-directive: REPLACE\nContent-Type: text/plain\n"),
            std::string::npos);
  copy.source_bucket = Bucket();
  EXPECT_EQ(text(prepare(endpoint(), copy)), "invalid_argument");
}

TEST(RequestBuilder, TheMultipartFamily) {
  CreateMultipartUploadOptions create(kBucket, kKey);
  create.checksum_algorithm = ChecksumAlgorithm::crc64nvme;
  create.full_object_checksum = true;
  EXPECT_EQ(text(prepare(endpoint(), create)),
            "POST /bucket/a%20key?uploads\nx-amz-checksum-algorithm: CRC64NVME\n"
            "x-amz-checksum-type: FULL_OBJECT\n");
  create.checksum_algorithm = ChecksumAlgorithm::sha256;
  EXPECT_EQ(text(prepare(endpoint(), create)), "invalid_argument");

  UploadPartOptions part(kBucket, kKey, kUpload, PartNumber(7));
  EXPECT_EQ(text(prepare(endpoint(), part)),
            "PUT /bucket/a%20key?partNumber=7&uploadId=up%2Fload%2Bid%3D%3D\n");

  UploadPartCopyOptions copy;
  copy.source_bucket = Bucket("from");
  copy.source_key = kKey;
  copy.source_range = *http::ByteRange::create(10, 19);
  copy.bucket = kBucket;
  copy.key = kKey;
  copy.upload_id = kUpload;
  EXPECT_EQ(text(prepare(endpoint(), copy)),
            "PUT /bucket/a%20key?partNumber=1&uploadId=up%2Fload%2Bid%3D%3D\n"
            "x-amz-copy-source: /from/a%20key\nx-amz-copy-source-range: bytes=10-19\n");

  CompleteMultipartUploadOptions complete(kBucket, kKey, kUpload);
  complete.parts = {CompletedPart(PartNumber(1), ETag("a")),
                    CompletedPart(PartNumber(2), ETag("b"))};
  complete.checksum = ObjectChecksum(ChecksumAlgorithm::crc64nvme, "rosUhgp5mIg=");
  complete.create_only = true;
  EXPECT_EQ(text(prepare(endpoint(), complete)),
            "POST /bucket/a%20key?uploadId=up%2Fload%2Bid%3D%3D\nIf-None-Match: *\n"
            "x-amz-checksum-crc64nvme: rosUhgp5mIg=\nx-amz-checksum-type: FULL_OBJECT\n"
            "Content-Type: application/xml\n");

  EXPECT_EQ(text(prepare(endpoint(), AbortMultipartUploadOptions(kBucket, kKey, kUpload))),
            "DELETE /bucket/a%20key?uploadId=up%2Fload%2Bid%3D%3D\n");
  ListPartsOptions parts(kBucket, kKey, kUpload);
  parts.part_number_marker = 1000;
  EXPECT_EQ(text(prepare(endpoint(), parts)),
            "GET /bucket/a%20key?uploadId=up%2Fload%2Bid%3D%3D&max-parts=1000"
            "&part-number-marker=1000\n");
  ListMultipartUploadsOptions uploads(kBucket, "a/");
  uploads.key_marker = "a/k";
  uploads.upload_id_marker = "id";
  EXPECT_EQ(text(prepare(endpoint(), uploads)),
            "GET /bucket?uploads&encoding-type=url&prefix=a%2F&key-marker=a%2Fk"
            "&upload-id-marker=id&max-uploads=1000\n");
}

TEST(RequestBuilder, CompleteWantsItsPartsInOrder) {
  CompleteMultipartUploadOptions complete(kBucket, kKey, kUpload);
  EXPECT_EQ(text(prepare(endpoint(), complete)), "invalid_argument");
  complete.parts = {CompletedPart(PartNumber(2), ETag("b")),
                    CompletedPart(PartNumber(1), ETag("a"))};
  EXPECT_EQ(text(prepare(endpoint(), complete)), "invalid_argument");
  complete.parts = {CompletedPart(PartNumber(1), ETag("b")),
                    CompletedPart(PartNumber(1), ETag("a"))};
  EXPECT_EQ(text(prepare(endpoint(), complete)), "invalid_argument");
}

TEST(RequestBuilder, VirtualHostPutsTheBucketIntoTheHostOnly) {
  auto virtual_host = *Endpoint::create("https://s3.example.com", Region("us-east-1"));
  auto request = prepare(virtual_host, GetObjectOptions(kBucket, kKey));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->head.target, "/a%20key");
  EXPECT_EQ(request->head.headers.get("host"), "bucket.s3.example.com");
  auto list = prepare(virtual_host, HeadBucketOptions(kBucket));
  ASSERT_TRUE(list);
  EXPECT_EQ(list->head.target, "/");
}

TEST(RequestBuilder, OddKeysAreEncodedExactlyOnceAndNeverNormalised) {
  const std::pair<const char*, const char*> kKeys[] = {
      {"a/../b", "a/../b"},
      {"a//b", "a//b"},
      {"/leading", "/leading"},
      {"trailing/", "trailing/"},
      {"100%25", "100%2525"},
      {"a%2Fb", "a%252Fb"},
      {"a+b", "a%2Bb"},
      {"q?x=1#f", "q%3Fx%3D1%23f"},
      {"\xe2\x82\xac~", "%E2%82%AC~"},
      {".", "."},
      {"tab\there", "tab%09here"},
  };
  for (auto [key, encoded] : kKeys) {
    auto request = prepare(endpoint(), GetObjectOptions(kBucket, ObjectKey(key)));
    ASSERT_TRUE(request) << key;
    EXPECT_EQ(request->head.target, "/bucket/" + std::string(encoded));
  }
}

TEST(RequestBuilder, RefusesBeforeAByteLeaves) {
  auto refused = [](const ObjectKey& key) {
    auto request = prepare(endpoint(), GetObjectOptions(kBucket, key));
    return !request && request.error().is(ErrorKind::invalid_argument);
  };
  EXPECT_TRUE(refused(ObjectKey("")));
  EXPECT_TRUE(refused(ObjectKey("a\r\nb")));
  EXPECT_TRUE(refused(ObjectKey(std::string("a\0b", 3))));
  EXPECT_TRUE(refused(ObjectKey(std::string(1025, 'k'))));
  EXPECT_FALSE(refused(ObjectKey(std::string(1024, 'k'))));
  PutObjectOptions put(kBucket, kKey);
  put.attributes.metadata = {{"a", "b\r\nx-amz-acl: public-read"}};
  EXPECT_EQ(text(prepare(endpoint(), put)), "invalid_argument");
  put.attributes.metadata = {{"bad name", "b"}};
  EXPECT_EQ(text(prepare(endpoint(), put)), "invalid_argument");
  put = PutObjectOptions(kBucket, kKey);
  put.if_match = ETag("a\nb");
  EXPECT_EQ(text(prepare(endpoint(), put)), "invalid_argument");
  EXPECT_EQ(text(prepare(endpoint(), UploadPartOptions(kBucket, kKey, kUpload, PartNumber(0)))),
            "invalid_argument");
  EXPECT_EQ(text(prepare(endpoint(), UploadPartOptions(kBucket, kKey, kUpload, PartNumber(10001)))),
            "invalid_argument");
  EXPECT_EQ(text(prepare(endpoint(), AbortMultipartUploadOptions(kBucket, kKey, UploadId()))),
            "invalid_argument");
}

TEST(RequestBuilder, SaysWhichRequestItRefused) {
  auto request = prepare(endpoint(), GetObjectOptions(kBucket, ObjectKey("")));
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().message(), "GetObject s3://bucket/: the object key is empty");
}

}  // namespace
}  // namespace ringpull::s3
