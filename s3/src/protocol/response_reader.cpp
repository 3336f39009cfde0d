#include "s3/src/protocol/response_reader.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <ringpull/http/date.hpp>

#include "s3/src/protocol/xml.hpp"

namespace ringpull::inline v0::s3 {
namespace {

bool succeeded(const http::ResponseHead& head) { return head.status >= 200 && head.status < 300; }

/// An answer that was received but cannot be right.
Error refused_answer(const ResponseContext& context, const http::ResponseHead& head, ErrorKind kind,
                     std::string what) {
  std::string text(to_string(context.operation));
  if (!context.resource.empty()) (text += ' ') += context.resource;
  return Error(kind, text + ": " + std::move(what))
      .with_http_status(head.status)
      .with_request_id(std::string(head.headers.get("x-amz-request-id").value_or("")));
}

/// The request went through, its result did not: the caller has to find out.
Error lost_answer(const ResponseContext& context, const http::ResponseHead& head,
                  const Error& error) {
  return refused_answer(context, head, error.kind(), error.message()).with_maybe_applied(true);
}

/// A successful answer's document; an <Error> in it becomes the Error that it is.
Result<XmlDocument> read_document(const ResponseContext& context, const http::ResponseHead& head,
                                  std::string_view body) {
  if (!succeeded(head)) return fail(error_from_response(context, head, body));
  auto document = XmlDocument::parse(body);
  if (!document) return fail(lost_answer(context, head, std::move(document).error()));
  if (document->root_name() == "Error") return fail(error_from_response(context, head, body));
  return document;
}

template <class T>
Result<T> or_lost_answer(const ResponseContext& context, const http::ResponseHead& head,
                         Result<T> result) {
  if (!result) return fail(lost_answer(context, head, std::move(result).error()));
  return result;
}

/// With If-None-Match: * a 412 says that there is an object already.
Error create_only_error(Error error, bool create_only) {
  if (!create_only || !error.is(ErrorKind::precondition_failed)) return error;
  return std::move(error).with_kind(ErrorKind::already_exists);
}

std::vector<ObjectChecksum> read_checksum_headers(const http::Headers& headers) {
  bool composite =
      http::equal_ignoring_case(headers.get("x-amz-checksum-type").value_or(""), "COMPOSITE");
  std::vector<ObjectChecksum> checksums;
  for (auto algorithm :
       {ChecksumAlgorithm::crc32c, ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::sha256}) {
    auto value = headers.get(checksum_header(algorithm));
    if (!value) continue;
    ObjectChecksum& checksum = checksums.emplace_back(algorithm, std::string(*value));
    checksum.composite = composite || value->find('-') != std::string_view::npos;
  }
  return checksums;
}

std::string text_header(const http::Headers& headers, std::string_view name) {
  return std::string(headers.get(name).value_or(""));
}

ObjectInfo read_object_info(const http::Headers& headers) {
  constexpr std::string_view kMetadataPrefix = "x-amz-meta-";
  ObjectInfo info;
  info.etag = ETag(headers.get("etag").value_or(""));
  if (auto date = http::parse_http_date(headers.get("last-modified").value_or(""))) {
    info.last_modified = *date;
  }
  info.content_type = text_header(headers, "content-type");
  info.content_encoding = text_header(headers, "content-encoding");
  info.content_disposition = text_header(headers, "content-disposition");
  info.content_language = text_header(headers, "content-language");
  info.cache_control = text_header(headers, "cache-control");
  info.storage_class = text_header(headers, "x-amz-storage-class");
  info.version_id = VersionId(text_header(headers, "x-amz-version-id"));
  info.checksums = read_checksum_headers(headers);
  for (http::HeaderField field : headers) {
    if (field.name.size() <= kMetadataPrefix.size() ||
        !http::equal_ignoring_case(field.name.substr(0, kMetadataPrefix.size()), kMetadataPrefix)) {
      continue;
    }
    std::string name(field.name.substr(kMetadataPrefix.size()));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    info.metadata.emplace(std::move(name), field.value);
  }
  return info;
}

/// The bytes that an answer with status 206 holds, checked against what was asked for.
Result<http::ContentRange> read_content_range(const GetObjectOptions& options,
                                              const http::ResponseHead& head) {
  auto value = head.headers.get("content-range");
  if (!value) return fail(ErrorKind::protocol, "206 without a Content-Range");
  RINGPULL_TRY(http::ContentRange answer, http::ContentRange::parse(*value));
  if (!answer.range || !answer.total) {
    return fail(ErrorKind::protocol, "206 with Content-Range " + std::string(*value));
  }
  std::uint64_t first = options.range ? options.range->first() : options.offset;
  std::uint64_t last = *answer.total - 1;
  if (options.range) last = std::min(last, options.range->last());
  if (answer.range->first() != first || answer.range->last() != last) {
    return fail(ErrorKind::protocol, "asked for bytes " + std::to_string(first) + " to " +
                                         std::to_string(last) + ", got Content-Range " +
                                         std::string(*value));
  }
  if (head.headers.contains("content-length") && head.content_length != answer.range->length()) {
    return fail(ErrorKind::protocol, "Content-Range " + std::string(*value) +
                                         " disagrees with Content-Length " +
                                         std::to_string(head.content_length));
  }
  return answer;
}

/// Whether the next page lies behind the one asked for. S3 sorts uploads by key, radosgw by key,
/// '.' and upload id, which puts "k-1" before "k": only what goes back in both orders is refused.
/// The uploads of one key are sorted by time in S3, so there an id tells nothing but itself.
bool goes_on(const ListMultipartUploadsOptions& asked, const ListMultipartUploadsResult& page) {
  const std::string& from = asked.key_marker;
  const std::string& to = page.next_key_marker;
  if (to == from) return page.next_upload_id_marker != asked.upload_id_marker;
  return to > from || to + '.' > from + '.';
}

}  // namespace

Result<GetObjectResult> read_response(const GetObjectOptions& options,
                                      const ResponseContext& context,
                                      const http::ResponseHead& head, std::string_view body) {
  if (!succeeded(head)) return fail(error_from_response(context, head, body));
  auto refuse = [&](std::string what) {
    return fail(refused_answer(context, head, ErrorKind::protocol, std::move(what)));
  };
  GetObjectResult out;
  out.info = read_object_info(head.headers);
  bool asked_for_part = options.range || options.offset > 0;
  if (head.status == 206 && asked_for_part) {
    auto answer = read_content_range(options, head);
    if (!answer) return refuse(answer.error().message());
    out.range = answer->range;
    out.info.size_bytes = *answer->total;
    return out;
  }
  if (head.status != 200) {
    return refuse("HTTP " + std::to_string(head.status) + " answers no such request");
  }
  if (!head.headers.contains("content-length")) return refuse("an object without Content-Length");
  out.info.size_bytes = head.content_length;
  // A server that ignores Range is harmless where the whole object is what the range covers.
  bool covered = options.range && options.range->first() == 0 &&
                 head.content_length <= options.range->length();
  if (asked_for_part && !covered) return refuse("the server ignored the Range of the request");
  return out;
}

Result<ObjectInfo> read_response(const HeadObjectOptions&, const ResponseContext& context,
                                 const http::ResponseHead& head, std::string_view body) {
  if (!succeeded(head)) return fail(error_from_response(context, head, body));
  if (!head.headers.contains("content-length")) {
    return fail(
        refused_answer(context, head, ErrorKind::protocol, "an object without Content-Length"));
  }
  ObjectInfo info = read_object_info(head.headers);
  info.size_bytes = head.content_length;
  return info;
}

Result<PutObjectResult> read_response(const PutObjectOptions& options,
                                      const ResponseContext& context,
                                      const http::ResponseHead& head, std::string_view body) {
  if (!succeeded(head)) {
    return fail(create_only_error(error_from_response(context, head, body), options.create_only));
  }
  PutObjectResult out;
  out.etag = ETag(head.headers.get("etag").value_or(""));
  out.version_id = VersionId(text_header(head.headers, "x-amz-version-id"));
  out.checksums = read_checksum_headers(head.headers);
  return out;
}

Result<void> read_response(const DeleteObjectOptions&, const ResponseContext& context,
                           const http::ResponseHead& head, std::string_view body) {
  if (!succeeded(head)) return fail(error_from_response(context, head, body));
  return {};
}

Result<DeleteObjectsResult> read_response(const DeleteObjectsOptions& options,
                                          const ResponseContext& context,
                                          const http::ResponseHead& head, std::string_view body) {
  RINGPULL_TRY(XmlDocument document, read_document(context, head, body));
  RINGPULL_TRY(auto failures, or_lost_answer(context, head, read_delete_objects(document)));
  DeleteObjectsResult out;
  for (DeleteFailure& failure : failures) {
    std::string resource = "s3://" + options.bucket.str() + "/" + failure.key;
    ResponseContext one(context.operation, resource, context.region);
    out.failures.emplace_back(ObjectKey(std::move(failure.key)),
                              error_from_code(one, failure.code, failure.message));
  }
  return out;
}

Result<HeadBucketResult> read_response(const HeadBucketOptions&, const ResponseContext& context,
                                       const http::ResponseHead& head, std::string_view body) {
  if (!succeeded(head)) return fail(error_from_response(context, head, body));
  HeadBucketResult out;
  out.region = Region(text_header(head.headers, "x-amz-bucket-region"));
  return out;
}

Result<ListObjectsV2Result> read_response(const ListObjectsV2Options& options,
                                          const ResponseContext& context,
                                          const http::ResponseHead& head, std::string_view body) {
  RINGPULL_TRY(XmlDocument document, read_document(context, head, body));
  RINGPULL_TRY(auto out, or_lost_answer(context, head, read_list_objects_v2(document)));
  if (out.truncated && out.next_continuation_token == options.continuation_token) {
    return fail(refused_answer(context, head, ErrorKind::protocol,
                               "the server repeats a continuation token: endless listing"));
  }
  return out;
}

Result<ListObjectsResult> read_response(const ListObjectsOptions& options,
                                        const ResponseContext& context,
                                        const http::ResponseHead& head, std::string_view body) {
  RINGPULL_TRY(XmlDocument document, read_document(context, head, body));
  RINGPULL_TRY(auto out, or_lost_answer(context, head, read_list_objects(document)));
  if (out.truncated && out.next_marker <= options.marker) {
    return fail(refused_answer(context, head, ErrorKind::protocol,
                               "the marker does not advance: endless listing"));
  }
  return out;
}

Result<CopyObjectResult> read_response(const CopyObjectOptions&, const ResponseContext& context,
                                       const http::ResponseHead& head, std::string_view body) {
  RINGPULL_TRY(XmlDocument document, read_document(context, head, body));
  return or_lost_answer(context, head, read_copy_object(document));
}

Result<CreateMultipartUploadResult> read_response(const CreateMultipartUploadOptions&,
                                                  const ResponseContext& context,
                                                  const http::ResponseHead& head,
                                                  std::string_view body) {
  RINGPULL_TRY(XmlDocument document, read_document(context, head, body));
  return or_lost_answer(context, head, read_create_multipart_upload(document));
}

Result<UploadPartResult> read_response(const UploadPartOptions&, const ResponseContext& context,
                                       const http::ResponseHead& head, std::string_view body) {
  if (!succeeded(head)) return fail(error_from_response(context, head, body));
  UploadPartResult out;
  out.etag = ETag(head.headers.get("etag").value_or(""));
  if (out.etag.empty()) {
    return fail(refused_answer(context, head, ErrorKind::protocol,
                               "the part was taken without an ETag, so it cannot be completed"));
  }
  out.checksums = read_checksum_headers(head.headers);
  return out;
}

Result<UploadPartCopyResult> read_response(const UploadPartCopyOptions&,
                                           const ResponseContext& context,
                                           const http::ResponseHead& head, std::string_view body) {
  RINGPULL_TRY(XmlDocument document, read_document(context, head, body));
  return or_lost_answer(context, head, read_upload_part_copy(document));
}

Result<CompleteMultipartUploadResult> read_response(const CompleteMultipartUploadOptions& options,
                                                    const ResponseContext& context,
                                                    const http::ResponseHead& head,
                                                    std::string_view body) {
  auto document = read_document(context, head, body);
  if (!document) {
    return fail(create_only_error(std::move(document).error(), options.create_only));
  }
  RINGPULL_TRY(auto out, or_lost_answer(context, head, read_complete_multipart_upload(*document)));
  out.version_id = VersionId(text_header(head.headers, "x-amz-version-id"));
  return out;
}

Result<void> read_response(const AbortMultipartUploadOptions&, const ResponseContext& context,
                           const http::ResponseHead& head, std::string_view body) {
  if (!succeeded(head)) return fail(error_from_response(context, head, body));
  return {};
}

Result<ListPartsResult> read_response(const ListPartsOptions& options,
                                      const ResponseContext& context,
                                      const http::ResponseHead& head, std::string_view body) {
  RINGPULL_TRY(XmlDocument document, read_document(context, head, body));
  RINGPULL_TRY(auto out, or_lost_answer(context, head, read_list_parts(document)));
  if (out.truncated && out.next_part_number_marker <= options.part_number_marker) {
    return fail(refused_answer(context, head, ErrorKind::protocol,
                               "the part number marker does not advance: endless listing"));
  }
  return out;
}

Result<ListMultipartUploadsResult> read_response(const ListMultipartUploadsOptions& options,
                                                 const ResponseContext& context,
                                                 const http::ResponseHead& head,
                                                 std::string_view body) {
  RINGPULL_TRY(XmlDocument document, read_document(context, head, body));
  RINGPULL_TRY(auto out, or_lost_answer(context, head, read_list_multipart_uploads(document)));
  if (out.truncated && !goes_on(options, out)) {
    return fail(refused_answer(context, head, ErrorKind::protocol,
                               "the key marker does not advance: endless listing"));
  }
  return out;
}

}  // namespace ringpull::inline v0::s3
