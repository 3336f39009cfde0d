#pragma once
// The command line, which CLI11 reads and explains. A command sees none of CLI11: its one header
// costs the compiler ten seconds in every source that includes it, so command_line.cpp does, and
// manual/program.cpp.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/console/exit_code.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ringpull::tools {

/// An option, a flag or an operand that was added to a Command. Copies are the same one; it lives
/// as long as the CommandLine.
class Option {
 public:
  explicit Option(CLI::Option& option) noexcept : option_(&option) {}

  Option required() const;
  /// What stands for the value in --help. FILE and DIR are completed to paths by shells.
  Option value_name(std::string_view name) const;
  /// --help shows the value that the variable has now.
  Option show_default() const;
  Option one_of(const std::vector<std::string>& values) const;
  /// Both included; --help shows them. Which overload is taken tells "INT" from "UINT" there.
  Option between(int least, int most) const;
  Option between(std::uint64_t least, std::uint64_t most) const;
  /// As between(), but --help says nothing of it.
  Option between_unsaid(std::int64_t least, std::int64_t most) const;
  /// Given without `other`, or with it, is an error that names both.
  Option needs(Option other) const;
  Option excludes(Option other) const;

 private:
  friend class Command;
  CLI::Option* option_;
};

/// A subcommand while it is described. Copies are the same one; it lives as long as the
/// CommandLine.
class Command {
 public:
  Command(CLI::App& app, ExitCode& code) noexcept : app_(&app), code_(&code) {}

  /// `names` is "-c,--config", or "url" for an operand. `value` is written while the command line
  /// is read, and lives until run() has returned. T: std::string, a vector of them, int, unsigned,
  /// std::uint16_t, std::size_t, std::optional<std::int64_t>.
  template <class T>
  Option option(const std::string& names, T& value, const std::string& description) const;
  Option flag(const std::string& names, bool& value, const std::string& description) const;
  /// One that was added before: "--config".
  Option at(const std::string& name) const;

  /// How many options, flags and operands there are so far, --help included.
  std::size_t size() const;
  /// `replacement`, the last so far, given with any of those between the first-th and itself is an
  /// error that names both. excludes() would say so at each of them in every --help.
  void replaces_from(std::size_t first, Option replacement) const;

  /// Paragraphs below the options in --help.
  void footer(const std::string& text) const;
  /// What is run when the command was chosen and its line could be read.
  void on_chosen(std::function<ExitCode()> work) const;

 private:
  CLI::App* app_;
  ExitCode* code_;
};

/// The program's: subcommands are added, then it is run once.
class CommandLine {
 public:
  CommandLine(const std::string& description, const std::string& version,
              const std::string& footer);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();

  Command add(const std::string& name, const std::string& description);

  /// Runs the command that was chosen, or answers --help, --version and what cannot be read: the
  /// last by one line on stderr and ExitCode::usage.
  ExitCode run(int argc, char** argv);

  /// For describe(), which man pages and completions are written from.
  const CLI::App& app() const noexcept { return *app_; }

 private:
  std::unique_ptr<CLI::App> app_;
  ExitCode code_ = ExitCode::success;
};

}  // namespace ringpull::tools
