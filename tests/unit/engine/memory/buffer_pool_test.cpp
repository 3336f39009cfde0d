#include <chrono>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <thread>
#include <vector>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>

#include "tests/support/on_each_backend.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kKiB = 1024;

MemoryBudgetOptions limit(std::size_t bytes) {
  MemoryBudgetOptions options;
  options.limit_bytes = bytes;
  return options;
}

class BufferPoolTest : public ringpull::testing::OnEachBackend {};
RINGPULL_ON_EACH_BACKEND(BufferPoolTest);

TEST(BlockSize, HoldsWhatIsAskedWithAtMostAFifthOfSurplus) {
  EXPECT_EQ(detail::block_size(0), 4 * kKiB);
  EXPECT_EQ(detail::block_size(4096), 4 * kKiB);
  EXPECT_EQ(detail::block_size(4097), 8 * kKiB);
  EXPECT_EQ(detail::block_size(16 * kKiB + 1), 20 * kKiB);
  EXPECT_EQ(detail::block_size(5 * kKiB * kKiB), 5 * kKiB * kKiB);
  EXPECT_EQ(detail::block_size(8 * kKiB * kKiB), 8 * kKiB * kKiB);
  EXPECT_EQ(detail::block_size(8 * kKiB * kKiB + 1), 10 * kKiB * kKiB);
  EXPECT_EQ(detail::block_size(SIZE_MAX), SIZE_MAX);
  for (std::size_t size = 16 * kKiB; size < 80 * kKiB * kKiB; size += size / 7 + 1) {
    std::size_t block = detail::block_size(size);
    EXPECT_GE(block, size);
    EXPECT_EQ(block % 4096, 0U);
    EXPECT_LE(block - size, block / 5) << size;
    EXPECT_EQ(detail::block_size(block), block);
  }
}

TEST(BufferPool, LeasesAlignedBlocksAndTakesThemBack) {
  MemoryBudget budget(limit(64 * kKiB));
  BufferPool pool(budget);
  {
    BufferLease lease = pool.try_lease(5000).value();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(lease.data()) % 4096, 0U);
    EXPECT_EQ(lease.size(), 5000U);
    EXPECT_EQ(lease.capacity(), 8192U);
    std::memset(lease.data(), 0x5a, lease.capacity());
    lease.resize(8192);
    EXPECT_EQ(lease.bytes().size(), 8192U);
    EXPECT_EQ(budget.stats().used_bytes, 8192U);
  }
  EXPECT_EQ(budget.stats().used_bytes, 0U);
  EXPECT_EQ(budget.stats().cached_bytes, 8192U);
}

TEST(BufferPool, ReusesTheBlockReturnedLast) {
  MemoryBudget budget(limit(64 * kKiB));
  BufferPool pool(budget);
  BufferLease first = pool.try_lease(4096).value();
  BufferLease second = pool.try_lease(4096).value();
  std::byte* last = second.data();
  first.release();
  second.release();
  EXPECT_EQ(pool.try_lease(1).value().data(), last);
}

TEST(BufferPool, EverySizeOfBlockIsReused) {
  MemoryBudget budget(limit(512 * kKiB * kKiB));
  BufferPool pool(budget);
  std::size_t size = 1;
  while (size <= detail::BlockCache::kBlockBytesMax) {
    std::size_t block = detail::block_size(size);
    std::byte* data = pool.try_lease(block).value().data();
    EXPECT_EQ(budget.stats().cached_bytes, block);
    EXPECT_EQ(pool.try_lease(block).value().data(), data) << block;
    budget.trim();
    EXPECT_EQ(budget.stats().cached_bytes, 0U);
    size = block + 1;
  }
  {
    BufferLease huge = pool.try_lease(size).value();
  }
  EXPECT_EQ(budget.stats().cached_bytes, 0U) << "a block over the largest class was kept";
}

TEST(BufferPool, TrimsFreeBlocksBeforeTheLimitIsReached) {
  MemoryBudget budget(limit(64 * kKiB));
  BufferPool pool(budget);
  {
    std::vector<BufferLease> leases;
    for (int i = 0; i < 16; ++i) leases.push_back(pool.try_lease(4096).value());
  }
  EXPECT_EQ(budget.stats().cached_bytes, 64 * kKiB);
  BufferLease large = pool.try_lease(40 * kKiB).value();
  EXPECT_EQ(budget.stats().used_bytes, 40 * kKiB);
  EXPECT_EQ(budget.stats().cached_bytes, 24 * kKiB);
  auto reservation = budget.try_acquire(20 * kKiB);
  ASSERT_TRUE(reservation.has_value());
  EXPECT_EQ(budget.stats().cached_bytes, 4 * kKiB);
  EXPECT_FALSE(pool.try_lease(8 * kKiB).has_value());
  EXPECT_EQ(budget.stats().cached_bytes, 4 * kKiB) << "blocks were trimmed for nothing";
  EXPECT_TRUE(pool.try_lease(4 * kKiB).has_value());
}

