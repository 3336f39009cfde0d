// Scope, when_all and when_any: what starts, what stops, and that nothing outlives its join.

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <stdexcept>
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

class Scopes : public testing::OnEachBackend {};
RINGPULL_ON_EACH_BACKEND(Scopes);

Task<void> note_after(Log& log, std::string text, int turns) {
  for (int i = 0; i < turns; ++i) {
    Turn turn;
    co_await turn;
  }
  log.push_back(std::move(text));
}

Task<Result<void>> fail_after(int turns, ErrorKind kind, std::string message) {
  for (int i = 0; i < turns; ++i) {
    Turn turn;
    co_await turn;
  }
  co_return fail(kind, std::move(message));
}

Task<void> throw_after(int turns, std::string message) {
  for (int i = 0; i < turns; ++i) {
    Turn turn;
    co_await turn;
  }
  throw std::runtime_error(message);
}

/// Sleeps until stopped; says why it ended.
Task<void> note_the_stop(Log& log) {
  auto slept = co_await sleep_until(Deadline::never());
  log.push_back(std::string(to_string(slept.error().kind())));
}

Task<Log> spawn_three() {
  Context& context = co_await current_context();
  Log log;
  Scope scope(context);
  scope.spawn(note_after(log, "a", 0));
  scope.spawn(note_after(log, "b", 5));
  scope.spawn(note_after(log, "c", 0));
  log.push_back("spawned");
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  log.push_back("joined");
  co_return log;
}

TEST_P(Scopes, StartChildrenInOrderAfterTheSpawnerSuspendsAndJoinThemAll) {
  EXPECT_EQ(run(spawn_three), (Log{"spawned", "a", "c", "b", "joined"}));
}

