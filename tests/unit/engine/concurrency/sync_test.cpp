// Event, Semaphore and Channel: order, stops, and that nothing is lost.

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/on_each_backend.hpp"
#include "tests/support/turn.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;
using testing::Turn;

using Log = std::vector<std::string>;

class Sync : public testing::OnEachBackend {};
RINGPULL_ON_EACH_BACKEND(Sync);

Task<void> wait_and_note(Event& event, Log& log, std::string name) {
  auto waited = co_await event.wait();
  log.push_back(waited ? name : name + " " + std::string(to_string(waited.error().kind())));
}

Task<Log> use_an_event() {
  Context& context = co_await current_context();
  Log log;
  Event event;
  Scope scope(context);
  scope.spawn(wait_and_note(event, log, "a"));
  scope.spawn(wait_and_note(event, log, "b"));
  Turn turn;
  co_await turn;
  log.push_back("set");
  event.set();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  scope.spawn(wait_and_note(event, log, "passes"));
  auto again = co_await scope.join();
  EXPECT_TRUE(again);
  event.reset();
  EXPECT_FALSE(event.is_set());
  auto late = co_await with_deadline(Deadline::after(1ms), event.wait());
  EXPECT_EQ(late.error().kind(), ErrorKind::timed_out);
  co_return log;
}

TEST_P(Sync, AnEventLetsAllWaitersGoUntilItIsReset) {
  EXPECT_EQ(run(use_an_event), (Log{"set", "a", "b", "passes"}));
}

Task<void> take(Semaphore& semaphore, std::size_t units, Log& log, std::string name) {
  auto permit = co_await semaphore.acquire(units);
  if (!permit) {
    log.push_back(name + " " + std::string(to_string(permit.error().kind())));
    co_return;
  }
  log.push_back(name);
  Turn turn;
  co_await turn;
}

Task<Log> queue_for_units() {
  Context& context = co_await current_context();
  Log log;
  Semaphore semaphore(4);
  Scope scope(context);
  auto held = co_await semaphore.acquire(3);
  EXPECT_TRUE(held);
  scope.spawn(take(semaphore, 4, log, "large"));
  scope.spawn(take(semaphore, 1, log, "small 1"));
  scope.spawn(take(semaphore, 1, log, "small 2"));
  Turn turn;
  co_await turn;
  EXPECT_EQ(semaphore.available(), 1U);
  EXPECT_EQ(semaphore.waiting(), 3U);
  EXPECT_FALSE(semaphore.try_acquire(1)) << "it overtook";
  log.push_back("release");
  held->release();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(semaphore.available(), 4U);
  co_return log;
}

TEST_P(Sync, ASemaphoreServesInOrderAndNoneOvertakesALargeRequest) {
  EXPECT_EQ(run(queue_for_units), (Log{"release", "large", "small 1", "small 2"}));
}

Task<void> take_until(Semaphore& semaphore, std::size_t units, StopSource& source, Log& log) {
  co_await with_stop(source, take(semaphore, units, log, "large"));
}

Task<Log> stop_the_first_in_the_queue() {
  Context& context = co_await current_context();
  Log log;
  Semaphore semaphore(2);
  StopSource source;
  Scope scope(context);
  auto held = co_await semaphore.acquire(1);
  EXPECT_TRUE(held);
  scope.spawn(take_until(semaphore, 2, source, log));
  scope.spawn(take(semaphore, 1, log, "small"));
  Turn turn;
  co_await turn;
  EXPECT_TRUE(log.empty());
  source.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(semaphore.available(), 1U);
  co_return log;
}

TEST_P(Sync, ASemaphoreServesThoseBehindAWaiterThatIsStopped) {
  EXPECT_EQ(run(stop_the_first_in_the_queue), (Log{"large cancelled", "small"}));
}

Task<void> grant_then_stop() {
  Context& context = co_await current_context();
  Log log;
  Semaphore semaphore(1);
  StopSource source;
  Scope scope(context);
  auto held = co_await semaphore.acquire();
  EXPECT_TRUE(held);
  scope.spawn(take_until(semaphore, 1, source, log));
  Turn turn;
  co_await turn;
  held->release();  // granted now, resumed later
  source.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(log, (Log{"large"}));
  EXPECT_EQ(semaphore.available(), 1U);
}

TEST_P(Sync, APermitGrantedBeforeAStopIsKept) { run(grant_then_stop); }

Task<void> hold_units(Semaphore& semaphore, std::size_t units, Duration patience, int turns,
                      std::size_t& in_use, std::size_t limit, int& stopped) {
  auto permit = co_await with_deadline(Deadline::after(patience), semaphore.acquire(units));
  if (!permit) {
    ++stopped;
    co_return;
  }
  in_use += units;
  EXPECT_LE(in_use, limit);
  for (int i = 0; i < turns; ++i) {
    Turn turn;
    co_await turn;
  }
  in_use -= units;
}

Task<void> crowd(unsigned seed) {
  constexpr std::size_t kUnits = 7;
  Context& context = co_await current_context();
  std::mt19937 random(seed);
  Semaphore semaphore(kUnits);
  std::size_t in_use = 0;
  int stopped = 0;
  Scope scope(context);
  for (int i = 0; i < 500; ++i) {
    auto patience = random() % 3 == 0 ? Duration(std::chrono::microseconds(random() % 2000)) : 1h;
    scope.spawn(hold_units(semaphore, 1 + random() % kUnits, patience,
                           static_cast<int>(random() % 4), in_use, kUnits, stopped));
  }
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(in_use, 0U);
  EXPECT_EQ(semaphore.available(), kUnits);
  EXPECT_EQ(semaphore.waiting(), 0U);
}

