#include "tests/unit/http/message/golden_case.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace ringpull::testing {
namespace {

class FileReader {
 public:
  explicit FileReader(const std::filesystem::path& path) : name_(path.stem().string()), in_(path) {
    if (!in_) throw std::runtime_error(path.string() + " cannot be read");
  }

  std::vector<GoldenCase> read() {
    std::string line;
    while (next(line)) {
      if (line.starts_with("## ")) {
        finish_case();
        title_ = line.substr(3);
      } else if (line.starts_with("```response") || line.starts_with("```request")) {
        read_message(line.substr(3));
      } else if (line == "```log") {
        read_log();
      } else if (line.starts_with("```")) {
        broken("a block that is neither response, request nor log");
      }
    }
    finish_case();
    if (cases_.empty()) broken("no case in this file");
    return std::move(cases_);
  }

 private:
  [[noreturn]] void broken(std::string_view why) const {
    throw std::runtime_error(name_ + ".md:" + std::to_string(line_) + ": " + std::string(why));
  }

  bool next(std::string& line) {
    ++line_;
    return static_cast<bool>(std::getline(in_, line));
  }

  void finish_case() const {
    if (!title_.empty() && !has_case_) broken("section \"" + title_ + "\" ends without a case");
    if (open_) broken("a message without its log");
  }

  void read_message(std::string_view header) {
    if (open_) broken("a message without its log");
    if (title_.empty()) broken("a message outside of any section");
    GoldenCase& added = cases_.emplace_back();
    added.file = name_;
    added.title = title_;
    added.line = line_;
    read_setup(header, added.setup);
    std::string line;
    while (next(line) && line != "```") append_wire(line, added.bytes);
    if (line != "```") broken("a block without its end");
    open_ = has_case_ = true;
  }

  void read_log() {
    if (!open_) broken("a log without its message");
    std::string line;
    while (next(line) && line != "```") cases_.back().log += line + "\n";
    if (line != "```") broken("a block without its end");
    if (cases_.back().log.empty()) broken("an empty log");
    open_ = false;
  }

  // "response to HEAD, eof, header_count_max=3"
  void read_setup(std::string_view header, MessageSetup& setup) const {
    std::istringstream words{std::string(header)};
    std::string word;
    words >> word;
    setup.is_request = word == "request";
    while (words >> word) {
      if (word.ends_with(',')) word.pop_back();
      const std::size_t equals = word.find('=');
      if (word == "to") {
        words >> word;
        if (word.ends_with(',')) word.pop_back();
        setup.kind = http::request_kind(word);
      } else if (word == "eof") {
        setup.eof = true;
      } else if (equals != std::string::npos) {
        limit(setup.limits, word.substr(0, equals)) = number(word.substr(equals + 1));
      } else {
        broken("unknown word \"" + word + "\"");
      }
    }
  }

  std::size_t& limit(http::ParserLimits& limits, std::string_view name) const {
    if (name == "header_bytes_max") return limits.header_bytes_max;
    if (name == "header_count_max") return limits.header_count_max;
    if (name == "request_line_bytes_max") return limits.request_line_bytes_max;
    if (name == "reason_bytes_max") return limits.reason_bytes_max;
    if (name == "informational_max") return limits.informational_max;
    if (name == "chunk_extension_bytes_max") return limits.chunk_extension_bytes_max;
    if (name == "trailer_bytes_max") return limits.trailer_bytes_max;
    broken("unknown limit \"" + std::string(name) + "\"");
  }

  std::size_t number(std::string_view text, int base = 10) const {
    std::size_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || result.ptr != text.data() + text.size()) broken("not a number");
    return value;
  }

  // One line of a message with its escapes; a line ends in CRLF unless a backslash ends it.
  void append_wire(std::string_view line, std::string& out) const {
    while (!line.empty()) {
      if (line.front() != '\\') {
        out += line.front();
        line.remove_prefix(1);
        continue;
      }
      if (line.size() == 1) return;
      line.remove_prefix(1);
      line.remove_prefix(append_escape(line, out));
    }
    out += "\r\n";
  }

  // What follows a backslash; returns its length.
  std::size_t append_escape(std::string_view text, std::string& out) const {
    switch (text.front()) {
      case 'r': out += '\r'; return 1;
      case 'n': out += '\n'; return 1;
      case 't': out += '\t'; return 1;
      case '0': out += '\0'; return 1;
      case '\\': out += '\\'; return 1;
      case 'x': out += static_cast<char>(number(text.substr(1, 2), 16)); return 3;
      case '{': return append_repeated(text, out);
      default: broken("an escape that is not known");
    }
  }

  // "{text*count}"
  std::size_t append_repeated(std::string_view text, std::string& out) const {
    const std::size_t end = text.find('}');
    const std::size_t star = text.rfind('*', end);
    if (end == std::string_view::npos || star == std::string_view::npos) broken("{text*count}");
    std::string piece;
    append_wire(std::string(text.substr(1, star - 1)) + "\\", piece);
    for (std::size_t i = number(text.substr(star + 1, end - star - 1)); i > 0; --i) out += piece;
    return end + 1;
  }

  std::string name_;
  std::ifstream in_;
  int line_ = 0;
  std::string title_;
  bool open_ = false;
  bool has_case_ = false;
  std::vector<GoldenCase> cases_;
};

}  // namespace

std::vector<GoldenCase> load_golden_cases(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto& path = entry.path();
    if (path.extension() == ".md" && path.stem() != "README") files.push_back(path);
  }
  std::sort(files.begin(), files.end());
  std::vector<GoldenCase> cases;
  for (const auto& file : files) {
    for (auto& found : FileReader(file).read()) cases.push_back(std::move(found));
  }
  return cases;
}

}  // namespace ringpull::testing
