#pragma once
// How `ringpull check` goes through its steps; which ones, and in which order, is the command's.

#include <array>
#include <string_view>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/task.hpp>

#include "tools/check/report.hpp"
#include "tools/check/steps.hpp"

namespace ringpull::tools {

/// A row of the table that the check goes through.
struct Step {
  Step(std::string_view name_in, engine::Task<StepOutcome> (*work_in)(Probe&),
       std::array<Fact, 2> needs_in, std::string_view advice_in = {})
      : name(name_in), work(work_in), needs(needs_in), advice(advice_in) {}

  std::string_view name;
  engine::Task<StepOutcome> (*work)(Probe&);
  /// Without these facts it is skipped.
  std::array<Fact, 2> needs;
  /// What to change, where that is not the storage: remedy() speaks of its parameters.
  std::string_view advice;
};

enum class PrintLines : bool { no, yes };

/// Runs steps, each within a time, and reports what came of them.
class StepRunner {
 public:
  /// Both outlive it.
  StepRunner(CheckReport& report, Probe& probe, engine::Duration step_time, PrintLines print)
      : report_(report), probe_(probe), step_time_(step_time), print_(print) {}

  /// A failed step is no Error: that is a stop from outside, or an output that takes nothing.
  engine::Task<Result<void>> run(const Step& step);

 private:
  Fact missing(const Step& step) const;
  engine::Task<StepReport> attempt(const Step& step);

  CheckReport& report_;
  Probe& probe_;
  engine::Duration step_time_;
  PrintLines print_;
};

}  // namespace ringpull::tools
