#pragma once
// Options and results of the verbs. Plain values; options name everything a verb needs except a
// body. An empty text, tag or list means "not given"; optionals are used where empty means
// something.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ringpull/engine/error.hpp>
#include <ringpull/http/range.hpp>
#include <ringpull/s3/checksum.hpp>
#include <ringpull/s3/names.hpp>

namespace ringpull::inline v0::s3 {

/// Names beside the verb's own text: x-amz-meta-* without that prefix, lower case.
using Metadata = std::map<std::string, std::string>;

/// A checksum as S3 keeps it beside an object.
struct ObjectChecksum {
  ObjectChecksum() = default;
  ObjectChecksum(ChecksumAlgorithm algorithm_in, std::string base64_in)
      : algorithm(algorithm_in), base64(std::move(base64_in)) {}

  ChecksumAlgorithm algorithm = ChecksumAlgorithm::crc32c;
  std::string base64;
  /// A checksum of the parts' checksums ("...-3", or x-amz-checksum-type: COMPOSITE): never equal
  /// to one over the bytes.
  bool composite = false;
};

/// Server-side encryption to ask for.
struct Encryption {
  Encryption() = default;

  /// x-amz-server-side-encryption: "AES256", "aws:kms", "aws:kms:dsse".
  std::string algorithm;
  /// Sent only with one of the kms algorithms.
  std::string kms_key_id;
};

/// What a new object is to be, for PutObject, CopyObject and CreateMultipartUpload alike.
struct ObjectAttributes {
  ObjectAttributes() = default;

  std::string content_type;
  std::string content_encoding;
  std::string content_disposition;
  std::string content_language;
  std::string cache_control;
  std::string storage_class;
  /// Canned, e.g. "private".
  std::string acl;
  Encryption encryption;
  Metadata metadata;
};

/// Conditions that an object must meet; the verb fails with `precondition_failed` or
/// `not_modified`.
struct ReadConditions {
  ReadConditions() = default;

  ETag if_match;
  ETag if_none_match;
};

/// What a server says about an object in GetObject and HeadObject.
struct ObjectInfo {
  ObjectInfo() = default;

  /// Of the whole object, also in the answer to a ranged GetObject.
  std::uint64_t size_bytes = 0;
  ETag etag;
  std::optional<std::chrono::sys_seconds> last_modified;
  std::string content_type;
  std::string content_encoding;
  std::string content_disposition;
  std::string content_language;
  std::string cache_control;
  std::string storage_class;
  VersionId version_id;
  Metadata metadata;
  /// Only with checksum_mode, and only what this library computes.
  std::vector<ObjectChecksum> checksums;
};

struct GetObjectOptions {
  GetObjectOptions() = default;
  GetObjectOptions(Bucket bucket_in, ObjectKey key_in)
      : bucket(std::move(bucket_in)), key(std::move(key_in)) {}

  Bucket bucket;
  ObjectKey key;
  /// Nothing: everything from `offset` on.
  std::optional<http::ByteRange> range;
  /// Used only without `range`. At or behind the end of the object the verb fails with
  /// InvalidRange.
  std::uint64_t offset = 0;
  VersionId version_id;
  ReadConditions conditions;
  /// Ask for the stored checksums. They cover the whole object: a ranged answer carries none to
  /// compare with.
  bool checksum_mode = false;
};

struct GetObjectResult {
  GetObjectResult() = default;

  ObjectInfo info;
  /// The part that the body holds; nothing when it is the whole object.
  std::optional<http::ByteRange> range;
};

struct HeadObjectOptions {
  HeadObjectOptions() = default;
  HeadObjectOptions(Bucket bucket_in, ObjectKey key_in)
      : bucket(std::move(bucket_in)), key(std::move(key_in)) {}

  Bucket bucket;
  ObjectKey key;
  VersionId version_id;
  ReadConditions conditions;
  bool checksum_mode = false;
};

struct PutObjectOptions {
  PutObjectOptions() = default;
  PutObjectOptions(Bucket bucket_in, ObjectKey key_in)
      : bucket(std::move(bucket_in)), key(std::move(key_in)) {}

