// Many writers under one memory budget.
#include <fmt/format.h>
#include <utility>

#include <ringpull/engine/scope.hpp>

#include "bench/driver/bench.hpp"

namespace ringpull::bench {

using engine::Task;

namespace {

constexpr const char* kDirectory = "/writers";

std::string path_of(std::size_t number) { return fmt::format("{}/{:05}", kDirectory, number); }

Task<Result<void>> write_content(DriverBench& bench, s3::StorageWriter& writer) {
  while (writer.size_bytes() < bench.options.size_bytes) {
    const std::uint64_t offset = writer.size_bytes();
    std::span<const std::byte> piece =
        bench.content.from(offset, bench.options.size_bytes - offset);
    RINGPULL_CO_CHECK(co_await writer.write(piece));
  }
  s3::CommitOptions options;
  auto committed = co_await writer.commit(options);
  co_return committed;
}

/// Without a size hint, as a registry gets uploads.
Task<Result<void>> write_one(DriverBench& bench, std::size_t number) {
  const std::string path = path_of(number);
  s3::WriterOptions options;
  RINGPULL_CO_TRY(auto writer, co_await bench.driver().writer(path, options));
  auto outcome = co_await write_content(bench, *writer);
  if (!outcome) {
    auto cancelled = co_await writer->cancel();
    (void)cancelled;  // the first failure is the one to report
  }
  if (outcome) bench.figures.bytes += bench.options.size_bytes;
  co_return outcome;
}

Task<Result<void>> write_side_by_side(DriverBench& bench) {
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  for (std::size_t i = 0; i < bench.options.writers; ++i) scope.spawn(write_one(bench, i));
  auto outcome = co_await scope.join();
  co_return outcome;
}

}  // namespace

Task<Result<void>> writers(DriverBench& bench) {
  Stretch stretch(bench);
  RINGPULL_CO_CHECK(co_await write_side_by_side(bench));
  stretch.stop();
  // Before the files are looked at, which takes memory of its own.
  bench.figures.rss_peak_bytes = rss_peak_bytes();
  for (std::size_t i = 0; i < bench.options.writers; ++i) {
    RINGPULL_CO_CHECK(co_await check_file(bench, path_of(i), bench.options.size_bytes));
  }
  auto removed = co_await bench.driver().remove(kDirectory);
  co_return removed;
}

}  // namespace ringpull::bench
