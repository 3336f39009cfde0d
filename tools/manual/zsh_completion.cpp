#include <fmt/format.h>

#include "tools/manual/completion.hpp"

namespace ringpull::tools {

namespace {

/// Inside single quotes, where _arguments reads ':' and brackets as its own (zshcompsys(1)).
std::string escape(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    if (c == '\'') {
      escaped += "'\\''";
      continue;
    }
    if (c == ':' || c == '[' || c == ']' || c == '\\') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

std::string action(const ValueEntry& value) {
  switch (value.kind) {
    case ValueKind::file: return "_files";
    case ValueKind::directory: return "_files -/";
    case ValueKind::choice: return fmt::format("({})", fmt::join(value.choices, " "));
    // Not an empty action, which would end the completion of options beside an operand.
    case ValueKind::none:
    case ValueKind::any: return "( )";
  }
  return "( )";
}

/// '(-r --recursive)'{-r,--recursive}'[All keys]'; each form of an option excludes the others.
std::string option_spec(const OptionEntry& option) {
  std::string value;
  if (option.value.kind != ValueKind::none) {
    std::string name = option.value.kind == ValueKind::choice ? "choice" : option.value.name;
    value = fmt::format(":{}:{}", escape(name), action(option.value));
  }
  bool is_info = option.names.back() == "--help" || option.names.back() == "--version";
  std::string others = is_info             ? "(- *)"
                       : option.repeatable ? "*"
                                           : fmt::format("({})", fmt::join(option.names, " "));
  std::string specs;
  for (const std::string& name : option.names) {
    bool has_equals = name.starts_with("--") && !value.empty();
    specs += fmt::format(" \\\n        '{}{}{}[{}]{}'", others, name, has_equals ? "=" : "",
                         escape(option.description), value);
  }
  return specs;
}

std::string operand_spec(const OptionEntry& operand) {
  std::string_view count = operand.repeatable ? "*" : operand.required ? "" : ":";
  return fmt::format(" \\\n        '{}:{}:{}'", count, escape(operand.operand),
                     action(operand.value));
}

std::string arguments(const CommandEntry& command) {
  std::string text;
  for (const OptionEntry& option : command.options) text += option_spec(option);
  for (const OptionEntry& operand : command.operands) text += operand_spec(operand);
  return text;
}

}  // namespace

std::string zsh_completion(const Program& program) {
  std::string known;
  std::string cases;
  for (const CommandEntry& command : program.commands) {
    known += fmt::format("    '{}:{}'\n", command.name, escape(command.description));
    cases += fmt::format("    {})\n      _arguments -s -S{}\n      ;;\n", command.name,
                         arguments(command));
  }
  return fmt::format(
      "#compdef {0}\n"
      "# Completion of {0} for zsh, as `{0} completion zsh` prints it.\n\n"
      "_{0}() {{\n"
      "  local curcontext=$curcontext state line ret=1\n"
      "  typeset -A opt_args\n"
      "  local -a commands=(\n{1}  )\n\n"
      "  _arguments -C -s -S{2} \\\n"
      "        '1:command:->command' \\\n"
      "        '*::argument:->argument' && ret=0\n\n"
      "  case $state in\n"
      "    command)\n      _describe command commands && ret=0\n      return ret\n      ;;\n"
      "    argument) ;;\n"
      "    *) return ret ;;\n"
      "  esac\n\n"
      "  curcontext=${{curcontext%:*:*}}:{0}-$words[1]:\n"
      "  case $words[1] in\n{3}  esac\n"
      "}}\n\n"
      "# Autoloaded it is to complete at once; sourced it is to be known.\n"
      "if [[ $funcstack[1] == _{0} ]]; then\n  _{0} \"$@\"\nelse\n  compdef _{0} {0}\nfi\n",
      program.name, known, arguments(program.itself), cases);
}

}  // namespace ringpull::tools
