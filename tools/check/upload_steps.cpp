#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <span>
#include <vector>

#include "tools/check/steps.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

/// The smallest object of two parts: all but the last have kPartBytesMin at least.
constexpr std::size_t kFirstPartBytes = s3::kPartBytesMin;
constexpr std::size_t kLastPartBytes = 1024;
constexpr std::size_t kObjectBytes = kFirstPartBytes + kLastPartBytes;

/// No two blocks of 256 alike, so that parts in the wrong order show.
std::byte byte_at(std::size_t offset) {
  return static_cast<std::byte>((offset ^ (offset >> 8) ^ (offset >> 16)) & 0xFF);
}

std::vector<std::byte> content(std::size_t first, std::size_t length) {
  std::vector<std::byte> bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = byte_at(first + i);
  return bytes;
}

Task<Result<void>> create(Probe& probe, std::string_view name) {
  s3::CreateMultipartUploadOptions options(probe.bucket(), probe.key(name));
  options.attributes = probe.attributes();
  probe.asks_for("s3:PutObject");
  RINGPULL_CO_TRY(s3::CreateMultipartUploadResult created,
                  co_await probe.client().create_multipart_upload(options));
  probe.upload.emplace(options.key, std::move(created.upload_id));
  co_return Result<void>();
}

Task<Result<void>> send_part(Probe& probe, std::uint32_t number, std::span<const std::byte> bytes) {
  ProbeUpload& upload = *probe.upload;
  s3::PartNumber part(number);
  s3::UploadPartOptions options(probe.bucket(), upload.key, upload.id, part);
  http::SpanSource body(bytes);
  RINGPULL_CO_TRY(s3::UploadPartResult sent, co_await probe.client().upload_part(options, body));
  upload.parts.emplace_back(part, std::move(sent.etag));
  co_return Result<void>();
}

Task<Result<void>> copy_part(Probe& probe, std::uint32_t number, std::size_t first,
                             std::size_t length) {
  ProbeUpload& upload = *probe.upload;
  s3::PartNumber part(number);
  s3::UploadPartCopyOptions options;
  options.source_bucket = probe.bucket();
  options.source_key = probe.key("parts");
  RINGPULL_CO_TRY(options.source_range, http::ByteRange::of_length(first, length));
  options.bucket = probe.bucket();
  options.key = upload.key;
  options.upload_id = upload.id;
  options.number = part;
  RINGPULL_CO_TRY(s3::UploadPartCopyResult copied,
                  co_await probe.client().upload_part_copy(options));
  upload.parts.emplace_back(part, std::move(copied.etag));
  co_return Result<void>();
}

/// What lies around the seam of the two parts, where reading is allowed at all.
Task<Result<void>> verify_seam(Probe& probe, std::string_view name) {
  if (!probe.knows(Fact::reading)) co_return Result<void>();
  constexpr std::size_t kSeamBytes = 64;
  constexpr std::size_t kFirst = kFirstPartBytes - kSeamBytes / 2;
  s3::GetObjectOptions options(probe.bucket(), probe.key(name));
  RINGPULL_CO_TRY(options.range, http::ByteRange::of_length(kFirst, kSeamBytes));
  std::array<std::byte, kSeamBytes> read{};
  probe.asks_for("s3:GetObject");
  RINGPULL_CO_TRY(s3::GetObjectIntoResult result,
                  co_await probe.client().get_object_into(options, read));
  bool whole = result.bytes == kSeamBytes && result.object.info.size_bytes == kObjectBytes;
  if (!whole || !std::ranges::equal(read, content(kFirst, kSeamBytes))) {
    co_return fail(ErrorKind::checksum_mismatch,
                   fmt::format("{} does not hold the two parts", options.key.str()));
  }
  co_return Result<void>();
}

