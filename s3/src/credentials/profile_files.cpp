#include <algorithm>
#include <utility>

#include <ringpull/s3/profile_files.hpp>

#include "s3/src/text/letter_case.hpp"

namespace ringpull::inline v0::s3 {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trimmed(std::string_view text) {
  std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

bool is_comment(char c) { return c == '#' || c == ';'; }

/// Up to a comment mark that follows a blank.
std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    bool after_blank = kBlanks.find(text[i - 1]) != std::string_view::npos;
    if (is_comment(text[i]) && after_blank) return text.substr(0, i - 1);
  }
  return text;
}

/// What stands between the brackets; nullopt when they do not match.
std::optional<std::string_view> section_of(std::string_view line) {
  std::size_t end = line.find(']');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view rest = trimmed(line.substr(end + 1));
  if (!rest.empty() && !is_comment(rest.front())) return std::nullopt;
  std::string_view name = trimmed(line.substr(1, end - 1));
  if (name.empty()) return std::nullopt;
  return name;
}

/// The profile that a section is about; empty for the other sections.
std::string_view profile_of(std::string_view section, ProfileFileKind kind) {
  constexpr std::string_view kPrefix = "profile";
  if (kind == ProfileFileKind::credentials || section == "default") return section;
  if (!section.starts_with(kPrefix)) return {};
  std::string_view rest = section.substr(kPrefix.size());
  if (rest.empty() || kBlanks.find(rest.front()) == std::string_view::npos) return {};
  rest = trimmed(rest);
  for (char quote : {'"', '\''}) {
    bool quoted = rest.size() >= 2 && rest.front() == quote && rest.back() == quote;
    if (quoted) return rest.substr(1, rest.size() - 2);
  }
  return rest;
}

/// One line at a time, without its end.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }
  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    std::size_t end = std::min(rest_.find('\n'), rest_.size());
    line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return true;
  }
  Error bad(std::string_view why) const {
    return Error(ErrorKind::unauthenticated,
                 "line " + std::to_string(number_) + " " + std::string(why));
  }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

}  // namespace

const Secret* Profile::find(std::string_view name) const {
  auto found = settings_.find(name);
  return found == settings_.end() || found->second.empty() ? nullptr : &found->second;
}

std::string Profile::text(std::string_view name) const {
  const Secret* value = find(name);
  return value == nullptr ? std::string() : std::string(value->reveal());
}

void Profile::set(std::string name, Secret value) {
  settings_.insert_or_assign(std::move(name), std::move(value));
}

Result<void> ProfileFiles::add(std::string_view text, ProfileFileKind kind) {
  Lines lines(text);
  std::string_view line;
  Profile* profile = nullptr;
  bool in_section = false;
  bool in_setting = false;
  while (lines.next(line)) {
    std::string_view content = trimmed(line);
    if (content.empty() || is_comment(content.front())) continue;
    bool indented = kBlanks.find(line.front()) != std::string_view::npos;
    if (indented && in_setting) continue;
    if (content.front() == '[') {
      auto section = section_of(content);
      if (!section) return fail(lines.bad("is no section: write [NAME] or [profile NAME]"));
      std::string_view name = profile_of(*section, kind);
      profile = name.empty() ? nullptr : &profiles_[std::string(name)];
      in_section = true;
      in_setting = false;
      continue;
    }
    if (!in_section) return fail(lines.bad("is a setting outside of any section"));
    std::size_t equals = content.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return fail(lines.bad("is no setting: write NAME = VALUE"));
    }
    in_setting = true;
    std::string_view value = trimmed(without_comment(content.substr(equals + 1)));
    if (profile != nullptr) {
      profile->set(to_lower(trimmed(content.substr(0, equals))), Secret(value));
    }
  }
  return {};
}

const Profile* ProfileFiles::find(std::string_view name) const {
  auto found = profiles_.find(name);
  return found == profiles_.end() ? nullptr : &found->second;
}

}  // namespace ringpull::inline v0::s3
