// One large file: the driver's reader against the verbs below it.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include <ringpull/engine/scope.hpp>

#include "bench/driver/bench.hpp"

namespace ringpull::bench {

using engine::Task;

namespace {

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
    s3::GetObjectOptions options(s3::Bucket(bench.options.bucket), file_key(bench));
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
                             : read_file(bench, kFilePath, bench.options.size_bytes, compare);
}

}  // namespace

Task<Result<void>> check_file(DriverBench& bench, std::string path, std::uint64_t size) {
  return read_file(bench, std::move(path), size, Compare::yes);
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
