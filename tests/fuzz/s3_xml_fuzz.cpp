// Bodies that a server, or something that answers in its place, could send.

#include <ringpull/s3/error.hpp>

#include "s3/src/protocol/response_reader.hpp"
#include "s3/src/protocol/xml.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace ringpull;
using testing::require;

namespace {

void check_error(int status, std::string_view body) {
  s3::ResponseContext context(s3::Operation::copy_object, "s3://b/k", "us-east-1");
  Error error = s3::error_from_response(context, http::ResponseHead(status), body);
  require(error.message().size() < 2048, "a message is short");
  for (char c : error.message()) {
    require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a message is one line of text");
  }
  require(error.kind() != ErrorKind::internal, "no response is an error of ours");
  static_cast<void>(s3::retry_class(error));
}

void check_results(std::string_view body) {
  const s3::Bucket bucket("b");
  const s3::ObjectKey key("k");
  const s3::UploadId upload("u");
  const s3::ResponseContext context(s3::Operation::list_parts, "s3://b/k", "us-east-1");
  const http::ResponseHead head(200);
  auto read = [&](const auto& options) { return read_response(options, context, head, body); };

  if (auto page = read(s3::ListObjectsV2Options(bucket)); page && page->truncated) {
    require(!page->next_continuation_token.empty(), "a cut list has a token");
  }
  if (auto page = read(s3::ListObjectsOptions(bucket)); page && page->truncated) {
    require(!page->next_marker.empty(), "a cut list has a marker, also in the first version");
  }
  if (auto page = read(s3::ListPartsOptions(bucket, key, upload)); page && page->truncated) {
    require(page->next_part_number_marker > 0, "a cut list advances");
  }
  if (auto page = read(s3::ListMultipartUploadsOptions(bucket)); page && page->truncated) {
    require(!page->next_key_marker.empty(), "a cut list has a marker");
  }
  if (auto created = read(s3::CreateMultipartUploadOptions(bucket, key))) {
    require(!created->upload_id.empty(), "an upload has an id");
  }
  if (auto done = read(s3::CompleteMultipartUploadOptions(bucket, key, upload))) {
    require(!done->etag.empty(), "a completed upload has an ETag");
  }
  if (auto copied = read(s3::CopyObjectOptions())) require(!copied->etag.empty(), "so has a copy");
  if (auto part = read(s3::UploadPartCopyOptions())) require(!part->etag.empty(), "and a part");
  if (auto deleted = read(s3::DeleteObjectsOptions(bucket, {key}))) {
    for (const auto& failure : deleted->failures) {
      require(failure.error.kind() != ErrorKind::internal, "a key's failure is the server's");
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view body = testing::as_text(data, size);
  for (int status : {200, 400, 404, 503}) check_error(status, body);
  check_results(body);
  return 0;
}
