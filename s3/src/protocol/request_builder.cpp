#include "s3/src/protocol/request_builder.hpp"

#include <algorithm>
#include <utility>

#include "s3/src/protocol/xml.hpp"

namespace ringpull::inline v0::s3 {
namespace {

constexpr std::string_view kLineBreakers("\r\n\0", 3);

Result<void> check_key(const ObjectKey& key) {
  if (key.empty()) return fail(ErrorKind::invalid_argument, "the object key is empty");
  if (key.str().size() > kKeyBytesMax) {
    return fail(ErrorKind::invalid_argument,
                "the object key has " + std::to_string(key.str().size()) + " bytes; S3 takes 1024");
  }
  if (key.str().find_first_of(kLineBreakers) != std::string::npos) {
    return fail(ErrorKind::invalid_argument, "the object key holds CR, LF or NUL");
  }
  return {};
}

Result<void> check_part(const UploadId& upload_id, PartNumber number) {
  if (upload_id.empty()) return fail(ErrorKind::invalid_argument, "the upload id is empty");
  if (number.value() >= 1 && number.value() <= kPartNumberMax) return {};
  return fail(ErrorKind::invalid_argument,
              "part number " + std::to_string(number.value()) + " is not in 1 to 10000");
}

Result<void> check_page_size(std::uint32_t size) {
  if (size >= 1 && size <= kListPageMax) return {};
  return fail(ErrorKind::invalid_argument,
              "a page of " + std::to_string(size) + " entries was asked for; S3 gives 1 to 1000");
}

/// Fills a PreparedRequest part by part; the first mistake wins and shows in finish().
class RequestBuilder {
 public:
  RequestBuilder(const Endpoint& endpoint, Operation operation, const char* method,
                 const Bucket& bucket) {
    start(endpoint, operation, method, bucket);
    // "/bucket" rather than "/bucket/": radosgw reads the latter as an empty key in some verbs.
    std::string& target = request_.head.target;
    if (target.size() > 1) target.pop_back();
  }

  RequestBuilder(const Endpoint& endpoint, Operation operation, const char* method,
                 const Bucket& bucket, const ObjectKey& key) {
    start(endpoint, operation, method, bucket);
    require(check_key(key));
    request_.resource += "/" + key.str();
    http::percent_encode(key.str(), http::Slash::keep, request_.head.target);
  }

  void require(Result<void> check) {
    if (!check && status_) status_ = std::move(check);
  }

  void parameter(std::string_view name) { append_parameter(name); }
  void parameter(std::string_view name, std::string_view value) {
    append_parameter(name);
    request_.head.target += '=';
    http::percent_encode(value, http::Slash::encode, request_.head.target);
  }
  void parameter_unless_empty(std::string_view name, std::string_view value) {
    if (!value.empty()) parameter(name, value);
  }

  void header(std::string_view name, std::string_view value) {
    request_.head.headers.add(name, value);
  }
  void header_unless_empty(std::string_view name, std::string_view value) {
    if (!value.empty()) header(name, value);
  }
  void tag_unless_empty(std::string_view name, const ETag& etag) {
    if (!etag.empty()) header(name, etag.quoted());
  }

  void attributes(const ObjectAttributes& attributes) {
    header_unless_empty("Content-Type", attributes.content_type);
    header_unless_empty("Content-Encoding", attributes.content_encoding);
    header_unless_empty("Content-Disposition", attributes.content_disposition);
    header_unless_empty("Content-Language", attributes.content_language);
    header_unless_empty("Cache-Control", attributes.cache_control);
    header_unless_empty("x-amz-storage-class", attributes.storage_class);
    header_unless_empty("x-amz-acl", attributes.acl);
    header_unless_empty("x-amz-server-side-encryption", attributes.encryption.algorithm);
    if (attributes.encryption.algorithm.starts_with("aws:kms")) {
      header_unless_empty("x-amz-server-side-encryption-aws-kms-key-id",
                          attributes.encryption.kms_key_id);
    }
    for (const auto& [name, value] : attributes.metadata) header("x-amz-meta-" + name, value);
  }

  void checksum(const std::optional<ObjectChecksum>& checksum) {
    if (checksum) header(checksum_header(checksum->algorithm), checksum->base64);
  }

  /// Either the checksum itself, or (added to the request with its body) the order to make it.
  void checksum(const std::optional<ObjectChecksum>& checksum,
                const std::optional<ChecksumAlgorithm>& compute) {
    if (checksum && compute) {
      require(fail(ErrorKind::invalid_argument,
                   "a checksum is given and another one is to be computed; S3 takes one"));
    }
    this->checksum(checksum);
  }

  void conditions(const ReadConditions& conditions) {
    tag_unless_empty("If-Match", conditions.if_match);
    tag_unless_empty("If-None-Match", conditions.if_none_match);
  }

