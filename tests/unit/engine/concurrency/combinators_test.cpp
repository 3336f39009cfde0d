// with_deadline, with_stop and shielded in all nestings, and that a stop which comes late does not
// undo what has finished.

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/tcp.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/on_each_backend.hpp"
#include "tests/support/socket_pair.hpp"
#include "tests/support/turn.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;
using testing::Turn;

class Combinators : public testing::OnEachBackend {};
RINGPULL_ON_EACH_BACKEND(Combinators);

/// Sleeps until stopped; the kind it was stopped with.
Task<ErrorKind> sleep_on() {
  auto slept = co_await sleep_until(Deadline::never());
  co_return slept.error().kind();
}

Task<void> stop_after_a_turn(StopSource& source) {
  Turn turn;
  co_await turn;
  source.request_stop();
}

/// Runs `task` beside one that stops `source` a turn later.
Task<ErrorKind> beside_a_stop(Task<ErrorKind> task, StopSource& source) {
  Context& context = co_await current_context();
  Scope scope(context);
  scope.spawn(stop_after_a_turn(source));
  ErrorKind kind = co_await std::move(task);
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  co_return kind;
}

Task<ErrorKind> deadline_around_task(Duration limit) {
  ErrorKind kind = co_await with_deadline(Deadline::after(limit), sleep_on());
  co_return kind;
}

TEST_P(Combinators, ADeadlineEndsATask) {
  EXPECT_EQ(run([] { return deadline_around_task(2ms); }), ErrorKind::timed_out);
}

TEST_P(Combinators, ADeadlineInThePastEndsATaskAtItsFirstWait) {
  EXPECT_EQ(run([] { return deadline_around_task(-1s); }), ErrorKind::timed_out);
}

Task<ErrorKind> stop_around_awaiter(StopSource& source) {
  auto slept = co_await with_stop(source, sleep_until(Deadline::never()));
  co_return slept.error().kind();
}

TEST_P(Combinators, ASourceStopsAnAwaiter) {
  StopSource source;
  EXPECT_EQ(run([&] { return beside_a_stop(stop_around_awaiter(source), source); }),
            ErrorKind::cancelled);
}

Task<ErrorKind> deadline_around_deadline(Duration outer, Duration inner) {
  auto slept =
      co_await with_deadline(Deadline::after(outer),
                             with_deadline(Deadline::after(inner), sleep_until(Deadline::never())));
  co_return slept.error().kind();
}

TEST_P(Combinators, TheNearerOfTwoDeadlinesCounts) {
  TimePoint before = Clock::now();
  EXPECT_EQ(run([] { return deadline_around_deadline(2ms, 1h); }), ErrorKind::timed_out);
  EXPECT_EQ(run([] { return deadline_around_deadline(1h, 2ms); }), ErrorKind::timed_out);
  EXPECT_LT(Clock::now() - before, 1h);
}

Task<ErrorKind> deadline_around_stop(StopSource& source, Duration limit) {
  auto slept = co_await with_deadline(Deadline::after(limit),
                                      with_stop(source, sleep_until(Deadline::never())));
  co_return slept.error().kind();
}

Task<ErrorKind> stop_around_deadline(StopSource& source, Duration limit) {
  auto slept = co_await with_stop(
      source, with_deadline(Deadline::after(limit), sleep_until(Deadline::never())));
  co_return slept.error().kind();
}

TEST_P(Combinators, ADeadlineAroundAStopEndsByWhichComesFirst) {
  StopSource never;
  EXPECT_EQ(run([&] { return deadline_around_stop(never, 2ms); }), ErrorKind::timed_out);
  StopSource soon;
  EXPECT_EQ(run([&] { return beside_a_stop(deadline_around_stop(soon, 1h), soon); }),
            ErrorKind::cancelled);
}

TEST_P(Combinators, AStopAroundADeadlineEndsByWhichComesFirst) {
  StopSource never;
  EXPECT_EQ(run([&] { return stop_around_deadline(never, 2ms); }), ErrorKind::timed_out);
  StopSource soon;
  EXPECT_EQ(run([&] { return beside_a_stop(stop_around_deadline(soon, 1h), soon); }),
            ErrorKind::cancelled);
}

Task<ErrorKind> nested_tasks(int depth) {
  if (depth == 0) {
    ErrorKind kind = co_await sleep_on();
    co_return kind;
  }
  ErrorKind kind = co_await with_deadline(Deadline::after(1h), nested_tasks(depth - 1));
  co_return kind;
}

Task<ErrorKind> stop_around_nested(StopSource& source) {
  ErrorKind kind = co_await with_stop(source, nested_tasks(20));
  co_return kind;
}

TEST_P(Combinators, AStopReachesThroughManyContexts) {
  StopSource source;
  EXPECT_EQ(run([&] { return beside_a_stop(stop_around_nested(source), source); }),
            ErrorKind::cancelled);
}

Task<std::string> clean_up(Duration takes) {
  auto slept = co_await sleep_for(takes);
  co_return slept ? "cleaned up" : std::string(to_string(slept.error().kind()));
}

Task<std::string> shield_under_stop(StopSource& source, Duration limit, Duration takes) {
  ErrorKind kind = co_await with_stop(source, sleep_on());
  EXPECT_EQ(kind, ErrorKind::cancelled);
  std::string outcome = co_await shielded(Deadline::after(limit), clean_up(takes));
  co_return outcome;
}

