#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ringpull/engine/runtime.hpp>

namespace ringpull::engine {
namespace {

class RuntimeCrash : public testing::Test {
 protected:
  // Each statement runs in a program of its own: a fork of this one would lack the loop's thread.
  RuntimeCrash() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

std::unique_ptr<Runtime> make_runtime() { return Runtime::create(RuntimeOptions()).value(); }

Task<Result<int>> answer() { co_return 42; }

Task<Result<int>> block_on(Runtime& runtime) {
  auto result = runtime.run_blocking(answer);
  co_return result;
}

Task<Result<int>> stop(Runtime& runtime) {
  runtime.stop();
  co_return 0;
}

Task<Result<int>> throw_it() {
  throw 1;
  co_return 0;
}

TEST_F(RuntimeCrash, RunBlockingOnALoopsThreadAborts) {
  EXPECT_DEATH(
      {
        auto runtime = make_runtime();
        (void)runtime->run_blocking([&] { return block_on(*runtime); });
      },
      "run_blocking was called on a loop's thread");
}

TEST_F(RuntimeCrash, RunBlockingOnTheThreadOfAnotherLoopAborts) {
  EXPECT_DEATH(
      {
        auto runtime = make_runtime();
        auto loop = Loop::create(LoopOptions()).value();
        (void)loop->run([&] { return block_on(*runtime); });
      },
      "run_blocking was called on a loop's thread");
}

TEST_F(RuntimeCrash, StopOnALoopsThreadAborts) {
  EXPECT_DEATH(
      {
        auto runtime = make_runtime();
        (void)runtime->run_blocking([&] { return stop(*runtime); });
      },
      "a Runtime was stopped on a loop's thread");
}

TEST_F(RuntimeCrash, AnExceptionOutOfASubmittedTaskEndsTheProgram) {
  EXPECT_DEATH(
      {
        auto runtime = make_runtime();
        (void)runtime->submit(throw_it, [](Result<int>) {});
        runtime->stop();
      },
      "terminate called");
}

TEST_F(RuntimeCrash, ALoopIndexOutOfRangeAborts) {
  EXPECT_DEATH(
      {
        auto runtime = make_runtime();
        (void)runtime->run_blocking_on(1, answer);
      },
      "no loop of that index");
}

// Exits with the status of a forked child that runs `use`.
template <class Use>
[[noreturn]] void exit_like_a_child(Use use) {
  auto runtime = make_runtime();
  pid_t child = ::fork();
  if (child == 0) {
    use(std::move(runtime));
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  runtime->stop();
  ::_exit(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

TEST_F(RuntimeCrash, UseInTheChildOfAForkAborts) {
  auto use = [](std::unique_ptr<Runtime> runtime) { (void)runtime->run_blocking(answer); };
  EXPECT_EXIT(exit_like_a_child(use), testing::ExitedWithCode(SIGABRT),
              "a Runtime was used in the child of a fork");
}

TEST_F(RuntimeCrash, DestructionInTheChildOfAForkDoesNothing) {
  auto use = [](std::unique_ptr<Runtime> runtime) { runtime.reset(); };
  EXPECT_EXIT(exit_like_a_child(use), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ringpull::engine