Task<Result<std::size_t>> lease_size(BufferPool& pool, std::size_t size) {
  RINGPULL_CO_TRY(BufferLease lease, co_await pool.lease(size));
  std::memset(lease.data(), 1, lease.size());
  co_return lease.size();
}

TEST_P(BufferPoolTest, NamesTheLimitThatARequestExceeds) {
  MemoryBudget budget(limit(64 * kKiB));
  BufferPool pool(budget);
  auto loop = make_loop();
  auto refused = loop->run([&pool] { return lease_size(pool, 65 * kKiB); });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::resource_exhausted);
  EXPECT_NE(refused.error().message().find("65536 bytes"), std::string::npos)
      << refused.error().message();
}

Task<void> blocked_then_served(BufferPool& pool, bool& same_block) {
  Context& context = co_await current_context();
  auto first = co_await pool.lease(64 * kKiB);
  std::byte* data = first->data();
  StopSource stop;
  auto late = co_await with_deadline(Deadline::after(1ms), pool.lease(4 * kKiB));
  EXPECT_EQ(late.error().kind(), ErrorKind::timed_out);
  Scope scope(context);
  scope.spawn([](BufferPool& from, std::byte* expected, bool& same) -> Task<void> {
    auto second = co_await from.lease(64 * kKiB);
    same = second->data() == expected;
  }(pool, data, same_block));
  auto slow = co_await with_deadline(Deadline::after(1ms), pool.lease(4 * kKiB));
  EXPECT_EQ(slow.error().kind(), ErrorKind::timed_out);
  first->release();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined.has_value());
}

TEST_P(BufferPoolTest, HandsAReturnedBlockToTheOneWhoWaitsForIt) {
  MemoryBudget budget(limit(64 * kKiB));
  BufferPool pool(budget);
  auto loop = make_loop();
  bool same_block = false;
  loop->run([&] { return blocked_then_served(pool, same_block); });
  EXPECT_TRUE(same_block);
}

TEST_P(BufferPoolTest, ALeaseGivenBackOnAnotherThreadServesTheLoopThatWaits) {
  MemoryBudget budget(limit(64 * kKiB));
  BufferPool pool(budget);
  BufferLease lease = pool.try_lease(64 * kKiB).value();
  std::thread foreign([&budget, held = std::move(lease)]() mutable {
    while (budget.stats().waiting == 0) std::this_thread::yield();
    held.release();
  });
  auto loop = make_loop();
  auto size = loop->run([&pool] { return lease_size(pool, 100); });
  foreign.join();
  EXPECT_EQ(size.value(), 100U);
}

Task<void> lease_often(BufferPool& pool, unsigned seed, int& failures) {
  for (int i = 0; i < 300; ++i) {
    seed = seed * 1664525U + 1013904223U;
    std::size_t size = 1 + (seed >> 12) % (40 * kKiB);
    auto lease = co_await pool.lease(size);
    if (!lease) {
      ++failures;
      continue;
    }
    auto mark = static_cast<int>(seed & 0x7f);
    std::memset(lease->data(), mark, lease->size());
    MemoryBudgetStats stats = pool.budget().stats();
    if (stats.used_bytes + stats.cached_bytes > stats.limit_bytes) ++failures;
    for (std::byte byte : lease->bytes()) {
      if (byte != static_cast<std::byte>(mark)) ++failures;
    }
  }
}

TEST_P(BufferPoolTest, ServesEightThreadsWithoutEverExceedingTheBudget) {
  MemoryBudget budget(limit(128 * kKiB));
  BufferPool pool(budget);
  std::vector<int> failures(8);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < failures.size(); ++i) {
    threads.emplace_back([this, &pool, &failures, i] {
      auto loop = make_loop();
      loop->run([&] { return lease_often(pool, i, failures[i]); });
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, std::vector<int>(8));
  EXPECT_EQ(budget.stats().used_bytes, 0U);
}

}  // namespace
}  // namespace ringpull::engine
