#include "bench/driver/operations.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include <ringpull/engine/scope.hpp>

namespace ringpull::bench {

using engine::Task;

namespace {

// The same names as in bench/go_driver: either program reads what the other has left.
constexpr const char* kFile = "/compare/file";
constexpr const char* kMoved = "/compare/moved";
constexpr const char* kSmall = "/compare/small";
constexpr const char* kMissing = "/compare/missing";
constexpr const char* kTree = "/compare/tree";
/// io.Copy's, by which docker-registry passes a layer on.
constexpr std::uint64_t kPieceBytes = 32 << 10;
constexpr std::size_t kFillers = 16;

std::string numbered(const char* directory, std::size_t number) {
  return fmt::format("{}/{:05}", directory, number);
}

Result<void> expect_size(const std::string& path, std::uint64_t size, std::uint64_t expected) {
  if (size == expected) return {};
  return fail(ErrorKind::internal, fmt::format("{} has {} bytes of {}", path, size, expected));
}

Task<Result<void>> write_pieces(Operation& run, s3::StorageWriter& writer) {
  for (std::uint64_t at = 0; at < run.options.size_bytes;) {
    const std::uint64_t most = std::min(run.options.size_bytes - at, kPieceBytes);
    std::span<const std::byte> piece = run.content.from(at, most);
    RINGPULL_CO_CHECK(co_await writer.write(piece));
    at += piece.size();
    run.bytes += piece.size();
  }
  s3::CommitOptions options;
  auto committed = co_await writer.commit(options);
  co_return committed;
}

/// Without a size hint, as a registry gets uploads.
Task<Result<void>> write_file(Operation& run) {
  s3::WriterOptions options;
  RINGPULL_CO_TRY(auto writer, co_await run.driver.writer(kFile, options));
  auto outcome = co_await write_pieces(run, *writer);
  if (!outcome) {
    auto cancelled = co_await writer->cancel();
    (void)cancelled;  // the first failure is the one to report
  }
  co_return outcome;
}

Task<Result<void>> write_files(Operation& run) {
  for (std::size_t i = 0; i < run.options.count; ++i) {
    RINGPULL_CO_CHECK(co_await write_file(run));
  }
  co_return Result<void>();
}

Task<Result<void>> read_pieces(Operation& run, s3::StorageReader& reader) {
  std::uint64_t offset = 0;
  while (true) {
    RINGPULL_CO_TRY(engine::BufferLease piece, co_await reader.next());
    if (piece.size() == 0) break;
    if (run.options.verify) RINGPULL_CO_CHECK(run.content.check(offset, piece.bytes()));
    offset += piece.size();
  }
  run.bytes += offset;
  co_return expect_size(kFile, offset, run.options.size_bytes);
}

Task<Result<void>> read_file(Operation& run) {
  s3::ReaderOptions options;
  RINGPULL_CO_TRY(auto reader, co_await run.driver.reader(kFile, options));
  auto outcome = co_await read_pieces(run, *reader);
  co_await reader->close();
  co_return outcome;
}

Task<Result<void>> read_files(Operation& run) {
  for (std::size_t i = 0; i < run.options.count; ++i) {
    RINGPULL_CO_CHECK(co_await read_file(run));
  }
  co_return Result<void>();
}

Task<Result<void>> put_small(Operation& run) {
  const std::span<const std::byte> whole = run.content.from(0, run.options.size_bytes);
  for (std::size_t i = 0; i < run.options.count; ++i) {
    const std::string path = numbered(kSmall, i);
    RINGPULL_CO_CHECK(co_await run.driver.put_content(path, whole));
    run.bytes += whole.size();
  }
  co_return Result<void>();
}

Task<Result<void>> get_small(Operation& run) {
  const auto most = static_cast<std::size_t>(run.options.size_bytes);
  for (std::size_t i = 0; i < run.options.count; ++i) {
    const std::string path = numbered(kSmall, i);
    RINGPULL_CO_TRY(engine::Buffer whole, co_await run.driver.get_content(path, most));
    RINGPULL_CO_CHECK(expect_size(path, whole.size(), run.options.size_bytes));
    if (run.options.verify) RINGPULL_CO_CHECK(run.content.check(0, whole.bytes()));
    run.bytes += whole.size();
  }
  co_return Result<void>();
}

Task<Result<void>> stat_small(Operation& run) {
  for (std::size_t i = 0; i < run.options.count; ++i) {
    const std::string path = numbered(kSmall, i);
    RINGPULL_CO_TRY(s3::FileInfo info, co_await run.driver.stat(path));
    RINGPULL_CO_CHECK(expect_size(path, info.size_bytes, run.options.size_bytes));
  }
  co_return Result<void>();
}

Task<Result<void>> stat_missing(Operation& run) {
  for (std::size_t i = 0; i < run.options.count; ++i) {
    const std::string path = numbered(kMissing, i);
    auto info = co_await run.driver.stat(path);
    if (info) co_return fail(ErrorKind::internal, path + " is there");
    if (!info.error().is(ErrorKind::not_found)) co_return fail(std::move(info).error());
  }
  co_return Result<void>();
}

struct Filling {
  explicit Filling(Operation& run_in) : run(run_in) {}
  Operation& run;
  std::size_t next = 0;
};

Task<Result<void>> fill_some(Filling& filling) {
  Operation& run = filling.run;
  const std::span<const std::byte> whole = run.content.from(0, run.options.size_bytes);
  while (filling.next < run.options.files) {
    const std::string path = numbered(kTree, filling.next++);
    RINGPULL_CO_CHECK(co_await run.driver.put_content(path, whole));
    run.bytes += whole.size();
  }
  co_return Result<void>();
}

Task<Result<void>> fill_tree(Operation& run) {
  Filling filling(run);
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  for (std::size_t i = 0; i < kFillers; ++i) scope.spawn(fill_some(filling));
  auto outcome = co_await scope.join();
  co_return outcome;
}

Task<Result<void>> list_tree(Operation& run) {
  for (std::size_t i = 0; i < run.options.count; ++i) {
    RINGPULL_CO_TRY(std::vector<std::string> paths, co_await run.driver.list(kTree));
    if (paths.size() == run.options.files) continue;
    co_return fail(ErrorKind::internal,
                   fmt::format("{} files listed of {}", paths.size(), run.options.files));
  }
  co_return Result<void>();
}

/// Leaves the file where it was when it is moved an even number of times.
Task<Result<void>> move_file(Operation& run) {
  std::string from = kFile;
  std::string to = kMoved;
  for (std::size_t i = 0; i < run.options.count; ++i) {
    RINGPULL_CO_CHECK(co_await run.driver.move(from, to));
    std::swap(from, to);
  }
  co_return Result<void>();
}

Task<Result<void>> delete_tree(Operation& run) {
  auto removed = co_await run.driver.remove(kTree);
  co_return removed;
}

}  // namespace

const std::vector<NamedOperation>& named_operations() {
  static const std::vector<NamedOperation> kOperations = {
      {"writer", write_files},    {"reader", read_files}, {"put_content", put_small},
      {"get_content", get_small}, {"stat", stat_small},   {"stat_missing", stat_missing},
      {"list", list_tree},        {"move", move_file},    {"delete", delete_tree},
      {"fill", fill_tree},
  };
  return kOperations;
}

}  // namespace ringpull::bench
