// One large file: the driver's writer and reader against the verbs below them.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include <ringpull/engine/scope.hpp>
#include <ringpull/s3/transfer.hpp>

#include "bench/driver/bench.hpp"

namespace ringpull::bench {

using engine::Task;

namespace {

constexpr const char* kPath = "/object";
/// What a registry has in hand at a time when a client sends it a layer.
constexpr std::size_t kPieceBytes = std::size_t(256) << 10;

s3::ObjectKey object_key(const DriverBench& bench) {
  return s3::ObjectKey(bench.driver().object_key(kPath).value_or(std::string()));
}

std::uint64_t rounds(const DriverOptions& options) {
  return std::max<std::uint64_t>(1, options.total_bytes / options.size_bytes);
}

Task<Result<void>> write_pieces(s3::StorageWriter& writer, std::span<const std::byte> whole) {
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t size = std::min(kPieceBytes, whole.size() - at);
    std::span<const std::byte> piece = whole.subspan(at, size);
    RINGPULL_CO_CHECK(co_await writer.write(piece));
    at += size;
  }
  s3::CommitOptions options;
  auto committed = co_await writer.commit(options);
  co_return committed;
}

Task<Result<void>> upload_file(DriverBench& bench, std::span<const std::byte> whole) {
  s3::PutObjectOptions object(s3::Bucket(bench.options.bucket), object_key(bench));
  s3::TransferOptions transfer;
  transfer.part_bytes = bench.options.part_bytes;
  transfer.concurrency = bench.options.concurrency;
  RINGPULL_CO_TRY(s3::UploadResult sent,
                  co_await s3::upload(bench.client(), object, whole, transfer));
  (void)sent;
  co_return Result<void>();
}

Task<Result<void>> put_once(DriverBench& bench, std::span<const std::byte> whole) {
  return bench.options.verbs ? upload_file(bench, whole) : write_file(bench, kPath, whole);
}

enum class Compare : bool { no, yes };

Task<Result<void>> read_pieces(DriverBench& bench, s3::StorageReader& reader, std::uint64_t size,
                               Compare compare) {
  std::uint64_t offset = 0;
  while (true) {
    RINGPULL_CO_TRY(engine::BufferLease piece, co_await reader.next());
    if (piece.size() == 0) break;
    if (compare == Compare::yes) {
      RINGPULL_CO_CHECK(bench.content.check(offset, piece.bytes()));
    }
    offset += piece.size();
  }
  if (offset == size) co_return Result<void>();
  co_return fail(ErrorKind::internal, fmt::format("{} bytes read of {}", offset, size));
}

Task<Result<void>> read_file(DriverBench& bench, std::string path, std::uint64_t size,
                             Compare compare) {
  s3::ReaderOptions options;
  RINGPULL_CO_TRY(auto reader, co_await bench.driver().reader(path, options));
  auto outcome = co_await read_pieces(bench, *reader, size, compare);
  co_await reader->close();
  co_return outcome;
}

/// The ranges of one file, handed out in order to workers with a block each.
struct RangedGets {
  RangedGets(DriverBench& bench_in, Compare compare_in) : bench(bench_in), compare(compare_in) {}

  DriverBench& bench;
  Compare compare;
  std::uint64_t next = 0;
};

Task<Result<void>> get_ranges(RangedGets& gets, std::span<std::byte> block) {
  DriverBench& bench = gets.bench;
  while (gets.next < bench.options.size_bytes) {
    const std::uint64_t offset = gets.next;
    const std::uint64_t size =
        std::min<std::uint64_t>(block.size(), bench.options.size_bytes - offset);
    gets.next += size;
    s3::GetObjectOptions options(s3::Bucket(bench.options.bucket), object_key(bench));
    RINGPULL_CO_TRY(options.range, http::ByteRange::of_length(offset, size));
    std::span<std::byte> out = block.first(static_cast<std::size_t>(size));
    RINGPULL_CO_TRY(s3::GetObjectIntoResult got,
                    co_await bench.client().get_object_into(options, out));
    if (got.bytes != size) {
      co_return fail(ErrorKind::internal, fmt::format("{} bytes read of {}", got.bytes, size));
    }
    if (gets.compare == Compare::yes) RINGPULL_CO_CHECK(bench.content.check(offset, out));
  }
  co_return Result<void>();
}

Task<Result<void>> download_file(DriverBench& bench, std::span<std::byte> memory, Compare compare) {
  RangedGets gets(bench, compare);
  const auto part = static_cast<std::size_t>(bench.options.part_bytes);
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  for (std::size_t i = 0; i < bench.options.concurrency; ++i) {
    scope.spawn(get_ranges(gets, memory.subspan(i * part, part)));
  }
  auto outcome = co_await scope.join();
  co_return outcome;
}

Task<Result<void>> get_once(DriverBench& bench, std::span<std::byte> memory, Compare compare) {
  return bench.options.verbs ? download_file(bench, memory, compare)
                             : read_file(bench, kPath, bench.options.size_bytes, compare);
}

}  // namespace

Task<Result<void>> write_file(DriverBench& bench, std::string path,
                              std::span<const std::byte> whole) {
  s3::WriterOptions options;
  options.size_hint = whole.size();
  RINGPULL_CO_TRY(auto writer, co_await bench.driver().writer(path, options));
  auto outcome = co_await write_pieces(*writer, whole);
  if (!outcome) {
    auto cancelled = co_await writer->cancel();
    (void)cancelled;  // the first failure is the one to report
  }
  co_return outcome;
}

Task<Result<void>> check_file(DriverBench& bench, std::string path, std::uint64_t size) {
  return read_file(bench, std::move(path), size, Compare::yes);
}

Task<Result<void>> put(DriverBench& bench) {
  PrefaultedMemory source(static_cast<std::size_t>(bench.options.size_bytes));
  bench.content.fill(source.bytes());
  RINGPULL_CO_CHECK(co_await put_once(bench, source.bytes()));
  RINGPULL_CO_CHECK(co_await check_file(bench, kPath, bench.options.size_bytes));
  Stretch stretch(bench);
  for (std::uint64_t round = 0; round < rounds(bench.options); ++round) {
    RINGPULL_CO_CHECK(co_await put_once(bench, source.bytes()));
    bench.figures.bytes += bench.options.size_bytes;
  }
  stretch.stop();
  co_return Result<void>();
}

Task<Result<void>> get(DriverBench& bench) {
  const std::uint64_t window = bench.options.concurrency * bench.options.part_bytes;
  PrefaultedMemory memory(bench.options.verbs ? static_cast<std::size_t>(window) : 1);
  RINGPULL_CO_CHECK(co_await get_once(bench, memory.bytes(), Compare::yes));
  Stretch stretch(bench);
  for (std::uint64_t round = 0; round < rounds(bench.options); ++round) {
    RINGPULL_CO_CHECK(co_await get_once(bench, memory.bytes(), Compare::no));
    bench.figures.bytes += bench.options.size_bytes;
  }
  stretch.stop();
  co_return Result<void>();
}

}  // namespace ringpull::bench
