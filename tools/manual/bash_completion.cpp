#include <fmt/format.h>

#include "tools/manual/completion.hpp"

namespace ringpull::tools {

namespace {

/// What the script's functions say of a value: its kind, and the choices.
std::string wanted(const ValueEntry& value) {
  switch (value.kind) {
    case ValueKind::none: return "none";
    case ValueKind::any: return "any";
    case ValueKind::file: return "file";
    case ValueKind::directory: return "directory";
    case ValueKind::choice: return fmt::format("choice {}", fmt::join(value.choices, " "));
  }
  return "any";
}

std::string words_case(const Program& program) {
  std::string cases;
  auto add = [&cases](const CommandEntry& command) {
    std::string names;
    for (const OptionEntry& option : command.options) {
      names += fmt::format("{}{}", names.empty() ? "" : " ", fmt::join(option.names, " "));
    }
    cases += fmt::format("    '{}') echo '{}' ;;\n", command.name, names);
  };
  add(program.itself);
  for (const CommandEntry& command : program.commands) add(command);
  return cases;
}

std::string option_cases(const CommandEntry& command) {
  std::string cases;
  for (const OptionEntry& option : command.options) {
    if (option.value.kind == ValueKind::none) continue;
    for (const std::string& name : option.names) {
      cases += fmt::format("    '{} {}') echo '{}' ;;\n", command.name, name, wanted(option.value));
    }
  }
  return cases;
}

std::string operand_cases(const CommandEntry& command) {
  std::string cases;
  std::size_t number = 0;
  for (const OptionEntry& operand : command.operands) {
    ++number;
    if (operand.value.kind == ValueKind::any) continue;
    std::string pattern = operand.repeatable ? "*" : fmt::format("{}", number);
    std::string quoted = fmt::format("'{} '{}", command.name, pattern);
    cases += fmt::format("    {}) echo '{}' ;;\n", quoted, wanted(operand.value));
  }
  return cases;
}

constexpr std::string_view kScript =
    R"script(# Completion of @ for bash, as `@ completion bash` prints it.

_@_options() { # COMMAND
  case $1 in
OPTIONS  esac
}

_@_value() { # COMMAND OPTION, or COMMAND NUMBER of an operand: what is to follow
  case "$1 $2" in
VALUES    *' -'*) echo none ;;
    *) echo any ;;
  esac
}

_@() {
  local current=${COMP_WORDS[COMP_CWORD]} command='' option='' operands=1 literal='' inside='' wanted i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    local word=${COMP_WORDS[i]}
    # bash parts words at '=' and ':' too: --option=value is three of them, and so is a URL.
    if [[ $option && $word == = ]]; then
      continue
    elif [[ $word == [=:]* ]]; then
      inside=1
    elif [[ $inside ]]; then
      inside=''
    elif [[ $option ]]; then
      option=''
    elif [[ $word == -- ]]; then
      literal=1
    elif [[ $word == -* && ! $literal ]]; then
      [[ $(_@_value "$command" "$word") == none ]] || option=$word
    elif [[ ! $command ]]; then
      command=$word
    else
      ((++operands))
    fi
  done

  COMPREPLY=()
  if [[ $inside || $current == :* ]]; then return; fi
  if [[ $option ]]; then
    [[ $current == = ]] && current=''
    wanted=$(_@_value "$command" "$option")
  elif [[ $current == -* && ! $literal ]]; then
    wanted="choice $(_@_options "$command")"
  elif [[ ! $command ]]; then
    wanted='choice COMMANDS'
  else
    wanted=$(_@_value "$command" "$operands")
  fi

  case $wanted in
    'choice '*) mapfile -t COMPREPLY < <(compgen -W "${wanted#choice }" -- "$current") ;;
    file) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    directory) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
  esac
  # Outside of a completion, as in a test, there is nothing to tell.
  if [[ $wanted == file || $wanted == directory ]]; then compopt -o filenames 2>/dev/null; fi
  return 0
}

complete -F _@ @
)script";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

}  // namespace

std::string bash_completion(const Program& program) {
  std::string values;
  std::string commands;
  for (const CommandEntry& command : program.commands) {
    values += option_cases(command) + operand_cases(command);
    commands += (commands.empty() ? "" : " ") + command.name;
  }
  std::string script = replaced(std::string(kScript), "@", program.name);
  script = replaced(std::move(script), "OPTIONS", words_case(program));
  script = replaced(std::move(script), "VALUES", values);
  return replaced(std::move(script), "COMMANDS", commands);
}

}  // namespace ringpull::tools
