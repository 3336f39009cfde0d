// Copies a file on a loop's thread, one leased block at a time: copy FROM TO.
#include <cstdio>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/file.hpp>
#include <ringpull/engine/runtime.hpp>

using namespace ringpull;
using namespace ringpull::engine;

Task<Result<std::uint64_t>> copy(std::string from, std::string to, BufferPool& pool) {
  RINGPULL_CO_TRY(File in, co_await File::open(from, OpenOptions(FileMode::read)));
  RINGPULL_CO_TRY(File out, co_await File::open(to, OpenOptions(FileMode::create)));
  RINGPULL_CO_TRY(BufferLease block, co_await pool.lease(1 << 20));
  for (std::uint64_t at = 0;;) {
    RINGPULL_CO_TRY(std::size_t count, co_await in.read_some_at(block.bytes(), at));
    if (count == 0) co_return at;
    RINGPULL_CO_CHECK(co_await out.write_all_at(block.bytes().first(count), at));
    at += count;
  }
}

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  MemoryBudget budget;
  BufferPool pool(budget);
  auto runtime = Runtime::create(RuntimeOptions());
  if (!runtime) return std::fprintf(stderr, "%s\n", runtime.error().message().c_str()), 1;
  auto bytes = (*runtime)->run_blocking([&] { return copy(argv[1], argv[2], pool); });
  if (!bytes) return std::fprintf(stderr, "%s\n", bytes.error().message().c_str()), 1;
  std::printf("%llu bytes\n", static_cast<unsigned long long>(*bytes));
}
