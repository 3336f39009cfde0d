#pragma once

#include <cstdint>
#include <string>

#include <ringpull/engine/error.hpp>

namespace ringpull::tools {

/// Where a command has its endpoint and keys from, so that advice names what can be changed there.
enum class Settings : std::uint8_t { options, configuration_file };

/// The error's text, and what to do about it where it does not say so already. Not one line yet.
std::string text_with_advice(const Error& error, Settings settings);

}  // namespace ringpull::tools