  Bucket bucket;
  ObjectKey key;
  ObjectAttributes attributes;
  /// If-None-Match: * - fails with `already_exists` instead of replacing an object.
  bool create_only = false;
  /// Replace only this version; `precondition_failed` otherwise.
  ETag if_match;
  /// Known before the body is sent; the server verifies and keeps it.
  std::optional<ObjectChecksum> checksum;
  /// Compute this checksum of the body and send it along; not beside `checksum`. Over TLS it is
  /// made while the body goes out and follows it as a trailer (STREAMING-UNSIGNED-PAYLOAD-TRAILER),
  /// so that the body is read once. Over plain HTTP nothing would protect a trailer, and
  /// PayloadSigning::always and Signature Version 2 have none: the body is read once before, so it
  /// must be rewindable, and the checksum stands in the head. The body's size must be known. Amazon
  /// S3 and recent servers understand trailers; one that does not may keep the coding as if it were
  /// the object.
  std::optional<ChecksumAlgorithm> compute_checksum;
};

struct PutObjectResult {
  PutObjectResult() = default;

  ETag etag;
  VersionId version_id;
  std::vector<ObjectChecksum> checksums;
};

struct DeleteObjectOptions {
  DeleteObjectOptions() = default;
  DeleteObjectOptions(Bucket bucket_in, ObjectKey key_in)
      : bucket(std::move(bucket_in)), key(std::move(key_in)) {}

  Bucket bucket;
  ObjectKey key;
  VersionId version_id;
};

struct DeleteObjectsOptions {
  DeleteObjectsOptions() = default;
  DeleteObjectsOptions(Bucket bucket_in, std::vector<ObjectKey> keys_in)
      : bucket(std::move(bucket_in)), keys(std::move(keys_in)) {}

  Bucket bucket;
  /// 1 to kDeleteObjectsMax.
  std::vector<ObjectKey> keys;
};

/// The keys that could not be deleted. All others are gone, or never were.
struct DeleteObjectsResult {
  DeleteObjectsResult() = default;

  struct Failure {
    Failure(ObjectKey key_in, Error error_in)
        : key(std::move(key_in)), error(std::move(error_in)) {}

    ObjectKey key;
    Error error;
  };

  std::vector<Failure> failures;
};

struct HeadBucketOptions {
  HeadBucketOptions() = default;
  explicit HeadBucketOptions(Bucket bucket_in) : bucket(std::move(bucket_in)) {}

  Bucket bucket;
};

struct HeadBucketResult {
  HeadBucketResult() = default;

  /// Empty when the server does not say.
  Region region;
};

struct ListObjectsV2Options {
  ListObjectsV2Options() = default;
  explicit ListObjectsV2Options(Bucket bucket_in, std::string prefix_in = {})
      : bucket(std::move(bucket_in)), prefix(std::move(prefix_in)) {}

  Bucket bucket;
  std::string prefix;
  /// "/" groups keys into common_prefixes.
  std::string delimiter;
  /// List only what comes after this key. Not sent when empty: some servers answer an empty or
  /// prefix-like value with nothing.
  std::string start_after;
  std::string continuation_token;
  /// Keys per page, 1 to kListPageMax.
  std::uint32_t keys_max = kListPageMax;
};

struct ListedObject {
  ListedObject() = default;

  ObjectKey key;
  std::uint64_t size_bytes = 0;
  ETag etag;
  std::optional<std::chrono::sys_seconds> last_modified;
  std::string storage_class;
};

/// One page of ListObjectsV2.
struct ListObjectsV2Result {
  ListObjectsV2Result() = default;

