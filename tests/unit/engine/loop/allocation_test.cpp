// No heap allocation per operation: in a steady state of receives, sends, timers, semaphores and
// events, operator new is not called at all. A program of its own, because it replaces operator
// new.

#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/tcp.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/counting_allocator.hpp"
#include "tests/support/on_each_backend.hpp"
#include "tests/support/socket_pair.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;

constexpr int kWarmUp = 200;
constexpr int kMeasured = 2'000;

class Allocations : public testing::OnEachBackend {};
RINGPULL_ON_EACH_BACKEND(Allocations);

/// Counts what is allocated from round kWarmUp on.
class Meter {
 public:
  void at_round(int round) {
    if (round == kWarmUp) start_ = testing::allocations();
  }
  void finish() { counted_ = static_cast<long>(testing::allocations() - start_); }
  long counted() const { return counted_; }

 private:
  std::size_t start_ = 0;
  long counted_ = -1;
};

TEST_P(Allocations, AreCountedAtAll) {
  std::size_t before = testing::allocations();
  auto loop = make_loop();
  EXPECT_GT(testing::allocations(), before);
}

Task<void> answer_pings(StreamSocket& stream) {
  std::array<std::byte, 64> bytes{};
  for (int round = 0; round < kWarmUp + kMeasured; ++round) {
    auto got = co_await stream.read_exact(bytes);
    EXPECT_TRUE(got);
    auto sent = co_await stream.write_all(bytes);
    EXPECT_TRUE(sent);
  }
}

Task<void> ping(StreamSocket& stream, Meter& meter) {
  std::array<std::byte, 64> bytes{};
  std::array<ConstBytes, 2> pieces{ConstBytes(bytes).first(10), ConstBytes(bytes).subspan(10)};
  for (int round = 0; round < kWarmUp + kMeasured; ++round) {
    meter.at_round(round);
    auto sent = co_await stream.write_vectors(pieces);
    EXPECT_TRUE(sent);
    auto got = co_await with_deadline(Deadline::after(1h), stream.read_exact(bytes));
    EXPECT_TRUE(got);
  }
  meter.finish();
}

Task<void> play_ping_pong(testing::SocketPair& pair, Meter& meter) {
  Context& context = co_await current_context();
  StreamSocket one{std::move(pair.ours)};
  StreamSocket other{std::move(pair.peer)};
  Scope scope(context);
  scope.spawn(answer_pings(other));
  scope.spawn(ping(one, meter));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_P(Allocations, AreNoneForReceivesAndSendsUnderADeadline) {
  auto loop = make_loop();
  testing::SocketPair pair(loop->backend());
  Meter meter;
  loop->run([&] { return play_ping_pong(pair, meter); });
  EXPECT_EQ(meter.counted(), 0);
}

Task<void> sleep_briefly(Meter& meter) {
  for (int round = 0; round < kWarmUp + kMeasured; ++round) {
    meter.at_round(round);
    auto slept = co_await sleep_for(1us);
    EXPECT_TRUE(slept);
  }
  meter.finish();
}

TEST_P(Allocations, AreNoneForTimers) {
  Meter meter;
  run([&] { return sleep_briefly(meter); });
  EXPECT_EQ(meter.counted(), 0);
}

Task<void> contend(Semaphore& semaphore) {
  for (int round = 0; round < kWarmUp + kMeasured; ++round) {
    auto permit = co_await semaphore.acquire();
    EXPECT_TRUE(permit);
    co_await yield_now();
  }
}

Task<void> contend_measured(Semaphore& semaphore, Meter& meter) {
  for (int round = 0; round < kWarmUp + kMeasured; ++round) {
    meter.at_round(round);
    auto permit = co_await semaphore.acquire();
    EXPECT_TRUE(permit);
    co_await yield_now();
  }
  meter.finish();
}

Task<void> contend_for_one_unit(Meter& meter) {
  Context& context = co_await current_context();
  Semaphore semaphore(1);
  Scope scope(context);
  scope.spawn(contend_measured(semaphore, meter));
  for (int i = 0; i < 3; ++i) scope.spawn(contend(semaphore));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_P(Allocations, AreNoneForASemaphoreThatIsContended) {
  Meter meter;
  run([&] { return contend_for_one_unit(meter); });
  EXPECT_EQ(meter.counted(), 0);
}

#if !defined(__SANITIZE_ADDRESS__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RINGPULL_TEST_FRAMES_FROM_HEAP 1
#endif
#endif
#else
#define RINGPULL_TEST_FRAMES_FROM_HEAP 1
#endif

#ifndef RINGPULL_TEST_FRAMES_FROM_HEAP  // under AddressSanitizer every frame is the heap's
Task<int> child(int number) {
  co_await yield_now();
  co_return number;
}

Task<void> call_children(Meter& meter) {
  for (int round = 0; round < kWarmUp + kMeasured; ++round) {
    meter.at_round(round);
    int number = co_await child(round);
    EXPECT_EQ(number, round);
  }
  meter.finish();
}

TEST_P(Allocations, AreNoneForCallsOfCoroutines) {
  Meter meter;
  run([&] { return call_children(meter); });
  EXPECT_EQ(meter.counted(), 0);
}
#endif

}  // namespace
}  // namespace ringpull::engine
