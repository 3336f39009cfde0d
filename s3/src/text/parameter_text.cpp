#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <vector>

#include <ringpull/s3/duration_text.hpp>
#include <ringpull/s3/parameter_text.hpp>

namespace ringpull::inline v0::s3 {
namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t bytes;
};
constexpr Unit kUnits[] = {{"GiB", std::uint64_t(1) << 30},
                           {"MiB", std::uint64_t(1) << 20},
                           {"KiB", std::uint64_t(1) << 10}};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, number, hex ? 16 : 10);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    text.remove_suffix(unit.suffix.size());
    auto number = parse_number(text);
    if (!number || *number > std::numeric_limits<std::uint64_t>::max() / unit.bytes) {
      return std::nullopt;
    }
    return *number * unit.bytes;
  }
  return parse_number(text);
}

std::string range_text(const std::string& least, const std::string& most) {
  return "from " + least + " to " + most;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string letters(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c != '_' && c != '-') out += lower(c);
  }
  return out;
}

/// Letters to insert and to remove; a replaced one counts as both, so that an abbreviation stays
/// near.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 2);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, changed});
    }
  }
  return row[b.size()];
}

/// "true" is also "True" and "TRUE", but not "tRUE".
bool spells(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  auto capitals = std::ranges::count_if(text, is_upper);
  bool one_style = capitals == 0 || (capitals == 1 && is_upper(text.front())) ||
                   capitals == static_cast<std::ptrdiff_t>(text.size());
  return one_style && std::ranges::equal(text, word, {}, lower);
}

}  // namespace

Error GivenParameter::refuse(std::string_view allowed) const {
  // A URL may hold a password.
  bool hidden = secrecy == Secrecy::secret || text.find('@') != std::string_view::npos;
  std::string value = hidden ? "its value" : '"' + std::string(text) + '"';
  return Error(ErrorKind::invalid_argument, place() + value + " is not " + std::string(allowed));
}

std::string GivenParameter::place() const {
  return std::string(origin) + ": parameter " + std::string(name) + ": ";
}

Result<bool> GivenParameter::boolean() const {
  static constexpr std::array<std::string_view, 6> kYes = {"true", "yes", "on", "y", "t", "1"};
  static constexpr std::array<std::string_view, 6> kNo = {"false", "no", "off", "n", "f", "0"};
  auto is_text = [this](std::string_view word) { return spells(text, word); };
  if (std::ranges::any_of(kYes, is_text)) return true;
  if (std::ranges::any_of(kNo, is_text)) return false;
  return fail(refuse("a boolean: true or false"));
}

Result<std::uint64_t> GivenParameter::count(std::uint64_t least, std::uint64_t most) const {
  auto number = parse_number(text);
  if (number && *number >= least && *number <= most) return *number;
  return fail(refuse("a whole number " + range_text(std::to_string(least), std::to_string(most))));
}

Result<std::uint64_t> GivenParameter::size(std::uint64_t least, std::uint64_t most) const {
  auto bytes = parse_size(text);
  if (bytes && *bytes >= least && *bytes <= most) return *bytes;
  return fail(refuse("a size " + range_text(size_text(least), size_text(most)) +
                     "; write bytes, or a number with KiB, MiB or GiB"));
}

Result<std::chrono::nanoseconds> GivenParameter::duration(std::chrono::nanoseconds least,
                                                          std::chrono::nanoseconds most) const {
  auto parsed = parse_duration(text);
  if (parsed && *parsed >= least && *parsed <= most) return *parsed;
  std::string allowed = most == std::chrono::nanoseconds::max()
                            ? "of at least " + duration_text(least)
                            : range_text(duration_text(least), duration_text(most));
  return fail(refuse("a duration " + allowed + "; write a number with a unit, as 90s, 20m or 12h"));
}

Result<std::size_t> GivenParameter::choice(std::span<const std::string_view> choices,
                                           LetterCase letter_case) const {
  auto is_text = [&](std::string_view choice) {
    return letter_case == LetterCase::exact ? text == choice
                                            : std::ranges::equal(text, choice, {}, lower, lower);
  };
  auto found = std::ranges::find_if(choices, is_text);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  std::string list;
  for (std::string_view one : choices) {
    if (!list.empty()) list += ", ";
    list += one;
  }
  return fail(refuse("one of " + list));
}

Result<std::string> GivenParameter::header_text() const {
  bool printable = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (printable) return std::string(text);
  return fail(refuse("text of printable ASCII characters"));
}

std::string size_text(std::uint64_t bytes) {
  std::string text = std::to_string(bytes) + " bytes";
  for (const Unit& unit : kUnits) {
    if (bytes == 0 || bytes % unit.bytes != 0) continue;
    return text + " (" + std::to_string(bytes / unit.bytes) + std::string(unit.suffix) + ")";
  }
  return text;
}

Result<void> check_parameter_names(const ParameterMap& parameters,
                                   std::span<const std::string_view> names) {
  for (const auto& [name, given] : parameters) {
    if (std::ranges::find(names, name) != names.end()) continue;
    return fail(ErrorKind::invalid_argument, given.origin + ": parameter " + name +
                                                 " is unknown; did you mean " +
                                                 std::string(nearest_name(name, names)) + "?");
  }
  return {};
}

std::string_view nearest_name(std::string_view text, std::span<const std::string_view> names) {
  std::string wanted = letters(text);
  auto how_far = [&wanted](std::string_view name) { return distance(wanted, letters(name)); };
  return *std::ranges::min_element(names, {}, how_far);
}

}  // namespace ringpull::inline v0::s3
