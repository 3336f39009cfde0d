#pragma once

// The cases in tests/golden/http/*.md. README.md there describes their form.

#include <string>
#include <vector>

#include "tests/support/message_log.hpp"

namespace ringpull::testing {

struct GoldenCase {
  GoldenCase() = default;

  std::string file;   ///< without folder and ending
  std::string title;  ///< of the section it stands in
  int line = 0;       ///< where its message begins
  MessageSetup setup;
  std::string bytes;
  std::string log;
};

/// All cases of all files in the folder, in order. Throws std::runtime_error, naming file and line,
/// for anything that is not well-formed: a case that is not run must not look like one that passes.
std::vector<GoldenCase> load_golden_cases(const std::string& folder);

}  // namespace ringpull::testing
