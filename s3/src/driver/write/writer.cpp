#include "s3/src/driver/write/writer.hpp"

#include <algorithm>

#include <ringpull/engine/timer.hpp>
#include <ringpull/s3/transfer.hpp>

#include "s3/src/driver/write/multipart_upload.hpp"
#include "s3/src/driver/write/s3_writer.hpp"
#include "s3/src/multipart/abort_upload.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::Task;

namespace {

// A checksum gives way to other transfers after this much.
constexpr std::size_t kHashStep = std::size_t(256) << 10;

Task<RunningCrc> checksum_of(std::optional<ChecksumAlgorithm> algorithm,
                             std::span<const std::byte> bytes) {
  RunningCrc crc(algorithm);
  while (algorithm && !bytes.empty()) {
    auto piece = bytes.first(std::min(bytes.size(), kHashStep));
    crc.update(piece);
    bytes = bytes.subspan(piece.size());
    co_await engine::yield_now();
  }
  co_return crc;
}

PartPlan plan_for(const Core& core, const WriterOptions& options, const SearchResult& found) {
  PartPlan plan;
  plan.chunk_bytes = core.options.chunk_bytes;
  plan.budget_bytes = core.pool.budget().limit_bytes();
  plan.held_bytes_max = core.pool.budget().limit_bytes(engine::MemoryHold::lasting);
  plan.uniform = core.server.uniform_parts;
  plan.size_hint = options.size_hint;
  if (!found.upload) return plan;
  const SuspendedUpload& upload = *found.upload;
  plan.stored_parts = static_cast<std::uint32_t>(upload.parts.size());
  plan.stored_bytes = total_bytes(upload.parts);
  if (upload.part_bytes) plan.chunk_bytes = *upload.part_bytes;
  if (!plan.uniform || upload.parts.empty()) return plan;
  // Of a single foreign part nobody knows whether it was the last.
  if (upload.part_bytes) plan.settled_bytes = upload.part_bytes;
  if (!upload.part_bytes && upload.parts.size() > 1) {
    plan.settled_bytes = upload.parts.front().size_bytes;
  }
  return plan;
}

/// The upload that an append goes on with; none where it begins one, at an empty file.
Task<Result<SearchResult>> look_for_upload(Core& core, std::string_view path) {
  RINGPULL_CO_TRY(SearchResult found, co_await find_suspended_upload(core, path));
  HeadObjectOptions request(core.options.bucket, core.keys.key(path));
  auto file = co_await core.client.head_object(request);
  bool no_file = !file && file.error().http_status() == 404;
  if (no_file && found.upload) co_return found;
  if (!file) co_return fail(std::move(file).error());
  if (found.upload && !is_replaced_by(*file, *found.upload)) co_return found;
  if (file->size_bytes > 0) {
    co_return fail(ErrorKind::conflict, "the file is committed and has " +
                                            std::to_string(file->size_bytes) +
                                            " bytes; only an empty one can be appended to");
  }
  if (found.upload) {
    RINGPULL_CO_CHECK(co_await abort_upload(core.client, core.options.bucket, request.key,
                                            found.upload->id, LateParts::none));
    found.upload.reset();
  }
  co_return found;
}

}  // namespace

Task<Result<void>> put_content(Core& core, std::string_view path,
                               std::span<const std::byte> bytes) {
  PutObjectOptions request(core.options.bucket, core.keys.key(path));
  request.attributes = object_attributes(core);
  if (bytes.size() > kPutObjectBytesMax) {
    TransferOptions options;
    options.part_bytes = core.options.chunk_bytes;
    options.concurrency = core.options.upload_concurrency;
    auto sent = co_await upload(core.client, request, bytes, options);
    if (!sent) co_return fail(storage_failure(std::move(sent).error(), "put", path));
    co_return Result<void>();
  }
  RunningCrc crc = co_await checksum_of(upload_checksum(core.options.checksum, core.server), bytes);
  request.checksum = crc.checksum();
  http::SpanSource body(bytes);
  auto put = co_await core.client.put_object(request, body);
  if (!put) co_return fail(storage_failure(std::move(put).error(), "put", path));
  co_return Result<void>();
}

Task<Result<std::unique_ptr<StorageWriter>>> open_writer(Core& core, std::string_view path,
                                                         const WriterOptions& options) {
  SearchResult found;
  if (options.append) {
    auto search = co_await look_for_upload(core, path);
    if (!search) co_return fail(storage_failure(std::move(search).error(), "append to", path));
    found = std::move(*search);
  }
  auto sizes = PartSizes::plan(plan_for(core, options, found));
  if (!sizes) co_return fail(storage_failure(std::move(sizes).error(), "open a writer of", path));
  auto writer = std::make_unique<S3Writer>(core, path, *sizes, options.hook);
  writer->resume(std::move(found));
  co_return std::unique_ptr<StorageWriter>(std::move(writer));
}

}  // namespace ringpull::inline v0::s3::driver
