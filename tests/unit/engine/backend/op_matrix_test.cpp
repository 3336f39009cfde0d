// Every operation of the Backend seam, on each backend: completes, completes after it had to wait,
// is stopped before it is submitted, is stopped in the kernel, meets a deadline, and finds the
// submission queue full.

#include <cerrno>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/io.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/on_each_backend.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/turn.hpp"
#include "tests/unit/engine/backend/op_scenarios.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;
using testing::Turn;

struct Outcome {
  Outcome() = default;
  int result = 0;
  ErrorKind kind = ErrorKind::internal;  // of a negative result
};

class ScenarioIo final : public IoAwaiter {
 public:
  explicit ScenarioIo(OpScenario& scenario) : IoAwaiter(OpCode::nop, -1) {
    scenario.describe(*this);
  }
  Outcome await_resume() const {
    Outcome outcome;
    outcome.result = result;
    if (result < 0) outcome.kind = failure("operation").kind();
    return outcome;
  }
};

Task<Outcome> perform(OpScenario& scenario) {
  ScenarioIo io(scenario);
  Outcome outcome = co_await io;
  co_return outcome;
}

Task<void> perform_into(OpScenario& scenario, Outcome& outcome) {
  outcome = co_await perform(scenario);
}

Task<void> perform_until_stop(OpScenario& scenario, StopSource& stop, Outcome& outcome) {
  outcome = co_await with_stop(stop, perform(scenario));
}

Task<void> perform_until(OpScenario& scenario, Deadline deadline, Outcome& outcome) {
  outcome = co_await with_deadline(deadline, perform(scenario));
}

using Case = std::tuple<BackendKind, ScenarioType>;

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  return std::string(to_string(std::get<0>(info.param))) + "_" + std::get<1>(info.param).name;
}

template <class Predicate>
auto cases_where(Predicate predicate) {
  std::vector<ScenarioType> chosen;
  for (const ScenarioType& type : scenario_types()) {
    if (predicate(type)) chosen.push_back(type);
  }
  return ::testing::Combine(::testing::ValuesIn(testing::backends_under_test()),
                            ::testing::ValuesIn(chosen));
}

class Operation : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override { testing::skip_where_refused(std::get<0>(GetParam())); }
  const ScenarioType& type() const { return std::get<1>(GetParam()); }
  std::unique_ptr<Loop> make_loop(LoopOptions options = LoopOptions()) {
    return testing::make_loop_on(std::get<0>(GetParam()), options);
  }
  std::unique_ptr<OpScenario> make_scenario(Loop& loop, int number = 0) {
    return type().make(World{loop.backend(), directory_.path().string()}, number);
  }
  std::vector<std::unique_ptr<OpScenario>> make_scenarios(Loop& loop, int count) {
    std::vector<std::unique_ptr<OpScenario>> scenarios;
    for (int i = 0; i < count; ++i) scenarios.push_back(make_scenario(loop, i));
    return scenarios;
  }
  // What may come of an operation that was stopped too late to say.
  void expect_stopped_or_finished(OpScenario& scenario, const Outcome& outcome, ErrorKind reason) {
    if (outcome.result == -ECANCELED) {
      EXPECT_EQ(outcome.kind, reason);
      EXPECT_TRUE(scenario.untouched());
    } else {
      EXPECT_TRUE(scenario.finished(outcome.result));
    }
  }

 private:
  testing::TempDir directory_;
};

class FinishingOperation : public Operation {};
class WaitingOperation : public Operation {};
class WaitingAndFinishingOperation : public Operation {};
class PromptOperation : public Operation {};

bool waits(const ScenarioType& type) { return type.waits; }
bool is_prompt(const ScenarioType& type) { return !type.waits; }
bool finishes(const ScenarioType& type) { return !type.waits || type.let_finish_works; }
bool waits_and_finishes(const ScenarioType& type) { return type.waits && type.let_finish_works; }
bool any(const ScenarioType&) { return true; }

