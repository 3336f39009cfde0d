#pragma once
// The command line as plain values, read from the CLI11 description that --help comes from: what
// man pages and completions are written from. A command that is added there is in all of them.

#include <cstdint>
#include <string>
#include <vector>

#include "tools/console/command_line.hpp"

namespace ringpull::tools {

enum class ValueKind : std::uint8_t { none, any, file, directory, choice };

/// What follows an option, or is an operand. CLI11's type name decides: FILE and DIR are completed
/// to paths, `{a,b}` (Option::one_of) to one of these.
struct ValueEntry {
  ValueEntry() = default;

  ValueKind kind = ValueKind::none;
  std::string name;        ///< "FILE", "URL", "{v4,v2}"
  std::string constraint;  ///< "in [1 - 256]"; empty for choices
  std::vector<std::string> choices;
};

struct OptionEntry {
  OptionEntry() = default;

  /// With their dashes, short before long. Empty for an operand.
  std::vector<std::string> names;
  std::string operand;
  ValueEntry value;
  std::string description;
  std::string default_text;
  bool required = false;
  bool repeatable = false;
};

struct CommandEntry {
  CommandEntry() = default;

  std::string name;  ///< empty for the program itself
  std::string description;
  std::string footer;  ///< paragraphs, parted by empty lines
  std::vector<OptionEntry> options;
  std::vector<OptionEntry> operands;
};

struct Program {
  Program() = default;

  std::string name;
  CommandEntry itself;
  std::vector<CommandEntry> commands;
};

/// What is hidden from --help is left out.
Program describe(const CommandLine& line);

}  // namespace ringpull::tools
