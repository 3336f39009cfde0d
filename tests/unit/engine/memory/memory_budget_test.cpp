#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/memory_budget.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/on_each_backend.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;
using Reservation = MemoryBudget::Reservation;

MemoryBudgetOptions limit(std::size_t bytes) {
  MemoryBudgetOptions options;
  options.limit_bytes = bytes;
  return options;
}

Task<Result<Reservation>> acquire(MemoryBudget& budget, std::size_t bytes) {
  auto reservation = co_await budget.acquire(bytes);
  co_return reservation;
}

Task<void> acquire_and_note(MemoryBudget& budget, std::size_t bytes, std::string name,
                            std::vector<std::string>& order) {
  auto reservation = co_await budget.acquire(bytes);
  order.push_back(reservation ? name
                              : name + ":" + std::string(to_string(reservation.error().kind())));
  co_await yield_now();
}

class MemoryBudgetTest : public ringpull::testing::OnEachBackend {};
RINGPULL_ON_EACH_BACKEND(MemoryBudgetTest);

TEST_P(MemoryBudgetTest, CountsWhatIsReservedAndGivenBack) {
  MemoryBudget budget(limit(100));
  auto loop = make_loop();
  {
    auto reservation = loop->run([&budget] { return acquire(budget, 60); });
    ASSERT_TRUE(reservation.has_value());
    EXPECT_EQ(budget.stats().used_bytes, 60U);
    EXPECT_FALSE(budget.try_acquire(41).has_value());
    EXPECT_TRUE(budget.try_acquire(40).has_value());
  }
  EXPECT_EQ(budget.stats().used_bytes, 0U);
  EXPECT_EQ(budget.stats().used_bytes_peak, 100U);
}

TEST_P(MemoryBudgetTest, RefusesAtOnceWhatCanNeverFit) {
  MemoryBudget budget(limit(100));
  auto loop = make_loop();
  auto held = loop->run([&budget] { return acquire(budget, 100); });
  auto refused = loop->run([&budget] { return acquire(budget, 101); });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::resource_exhausted);
  EXPECT_NE(refused.error().message().find("101 bytes exceeds the memory budget of 100 bytes"),
            std::string::npos)
      << refused.error().message();
}

Task<void> large_before_small(MemoryBudget& budget, std::vector<std::string>& order) {
  Context& context = co_await current_context();
  auto held = co_await budget.acquire(60);
  Scope scope(context);
  scope.spawn(acquire_and_note(budget, 80, "large", order));
  scope.spawn(acquire_and_note(budget, 10, "small", order));
  co_await yield_now();
  co_await yield_now();
  EXPECT_EQ(budget.stats().waiting, 2U);
  EXPECT_FALSE(budget.try_acquire(1).has_value()) << "it overtook those who wait";
  held->release();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined.has_value());
}

TEST_P(MemoryBudgetTest, ServesALargeRequestBeforeSmallOnesBehindIt) {
  MemoryBudget budget(limit(100));
  auto loop = make_loop();
  std::vector<std::string> order;
  loop->run([&] { return large_before_small(budget, order); });
  EXPECT_EQ(order, (std::vector<std::string>{"large", "small"}));
  EXPECT_EQ(budget.stats().used_bytes, 0U);
}

Task<void> hold_and_note(MemoryBudget& budget, std::size_t bytes, std::string name,
                         std::vector<std::string>& order) {
  auto reservation = co_await budget.acquire(bytes, MemoryHold::lasting);
  order.push_back(reservation ? name : std::string(to_string(reservation.error().kind())));
  co_await yield_now();
}

Task<void> brief_beside_lasting(MemoryBudget& budget, std::vector<std::string>& order) {
  Context& context = co_await current_context();
  auto slow = co_await budget.acquire(60, MemoryHold::lasting);
  auto slower = co_await budget.acquire(20, MemoryHold::lasting);
  Scope scope(context);
  scope.spawn(hold_and_note(budget, 20, "third", order));
  scope.spawn(hold_and_note(budget, 1, "fourth", order));
  co_await yield_now();
  co_await yield_now();
  EXPECT_EQ(budget.stats().waiting, 2U);
  EXPECT_FALSE(budget.try_acquire(1, MemoryHold::lasting)) << "it overtook those who wait";
  {
    auto reader = co_await budget.acquire(20);
    EXPECT_TRUE(reader) << reader.error().message();
    EXPECT_EQ(budget.stats().used_bytes, 100U);
  }
  slower->release();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined.has_value());
}

