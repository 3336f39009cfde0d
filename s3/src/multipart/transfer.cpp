#include <algorithm>
#include <optional>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/s3/transfer.hpp>

#include "s3/src/multipart/abort_upload.hpp"
#include "s3/src/multipart/create_upload.hpp"

namespace ringpull::inline v0::s3 {

using engine::BufferLease;
using engine::BufferPool;
using engine::Deadline;
using engine::File;
using engine::Task;

namespace {

constexpr auto kAbortTime = std::chrono::minutes(1);

std::string name_of(const Bucket& bucket, const ObjectKey& key) {
  return "s3://" + bucket.str() + "/" + key.str();
}

/// The parts of one transfer, taken in order by its workers.
class Parts {
 public:
  Parts(std::uint64_t total, std::uint64_t part_bytes) noexcept
      : total_(total), part_bytes_(part_bytes) {}

  struct Part {
    Part(std::uint32_t number_in, std::uint64_t offset_in, std::size_t size_in)
        : number(number_in), offset(offset_in), size(size_in) {}
    std::uint32_t number;  // from 1
    std::uint64_t offset;
    std::size_t size;
  };
  std::optional<Part> take() noexcept {
    if (next_ >= total_) return std::nullopt;
    Part part(++count_, next_, static_cast<std::size_t>(std::min(part_bytes_, total_ - next_)));
    next_ += part.size;
    return part;
  }
  std::uint64_t left() const noexcept { return total_ - next_; }
  std::size_t workers(std::size_t concurrency) const noexcept {
    std::uint64_t parts = (left() + part_bytes_ - 1) / part_bytes_;
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(std::max<std::size_t>(concurrency, 1), parts));
  }
  std::uint64_t part_bytes() const noexcept { return part_bytes_; }

