#include "tools/console/command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <optional>

#include "tools/console/output.hpp"

namespace ringpull::tools {

namespace {

ExitCode refuse(const std::string& text) {
  std::string line = one_line(text) + '\n';
  std::fputs(line.c_str(), stderr);
  return ExitCode::usage;
}

/// --help and --version, or one line about a command line that cannot be.
ExitCode answer(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    app.exit(error);
    return ExitCode::success;
  }
  std::string command = "ringpull";
  for (const CLI::App* chosen : app.get_subcommands()) command += ' ' + chosen->get_name();
  return refuse(
      fmt::format("{}: {}; `{} --help` lists what there is", command, error.what(), command));
}

bool has_command(const CLI::App& app, std::string_view name) {
  auto has_that_name = [name](const CLI::App* known) { return known->get_name() == name; };
  return !app.get_subcommands(has_that_name).empty();
}

}  // namespace

Option Option::required() const {
  option_->required();
  return *this;
}

Option Option::value_name(std::string_view name) const {
  option_->type_name(std::string(name));
  return *this;
}

Option Option::show_default() const {
  option_->capture_default_str();
  return *this;
}

Option Option::one_of(const std::vector<std::string>& values) const {
  option_->check(CLI::IsMember(values));
  return *this;
}

Option Option::between(int least, int most) const {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option Option::between(std::uint64_t least, std::uint64_t most) const {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option Option::between_unsaid(std::int64_t least, std::int64_t most) const {
  option_->check(CLI::Range(least, most).description(""));
  return *this;
}

Option Option::needs(Option other) const {
  option_->needs(other.option_);
  return *this;
}

Option Option::excludes(Option other) const {
  option_->excludes(other.option_);
  return *this;
}

template <class T>
Option Command::option(const std::string& names, T& value, const std::string& description) const {
  return Option(*app_->add_option(names, value, description));
}

template Option Command::option(const std::string&, std::string&, const std::string&) const;
template Option Command::option(const std::string&, std::vector<std::string>&,
                                const std::string&) const;
template Option Command::option(const std::string&, int&, const std::string&) const;
template Option Command::option(const std::string&, unsigned&, const std::string&) const;
template Option Command::option(const std::string&, std::uint16_t&, const std::string&) const;
template Option Command::option(const std::string&, std::size_t&, const std::string&) const;
template Option Command::option(const std::string&, std::optional<std::int64_t>&,
                                const std::string&) const;

Option Command::flag(const std::string& names, bool& value, const std::string& description) const {
  return Option(*app_->add_flag(names, value, description));
}

Option Command::at(const std::string& name) const { return Option(*app_->get_option(name)); }

std::size_t Command::size() const { return app_->get_options().size(); }

void Command::replaces_from(std::size_t first, Option replacement) const {
  std::vector<CLI::Option*> others = app_->get_options();
  others.pop_back();
  others.erase(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(first));
  CLI::Option* chosen = replacement.option_;
  app_->parse_complete_callback([chosen, others = std::move(others)] {
    if (chosen->count() == 0) return;
    for (const CLI::Option* other : others) {
      if (other->count() > 0) throw CLI::ExcludesError(chosen->get_name(), other->get_name());
    }
  });
}

void Command::footer(const std::string& text) const { app_->footer(text); }

void Command::on_chosen(std::function<ExitCode()> work) const {
  app_->callback([code = code_, work = std::move(work)] { *code = work(); });
}

CommandLine::CommandLine(const std::string& description, const std::string& version,
                         const std::string& footer)
    : app_(std::make_unique<CLI::App>(description)) {
  app_->name("ringpull");
  app_->set_version_flag("--version", version);
  app_->require_subcommand(1);
  app_->footer(footer);
}

CommandLine::~CommandLine() = default;

Command CommandLine::add(const std::string& name, const std::string& description) {
  return Command(*app_->add_subcommand(name, description), code_);
}

ExitCode CommandLine::run(int argc, char** argv) {
  std::string_view command = argc > 1 ? argv[1] : "";
  bool is_option = command.empty() || command.starts_with('-');
  if (!is_option && !has_command(*app_, command)) {
    return refuse(fmt::format(
        "ringpull: unknown command \"{}\"; `ringpull --help` lists what there is", command));
  }
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return answer(*app_, error);
  }
  return code_;
}

}  // namespace ringpull::tools