Task<void> join_nothing() {
  Context& context = co_await current_context();
  Scope scope(context);
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_P(Scopes, JoinAtOnceWhenEmpty) { run(join_nothing); }

Task<Log> fail_one() {
  Context& context = co_await current_context();
  Log log;
  Scope scope(context);
  scope.spawn(note_the_stop(log));
  scope.spawn(fail_after(2, ErrorKind::not_found, "first"));
  scope.spawn(fail_after(3, ErrorKind::io, "second"));
  scope.spawn(note_the_stop(log));
  auto joined = co_await scope.join();
  EXPECT_EQ(joined.error().kind(), ErrorKind::not_found);
  EXPECT_EQ(joined.error().message(), "first");
  co_return log;
}

TEST_P(Scopes, StopTheSiblingsOfTheFirstErrorAndReturnIt) {
  EXPECT_EQ(run(fail_one), (Log{"cancelled", "cancelled"}));
}

Task<Log> throw_one() {
  Context& context = co_await current_context();
  Log log;
  Scope scope(context);
  scope.spawn(note_the_stop(log));
  scope.spawn(throw_after(2, "boom"));
  scope.spawn(throw_after(3, "a later boom"));
  try {
    auto joined = co_await scope.join();
    log.push_back(joined ? "joined" : "failed");
  } catch (const std::runtime_error& error) {
    log.push_back(error.what());
  }
  co_return log;
}

TEST_P(Scopes, StopTheSiblingsOfAnExceptionAndRethrowIt) {
  EXPECT_EQ(run(throw_one), (Log{"cancelled", "boom"}));
}

Task<void> fail_then_throw() {
  Context& context = co_await current_context();
  Scope scope(context);
  scope.spawn(fail_after(1, ErrorKind::io, "first"));
  scope.spawn(throw_after(2, "later"));
  auto joined = co_await scope.join();
  EXPECT_EQ(joined.error().message(), "first");
}

TEST_P(Scopes, KeepAnErrorThatCameBeforeAnException) { run(fail_then_throw); }

Task<void> use_again() {
  Context& context = co_await current_context();
  Log log;
  Scope scope(context);
  for (int round = 0; round < 3; ++round) {
    scope.spawn(note_after(log, "x", 1));
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(log.size(), static_cast<std::size_t>(round + 1));
  }
}

TEST_P(Scopes, MayBeUsedAgainAfterAJoin) { run(use_again); }

Task<void> spawn_more(Scope& scope, Log& log) {
  scope.spawn(note_after(log, "grandchild", 2));
  log.push_back("child");
  co_return;
}

Task<Log> spawn_from_a_child() {
  Context& context = co_await current_context();
  Log log;
  Scope scope(context);
  scope.spawn(spawn_more(scope, log));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  co_return log;
}

TEST_P(Scopes, JoinWhatAChildSpawnsIntoThem) {
  EXPECT_EQ(run(spawn_from_a_child), (Log{"child", "grandchild"}));
}

Task<void> stop_and_spawn() {
  Context& context = co_await current_context();
  Log log;
  Scope scope(context);
  scope.request_stop();
  scope.spawn(note_the_stop(log));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(log, (Log{"cancelled"}));
}

TEST_P(Scopes, StartChildrenStoppedOnceTheyAreStopped) { run(stop_and_spawn); }

Task<void> inner_scope(Log& log) {
  Context& context = co_await current_context();
  Scope scope(context);
  scope.spawn(note_the_stop(log));
  scope.spawn(note_the_stop(log));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  log.push_back("inner joined");
}

Task<Log> nest_scopes() {
  Context& context = co_await current_context();
  Log log;
  Scope scope(context);
  scope.spawn(inner_scope(log));
  scope.spawn(inner_scope(log));
  Turn turn;
  co_await turn;
  scope.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  EXPECT_FALSE(context.stop_requested());
  co_return log;
}

TEST_P(Scopes, PassAStopDownToNestedScopesAndNotUp) {
  Log log = run(nest_scopes);
  ASSERT_EQ(log.size(), 6U);
  EXPECT_EQ(std::count(log.begin(), log.end(), "cancelled"), 4);
  EXPECT_EQ(log.back(), "inner joined");
}

Task<Log> nest_under_a_deadline() {
  Log log;
  co_await with_deadline(Deadline::after(2ms), inner_scope(log));
  co_return log;
}

TEST_P(Scopes, PassADeadlineDown) {
  EXPECT_EQ(run(nest_under_a_deadline), (Log{"timed_out", "timed_out", "inner joined"}));
}

/// Notes when it dies; moves leave nothing behind.
class LastWord {
 public:
  LastWord(Log& log, std::string text) : log_(&log), text_(std::move(text)) {}
  LastWord(LastWord&& other) noexcept
      : log_(std::exchange(other.log_, nullptr)), text_(std::move(other.text_)) {}
  LastWord& operator=(LastWord&&) = delete;
  ~LastWord() {
    if (log_ != nullptr) log_->push_back(text_);
  }

 private:
  Log* log_;
  std::string text_;
};

Task<void> hold(LastWord word, int turns) {
  (void)word;
  for (int i = 0; i < turns; ++i) {
    Turn turn;
    co_await turn;
  }
}

Task<Log> join_holders() {
  Context& context = co_await current_context();
  Log log;
  Scope scope(context);
  scope.spawn(hold(LastWord(log, "parameters gone"), 0));
  scope.spawn(hold(LastWord(log, "parameters gone"), 2));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  log.push_back("joined");
  co_return log;
}

// A child may hold by value what refers to its parent's locals: a permit of a semaphore, a lease.
TEST_P(Scopes, JoinOnlyAfterTheParametersOfTheChildrenAreGone) {
  EXPECT_EQ(run(join_holders), (Log{"parameters gone", "parameters gone", "joined"}));
}

Task<std::string> say_after(std::string text, int turns) {
  for (int i = 0; i < turns; ++i) {
    Turn turn;
    co_await turn;
  }
  co_return text;
}

Task<Log> all_of_five() {
  std::vector<Task<std::string>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(say_after(std::to_string(i), 5 - i));
  Log values = co_await when_all(std::move(tasks));
  co_return values;
}

TEST_P(Scopes, WhenAllGivesValuesInTheOrderOfTheTasks) {
  EXPECT_EQ(run(all_of_five), (Log{"0", "1", "2", "3", "4"}));
}

Task<Log> all_of_none() {
  std::vector<Task<std::string>> tasks;
  Log values = co_await when_all(std::move(tasks));
  co_return values;
}

TEST_P(Scopes, WhenAllOfNothingIsDone) { EXPECT_EQ(run(all_of_none), Log{}); }

Task<Result<int>> number_or_error(int number) {
  Turn turn;
  co_await turn;
  if (number < 0) co_return fail(ErrorKind::not_found, "negative");
  Turn another;
  co_await another;
  co_return number;
}

Task<void> all_with_an_error() {
  auto both = co_await when_all(number_or_error(-1), number_or_error(7));
  EXPECT_EQ(both.first.error().kind(), ErrorKind::not_found);
  EXPECT_EQ(both.second.value(), 7);
}

TEST_P(Scopes, WhenAllLetsTheOthersFinishAfterAnError) { run(all_with_an_error); }

Task<int> throw_number() {
  Turn turn;
  co_await turn;
  throw std::runtime_error("no number");
}

Task<int> number_unless_stopped(Log& log) {
  auto slept = co_await sleep_until(Deadline::never());
  log.push_back(std::string(to_string(slept.error().kind())));
  co_return 0;
}

Task<Log> all_with_an_exception() {
  Log log;
  std::vector<Task<int>> tasks;
  tasks.push_back(number_unless_stopped(log));
  tasks.push_back(throw_number());
  try {
    auto values = co_await when_all(std::move(tasks));
    log.push_back("values");
  } catch (const std::runtime_error& error) {
    log.push_back(error.what());
  }
  co_return log;
}

TEST_P(Scopes, WhenAllRethrowsAnException) {
  EXPECT_EQ(run(all_with_an_exception), (Log{"cancelled", "no number"}));
}

Task<Result<int>> number_after(int number, Duration duration, Log& log) {
  auto slept = co_await sleep_for(duration);
  if (!slept) {
    log.push_back(std::string(to_string(slept.error().kind())));
    co_return fail(std::move(slept).error());
  }
  co_return number;
}

Task<Log> any_of_three() {
  Log log;
  std::vector<Task<Result<int>>> tasks;
  tasks.push_back(number_after(1, 1h, log));
  tasks.push_back(number_after(2, 1ms, log));
  tasks.push_back(number_after(3, 2h, log));
  auto first = co_await when_any(std::move(tasks));
  EXPECT_EQ(first.index, 1U);
  EXPECT_EQ(first.value.value(), 2);
  co_return log;
}

TEST_P(Scopes, WhenAnyGivesTheFirstAndStopsAndJoinsTheOthers) {
  EXPECT_EQ(run(any_of_three), (Log{"cancelled", "cancelled"}));
}

Task<Result<int>> number_now(int number) { co_return number; }

Task<void> any_when_all_are_ready() {
  std::vector<Task<Result<int>>> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(number_now(i));
  auto first = co_await when_any(std::move(tasks));
  EXPECT_EQ(first.index, 0U);
  EXPECT_EQ(first.value.value(), 0);
}

TEST_P(Scopes, WhenAnyTakesTheFirstOfSeveralThatAreReady) { run(any_when_all_are_ready); }

Task<Log> any_under_a_deadline() {
  Log log;
  std::vector<Task<Result<int>>> tasks;
  tasks.push_back(number_after(1, 1h, log));
  tasks.push_back(number_after(2, 2h, log));
  auto first = co_await with_deadline(Deadline::after(2ms), when_any(std::move(tasks)));
  EXPECT_EQ(first.value.error().kind(), ErrorKind::timed_out);
  co_return log;
}

TEST_P(Scopes, WhenAnyEndsByAnOuterDeadline) {
  EXPECT_EQ(run(any_under_a_deadline), (Log{"timed_out", "timed_out"}));
}

}  // namespace
}  // namespace ringpull::engine