Task<std::string> shield_in_a_stopped_task(Duration limit, Duration takes) {
  StopSource source;
  source.request_stop();
  std::string outcome = co_await with_stop(source, shield_under_stop(source, limit, takes));
  co_return outcome;
}

TEST_P(Combinators, AShieldKeepsOuterStopsOff) {
  EXPECT_EQ(run([] { return shield_in_a_stopped_task(1h, 1ms); }), "cleaned up");
}

TEST_P(Combinators, AShieldHasADeadlineOfItsOwn) {
  EXPECT_EQ(run([] { return shield_in_a_stopped_task(2ms, 1h); }), "timed_out");
}

Task<void> stop_inside_a_shield(StopSource& source) {
  ErrorKind kind = co_await with_stop(source, sleep_on());
  EXPECT_EQ(kind, ErrorKind::cancelled);
}

Task<ErrorKind> shield_around_stop(StopSource& source) {
  co_await shielded(Deadline::after(1h), stop_inside_a_shield(source));
  co_return ErrorKind::cancelled;
}

TEST_P(Combinators, AStopInsideAShieldStillStops) {
  StopSource source;
  EXPECT_EQ(run([&] { return beside_a_stop(shield_around_stop(source), source); }),
            ErrorKind::cancelled);
}

Task<void> the_outer_context_is_untouched() {
  Context& context = co_await current_context();
  auto slept = co_await with_deadline(Deadline::after(1ms), sleep_until(Deadline::never()));
  EXPECT_FALSE(slept);
  EXPECT_FALSE(context.stop_requested());
  EXPECT_TRUE(context.deadline().is_never());
  auto again = co_await sleep_for(1ms);
  EXPECT_TRUE(again);
}

TEST_P(Combinators, AnInnerDeadlineDoesNotStopTheTaskAround) {
  run(the_outer_context_is_untouched);
}

Task<Deadline> inherited_deadline() {
  Context& context = co_await current_context();
  co_return context.deadline();
}

Task<void> deadlines_are_inherited() {
  Deadline soon = Deadline::after(1h);
  Deadline late = Deadline::after(2h);
  Deadline a = co_await with_deadline(soon, with_deadline(late, inherited_deadline()));
  EXPECT_EQ(a, soon);
  Deadline b = co_await with_deadline(late, with_deadline(soon, inherited_deadline()));
  EXPECT_EQ(b, soon);
  Deadline c = co_await with_deadline(soon, shielded(late, inherited_deadline()));
  EXPECT_EQ(c, late);
}

TEST_P(Combinators, TheTasksContextTellsTheNearestDeadline) { run(deadlines_are_inherited); }

// Ten receives, one that stops them all, ten receives; all have bytes waiting, so all complete in
// the same wait and the later ten are stopped between their completion and their resumption.
Task<void> receive_hello(int fd, StopSource& source, int& received) {
  TcpStream stream{Fd(fd)};
  std::string text(5, '.');
  auto done =
      co_await with_stop(source, stream.read_exact(std::as_writable_bytes(std::span(text))));
  EXPECT_TRUE(done) << done.error().message();
  EXPECT_EQ(text, "hello");
  ++received;
}

Task<void> stop_amid_receives(std::vector<testing::SocketPair>& pairs, int& received) {
  Context& context = co_await current_context();
  StopSource source;
  Scope scope(context);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (i == pairs.size() / 2) scope.spawn(stop_after_a_turn(source));
    pairs[i].put("hello");
    scope.spawn(receive_hello(pairs[i].ours.release(), source, received));
  }
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_P(Combinators, AStopThatComesLateDoesNotUndoWhatHasFinished) {
  auto loop = make_loop();
  std::vector<testing::SocketPair> pairs;
  for (int i = 0; i < 20; ++i) pairs.emplace_back(loop->backend());
  int received = 0;
  loop->run([&] { return stop_amid_receives(pairs, received); });
  EXPECT_EQ(received, 20);
}

// With one resumption per turn, the deadline passes and fires while the receive's task is queued
// behind the one that waits for it.
Task<void> outlast(TimePoint when) {
  Turn turn;
  co_await turn;
  while (Clock::now() <= when) {
  }
}

Task<void> receive_before(int fd, Deadline deadline) {
  TcpStream stream{Fd(fd)};
  std::string text(5, '.');
  auto done =
      co_await with_deadline(deadline, stream.read_exact(std::as_writable_bytes(std::span(text))));
  EXPECT_TRUE(done) << done.error().message();
}

Task<void> pass_a_deadline_amid(testing::SocketPair& pair) {
  Context& context = co_await current_context();
  Deadline deadline = Deadline::after(20ms);
  Scope scope(context);
  scope.spawn(outlast(deadline.time()));
  scope.spawn(receive_before(pair.ours.release(), deadline));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_P(Combinators, ADeadlineThatPassesLateDoesNotUndoWhatHasFinished) {
  LoopOptions options;
  options.resume_budget = 1;
  auto loop = make_loop(options);
  testing::SocketPair pair(loop->backend());
  pair.put("hello");
  loop->run([&] { return pass_a_deadline_amid(pair); });
}

}  // namespace
}  // namespace ringpull::engine
