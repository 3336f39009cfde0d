#include <algorithm>
#include <cstring>
#include <utility>

#include <ringpull/engine/scope.hpp>
#include <ringpull/http/body_sinks.hpp>

#include "http/src/client/body_limit.hpp"

namespace ringpull::inline v0::http {

using engine::BufferChain;
using engine::BufferLease;
using engine::BufferPool;
using engine::File;
using engine::Task;

namespace {

/// Blocks for a body of unknown length: as large as what came before, within these.
constexpr std::size_t kGrowthBytesMin = 64 * 1024;
constexpr std::size_t kGrowthBytesMax = 1024 * 1024;

/// Receives until the span is full or the body ends. Failures carry bytes_done().
Task<Result<std::size_t>> fill(Response& response, MutableBytes space) {
  if (auto left = response.body_left()) {
    auto size = static_cast<std::size_t>(std::min<std::uint64_t>(*left, space.size()));
    RINGPULL_CO_CHECK(co_await response.read_exact(space.first(size)));
    co_return size;
  }
  std::size_t done = 0;
  while (done < space.size() && !response.body_done()) {
    auto received = co_await response.read_some(space.subspan(done));
    if (!received) co_return fail(std::move(received).error().with_bytes_done(done));
    done += *received;
  }
  co_return done;
}

/// Fills the block and appends what came; how much, also where it fails.
Task<Result<std::size_t>> fill_piece(Response& response, BufferChain& chain, BufferLease block) {
  auto filled = co_await fill(response, block.bytes());
  std::uint64_t bytes = filled ? *filled : filled.error().bytes_done();
  block.resize(static_cast<std::size_t>(bytes));
  chain.append(std::move(block));
  co_return filled;
}

/// Whether the body ends here, told by asking for one byte more.
Task<Result<bool>> ends_here(Response& response) {
  std::byte beyond{};
  RINGPULL_CO_TRY(std::size_t received, co_await response.read_some(MutableBytes(&beyond, 1)));
  co_return received == 0;
}

/// Waits for the first block only: whoever holds memory does not wait for more of it.
Task<Result<BufferLease>> next_block(BufferPool& pool, std::uint64_t done, std::uint64_t room) {
  auto wanted = std::clamp<std::uint64_t>(done, kGrowthBytesMin, kGrowthBytesMax);
  auto size = static_cast<std::size_t>(std::min(wanted, room));
  if (done > 0) co_return pool.try_lease(size);
  auto first = co_await pool.lease(size);
  co_return first;
}

Task<Result<std::uint64_t>> grow_chain(Response& response, BufferChain& chain, BufferPool& pool,
                                       std::size_t limit_bytes) {
  std::uint64_t done = 0;
  while (done < limit_bytes && !response.body_done()) {
    auto block = co_await next_block(pool, done, limit_bytes - done);
    if (!block) {
      co_return fail(std::move(block).error().with_bytes_done(done).context(
          "receive a body of unknown length"));
    }
    auto filled = co_await fill_piece(response, chain, std::move(*block));
    if (!filled) {
      std::uint64_t arrived = filled.error().bytes_done();
      co_return fail(std::move(filled).error().with_bytes_done(done + arrived));
    }
    done += *filled;
  }
  if (response.body_done()) co_return done;
  auto ended = co_await ends_here(response);
  if (!ended) co_return fail(std::move(ended).error().with_bytes_done(done));
  if (!*ended) co_return fail(body_too_large(limit_bytes).with_bytes_done(done));
  co_return done;
}

/// One body on its way into a file.
class FileTransfer {
 public:
  FileTransfer(Response& response, File& file, const ReadToFileOptions& options) noexcept
      : response_(response), file_(file), options_(options) {}