  std::vector<ListedObject> objects;
  std::vector<std::string> common_prefixes;
  /// More pages follow; then `next_continuation_token` is never empty.
  bool truncated = false;
  std::string next_continuation_token;
};

/// Of the first version of the verb, for servers that lack the second.
struct ListObjectsOptions {
  ListObjectsOptions() = default;
  explicit ListObjectsOptions(Bucket bucket_in, std::string prefix_in = {})
      : bucket(std::move(bucket_in)), prefix(std::move(prefix_in)) {}

  Bucket bucket;
  std::string prefix;
  /// "/" groups keys into common_prefixes.
  std::string delimiter;
  /// List only what comes after this key or common prefix. Not sent when empty.
  std::string marker;
  /// Keys per page, 1 to kListPageMax.
  std::uint32_t keys_max = kListPageMax;
};

/// One page of ListObjects.
struct ListObjectsResult {
  ListObjectsResult() = default;

  std::vector<ListedObject> objects;
  std::vector<std::string> common_prefixes;
  /// More pages follow; then `next_marker` lies behind the marker of the request. Servers leave it
  /// out of listings without a delimiter: then it is the last name of the page.
  bool truncated = false;
  std::string next_marker;
};

struct CopyObjectOptions {
  CopyObjectOptions() = default;

  Bucket source_bucket;
  ObjectKey source_key;
  VersionId source_version_id;
  /// Copy only this version of the source.
  ETag source_if_match;
  Bucket bucket;
  ObjectKey key;
  /// Used only with `replace_metadata`, except acl, storage class and encryption, which are never
  /// copied from the source.
  ObjectAttributes attributes;
  bool replace_metadata = false;
};

struct CopyObjectResult {
  CopyObjectResult() = default;

  ETag etag;
  std::optional<std::chrono::sys_seconds> last_modified;
  std::vector<ObjectChecksum> checksums;
};

struct CreateMultipartUploadOptions {
  CreateMultipartUploadOptions() = default;
  CreateMultipartUploadOptions(Bucket bucket_in, ObjectKey key_in)
      : bucket(std::move(bucket_in)), key(std::move(key_in)) {}

  Bucket bucket;
  ObjectKey key;
  ObjectAttributes attributes;
  /// The algorithm that every part will carry.
  std::optional<ChecksumAlgorithm> checksum_algorithm;
  /// x-amz-checksum-type: FULL_OBJECT (CRCs only) rather than COMPOSITE.
  bool full_object_checksum = false;
};

struct CreateMultipartUploadResult {
  CreateMultipartUploadResult() = default;

  UploadId upload_id;
  /// An attempt before the answered one may have been carried out, its answer lost: then there are
  /// uploads with this key that nobody has the id of, until list_multipart_uploads shows them.
  bool twins_possible = false;
};

struct UploadPartOptions {
  UploadPartOptions() = default;
  UploadPartOptions(Bucket bucket_in, ObjectKey key_in, UploadId upload_id_in, PartNumber number_in)
      : bucket(std::move(bucket_in)),
        key(std::move(key_in)),
        upload_id(std::move(upload_id_in)),
        number(number_in) {}

  Bucket bucket;
  ObjectKey key;
  UploadId upload_id;
  PartNumber number;
  std::optional<ObjectChecksum> checksum;
  /// As in PutObjectOptions.
  std::optional<ChecksumAlgorithm> compute_checksum;
};

struct UploadPartResult {
  UploadPartResult() = default;

  /// Never empty: an answer without one is a failure.
  ETag etag;
  std::vector<ObjectChecksum> checksums;
};

struct UploadPartCopyOptions {
  UploadPartCopyOptions() = default;

  Bucket source_bucket;
  ObjectKey source_key;
  VersionId source_version_id;
  ETag source_if_match;
  /// Nothing: the whole source, at most kPartBytesMax.
  std::optional<http::ByteRange> source_range;
  Bucket bucket;
  ObjectKey key;
  UploadId upload_id;
  PartNumber number;
};

struct UploadPartCopyResult {
  UploadPartCopyResult() = default;

