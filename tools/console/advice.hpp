#pragma once
// What a failure says to the person at the terminal: one line on stderr, with what to do about it.

#include <cstdint>
#include <string>

#include <ringpull/engine/error.hpp>

#include "tools/console/exit_code.hpp"

namespace ringpull::tools {

/// Where a command has its endpoint and keys from, so that advice names what can be changed there.
enum class Settings : std::uint8_t { options, configuration_file };

/// The error's text, and what to do about it where it does not say so already. Not one line yet.
std::string text_with_advice(const Error& error, Settings settings);

/// Prints the one line of a failure ("ringpull get: ...") on stderr and gives its exit code.
ExitCode report(const std::string& command, const Error& error,
                Settings settings = Settings::options);

}  // namespace ringpull::tools