  void copy_source(const Bucket& bucket, const ObjectKey& key, const VersionId& version_id,
                   const ETag& if_match) {
    if (bucket.empty()) {
      require(fail(ErrorKind::invalid_argument, "the source of a copy names no bucket"));
    }
    require(check_key(key));
    std::string source = "/" + http::percent_encode(bucket.str(), http::Slash::encode) + "/" +
                         http::percent_encode(key.str(), http::Slash::keep);
    if (!version_id.empty()) {
      source += "?versionId=" + http::percent_encode(version_id.str(), http::Slash::encode);
    }
    header("x-amz-copy-source", source);
    tag_unless_empty("x-amz-copy-source-if-match", if_match);
  }

  void xml_body(std::string body) {
    header("Content-Type", "application/xml");
    request_.body = std::move(body);
  }

  PreparedRequest& request() { return request_; }

  Result<PreparedRequest> finish() {
    require(request_.head.headers.check());
    if (status_) return std::move(request_);
    std::string what(to_string(request_.operation));
    return fail(std::move(status_).error().context(what + " " + request_.resource));
  }

 private:
  void start(const Endpoint& endpoint, Operation operation, const char* method,
             const Bucket& bucket) {
    request_.operation = operation;
    request_.resource = "s3://" + bucket.str();
    request_.head.method = method;
    auto address = endpoint.address(bucket);
    if (!address) {
      status_ = fail(std::move(address).error());
      return;
    }
    request_.origin = std::move(address->origin);
    request_.head.target = std::move(address->target_prefix);
    if (request_.head.target == "/") request_.virtual_bucket = bucket.str();
    header("Host", request_.origin.authority());
  }

  void append_parameter(std::string_view name) {
    std::string& target = request_.head.target;
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += name;
  }