  ETag etag;
  std::vector<ObjectChecksum> checksums;
};

/// A part as CompleteMultipartUpload names it.
struct CompletedPart {
  CompletedPart() = default;
  CompletedPart(PartNumber number_in, ETag etag_in) : number(number_in), etag(std::move(etag_in)) {}

  PartNumber number;
  ETag etag;
  std::optional<ObjectChecksum> checksum;
};

struct CompleteMultipartUploadOptions {
  CompleteMultipartUploadOptions() = default;
  CompleteMultipartUploadOptions(Bucket bucket_in, ObjectKey key_in, UploadId upload_id_in)
      : bucket(std::move(bucket_in)), key(std::move(key_in)), upload_id(std::move(upload_id_in)) {}

  Bucket bucket;
  ObjectKey key;
  UploadId upload_id;
  /// In ascending order of their numbers.
  std::vector<CompletedPart> parts;
  /// Of the whole object; the server compares it with what it has.
  std::optional<ObjectChecksum> checksum;
  bool create_only = false;
};

struct CompleteMultipartUploadResult {
  CompleteMultipartUploadResult() = default;

  /// Empty where the server leaves it out of its answer (radosgw); head_object tells it then.
  ETag etag;
  VersionId version_id;
  std::vector<ObjectChecksum> checksums;
  /// No answer told of the success: this is what the object at the key shows.
  bool answer_lost = false;
};

struct AbortMultipartUploadOptions {
  AbortMultipartUploadOptions() = default;
  AbortMultipartUploadOptions(Bucket bucket_in, ObjectKey key_in, UploadId upload_id_in)
      : bucket(std::move(bucket_in)), key(std::move(key_in)), upload_id(std::move(upload_id_in)) {}

  Bucket bucket;
  ObjectKey key;
  UploadId upload_id;
};

struct ListPartsOptions {
  ListPartsOptions() = default;
  ListPartsOptions(Bucket bucket_in, ObjectKey key_in, UploadId upload_id_in)
      : bucket(std::move(bucket_in)), key(std::move(key_in)), upload_id(std::move(upload_id_in)) {}

  Bucket bucket;
  ObjectKey key;
  UploadId upload_id;
  /// Parts above this number; 0 for all.
  std::uint32_t part_number_marker = 0;
  std::uint32_t parts_max = kListPageMax;
};

struct ListedPart {
  ListedPart() = default;

  PartNumber number;
  std::uint64_t size_bytes = 0;
  ETag etag;
  std::optional<std::chrono::sys_seconds> last_modified;
  std::vector<ObjectChecksum> checksums;
};

struct ListPartsResult {
  ListPartsResult() = default;

  std::vector<ListedPart> parts;
  /// More pages follow; then `next_part_number_marker` lies above the marker of the request.
  bool truncated = false;
  std::uint32_t next_part_number_marker = 0;
};

struct ListMultipartUploadsOptions {
  ListMultipartUploadsOptions() = default;
  explicit ListMultipartUploadsOptions(Bucket bucket_in, std::string prefix_in = {})
      : bucket(std::move(bucket_in)), prefix(std::move(prefix_in)) {}

  Bucket bucket;
  std::string prefix;
  std::string delimiter;
  std::string key_marker;
  std::string upload_id_marker;
  std::uint32_t uploads_max = kListPageMax;
};

struct ListedUpload {
  ListedUpload() = default;

  ObjectKey key;
  UploadId upload_id;
  std::optional<std::chrono::sys_seconds> initiated;
};

struct ListMultipartUploadsResult {
  ListMultipartUploadsResult() = default;

  std::vector<ListedUpload> uploads;
  std::vector<std::string> common_prefixes;
  /// More pages follow; then `next_key_marker` does not lie before the marker of the request, and
  /// among the uploads of one key `next_upload_id_marker` is another.
  bool truncated = false;
  std::string next_key_marker;
  std::string next_upload_id_marker;
};

}  // namespace ringpull::inline v0::s3