TEST_P(MemoryBudgetTest, LeavesTheReserveToBriefHolds) {
  MemoryBudget budget(limit(100));
  EXPECT_EQ(budget.limit_bytes(MemoryHold::lasting), 88U);
  EXPECT_EQ(budget.limit_bytes(MemoryHold::brief), 100U);
  auto loop = make_loop();
  std::vector<std::string> order;
  loop->run([&] { return brief_beside_lasting(budget, order); });
  EXPECT_EQ(order, (std::vector<std::string>{"third", "fourth"}));
  EXPECT_EQ(budget.stats().used_bytes, 0U);
  EXPECT_TRUE(budget.try_acquire(88, MemoryHold::lasting)) << "none is counted as held any more";
}

Task<void> lasting_behind_brief(MemoryBudget& budget, std::vector<std::string>& order) {
  Context& context = co_await current_context();
  auto held = co_await budget.acquire(90);
  Scope scope(context);
  scope.spawn(hold_and_note(budget, 80, "lasting", order));
  scope.spawn(acquire_and_note(budget, 10, "brief", order));
  co_await yield_now();
  co_await yield_now();
  EXPECT_FALSE(budget.try_acquire(1)) << "it overtook those who wait";
  held->release();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined.has_value());
}

TEST_P(MemoryBudgetTest, LetsNoBriefHoldOvertakeALastingOneThatTheReserveDoesNotStop) {
  MemoryBudget budget(limit(100));
  auto loop = make_loop();
  std::vector<std::string> order;
  loop->run([&] { return lasting_behind_brief(budget, order); });
  EXPECT_EQ(order, (std::vector<std::string>{"lasting", "brief"}));
}

TEST_P(MemoryBudgetTest, RefusesALastingHoldThatLeavesNoReserve) {
  MemoryBudget budget(limit(100));
  auto loop = make_loop();
  std::vector<std::string> order;
  loop->run([&] { return hold_and_note(budget, 89, "lasting", order); });
  EXPECT_EQ(order, (std::vector<std::string>{"resource_exhausted"}));
}

Task<void> wait_until_deadline(MemoryBudget& budget, std::size_t bytes,
                               std::vector<std::string>& order) {
  auto late = co_await with_deadline(Deadline::after(2ms), budget.acquire(bytes));
  order.push_back(late ? "granted" : std::string(to_string(late.error().kind())));
}

Task<void> stopped_head(MemoryBudget& budget, std::vector<std::string>& order) {
  Context& context = co_await current_context();
  auto held = co_await budget.acquire(60);
  Scope scope(context);
  scope.spawn(wait_until_deadline(budget, 80, order));
  scope.spawn(acquire_and_note(budget, 10, "small", order));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined.has_value());
}

TEST_P(MemoryBudgetTest, LetsTheNextOneInWhenTheDeadlineOfTheFirstPasses) {
  MemoryBudget budget(limit(100));
  auto loop = make_loop();
  std::vector<std::string> order;
  loop->run([&] { return stopped_head(budget, order); });
  EXPECT_EQ(order, (std::vector<std::string>{"timed_out", "small"}));
  EXPECT_EQ(budget.stats().waiting, 0U);
}

Task<void> cancelled_waiters(MemoryBudget& budget, std::vector<std::string>& order) {
  Context& context = co_await current_context();
  auto held = co_await budget.acquire(100);
  Scope scope(context);
  scope.spawn(acquire_and_note(budget, 1, "a", order));
  scope.spawn(acquire_and_note(budget, 1, "b", order));
  co_await yield_now();
  scope.request_stop();
  scope.spawn(acquire_and_note(budget, 1, "c", order));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined.has_value());
}

