#include "s3/src/driver/read/read_window.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <gtest/gtest.h>
#include <limits>
#include <utility>

namespace ringpull::s3::driver {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kPart = 8 * kMiB;
constexpr double kUnlimited = std::numeric_limits<double>::infinity();

/// What a server gives, in bytes per second.
struct Server {
  Server(double of_one_connection_in, double of_all_in)
      : of_one_connection(of_one_connection_in), of_all(of_all_in) {}
  double of_one_connection;
  double of_all;
};

/// A caller that is faster than any server, and parts that follow one another evenly.
class Transfer {
 public:
  explicit Transfer(ReadWindow& window) : window_(window) {}

  void take(std::uint64_t bytes, const Server& server) {
    for (std::uint64_t end = taken_ + bytes; taken_ < end; taken_ += kPart) {
      window_.advance(taken_ + kPart);
      most_ = std::max(most_, window_.bytes());
      auto connections = static_cast<double>(std::max(window_.bytes() / kPart, std::uint64_t(1)));
      double each = std::min(server.of_one_connection, server.of_all / connections);
      now_ += time_of(connections * each);
      window_.received(kPart, time_of(each), now_);
    }
  }
  /// Since the last call.
  std::uint64_t most() { return std::exchange(most_, 0); }

 private:
  static engine::Duration time_of(double rate) {
    std::chrono::duration<double> seconds(static_cast<double>(kPart) / rate);
    return std::chrono::duration_cast<engine::Duration>(seconds);
  }

  ReadWindow& window_;
  engine::TimePoint now_{std::chrono::hours(1)};
  std::uint64_t taken_ = 0;
  std::uint64_t most_ = 0;
};

TEST(ReadWindow, IsTwiceWhatTheCallerAskedFor) {
  ReadWindow window(16 * kMiB, 64 * kMiB);
  EXPECT_EQ(window.bytes(), 0u);
  window.advance(kMiB);
  EXPECT_EQ(window.bytes(), 2 * kMiB);
  window.advance(3 * kMiB);
  EXPECT_EQ(window.bytes(), 6 * kMiB);
  window.advance(2 * kMiB);
  EXPECT_EQ(window.bytes(), 6 * kMiB) << "less came than was asked for";
  window.advance(100 * kMiB);
  EXPECT_EQ(window.bytes(), 16 * kMiB);
}

TEST(ReadWindow, GrowsAtOnceWhereEachConnectionIsSlow) {
  ReadWindow window(16 * kMiB, 64 * kMiB);
  Transfer transfer(window);
  transfer.take(4 * kPart, Server(90e6, kUnlimited));
  EXPECT_EQ(window.bytes(), 64 * kMiB);
  transfer.take(1000 * kPart, Server(90e6, kUnlimited));
  EXPECT_EQ(window.bytes(), 64 * kMiB);
}

TEST(ReadWindow, GrowsWhereMoreConnectionsBringMore) {
  ReadWindow window(16 * kMiB, 64 * kMiB);
  Transfer transfer(window);
  transfer.take(16 * kPart, Server(300e6, kUnlimited));
  EXPECT_EQ(window.bytes(), 64 * kMiB);
}

TEST(ReadWindow, StaysSmallAtAServerThatMoreConnectionsDoNotMakeFaster) {
  ReadWindow window(16 * kMiB, 64 * kMiB);
  Transfer transfer(window);
  transfer.take(13 * kPart, Server(2e9, 2e9));
  EXPECT_EQ(window.bytes(), 16 * kMiB);
  EXPECT_EQ(transfer.most(), 32 * kMiB) << "tried once";
}

TEST(ReadWindow, StopsWhereTheServerIsAtItsEnd) {
  ReadWindow window(16 * kMiB, 128 * kMiB);
  Transfer transfer(window);
  transfer.take(32 * kPart, Server(500e6, 2e9));
  EXPECT_EQ(window.bytes(), 32 * kMiB);
  EXPECT_EQ(transfer.most(), 64 * kMiB);
}

TEST(ReadWindow, TriesAgainNowAndThen) {
  ReadWindow window(16 * kMiB, 64 * kMiB);
  Transfer transfer(window);
  transfer.take(13 * kPart, Server(2e9, 2e9));
  transfer.most();
  transfer.take(28 * kPart, Server(2e9, 2e9));
  EXPECT_EQ(transfer.most(), 16 * kMiB);
  transfer.take(12 * kPart, Server(2e9, 2e9));
  EXPECT_EQ(transfer.most(), 32 * kMiB);
  EXPECT_EQ(window.bytes(), 16 * kMiB);
  transfer.take(60 * kPart, Server(300e6, kUnlimited));
  EXPECT_EQ(window.bytes(), 64 * kMiB) << "the server has become one that it pays at";
}

TEST(ReadWindow, IsNeverLargerThanTheMost) {
  ReadWindow window(16 * kMiB, 10 * kMiB);
  Transfer transfer(window);
  transfer.take(100 * kPart, Server(90e6, kUnlimited));
  EXPECT_EQ(transfer.most(), 10 * kMiB);
}

}  // namespace
}  // namespace ringpull::s3::driver
