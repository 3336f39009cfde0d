#include "tools/manual/man_page.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace ringpull::tools {

namespace {

/// As text of a line: groff_char(7) on what would become typographical quotes and hyphens.
std::string escape(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '\\': escaped += "\\e"; break;
      case '-': escaped += "\\-"; break;
      case '\'': escaped += "\\(aq"; break;
      case '`': escaped += "\\(ga"; break;
      case '^': escaped += "\\(ha"; break;
      case '~': escaped += "\\(ti"; break;
      case '\n': escaped += ' '; break;
      default: escaped += c;
    }
  }
  if (escaped.starts_with('.')) escaped.insert(0, "\\&");
  return escaped;
}

std::string bold(std::string_view text) { return "\\fB" + escape(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + escape(text) + "\\fR"; }

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string option_head(const OptionEntry& option) {
  std::string head;
  for (const std::string& name : option.names) {
    if (!head.empty()) head += ", ";
    head += bold(name);
  }
  if (option.value.kind != ValueKind::none) head += ' ' + italic(option.value.name);
  return head;
}

std::string option_text(const OptionEntry& option) {
  std::string text = escape(option.description);
  if (!option.value.constraint.empty()) text += "; " + escape(option.value.constraint);
  if (option.required && !option.names.empty()) text += "; required";
  if (!option.default_text.empty())
    text += fmt::format(" (default: {})", bold(option.default_text));
  return text;
}

std::string entries(std::string_view title, const std::vector<OptionEntry>& list) {
  if (list.empty()) return {};
  std::string text = fmt::format(".SH {}\n", title);
  for (const OptionEntry& entry : list) {
    std::string head = entry.names.empty() ? italic(entry.operand) : option_head(entry);
    text += fmt::format(".TP\n{}\n{}\n", head, option_text(entry));
  }
  return text;
}

std::string synopsis(const Program& program, const CommandEntry& command) {
  std::string line = bold(program.name);
  if (command.name.empty())
    return line + ' ' + italic("COMMAND") + " [" + italic("OPTION") + "]...";
  line += ' ' + bold(command.name) + " [" + italic("OPTION") + "]...";
  for (const OptionEntry& operand : command.operands) {
    std::string shown = italic(operand.operand) + (operand.repeatable ? "..." : "");
    line += operand.required ? ' ' + shown : " [" + shown + ']';
  }
  return line;
}

std::string command_list(const Program& program) {
  std::string text = ".SH COMMANDS\n";
  for (const CommandEntry& command : program.commands) {
    text += fmt::format(".TP\n{}(1)\n{}\n", bold(page_name(program, command)),
                        escape(command.description));
  }
  return text;
}

std::string notes(const std::string& footer) {
  if (footer.empty()) return {};
  std::string text = ".SH NOTES\n";
  std::size_t begin = 0;
  while (begin < footer.size()) {
    std::size_t end = std::min(footer.find("\n\n", begin), footer.size());
    if (begin > 0) text += ".PP\n";
    text += escape(std::string_view(footer).substr(begin, end - begin)) + '\n';
    begin = end + 2;
  }
  return text;
}

}  // namespace

std::string page_name(const Program& program, const CommandEntry& command) {
  return command.name.empty() ? program.name : program.name + '-' + command.name;
}

std::string man_page(const Program& program, const CommandEntry& command,
                     const std::string& version) {
  std::string name = page_name(program, command);
  bool whole = command.name.empty();
  std::string page =
      fmt::format(".TH {} 1 \"\" \"{}\" \"Ringpull\"\n", escape(upper(name)), version);
  page += ".nh\n.ad l\n";  // options and names of variables are not to be broken
  page += fmt::format(".SH NAME\n{} \\- {}\n", escape(name), escape(command.description));
  page += fmt::format(".SH SYNOPSIS\n{}\n", synopsis(program, command));
  if (whole) page += command_list(program);
  page += entries("OPERANDS", command.operands);
  page += entries("OPTIONS", command.options);
  page += notes(command.footer);
  if (!whole) page += fmt::format(".SH SEE ALSO\n{}(1)\n", bold(program.name));
  return page;
}

}  // namespace ringpull::tools