 private:
  std::uint64_t total_;
  std::uint64_t part_bytes_;
  std::uint64_t next_ = 0;
  std::uint32_t count_ = 0;
};

void report(const TransferOptions& options, std::uint64_t bytes) {
  if (options.progress) options.progress(bytes);
}

/// A ranged GET of one part of a known version of an object.
Result<GetObjectOptions> part_request(const GetObjectOptions& object, const ETag& etag,
                                      const Parts::Part& part) {
  GetObjectOptions request = object;
  RINGPULL_TRY(request.range, http::ByteRange::of_length(part.offset, part.size));
  request.conditions.if_match = etag.if_strong();
  return request;
}

/// Where If-Match does not tell: the server ignores it, or its tags are weak.
Result<void> same_version(const ObjectInfo& part, const ETag& etag) {
  if (part.etag == etag) return {};
  return fail(ErrorKind::precondition_failed, "the object was replaced while it was read");
}

/// Asks for the first part, which tells how large the object is. An empty object has no range: it
/// is asked for whole.
Task<Result<GetObjectIntoResult>> read_first(Client& client, const GetObjectOptions& object,
                                             http::MutableBytes out) {
  GetObjectOptions request = object;
  if (out.empty()) {
    auto whole = co_await client.get_object_into(request, out);
    co_return whole;
  }
  RINGPULL_CO_TRY(request.range, http::ByteRange::of_length(0, out.size()));
  auto first = co_await client.get_object_into(request, out);
  bool beyond = !first && first.error().http_status() == 416;
  if (!beyond) co_return first;
  auto whole = co_await client.get_object_into(object, out);
  co_return whole;
}

struct MemoryDownload {
  MemoryDownload(Client& client_in, const GetObjectOptions& object_in,
                 const TransferOptions& options_in, http::MutableBytes out_in, Parts parts_in)
      : client(client_in), object(object_in), options(options_in), out(out_in), parts(parts_in) {}
  Client& client;
  const GetObjectOptions& object;
  const TransferOptions& options;
  http::MutableBytes out;
  Parts parts;
  ETag etag;
};

Task<Result<void>> fetch_parts(MemoryDownload& job) {
  while (auto part = job.parts.take()) {
    RINGPULL_CO_TRY(GetObjectOptions request, part_request(job.object, job.etag, *part));
    auto place = job.out.subspan(static_cast<std::size_t>(part->offset), part->size);
    auto read = co_await job.client.get_object_into(request, place);
    if (!read) co_return fail(std::move(read).error());
    RINGPULL_CO_CHECK(same_version(read->object.info, job.etag));
    report(job.options, part->size);
  }
  co_return Result<void>();
}

struct FileDownload {
  FileDownload(Client& client_in, const GetObjectOptions& object_in,
               const TransferOptions& options_in, File& file_in, BufferPool& pool_in,
               Parts parts_in)
      : client(client_in),
        object(object_in),
        options(options_in),
        file(file_in),
        pool(pool_in),
        parts(parts_in) {}
  Client& client;
  const GetObjectOptions& object;
  const TransferOptions& options;
  File& file;
  BufferPool& pool;
  Parts parts;
  ETag etag;
};

Task<Result<void>> fetch_parts(FileDownload& job, BufferLease block) {
  while (auto part = job.parts.take()) {
    RINGPULL_CO_TRY(GetObjectOptions request, part_request(job.object, job.etag, *part));
    auto place = block.bytes().first(part->size);
    auto read = co_await job.client.get_object_into(request, place);
    if (!read) co_return fail(std::move(read).error());
    RINGPULL_CO_CHECK(same_version(read->object.info, job.etag));
    RINGPULL_CO_CHECK(co_await job.file.write_all_at(place, part->offset));
    report(job.options, part->size);
  }
  co_return Result<void>();
}

/// One worker per block: the budget decides how many there are, one at least.
Task<Result<void>> fetch_with_blocks(FileDownload& job, BufferLease first) {
  engine::Context& context = co_await engine::current_context();
  std::size_t workers = job.parts.workers(job.options.concurrency);
  engine::Scope scope(context);
  scope.spawn(fetch_parts(job, std::move(first)));
  for (std::size_t i = 1; i < workers; ++i) {
    auto block = job.pool.try_lease(static_cast<std::size_t>(job.parts.part_bytes()));
    if (!block) break;
    scope.spawn(fetch_parts(job, std::move(*block)));
  }
  auto joined = co_await scope.join();
  co_return joined;
}

/// What the workers of one multipart upload share.
struct Upload {
  Upload(Client& client_in, const PutObjectOptions& object_in, const TransferOptions& options_in,
         Parts parts_in)
      : client(client_in), object(object_in), options(options_in), parts(parts_in) {}
  Client& client;
  const PutObjectOptions& object;
  const TransferOptions& options;
  Parts parts;
  UploadId id;
  bool completing = false;
  bool part_cut_off = false;  // the server may still be storing one
  std::vector<CompletedPart> completed;
  http::ConstBytes memory;     // source: memory, or
  File* file = nullptr;        // a file,
  BufferPool* pool = nullptr;  // read into blocks
};

Task<Result<void>> send_part(Upload& job, const Parts::Part& part, http::ConstBytes bytes) {
  UploadPartOptions request(job.object.bucket, job.object.key, job.id, PartNumber(part.number));
  http::SpanSource body(bytes);
  request.compute_checksum = job.object.compute_checksum;
  auto sent = co_await job.client.upload_part(request, body);
  if (!sent) {
    job.part_cut_off = job.part_cut_off || sent.error().maybe_applied();
    co_return fail(std::move(sent).error());
  }
  CompletedPart& completed = job.completed.emplace_back(PartNumber(part.number), sent->etag);
  for (const ObjectChecksum& checksum : sent->checksums) {
    if (checksum.algorithm == request.compute_checksum) completed.checksum = checksum;
  }
  report(job.options, part.size);
  co_return Result<void>();
}

Task<Result<void>> send_memory_parts(Upload& job) {
  while (auto part = job.parts.take()) {
    auto bytes = job.memory.subspan(static_cast<std::size_t>(part->offset), part->size);
    RINGPULL_CO_CHECK(co_await send_part(job, *part, bytes));
  }
  co_return Result<void>();
}

Task<Result<void>> send_file_parts(Upload& job, BufferLease block) {
  while (auto part = job.parts.take()) {
    auto bytes = block.bytes().first(part->size);
    RINGPULL_CO_CHECK(co_await job.file->read_exact_at(bytes, part->offset));
    RINGPULL_CO_CHECK(co_await send_part(job, *part, bytes));
  }
  co_return Result<void>();
}

Task<Result<void>> send_parts(Upload& job) {
  engine::Context& context = co_await engine::current_context();
  std::size_t workers = job.parts.workers(job.options.concurrency);
  engine::Scope scope(context);
  if (job.file == nullptr) {
    for (std::size_t i = 0; i < workers; ++i) scope.spawn(send_memory_parts(job));
  } else {
    auto size = static_cast<std::size_t>(job.parts.part_bytes());
    RINGPULL_CO_TRY(BufferLease first, co_await job.pool->lease(size));
    scope.spawn(send_file_parts(job, std::move(first)));
    for (std::size_t i = 1; i < workers; ++i) {
      auto block = job.pool->try_lease(size);
      if (!block) break;
      scope.spawn(send_file_parts(job, std::move(*block)));
    }
  }
  auto joined = co_await scope.join();
  co_return joined;
}

Task<Result<UploadResult>> send_and_complete(Upload& job) {
  RINGPULL_CO_CHECK(co_await send_parts(job));
  job.completing = true;
  std::sort(job.completed.begin(), job.completed.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  CompleteMultipartUploadOptions request(job.object.bucket, job.object.key, job.id);
  request.parts = job.completed;
  request.create_only = job.object.create_only;
  auto completed = co_await job.client.complete_multipart_upload(request);
  if (!completed) co_return fail(std::move(completed).error());
  UploadResult result;
  result.etag = completed->etag;
  result.parts = static_cast<std::uint32_t>(job.completed.size());
  co_return result;
}

Task<Result<UploadResult>> upload_in_parts(Upload& job) {
  CreateMultipartUploadOptions create(job.object.bucket, job.object.key);
  create.attributes = job.object.attributes;
  create.checksum_algorithm = job.object.compute_checksum;
  RINGPULL_CO_TRY(CreateMultipartUploadResult created,
                  co_await create_upload(job.client, create, job.options.stop_grace));
  job.id = created.upload_id;
  auto result = co_await send_and_complete(job);
  // An upload that may have been completed is an object now: there is nothing to abort, or no
  // telling.
  if (result || (job.completing && result.error().maybe_applied())) co_return result;
  LateParts late = job.part_cut_off ? LateParts::possible : LateParts::none;
  auto aborted = co_await engine::shielded(
      Deadline::after(kAbortTime),
      abort_upload(job.client, job.object.bucket, job.object.key, job.id, late));
  if (!aborted) {
    co_return fail(std::move(result).error().context(
        "the upload " + job.id.str() + " is left behind (" + aborted.error().message() + ")"));
  }
  co_return result;
}

Result<Parts> split(const PutObjectOptions& object, std::uint64_t size,
                    const TransferOptions& options) {
  std::uint64_t least = (size + kPartNumberMax - 1) / kPartNumberMax;
  std::uint64_t part_bytes = std::max({options.part_bytes, least, kPartBytesMin});
  if (part_bytes > kPartBytesMax) {
    return fail(ErrorKind::too_large, "put " + name_of(object.bucket, object.key) + ": " +
                                          std::to_string(size) + " bytes are more than S3 takes");
  }
  return Parts(size, part_bytes);
}

}  // namespace

Task<Result<DownloadResult>> download(Client& client, const GetObjectOptions& object,
                                      http::MutableBytes out, const TransferOptions& options) {
  auto first_size =
      static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), options.part_bytes));
  RINGPULL_CO_TRY(GetObjectIntoResult first,
                  co_await read_first(client, object, out.first(first_size)));
  DownloadResult result;
  result.info = std::move(first.object.info);
  std::uint64_t size = result.info.size_bytes;
  if (size > out.size()) {
    co_return fail(ErrorKind::too_large, "get " + name_of(object.bucket, object.key) + ": " +
                                             std::to_string(size) + " bytes do not fit into " +
                                             std::to_string(out.size()));
  }
  if (options.on_size) options.on_size(size);
  report(options, first.bytes);
  MemoryDownload job(client, object, options, out, Parts(size, options.part_bytes));
  job.etag = result.info.etag;
  (void)job.parts.take();
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  std::size_t workers = job.parts.workers(options.concurrency);
  for (std::size_t i = 0; i < workers; ++i) scope.spawn(fetch_parts(job));
  RINGPULL_CO_CHECK(co_await scope.join());
  co_return result;
}

