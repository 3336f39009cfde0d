#include "tools/check/runner.hpp"

#include <ringpull/engine/combinators.hpp>

#include "tools/check/remedy.hpp"
#include "tools/console/output.hpp"

namespace ringpull::tools {

using engine::Task;

Fact StepRunner::missing(const Step& step) const {
  for (Fact fact : step.needs) {
    if (!probe_.knows(fact)) return fact;
  }
  return Fact::none;
}

Task<StepReport> StepRunner::attempt(const Step& step) {
  StepReport report;
  report.name = step.name;
  Fact lacking = missing(step);
  if (lacking != Fact::none) {
    report.state = StepState::skipped;
    report.detail = without(lacking);
    co_return report;
  }
  probe_.asks_for({});
  auto begin = std::chrono::steady_clock::now();
  auto outcome =
      co_await engine::with_deadline(engine::Deadline::after(step_time_), step.work(probe_));
  report.time = std::chrono::steady_clock::now() - begin;
  if (outcome) {
    report.detail = std::move(*outcome);
    co_return report;
  }
  report.state = StepState::failed;
  report.error = std::move(outcome).error();
  report.permission = denied_permission(*report.error, probe_.permission());
  report.remedy = step.advice.empty()
                      ? remedy(*report.error, probe_.parameters(), report.permission)
                      : std::string(step.advice);
  co_return report;
}

Task<Result<void>> StepRunner::run(const Step& step) {
  StepReport found = co_await attempt(step);
  report_.steps.push_back(std::move(found));
  const StepReport& report = report_.steps.back();
  if (print_ == PrintLines::yes) {
    std::string line = line_of(report);
    RINGPULL_CO_CHECK(co_await write_out(line));
  }
  bool stopped = report.error && report.error->is(ErrorKind::cancelled);
  if (stopped) co_return fail(*report.error);
  co_return Result<void>();
}

}  // namespace ringpull::tools
