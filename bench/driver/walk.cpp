// A directory of very many files.
#include <array>
#include <fmt/format.h>
#include <utility>

#include <ringpull/engine/scope.hpp>

#include "bench/driver/bench.hpp"

namespace ringpull::bench {

using engine::Task;

namespace {

constexpr std::uint64_t kFilesPerDirectory = 1000;

std::string root_of(const DriverOptions& options) { return fmt::format("/walk-{}", options.keys); }

struct Filling {
  Filling(DriverBench& bench_in, std::string root_in) : bench(bench_in), root(std::move(root_in)) {}

  DriverBench& bench;
  std::string root;
  std::uint64_t next = 0;
};

Task<Result<void>> put_files(Filling& filling) {
  const std::array<std::byte, 1> content = {};
  while (filling.next < filling.bench.options.keys) {
    const std::uint64_t number = filling.next++;
    const std::string path = fmt::format("{}/{:05}/{:03}", filling.root,
                                         number / kFilesPerDirectory, number % kFilesPerDirectory);
    RINGPULL_CO_CHECK(co_await filling.bench.driver().put_content(path, content));
    filling.bench.figures.bytes += content.size();
  }
  co_return Result<void>();
}

struct Seen {
  Seen() = default;
  std::uint64_t files = 0;
  std::uint64_t directories = 0;
  std::uint64_t bytes = 0;
};

Task<Result<s3::WalkStep>> count(Seen& seen, const s3::FileInfo& info) {
  ++(info.is_directory ? seen.directories : seen.files);
  seen.bytes += info.size_bytes;
  co_return s3::WalkStep::go_on;
}

Task<Result<s3::WalkStep>> stop_after_a_page(Seen& seen) {
  ++seen.files;
  co_return seen.files < kFilesPerDirectory ? s3::WalkStep::go_on : s3::WalkStep::stop;
}

Result<void> expect_all(const DriverOptions& options, const Seen& seen) {
  const std::uint64_t directories = (options.keys + kFilesPerDirectory - 1) / kFilesPerDirectory;
  if (seen.files == options.keys && seen.directories == directories) return {};
  return fail(ErrorKind::internal,
              fmt::format("the walk saw {} files in {} directories of {} in {}", seen.files,
                          seen.directories, options.keys, directories));
}

/// Opens the connection, and brings code and memory in.
Task<Result<void>> walk_begin(DriverBench& bench, std::string root) {
  Seen seen;
  s3::WalkOptions options;
  s3::WalkVisitor visitor = [&seen](const s3::FileInfo&) { return stop_after_a_page(seen); };
  auto outcome = co_await bench.driver().walk(root, options, visitor);
  co_return outcome;
}

Task<Result<void>> walk_once(DriverBench& bench, std::string root) {
  Seen seen;
  s3::WalkOptions options;
  s3::WalkVisitor visitor = [&seen](const s3::FileInfo& info) { return count(seen, info); };
  RINGPULL_CO_CHECK(co_await bench.driver().walk(root, options, visitor));
  bench.figures.keys += seen.files;
  bench.figures.bytes += seen.bytes;
  co_return expect_all(bench.options, seen);
}

}  // namespace

Task<Result<void>> fill(DriverBench& bench) {
  Filling filling(bench, root_of(bench.options));
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  Stretch stretch(bench);
  for (std::size_t i = 0; i < bench.options.concurrency; ++i) scope.spawn(put_files(filling));
  auto outcome = co_await scope.join();
  stretch.stop();
  bench.figures.keys = bench.options.keys;
  co_return outcome;
}

Task<Result<void>> walk(DriverBench& bench) {
  const std::string root = root_of(bench.options);
  RINGPULL_CO_CHECK(co_await walk_begin(bench, root));
  Stretch stretch(bench);
  for (std::uint64_t round = 0; round < bench.options.rounds; ++round) {
    RINGPULL_CO_CHECK(co_await walk_once(bench, root));
  }
  stretch.stop();
  co_return Result<void>();
}

}  // namespace ringpull::bench