Task<Result<DownloadResult>> download(Client& client, const GetObjectOptions& object, File& file,
                                      BufferPool& pool, const TransferOptions& options) {
  auto block_size = static_cast<std::size_t>(options.part_bytes);
  RINGPULL_CO_TRY(BufferLease block, co_await pool.lease(block_size));
  RINGPULL_CO_TRY(GetObjectIntoResult first, co_await read_first(client, object, block.bytes()));
  DownloadResult result;
  result.info = std::move(first.object.info);
  if (options.on_size) options.on_size(result.info.size_bytes);
  RINGPULL_CO_CHECK(co_await file.write_all_at(block.bytes().first(first.bytes), 0));
  report(options, first.bytes);
  FileDownload job(client, object, options, file, pool,
                   Parts(result.info.size_bytes, options.part_bytes));
  job.etag = result.info.etag;
  (void)job.parts.take();
  RINGPULL_CO_CHECK(co_await fetch_with_blocks(job, std::move(block)));
  co_return result;
}

Task<Result<UploadResult>> upload(Client& client, const PutObjectOptions& object,
                                  http::ConstBytes bytes, const TransferOptions& options) {
  RINGPULL_CO_TRY(Parts parts, split(object, bytes.size(), options));
  if (bytes.size() <= parts.part_bytes()) {
    http::SpanSource body(bytes);
    RINGPULL_CO_TRY(PutObjectResult put, co_await client.put_object(object, body));
    report(options, bytes.size());
    UploadResult result;
    result.etag = put.etag;
    co_return result;
  }
  Upload job(client, object, options, parts);
  job.memory = bytes;
  auto result = co_await upload_in_parts(job);
  co_return result;
}

Task<Result<UploadResult>> upload(Client& client, const PutObjectOptions& object, File& file,
                                  std::uint64_t size, BufferPool& pool,
                                  const TransferOptions& options) {
  RINGPULL_CO_TRY(Parts parts, split(object, size, options));
  if (size <= parts.part_bytes()) {
    BufferLease block;
    if (size > 0) {
      RINGPULL_CO_TRY(block, co_await pool.lease(static_cast<std::size_t>(size)));
      RINGPULL_CO_CHECK(co_await file.read_exact_at(block.bytes(), 0));
    }
    http::SpanSource body(http::ConstBytes(block.bytes()));
    RINGPULL_CO_TRY(PutObjectResult put, co_await client.put_object(object, body));
    report(options, size);
    UploadResult result;
    result.etag = put.etag;
    co_return result;
  }
  Upload job(client, object, options, parts);
  job.file = &file;
  job.pool = &pool;
  auto result = co_await upload_in_parts(job);
  co_return result;
}

}  // namespace ringpull::inline v0::s3
