#include <chrono>
#include <csignal>
#include <gtest/gtest.h>
#include <unistd.h>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/signal_set.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/on_each_backend.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;

class SignalSetTest : public ringpull::testing::OnEachBackend {
 protected:
  void SetUp() override {
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before_);
    OnEachBackend::SetUp();
  }
  void TearDown() override { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};
RINGPULL_ON_EACH_BACKEND(SignalSetTest);

Task<Result<int>> wait_for(SignalSet& signals) {
  auto number = co_await signals.wait();
  co_return number;
}

TEST_P(SignalSetTest, GivesASignalThatCameBeforeTheWait) {
  SignalSet signals = SignalSet::create({SIGUSR1, SIGUSR2}).value();
  ::kill(::getpid(), SIGUSR2);
  EXPECT_EQ(run([&] { return wait_for(signals); }).value(), SIGUSR2);
}

TEST_P(SignalSetTest, GivesASignalOfTheThreadItself) {
  SignalSet signals = SignalSet::create({SIGUSR1}).value();
  ::raise(SIGUSR1);
  EXPECT_EQ(run([&] { return wait_for(signals); }).value(), SIGUSR1);
}

Task<Result<void>> send_after_a_turn(int signal) {
  RINGPULL_CO_CHECK(co_await sleep_for(1ms));
  ::kill(::getpid(), signal);
  co_return Result<void>();
}

Task<Result<int>> wait_beside_the_sender(SignalSet& signals, int signal) {
  auto both = co_await when_all(wait_for(signals), send_after_a_turn(signal));
  co_return std::move(both.first);
}

TEST_P(SignalSetTest, WakesTheTaskThatWaits) {
  SignalSet signals = SignalSet::create({SIGINT, SIGTERM}).value();
  EXPECT_EQ(run([&] { return wait_beside_the_sender(signals, SIGTERM); }).value(), SIGTERM);
  EXPECT_EQ(run([&] { return wait_beside_the_sender(signals, SIGINT); }).value(), SIGINT);
}

Task<Result<int>> stopped_then_again(SignalSet& signals) {
  auto stopped = co_await with_deadline(Deadline::after(1ms), signals.wait());
  if (stopped || !stopped.error().is(ErrorKind::timed_out)) co_return 0;
  ::kill(::getpid(), SIGUSR1);
  auto number = co_await signals.wait();
  co_return number;
}

TEST_P(SignalSetTest, AStoppedWaitTakesNoSignal) {
  SignalSet signals = SignalSet::create({SIGUSR1}).value();
  EXPECT_EQ(run([&] { return stopped_then_again(signals); }).value(), SIGUSR1);
}

}  // namespace
}  // namespace ringpull::engine