TEST_P(Sync, ASemaphoreLosesNoUnitInACrowdWithDeadlines) {
  unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  run([seed] { return crowd(seed); });
}

Task<Result<void>> push_range(Channel<int>& channel, int first, int last) {
  for (int i = first; i < last; ++i) {
    auto pushed = co_await channel.push(i);
    if (!pushed) co_return fail(std::move(pushed).error());
  }
  co_return Result<void>();
}

Task<Result<void>> pop_all(Channel<int>& channel, std::vector<int>& items) {
  for (;;) {
    auto item = co_await channel.pop();
    if (!item) co_return fail(std::move(item).error());
    if (!*item) co_return Result<void>();
    items.push_back(**item);
  }
}

Task<Result<void>> push_then_close(Channel<int>& channel, int count) {
  RINGPULL_CO_CHECK(co_await push_range(channel, 0, count));
  channel.close();
  co_return Result<void>();
}

Task<void> pipe_a_thousand(std::size_t capacity) {
  Context& context = co_await current_context();
  Channel<int> channel(capacity);
  std::vector<int> items;
  Scope scope(context);
  scope.spawn(pop_all(channel, items));
  scope.spawn(push_then_close(channel, 1000));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  std::vector<int> expected(1000);
  for (int i = 0; i < 1000; ++i) expected[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(items, expected);
}

TEST_P(Sync, AChannelKeepsTheOrder) {
  run([] { return pipe_a_thousand(1); });
  run([] { return pipe_a_thousand(7); });
}

Task<void> fill_a_channel() {
  Context& context = co_await current_context();
  Channel<int> channel(2);
  Scope scope(context);
  scope.spawn(push_range(channel, 0, 5));
  Turn turn;
  co_await turn;
  EXPECT_EQ(channel.size(), 2U);
  EXPECT_EQ(scope.active(), 1U);
  channel.close();
  auto joined = co_await scope.join();
  EXPECT_EQ(joined.error().kind(), ErrorKind::connection_closed);
  std::vector<int> left;
  auto drained = co_await pop_all(channel, left);
  EXPECT_TRUE(drained);
  EXPECT_EQ(left, (std::vector<int>{0, 1}));
}

TEST_P(Sync, AChannelHoldsItsCapacityAndIsDrainedAfterItIsClosed) { run(fill_a_channel); }

Task<void> close_under_consumers() {
  Context& context = co_await current_context();
  Channel<int> channel(4);
  std::vector<int> items;
  Scope scope(context);
  for (int i = 0; i < 3; ++i) scope.spawn(pop_all(channel, items));
  Turn turn;
  co_await turn;
  auto pushed = co_await channel.push(1);
  EXPECT_TRUE(pushed);
  channel.close();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(items, (std::vector<int>{1}));
}

TEST_P(Sync, AClosedChannelEndsItsWaitingConsumersAndLosesNoItem) { run(close_under_consumers); }

Task<void> pop_some(Channel<int>& channel, Duration patience, std::vector<int>& items) {
  for (;;) {
    auto item = co_await with_deadline(Deadline::after(patience), channel.pop());
    if (!item) {
      EXPECT_EQ(item.error().kind(), ErrorKind::timed_out);
      continue;
    }
    if (!*item) co_return;
    items.push_back(**item);
  }
}

Task<void> push_patiently(Channel<int>& channel, Duration patience, int first, int last,
                          int& left) {
  for (int i = first; i < last;) {
    auto pushed = co_await with_deadline(Deadline::after(patience), channel.push(i));
    if (pushed) ++i;
  }
  if (--left == 0) channel.close();
}

Task<void> many_to_many(unsigned seed) {
  constexpr int kProducers = 8;
  constexpr int kEach = 200;
  Context& context = co_await current_context();
  std::mt19937 random(seed);
  Channel<int> channel(3);
  std::vector<int> items;
  int left = kProducers;
  Scope scope(context);
  for (int i = 0; i < kProducers; ++i) {
    auto patience = std::chrono::microseconds(1 + random() % 500);
    scope.spawn(push_patiently(channel, patience, i * kEach, (i + 1) * kEach, left));
    scope.spawn(pop_some(channel, patience, items));
  }
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  std::sort(items.begin(), items.end());
  EXPECT_EQ(items.size(), static_cast<std::size_t>(kProducers * kEach));
  for (std::size_t i = 0; i < items.size(); ++i) EXPECT_EQ(items[i], static_cast<int>(i));
}

TEST_P(Sync, AChannelLosesAndRepeatsNothingWhenWaitersAreStopped) {
  unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  run([seed] { return many_to_many(seed); });
}

Task<void> carry_a_move_only_value() {
  Channel<std::unique_ptr<int>> channel(1);
  auto pushed = co_await channel.push(std::make_unique<int>(7));
  EXPECT_TRUE(pushed);
  auto item = co_await channel.pop();
  EXPECT_EQ(***item, 7);
}

TEST_P(Sync, AChannelCarriesWhatCanOnlyBeMoved) { run(carry_a_move_only_value); }

}  // namespace
}  // namespace ringpull::engine
