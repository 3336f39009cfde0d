#include "tools/manual/program.hpp"

#include <CLI/CLI.hpp>

namespace ringpull::tools {

namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// CLI11 joins the type and what its validators say: "TEXT:{v4,v2}", "FILE", "UINT:INT in [1 - 9]".
ValueEntry value_of(const CLI::Option& option) {
  ValueEntry value;
  if (option.get_items_expected_max() == 0) return value;
  std::string type = option.get_type_name();
  std::size_t colon = type.find(':');
  std::string constraint = colon == std::string::npos ? "" : type.substr(colon + 1);
  value.name = type.substr(0, colon);
  value.kind = ValueKind::any;
  if (constraint.starts_with('{') && constraint.ends_with('}')) {
    value.kind = ValueKind::choice;
    value.choices = split(constraint.substr(1, constraint.size() - 2), ',');
    value.name = constraint;
    return value;
  }
  if (constraint == "FILE" || constraint == "DIR") value.name = constraint;
  if (value.name == "FILE") value.kind = ValueKind::file;
  if (value.name == "DIR") value.kind = ValueKind::directory;
  std::size_t range = constraint.find("in [");
  if (range != std::string::npos) value.constraint = constraint.substr(range);
  return value;
}

OptionEntry entry_of(const CLI::Option& option) {
  OptionEntry entry;
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  if (option.get_positional()) entry.operand = option.get_name(true);
  entry.value = value_of(option);
  entry.description = option.get_description();
  entry.default_text = option.get_default_str();
  entry.required = option.get_required();
  entry.repeatable = option.get_items_expected_max() > 1;
  return entry;
}

CommandEntry command_of(const CLI::App& app) {
  CommandEntry command;
  command.description = app.get_description();
  command.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    OptionEntry entry = entry_of(*option);
    auto& list = entry.names.empty() ? command.operands : command.options;
    list.push_back(std::move(entry));
  }
  return command;
}

}  // namespace

Program describe(const CommandLine& line) {
  const CLI::App& app = line.app();
  Program program;
  program.name = app.get_name();
  program.itself = command_of(app);
  auto shown = [](const CLI::App* command) { return !command->get_group().empty(); };
  for (const CLI::App* command : app.get_subcommands(shown)) {
    CommandEntry entry = command_of(*command);
    entry.name = command->get_name();
    program.commands.push_back(std::move(entry));
  }
  return program;
}

}  // namespace ringpull::tools