INSTANTIATE_TEST_SUITE_P(On, Operation, cases_where(any), case_name);
INSTANTIATE_TEST_SUITE_P(On, FinishingOperation, cases_where(finishes), case_name);
INSTANTIATE_TEST_SUITE_P(On, WaitingOperation, cases_where(waits), case_name);
INSTANTIATE_TEST_SUITE_P(On, WaitingAndFinishingOperation, cases_where(waits_and_finishes),
                         case_name);
INSTANTIATE_TEST_SUITE_P(On, PromptOperation, cases_where(is_prompt), case_name);

TEST_P(FinishingOperation, Completes) {
  auto loop = make_loop();
  auto scenario = make_scenario(*loop);
  scenario->let_finish();
  Outcome outcome = loop->run([&] { return perform(*scenario); });
  EXPECT_TRUE(scenario->finished(outcome.result));
  EXPECT_EQ(loop->backend().in_flight(), 0U);
}

Task<void> let_finish_while_it_waits(OpScenario& scenario, Outcome& outcome) {
  Context& context = co_await current_context();
  Scope scope(context);
  scope.spawn(perform_into(scenario, outcome));
  Turn first;
  co_await first;
  Turn second;
  co_await second;
  EXPECT_EQ(scope.active(), 1U) << "it did not wait";
  scenario.let_finish();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_P(WaitingAndFinishingOperation, CompletesAfterItHadToWait) {
  auto loop = make_loop();
  auto scenario = make_scenario(*loop);
  Outcome outcome;
  loop->run([&] { return let_finish_while_it_waits(*scenario, outcome); });
  EXPECT_TRUE(scenario->finished(outcome.result));
  EXPECT_EQ(loop->backend().in_flight(), 0U);
}

TEST_P(Operation, StoppedBeforeItIsSubmittedDoesNothing) {
  auto loop = make_loop();
  auto scenario = make_scenario(*loop);
  StopSource stop;
  stop.request_stop();
  Outcome outcome;
  loop->run([&] { return perform_until_stop(*scenario, stop, outcome); });
  EXPECT_EQ(outcome.result, -ECANCELED);
  EXPECT_EQ(outcome.kind, ErrorKind::cancelled);
  EXPECT_EQ(loop->backend().stats().submitted, 0U);
  EXPECT_TRUE(scenario->untouched());
}

TEST_P(Operation, ADeadlineInThePastSubmitsNothing) {
  auto loop = make_loop();
  auto scenario = make_scenario(*loop);
  Outcome outcome;
  Deadline past = Deadline::at(loop->now());
  loop->run([&] { return perform_until(*scenario, past, outcome); });
  EXPECT_EQ(outcome.result, -ECANCELED);
  EXPECT_EQ(outcome.kind, ErrorKind::timed_out);
  EXPECT_EQ(loop->backend().stats().submitted, 0U);
  EXPECT_TRUE(scenario->untouched());
}

Task<void> stop_while_it_waits(OpScenario& scenario, StopSource& stop, Outcome& outcome) {
  Context& context = co_await current_context();
  Scope scope(context);
  scope.spawn(perform_until_stop(scenario, stop, outcome));
  Turn turn;
  co_await turn;
  stop.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_P(WaitingOperation, StoppedInTheKernelEndsAsCancelled) {
  auto loop = make_loop();
  auto scenario = make_scenario(*loop);
  StopSource stop;
  Outcome outcome;
  loop->run([&] { return stop_while_it_waits(*scenario, stop, outcome); });
  EXPECT_EQ(outcome.result, -ECANCELED);
  EXPECT_EQ(outcome.kind, ErrorKind::cancelled);
  EXPECT_TRUE(scenario->untouched());
  EXPECT_EQ(loop->backend().stats().cancels, 1U);
  EXPECT_EQ(loop->backend().in_flight(), 0U);
}

TEST_P(PromptOperation, StoppedInTheKernelIsDoneOrNot) {
  auto loop = make_loop();
  auto scenario = make_scenario(*loop);
  StopSource stop;
  Outcome outcome;
  loop->run([&] { return stop_while_it_waits(*scenario, stop, outcome); });
  expect_stopped_or_finished(*scenario, outcome, ErrorKind::cancelled);
}

Task<void> stop_before_the_turn_ends(OpScenario& scenario, StopSource& stop, Outcome& outcome) {
  Context& context = co_await current_context();
  Scope scope(context);
  scope.spawn(perform_until_stop(scenario, stop, outcome));
  co_await yield_now();  // it has been handed to the backend, and the kernel has not seen it
  stop.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_P(Operation, StoppedBetweenSubmissionAndTheKernelIsDoneOrNot) {
  auto loop = make_loop();
  auto scenario = make_scenario(*loop);
  StopSource stop;
  Outcome outcome;
  loop->run([&] { return stop_before_the_turn_ends(*scenario, stop, outcome); });
  expect_stopped_or_finished(*scenario, outcome, ErrorKind::cancelled);
  EXPECT_EQ(loop->backend().in_flight(), 0U);
}

TEST_P(WaitingOperation, MeetsItsDeadline) {
  auto loop = make_loop();
  auto scenario = make_scenario(*loop);
  Outcome outcome;
  Deadline soon = Deadline::at(Clock::now() + 3ms);
  loop->run([&] { return perform_until(*scenario, soon, outcome); });
  EXPECT_EQ(outcome.result, -ECANCELED);
  EXPECT_EQ(outcome.kind, ErrorKind::timed_out);
  EXPECT_GE(Clock::now(), soon.time());
  EXPECT_TRUE(scenario->untouched());
}

TEST_P(PromptOperation, IsDoneUnderADeadline) {
  auto loop = make_loop();
  auto scenario = make_scenario(*loop);
  Outcome outcome;
  Deadline late = Deadline::at(Clock::now() + 1h);
  loop->run([&] { return perform_until(*scenario, late, outcome); });
  EXPECT_TRUE(scenario->finished(outcome.result));
}

constexpr int kMany = 200;

LoopOptions tiny_queue() {
  LoopOptions options;
  options.backend.entries = 4;
  options.backend.completions = 8;
  return options;
}

Task<void> perform_all(std::vector<std::unique_ptr<OpScenario>>& scenarios,
                       std::vector<Outcome>& outcomes) {
  Context& context = co_await current_context();
  Scope scope(context);
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    scope.spawn(perform_into(*scenarios[i], outcomes[i]));
  }
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_P(FinishingOperation, CompletesThoughTheQueueIsFull) {
  auto loop = make_loop(tiny_queue());
  auto scenarios = make_scenarios(*loop, kMany);
  for (auto& scenario : scenarios) scenario->let_finish();
  std::vector<Outcome> outcomes(scenarios.size());
  loop->run([&] { return perform_all(scenarios, outcomes); });
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    EXPECT_TRUE(scenarios[i]->finished(outcomes[i].result)) << "operation " << i;
  }
  EXPECT_EQ(loop->backend().in_flight(), 0U);
}

Task<void> stop_all(std::vector<std::unique_ptr<OpScenario>>& scenarios, StopSource& stop,
                    std::vector<Outcome>& outcomes) {
  Context& context = co_await current_context();
  Scope scope(context);
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    scope.spawn(perform_until_stop(*scenarios[i], stop, outcomes[i]));
  }
  Turn turn;
  co_await turn;
  stop.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_P(Operation, StoppedThoughTheQueueIsFull) {
  auto loop = make_loop(tiny_queue());
  auto scenarios = make_scenarios(*loop, kMany);
  std::vector<Outcome> outcomes(scenarios.size());
  StopSource stop;
  loop->run([&] { return stop_all(scenarios, stop, outcomes); });
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    if (type().waits) {
      EXPECT_EQ(outcomes[i].result, -ECANCELED) << "operation " << i;
    }
    expect_stopped_or_finished(*scenarios[i], outcomes[i], ErrorKind::cancelled);
  }
  EXPECT_EQ(loop->backend().in_flight(), 0U);
}

}  // namespace
}  // namespace ringpull::engine
