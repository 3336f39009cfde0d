#include <cstdint>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/engine/buffer.hpp>

namespace ringpull::engine {
namespace {

TEST(Buffer, IsAlignedAsAsked) {
  for (std::size_t alignment : {std::size_t{64}, std::size_t{4096}}) {
    Buffer buffer(1000, alignment);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % alignment, 0U);
    EXPECT_EQ(buffer.size(), 1000U);
  }
}

TEST(Buffer, CopiesAndMovesItsBytes) {
  Buffer first = Buffer::copy_of("layer");
  Buffer second = std::move(first);
  EXPECT_EQ(second.text(), "layer");
  EXPECT_EQ(first.data(), nullptr);  // NOLINT(bugprone-use-after-move)
  first = std::move(second);
  EXPECT_EQ(first.text(), "layer");
}

TEST(Buffer, ShrinksAndGrowsWithinItsCapacity) {
  Buffer buffer = Buffer::copy_of("manifest");
  buffer.resize(3);
  EXPECT_EQ(buffer.text(), "man");
  buffer.resize(8);
  EXPECT_EQ(buffer.text(), "manifest");
}

TEST(BufferDeathTest, AbortsWhenResizedBeyondItsCapacity) {
  Buffer buffer(8);
  EXPECT_DEATH(buffer.resize(9), "beyond its capacity");
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ChainTest : public testing::Test {
 protected:
  BufferLease leased(std::string_view text) {
    BufferLease lease = pool_.try_lease(text.size()).value();
    std::ranges::copy(std::as_bytes(std::span(text)), lease.data());
    return lease;
  }
  MemoryBudget budget_;
  BufferPool pool_{budget_};
};

TEST_F(ChainTest, JoinsOwnedAndLeasedPiecesInOrder) {
  BufferChain chain;
  chain.append(Buffer::copy_of("one,"));
  chain.append(Buffer());
  chain.append(leased("two,"));
  chain.append(Buffer::copy_of("three"));
  ASSERT_EQ(chain.pieces(), 3U);
  EXPECT_EQ(chain.size(), 13U);
  EXPECT_EQ(text_of(chain.piece(1)), "two,");
  std::string joined;
  for (auto view : chain.views()) joined += text_of(view);
  EXPECT_EQ(joined, "one,two,three");
}

TEST_F(ChainTest, CopiesAnyPartOfItself) {
  BufferChain chain;
  chain.append(Buffer::copy_of("abc"));
  chain.append(leased("defg"));
  chain.append(Buffer::copy_of("hi"));
  const std::string whole = "abcdefghi";
  for (std::size_t offset = 0; offset <= whole.size() + 1; ++offset) {
    for (std::size_t length = 0; length <= whole.size() + 1; ++length) {
      std::string out(length, '.');
      std::size_t copied = chain.copy_to(std::as_writable_bytes(std::span(out)), offset);
      std::string expected = offset < whole.size() ? whole.substr(offset, length) : "";
      EXPECT_EQ(out.substr(0, copied), expected) << offset << ' ' << length;
    }
  }
}

TEST_F(ChainTest, TakesThePiecesOfAnother) {
  BufferChain chain;
  chain.append(Buffer::copy_of("head "));
  BufferChain tail;
  tail.append(leased("tail"));
  chain.append(std::move(tail));
  EXPECT_TRUE(tail.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(tail.pieces(), 0U);
  EXPECT_EQ(chain.size(), 9U);
}

TEST_F(ChainTest, GivesLeasedPiecesBackWhenCleared) {
  BufferChain chain;
  chain.append(leased("bytes"));
  EXPECT_EQ(budget_.stats().used_bytes, 4096U);
  chain.clear();
  EXPECT_EQ(budget_.stats().used_bytes, 0U);
}

}  // namespace
}  // namespace ringpull::engine