  Task<Result<std::uint64_t>> run(BufferPool& pool) {
    auto left = response_.body_left();
    if (left && *left > options_.limit_bytes) co_return fail(body_too_large(options_.limit_bytes));
    if (response_.body_done()) co_return std::uint64_t{0};
    std::size_t block_bytes = engine::direct_size(std::max<std::size_t>(options_.block_bytes, 1));
    bool one = left && *left <= block_bytes;
    if (one) block_bytes = engine::direct_size(static_cast<std::size_t>(*left));
    std::size_t leased = one ? block_bytes : 2 * block_bytes;
    RINGPULL_CO_TRY(BufferLease blocks, co_await pool.lease(leased));
    MutableBytes memory = blocks.bytes();
    auto moved = co_await move_blocks(memory.first(block_bytes), memory.last(block_bytes));
    if (!moved) co_return fail(std::move(moved).error().with_bytes_done(written_));
    co_return written_;
  }

 private:
  /// Both are the same where one block is all.
  Task<Result<void>> move_blocks(MutableBytes current, MutableBytes other) {
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    co_await receive(current);
    while (received_ && *received_ > 0) {
      std::size_t size = *received_;
      if (size > options_.limit_bytes - written_) {
        co_return fail(body_too_large(options_.limit_bytes));
      }
      scope.spawn(write(current, size));
      received_ = std::size_t{0};
      if (!response_.body_done()) scope.spawn(receive(other));
      RINGPULL_CO_CHECK(co_await scope.join());
      std::swap(current, other);
    }
    if (!received_) co_return fail(std::move(received_).error());
    co_return Result<void>();
  }

  /// Into received_: what was written meanwhile is not lost when this fails.
  Task<void> receive(MutableBytes space) { received_ = co_await fill(response_, space); }

  Task<Result<void>> write(MutableBytes block, std::size_t size) {
    std::uint64_t at = options_.offset + written_;
    bool padded = file_.is_direct() && size % engine::kDirectAlignment != 0;
    if (padded) {
      RINGPULL_CO_CHECK(co_await write_padded(block, size, at));
    } else {
      RINGPULL_CO_CHECK(co_await file_.write_all_at(block.first(size), at));
    }
    written_ += size;
    co_return Result<void>();
  }

  Task<Result<void>> write_padded(MutableBytes block, std::size_t size, std::uint64_t at) {
    RINGPULL_CO_TRY(std::uint64_t file_bytes, file_.size());
    if (file_bytes > at + size) {
      co_return fail(ErrorKind::invalid_argument,
                     "the body ends inside a page of a file that was opened direct and goes on");
    }
    MutableBytes whole = block.first(engine::direct_size(size));
    std::memset(whole.data() + size, 0, whole.size() - size);
    RINGPULL_CO_CHECK(co_await file_.write_all_at(whole, at));
    co_return co_await file_.truncate(at + size);
  }

  Response& response_;
  File& file_;
  const ReadToFileOptions& options_;
  Result<std::size_t> received_ = std::size_t{0};
  std::uint64_t written_ = 0;
};

}  // namespace

Task<Result<std::uint64_t>> read_to_chain(Response& response, BufferChain& chain, BufferPool& pool,
                                          std::size_t limit_bytes) {
  if (response.body_done()) co_return std::uint64_t{0};
  auto left = response.body_left();
  if (!left) co_return co_await grow_chain(response, chain, pool, limit_bytes);
  if (*left > limit_bytes) co_return fail(body_too_large(limit_bytes));
  RINGPULL_CO_TRY(BufferLease block, co_await pool.lease(static_cast<std::size_t>(*left)));
  RINGPULL_CO_TRY(std::size_t size, co_await fill_piece(response, chain, std::move(block)));
  co_return size;
}

Task<Result<std::uint64_t>> read_to_file(Response& response, File& file, BufferPool& pool,
                                         const ReadToFileOptions& options) {
  FileTransfer transfer(response, file, options);
  auto done = co_await transfer.run(pool);
  co_return done;
}

}  // namespace ringpull::inline v0::http
