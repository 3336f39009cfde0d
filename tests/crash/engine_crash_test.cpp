// Errors of the programmer end the program with a message, in every build.

#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/timer.hpp>

namespace ringpull::engine {
namespace {

class EngineCrash : public testing::Test {
 protected:
  EngineCrash() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

#define EXPECT_ABORT(statement, message) \
  EXPECT_EXIT(statement, testing::KilledBySignal(SIGABRT), message)

std::unique_ptr<Loop> make_loop() { return Loop::create(LoopOptions()).value(); }

Task<int> answer() { co_return 42; }

Task<void> sleep_on() {
  auto slept = co_await sleep_until(Deadline::never());
  (void)slept;
}

Task<void> await_twice() {
  Task<int> task = answer();
  int first = co_await std::move(task);
  int second = co_await std::move(task);
  (void)(first + second);
}

TEST_F(EngineCrash, AwaitingATaskTwiceAborts) {
  EXPECT_ABORT(make_loop()->run(await_twice), "a Task was awaited twice");
}

Task<void> await_what_was_moved_away() {
  Task<int> task = answer();
  Task<int> other = std::move(task);
  int value = co_await std::move(task);
  (void)value;
}

TEST_F(EngineCrash, AwaitingAnEmptyTaskAborts) {
  EXPECT_ABORT(make_loop()->run(await_what_was_moved_away), "an empty Task was awaited");
}

Task<void> drop_what_runs() {
  Context& context = co_await current_context();
  std::optional<Task<void>> task(sleep_on());
  auto awaiter = std::move(*task).operator co_await();
  awaiter.start(std::noop_coroutine(), context);
  task.reset();
}

TEST_F(EngineCrash, DestroyingATaskThatRunsAborts) {
  EXPECT_ABORT(make_loop()->run(drop_what_runs), "a Task was destroyed while it runs");
}

Task<void> leave_a_scope() {
  Context& context = co_await current_context();
  Scope scope(context);
  scope.spawn(sleep_on());
}

TEST_F(EngineCrash, DestroyingAScopeBeforeItsJoinAborts) {
  EXPECT_ABORT(make_loop()->run(leave_a_scope), "a Scope was destroyed before it was joined");
}

Task<void> wait_on(Event& event) {
  auto waited = co_await event.wait();
  (void)waited;
}

Task<void> drop_an_event() {
  Context& context = co_await current_context();
  Scope scope(context);
  {
    Event event;
    scope.spawn(wait_on(event));
    co_await yield_now();
  }
  auto joined = co_await scope.join();
  (void)joined;
}

TEST_F(EngineCrash, DestroyingWhatTasksWaitForAborts) {
  EXPECT_ABORT(make_loop()->run(drop_an_event), "a WaitQueue was destroyed with tasks waiting");
}

Task<int> run_inside(Loop& loop) {
  int value = loop.run(answer);
  co_return value;
}

TEST_F(EngineCrash, RunningALoopFromItsOwnTaskAborts) {
  EXPECT_ABORT(
      {
        auto loop = make_loop();
        loop->run([&] { return run_inside(*loop); });
      },
      "a Loop was run from inside one of its own tasks");
}

TEST_F(EngineCrash, RunningALoopOnASecondThreadAborts) {
  EXPECT_ABORT(
      {
        auto loop = make_loop();
        loop->run(answer);
        std::thread([&] { loop->run(answer); }).join();
      },
      "a Loop was used from a second thread");
}

TEST_F(EngineCrash, AskingForTheCurrentLoopWhereNoneRunsAborts) {
  EXPECT_ABORT(Loop::current(), "no Loop runs on this thread");
}

void run_in_a_child_of_fork() {
  auto loop = make_loop();
  loop->run(answer);
  pid_t child = ::fork();
  if (child == 0) {
    loop->run(answer);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) ::raise(WTERMSIG(status));
}

TEST_F(EngineCrash, UsingALoopInTheChildOfAForkAborts) {
  EXPECT_ABORT(run_in_a_child_of_fork(), "a Loop was used in the child of a fork");
}

TEST_F(EngineCrash, AnExceptionOutOfAPostedFunctionEndsTheProgram) {
  EXPECT_ABORT(
      {
        auto loop = make_loop();
        loop->post([] { throw std::runtime_error("out of a posted function"); });
        loop->run(answer);
      },
      "out of a posted function");
}

Task<void> submit_twice() {
  Op op;
  op.complete = [](Op&) noexcept {};
  Loop& loop = Loop::current();
  loop.submit(op);
  loop.submit(op);
  co_return;
}

TEST_F(EngineCrash, SubmittingAnOperationInFlightAborts) {
  for (const char* backend : {"epoll", "auto"}) {
    ::setenv("RINGPULL_BACKEND", backend, 1);
    EXPECT_ABORT(make_loop()->run(submit_twice), "submitted while it is in flight") << backend;
  }
  ::unsetenv("RINGPULL_BACKEND");
}

}  // namespace
}  // namespace ringpull::engine