  PreparedRequest request_;
  Result<void> status_;
};

}  // namespace

Result<PreparedRequest> prepare(const Endpoint& endpoint, const GetObjectOptions& options) {
  RequestBuilder builder(endpoint, Operation::get_object, "GET", options.bucket, options.key);
  builder.parameter_unless_empty("versionId", options.version_id.str());
  if (options.range) {
    builder.header("Range", options.range->to_range_header());
  } else if (options.offset > 0) {
    builder.header("Range", "bytes=" + std::to_string(options.offset) + "-");
  }
  builder.conditions(options.conditions);
  if (options.checksum_mode) builder.header("x-amz-checksum-mode", "ENABLED");
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const HeadObjectOptions& options) {
  RequestBuilder builder(endpoint, Operation::head_object, "HEAD", options.bucket, options.key);
  builder.parameter_unless_empty("versionId", options.version_id.str());
  builder.conditions(options.conditions);
  if (options.checksum_mode) builder.header("x-amz-checksum-mode", "ENABLED");
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const PutObjectOptions& options) {
  RequestBuilder builder(endpoint, Operation::put_object, "PUT", options.bucket, options.key);
  builder.attributes(options.attributes);
  if (options.create_only) builder.header("If-None-Match", "*");
  builder.tag_unless_empty("If-Match", options.if_match);
  builder.checksum(options.checksum, options.compute_checksum);
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const DeleteObjectOptions& options) {
  RequestBuilder builder(endpoint, Operation::delete_object, "DELETE", options.bucket, options.key);
  builder.parameter_unless_empty("versionId", options.version_id.str());
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const DeleteObjectsOptions& options) {
  RequestBuilder builder(endpoint, Operation::delete_objects, "POST", options.bucket);
  if (options.keys.empty() || options.keys.size() > kDeleteObjectsMax) {
    builder.require(fail(ErrorKind::invalid_argument, std::to_string(options.keys.size()) +
                                                          " keys are named; S3 takes 1 to 1000"));
  }
  for (const ObjectKey& key : options.keys) builder.require(check_key(key));
  builder.parameter("delete");
  builder.xml_body(write_delete_objects(options.keys));
  // S3 insists on a digest here; Content-MD5 is the one that every server knows.
  builder.header("Content-MD5", base64(Md5::of(bytes_of(builder.request().body))));
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const HeadBucketOptions& options) {
  RequestBuilder builder(endpoint, Operation::head_bucket, "HEAD", options.bucket);
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const ListObjectsV2Options& options) {
  RequestBuilder builder(endpoint, Operation::list_objects_v2, "GET", options.bucket);
  builder.require(check_page_size(options.keys_max));
  builder.parameter("list-type", "2");
  // Keys may hold characters that XML cannot.
  builder.parameter("encoding-type", "url");
  builder.parameter_unless_empty("prefix", options.prefix);
  builder.parameter_unless_empty("delimiter", options.delimiter);
  builder.parameter_unless_empty("start-after", options.start_after);
  builder.parameter_unless_empty("continuation-token", options.continuation_token);
  builder.parameter("max-keys", std::to_string(options.keys_max));
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const ListObjectsOptions& options) {
  RequestBuilder builder(endpoint, Operation::list_objects, "GET", options.bucket);
  builder.require(check_page_size(options.keys_max));
  builder.parameter("encoding-type", "url");
  builder.parameter_unless_empty("prefix", options.prefix);
  builder.parameter_unless_empty("delimiter", options.delimiter);
  builder.parameter_unless_empty("marker", options.marker);
  builder.parameter("max-keys", std::to_string(options.keys_max));
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const CopyObjectOptions& options) {
  RequestBuilder builder(endpoint, Operation::copy_object, "PUT", options.bucket, options.key);
  builder.copy_source(options.source_bucket, options.source_key, options.source_version_id,
                      options.source_if_match);
  ObjectAttributes attributes = options.attributes;
  if (options.replace_metadata) {
    builder.header("x-amz-metadata-directive", "REPLACE");
  } else {
    attributes.content_type.clear();
    attributes.content_encoding.clear();
    attributes.content_disposition.clear();
    attributes.content_language.clear();
    attributes.cache_control.clear();
    attributes.metadata.clear();
  }
  builder.attributes(attributes);
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint,
                                const CreateMultipartUploadOptions& options) {
  RequestBuilder builder(endpoint, Operation::create_multipart_upload, "POST", options.bucket,
                         options.key);
  builder.parameter("uploads");
  builder.attributes(options.attributes);
  if (options.checksum_algorithm) {
    if (options.full_object_checksum && *options.checksum_algorithm == ChecksumAlgorithm::sha256) {
      builder.require(fail(ErrorKind::invalid_argument,
                           "a SHA-256 over a whole object cannot be combined from its parts; use "
                           "CRC32C or CRC64NVME"));
    }
    builder.header("x-amz-checksum-algorithm", to_string(*options.checksum_algorithm));
    if (options.full_object_checksum) builder.header("x-amz-checksum-type", "FULL_OBJECT");
  }
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const UploadPartOptions& options) {
  RequestBuilder builder(endpoint, Operation::upload_part, "PUT", options.bucket, options.key);
  builder.require(check_part(options.upload_id, options.number));
  builder.parameter("partNumber", std::to_string(options.number.value()));
  builder.parameter("uploadId", options.upload_id.str());
  builder.checksum(options.checksum, options.compute_checksum);
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const UploadPartCopyOptions& options) {
  RequestBuilder builder(endpoint, Operation::upload_part_copy, "PUT", options.bucket, options.key);
  builder.require(check_part(options.upload_id, options.number));
  builder.parameter("partNumber", std::to_string(options.number.value()));
  builder.parameter("uploadId", options.upload_id.str());
  builder.copy_source(options.source_bucket, options.source_key, options.source_version_id,
                      options.source_if_match);
  if (options.source_range) {
    builder.header("x-amz-copy-source-range", options.source_range->to_range_header());
  }
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint,
                                const CompleteMultipartUploadOptions& options) {
  RequestBuilder builder(endpoint, Operation::complete_multipart_upload, "POST", options.bucket,
                         options.key);
  if (options.parts.empty()) {
    builder.require(fail(ErrorKind::invalid_argument,
                         "an upload is completed from 1 to 10000 "
                         "parts, none is named"));
  }
  for (std::size_t i = 0; i < options.parts.size(); ++i) {
    builder.require(check_part(options.upload_id, options.parts[i].number));
    if (i > 0 && options.parts[i].number <= options.parts[i - 1].number) {
      builder.require(fail(ErrorKind::invalid_argument, "the parts are not in ascending order"));
    }
  }
  builder.parameter("uploadId", options.upload_id.str());
  if (options.create_only) builder.header("If-None-Match", "*");
  builder.checksum(options.checksum);
  if (options.checksum) {
    builder.header("x-amz-checksum-type",
                   options.checksum->composite ? "COMPOSITE" : "FULL_OBJECT");
  }
  builder.xml_body(write_complete_multipart_upload(options.parts));
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint,
                                const AbortMultipartUploadOptions& options) {
  RequestBuilder builder(endpoint, Operation::abort_multipart_upload, "DELETE", options.bucket,
                         options.key);
  builder.require(check_part(options.upload_id, PartNumber()));
  builder.parameter("uploadId", options.upload_id.str());
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint, const ListPartsOptions& options) {
  RequestBuilder builder(endpoint, Operation::list_parts, "GET", options.bucket, options.key);
  builder.require(check_part(options.upload_id, PartNumber()));
  builder.require(check_page_size(options.parts_max));
  builder.parameter("uploadId", options.upload_id.str());
  builder.parameter("max-parts", std::to_string(options.parts_max));
  if (options.part_number_marker > 0) {
    builder.parameter("part-number-marker", std::to_string(options.part_number_marker));
  }
  return builder.finish();
}

Result<PreparedRequest> prepare(const Endpoint& endpoint,
                                const ListMultipartUploadsOptions& options) {
  RequestBuilder builder(endpoint, Operation::list_multipart_uploads, "GET", options.bucket);
  builder.require(check_page_size(options.uploads_max));
  builder.parameter("uploads");
  builder.parameter("encoding-type", "url");
  builder.parameter_unless_empty("prefix", options.prefix);
  builder.parameter_unless_empty("delimiter", options.delimiter);
  builder.parameter_unless_empty("key-marker", options.key_marker);
  builder.parameter_unless_empty("upload-id-marker", options.upload_id_marker);
  builder.parameter("max-uploads", std::to_string(options.uploads_max));
  return builder.finish();
}

}  // namespace ringpull::inline v0::s3