Task<Result<void>> abort(Probe& probe) {
  s3::AbortMultipartUploadOptions options(probe.bucket(), probe.upload->key, probe.upload->id);
  probe.asks_for("s3:AbortMultipartUpload");
  RINGPULL_CO_CHECK(co_await probe.client().abort_multipart_upload(options));
  probe.upload.reset();
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> finish_upload(Probe& probe) {
  ProbeUpload& upload = *probe.upload;
  s3::CompleteMultipartUploadOptions options(probe.bucket(), upload.key, upload.id);
  options.parts = upload.parts;
  probe.stored.push_back(upload.key);
  auto completed = co_await probe.client().complete_multipart_upload(options);
  if (!completed) {
    probe.forget_refused(completed.error());
    co_return fail(std::move(completed).error());
  }
  probe.upload.reset();
  co_return Result<void>();
}

Task<StepOutcome> begin_upload(Probe& probe) {
  RINGPULL_CO_CHECK(co_await create(probe, "parts"));
  std::vector<std::byte> first = content(0, kFirstPartBytes);
  std::vector<std::byte> last = content(kFirstPartBytes, kLastPartBytes);
  RINGPULL_CO_CHECK(co_await send_part(probe, 1, first));
  RINGPULL_CO_CHECK(co_await send_part(probe, 2, last));
  probe.learn(Fact::upload);
  co_return fmt::format("parts of {} and {} bytes", kFirstPartBytes, kLastPartBytes);
}

Task<StepOutcome> list_uploads(Probe& probe) {
  s3::ListMultipartUploadsOptions options(probe.bucket(), probe.key_prefix());
  probe.asks_for("s3:ListBucketMultipartUploads");
  RINGPULL_CO_TRY(s3::ListMultipartUploadsResult page,
                  co_await probe.client().list_multipart_uploads(options));
  auto is_it = [&probe](const s3::ListedUpload& upload) {
    return upload.key == probe.upload->key && upload.upload_id == probe.upload->id;
  };
  if (std::ranges::any_of(page.uploads, is_it)) co_return std::string("shows what was begun");
  // Some servers list uploads late or never; the driver finds its own by their sidecar.
  co_return std::string("does not show what was begun: uploads of other drivers cannot be resumed");
}

Task<StepOutcome> list_parts(Probe& probe) {
  s3::ListPartsOptions options(probe.bucket(), probe.upload->key, probe.upload->id);
  probe.asks_for("s3:ListMultipartUploadParts");
  RINGPULL_CO_TRY(s3::ListPartsResult page, co_await probe.client().list_parts(options));
  if (page.parts.size() != probe.upload->parts.size()) {
    co_return fail(ErrorKind::protocol, fmt::format("{} of {} parts are listed", page.parts.size(),
                                                    probe.upload->parts.size()));
  }
  co_return fmt::format("{} parts", page.parts.size());
}

Task<StepOutcome> complete_upload(Probe& probe) {
  probe.asks_for("s3:PutObject");
  RINGPULL_CO_CHECK(co_await finish_upload(probe));
  probe.learn(Fact::two_parts);
  RINGPULL_CO_CHECK(co_await verify_seam(probe, "parts"));
  co_return fmt::format("{} bytes as {}", kObjectBytes, probe.key("parts").str());
}

Task<StepOutcome> copy_parts(Probe& probe) {
  RINGPULL_CO_CHECK(co_await create(probe, "parts-copy"));
  RINGPULL_CO_CHECK(co_await copy_part(probe, 1, 0, kFirstPartBytes));
  RINGPULL_CO_CHECK(co_await copy_part(probe, 2, kFirstPartBytes, kLastPartBytes));
  RINGPULL_CO_CHECK(co_await finish_upload(probe));
  RINGPULL_CO_CHECK(co_await verify_seam(probe, "parts-copy"));
  co_return fmt::format("{} bytes in two parts", kObjectBytes);
}

Task<StepOutcome> abort_upload(Probe& probe) {
  RINGPULL_CO_CHECK(co_await create(probe, "aborted"));
  // Something to complete it with, should it be refused: unlike an upload, an object can be seen.
  std::vector<std::byte> bytes = content(0, kLastPartBytes);
  RINGPULL_CO_CHECK(co_await send_part(probe, 1, bytes));
  RINGPULL_CO_CHECK(co_await abort(probe));
  co_return std::string("left no part");
}

}  // namespace ringpull::tools