TEST_P(MemoryBudgetTest, EndsEveryWaiterOfACancelledScope) {
  MemoryBudget budget(limit(100));
  auto loop = make_loop();
  std::vector<std::string> order;
  loop->run([&] { return cancelled_waiters(budget, order); });
  EXPECT_EQ(order, (std::vector<std::string>{"a:cancelled", "b:cancelled", "c:cancelled"}));
}

Task<void> grant_and_stop_in_one_turn(MemoryBudget& budget, std::vector<std::string>& order) {
  Context& context = co_await current_context();
  auto held = co_await budget.acquire(100);
  Scope scope(context);
  scope.spawn(acquire_and_note(budget, 1, "a", order));
  co_await yield_now();
  held->release();
  scope.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined.has_value());
}

TEST_P(MemoryBudgetTest, AGrantWinsOverAStopThatCameLater) {
  MemoryBudget budget(limit(100));
  auto loop = make_loop();
  std::vector<std::string> order;
  loop->run([&] { return grant_and_stop_in_one_turn(budget, order); });
  EXPECT_EQ(order, (std::vector<std::string>{"a"}));
  EXPECT_EQ(budget.stats().used_bytes, 0U);
}

Task<void> take_many(MemoryBudget& budget, int rounds, unsigned seed, int& failures) {
  for (int i = 0; i < rounds; ++i) {
    seed = seed * 1664525U + 1013904223U;
    std::size_t bytes = 1 + (seed >> 16) % 100;
    Deadline deadline = (seed >> 8) % 4 == 0 ? Deadline::after(50us) : Deadline::never();
    bool lasts = (seed >> 12) % 2 == 0 && bytes <= budget.limit_bytes(MemoryHold::lasting);
    MemoryHold hold = lasts ? MemoryHold::lasting : MemoryHold::brief;
    auto reservation = co_await with_deadline(deadline, budget.acquire(bytes, hold));
    if (!reservation && reservation.error().kind() != ErrorKind::timed_out) ++failures;
    MemoryBudgetStats stats = budget.stats();
    if (stats.used_bytes > stats.limit_bytes) ++failures;
    if ((seed >> 24) % 2 == 0) co_await yield_now();
  }
}

Task<void> take_many_at_once(MemoryBudget& budget, unsigned seed, int& failures) {
  Context& context = co_await current_context();
  Scope scope(context);
  for (unsigned i = 0; i < 8; ++i) scope.spawn(take_many(budget, 200, seed * 8 + i, failures));
  auto joined = co_await scope.join();
  if (!joined) ++failures;
}

TEST_P(MemoryBudgetTest, KeepsItsLimitAndServesAllLoopsOfAProcess) {
  MemoryBudget budget(limit(150));
  std::vector<int> failures(4);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < failures.size(); ++i) {
    threads.emplace_back([this, &budget, &failures, i] {
      auto loop = make_loop();
      loop->run([&] { return take_many_at_once(budget, i, failures[i]); });
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, std::vector<int>(4));
  MemoryBudgetStats stats = budget.stats();
  EXPECT_EQ(stats.used_bytes, 0U);
  EXPECT_EQ(stats.waiting, 0U);
  EXPECT_LE(stats.used_bytes_peak, 150U);
}

TEST_P(MemoryBudgetTest, AReleaseOnAForeignThreadWakesTheWaitersLoop) {
  MemoryBudget budget(limit(100));
  auto held = budget.try_acquire(100);
  std::thread foreign([&budget, &held] {
    while (budget.stats().waiting == 0) std::this_thread::yield();
    held.reset();
  });
  auto loop = make_loop();
  auto granted = loop->run([&budget] { return acquire(budget, 100); });
  foreign.join();
  EXPECT_TRUE(granted.has_value());
}

TEST(MemoryBudgetDeathTest, AbortsWhenItDiesBeforeAReservation) {
  EXPECT_DEATH(
      {
        auto budget = std::make_unique<MemoryBudget>(limit(10));
        auto held = budget->try_acquire(1);
        budget.reset();
      },
      "before its reservations and leases");
}

}  // namespace
}  // namespace ringpull::engine
