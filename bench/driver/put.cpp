// One large file: the driver's writer against the verbs below it.
#include <algorithm>
#include <utility>
#include <vector>

#include <ringpull/engine/scope.hpp>
#include <ringpull/s3/transfer.hpp>

#include "bench/driver/bench.hpp"

namespace ringpull::bench {

using engine::Task;

namespace {

/// What a registry has in hand at a time when a client sends it a layer.
constexpr std::size_t kPieceBytes = std::size_t(256) << 10;

/// Stands for a recv(): the kernel's copy from a socket, out of memory that was just written.
std::size_t receive(const DriverBench& bench, std::span<std::byte> room, std::uint64_t offset) {
  const std::uint64_t left = bench.options.size_bytes - offset;
  const std::uint64_t bytes = std::min<std::uint64_t>({room.size(), kPieceBytes, left});
  const auto size = static_cast<std::size_t>(bytes);
  bench.content.fill(room.first(size), offset);
  return size;
}

Task<Result<void>> commit(s3::StorageWriter& writer) {
  s3::CommitOptions options;
  auto committed = co_await writer.commit(options);
  co_return committed;
}

Task<Result<void>> receive_and_write(DriverBench& bench, s3::StorageWriter& writer) {
  while (writer.size_bytes() < bench.options.size_bytes) {
    RINGPULL_CO_TRY(std::span<std::byte> room, co_await writer.prepare());
    const std::size_t size = receive(bench, room, writer.size_bytes());
    RINGPULL_CO_CHECK(co_await writer.write_prepared(size));
  }
  auto committed = co_await commit(writer);
  co_return committed;
}

Task<Result<void>> write_pieces(s3::StorageWriter& writer, std::span<const std::byte> whole) {
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t size = std::min(kPieceBytes, whole.size() - at);
    std::span<const std::byte> piece = whole.subspan(at, size);
    RINGPULL_CO_CHECK(co_await writer.write(piece));
    at += size;
  }
  auto committed = co_await commit(writer);
  co_return committed;
}

/// One file through a writer; without `memory`, received.
Task<Result<void>> write_file(DriverBench& bench, std::span<const std::byte> memory) {
  s3::WriterOptions options;
  options.size_hint = bench.options.size_bytes;
  RINGPULL_CO_TRY(auto writer, co_await bench.driver().writer(kFilePath, options));
  Result<void> outcome;
  if (memory.empty()) {
    outcome = co_await receive_and_write(bench, *writer);
  } else {
    outcome = co_await write_pieces(*writer, memory);
  }
  if (!outcome) {
    auto cancelled = co_await writer->cancel();
    (void)cancelled;  // the first failure is the one to report
  }
  co_return outcome;
}

/// The parts of one upload, handed out in order to workers with a block each.
struct PartUploads {
  PartUploads(DriverBench& bench_in, s3::UploadId id_in, std::size_t parts)
      : bench(bench_in), id(std::move(id_in)), etags(parts) {}

  DriverBench& bench;
  s3::UploadId id;
  std::vector<s3::ETag> etags;
  std::uint32_t taken = 0;
};

Task<Result<void>> put_parts(PartUploads& job, std::span<std::byte> block) {
  const DriverBench& bench = job.bench;
  while (job.taken < job.etags.size()) {
    const std::uint32_t index = job.taken++;
    const std::uint64_t offset = index * bench.options.part_bytes;
    std::size_t filled = 0;
    while (filled < block.size() && offset + filled < bench.options.size_bytes) {
      filled += receive(bench, block.subspan(filled), offset + filled);
    }
    s3::UploadPartOptions part(s3::Bucket(bench.options.bucket), file_key(bench), job.id,
                               s3::PartNumber(index + 1));
    http::SpanSource body(http::ConstBytes(block.first(filled)));
    RINGPULL_CO_TRY(s3::UploadPartResult sent, co_await bench.client().upload_part(part, body));
    job.etags[index] = std::move(sent.etag);
  }
  co_return Result<void>();
}

Task<Result<void>> put_all_parts(PartUploads& job, std::span<std::byte> memory) {
  const auto part = static_cast<std::size_t>(job.bench.options.part_bytes);
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  for (std::size_t at = 0; at < memory.size(); at += part) {
    scope.spawn(put_parts(job, memory.subspan(at, part)));
  }
  auto outcome = co_await scope.join();
  co_return outcome;
}

/// One file by the verbs, received into `memory`, which holds a block for each worker.
Task<Result<void>> upload_received(DriverBench& bench, std::span<std::byte> memory) {
  const s3::Bucket bucket(bench.options.bucket);
  const s3::ObjectKey key = file_key(bench);
  s3::CreateMultipartUploadOptions create(bucket, key);
  RINGPULL_CO_TRY(s3::CreateMultipartUploadResult created,
                  co_await bench.client().create_multipart_upload(create));
  const std::uint64_t part = bench.options.part_bytes;
  PartUploads job(bench, created.upload_id,
                  static_cast<std::size_t>((bench.options.size_bytes + part - 1) / part));
  RINGPULL_CO_CHECK(co_await put_all_parts(job, memory));
  s3::CompleteMultipartUploadOptions complete(bucket, key, created.upload_id);
  for (std::uint32_t i = 0; i < job.etags.size(); ++i) {
    complete.parts.emplace_back(s3::PartNumber(i + 1), job.etags[i]);
  }
  RINGPULL_CO_TRY(s3::CompleteMultipartUploadResult completed,
                  co_await bench.client().complete_multipart_upload(complete));
  (void)completed;
  co_return Result<void>();
}

Task<Result<void>> upload_memory(DriverBench& bench, std::span<const std::byte> whole) {
  s3::PutObjectOptions object(s3::Bucket(bench.options.bucket), file_key(bench));
  s3::TransferOptions transfer;
  transfer.part_bytes = bench.options.part_bytes;
  transfer.concurrency = bench.options.concurrency;
  RINGPULL_CO_TRY(s3::UploadResult sent,
                  co_await s3::upload(bench.client(), object, whole, transfer));
  (void)sent;
  co_return Result<void>();
}

/// Once unmeasured, with a look at what has arrived, then measured. `once` gives the same task
/// again and again.
template <class Once>
Task<Result<void>> measure_puts(DriverBench& bench, Once& once) {
  RINGPULL_CO_CHECK(co_await once());
  RINGPULL_CO_CHECK(co_await check_file(bench, kFilePath, bench.options.size_bytes));
  Stretch stretch(bench);
  for (std::uint64_t round = 0; round < rounds(bench.options); ++round) {
    RINGPULL_CO_CHECK(co_await once());
    bench.figures.bytes += bench.options.size_bytes;
  }
  stretch.stop();
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> put(DriverBench& bench) {
  const std::uint64_t blocks = bench.options.concurrency * bench.options.part_bytes;
  PrefaultedMemory memory(bench.options.verbs ? static_cast<std::size_t>(blocks) : 1);
  auto once = [&] {
    return bench.options.verbs ? upload_received(bench, memory.bytes()) : write_file(bench, {});
  };
  auto outcome = co_await measure_puts(bench, once);
  co_return outcome;
}

Task<Result<void>> put_memory(DriverBench& bench) {
  PrefaultedMemory source(static_cast<std::size_t>(bench.options.size_bytes));
  bench.content.fill(source.bytes());
  auto once = [&] {
    return bench.options.verbs ? upload_memory(bench, source.bytes())
                               : write_file(bench, source.bytes());
  };
  auto outcome = co_await measure_puts(bench, once);
  co_return outcome;
}

}  // namespace ringpull::bench
