#pragma once
// Completion scripts of shells, written from what --help is made of.

#include <string>

#include "tools/manual/program.hpp"

namespace ringpull::tools {

/// Scripts that need nothing but their shell, so that they can be loaded by `source <(ringpull
/// completion bash)` as well as from the places where the shells look.
std::string bash_completion(const Program& program);
std::string zsh_completion(const Program& program);

}  // namespace ringpull::tools
