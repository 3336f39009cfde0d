#pragma once
// What `ringpull check` found, step by step. Plain values.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ringpull/engine/error.hpp>

#include "tools/console/exit_code.hpp"

namespace ringpull::tools {

enum class StepState : std::uint8_t { ok, failed, skipped };

struct StepReport {
  StepReport() = default;

  std::string name;
  StepState state = StepState::ok;
  std::chrono::nanoseconds time{0};
  /// What was found; of a skipped step, why.
  std::string detail;
  // Of a failed one:
  std::optional<Error> error;
  std::string permission;  ///< that the request needed, where the answer was that it may not
  std::string remedy;      ///< what to change
};

struct CheckReport {
  CheckReport() = default;

  bool ok() const { return first_failure() == nullptr; }
  /// Null where every step is ok or skipped.
  const StepReport* first_failure() const;
  /// That of the first failure, as any other command would have ended.
  ExitCode code() const;

  std::string configuration;  ///< the file
  std::string bucket;
  std::string prefix;  ///< of the keys that were written
  /// What is odd although it works: of the file, and of what the middlewares tell meanwhile.
  std::vector<std::string> warnings;
  std::vector<StepReport> steps;
};

/// "ok        put object           0.012 s  32 bytes\n", without control characters.
std::string line_of(const StepReport& step);
/// The object that docs/guide/tool.md describes, in one line.
std::string json_of(const CheckReport& report);

}  // namespace ringpull::tools
