#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <limits>

#include <ringpull/s3/duration_text.hpp>

namespace ringpull::inline v0::s3 {
namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t nanoseconds;
};
constexpr std::uint64_t kSecond = 1'000'000'000;
// Largest first; "µs" in both of Unicode's spellings, as Go takes them.
constexpr Unit kUnits[] = {
    {"h", 3600 * kSecond}, {"m", 60 * kSecond}, {"s", kSecond},     {"ms", 1'000'000},
    {"us", 1'000},         {"\u00b5s", 1'000},  {"\u03bcs", 1'000}, {"ns", 1}};
constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_while(std::string_view& text, bool (*wanted)(char)) {
  auto end = std::ranges::find_if_not(text, wanted);
  std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

bool is_of_unit(char c) { return !is_digit(c) && c != '.'; }

/// `digits` behind the point, of a unit; rounded as Go does it, in floating point.
std::uint64_t fraction_of(std::string_view digits, std::uint64_t unit) {
  constexpr std::size_t kDigitsMax = 19;  // what 64 bits hold; the rest is below a nanosecond
  double scale = 1;
  std::uint64_t number = 0;
  for (char c : digits.substr(0, kDigitsMax)) {
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
    scale *= 10;
  }
  return static_cast<std::uint64_t>(static_cast<double>(number) *
                                    (static_cast<double>(unit) / scale));
}

/// Takes "1.5h" off the front of `text`.
std::optional<std::uint64_t> take_part(std::string_view& text) {
  std::string_view whole = take_while(text, &is_digit);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_while(text, &is_digit);
  }
  std::string_view suffix = take_while(text, &is_of_unit);
  const Unit* unit = std::ranges::find(kUnits, suffix, &Unit::suffix);
  if (unit == std::end(kUnits) || (whole.empty() && fraction.empty())) return std::nullopt;
  std::uint64_t number = 0;
  auto parsed = std::from_chars(whole.data(), whole.data() + whole.size(), number);
  if (parsed.ec == std::errc::result_out_of_range) return std::nullopt;
  if (number > kMost / unit->nanoseconds) return std::nullopt;
  return number * unit->nanoseconds + fraction_of(fraction, unit->nanoseconds);
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return std::nullopt;
  std::uint64_t sum = 0;
  while (!text.empty()) {
    auto part = take_part(text);
    if (!part || *part > kMost - sum) return std::nullopt;
    sum += *part;
  }
  auto nanoseconds = static_cast<std::int64_t>(sum);
  return std::chrono::nanoseconds(negative ? -nanoseconds : nanoseconds);
}

std::string duration_text(std::chrono::nanoseconds duration) {
  std::int64_t count = duration.count();
  if (count == 0) return "0s";
  std::string text = count < 0 ? "-" : "";
  // Unsigned, so that the least number has its opposite.
  auto left = static_cast<std::uint64_t>(count);
  if (count < 0) left = 0 - left;
  for (const Unit& unit : kUnits) {
    std::uint64_t number = left / unit.nanoseconds;
    if (number == 0) continue;
    text += std::to_string(number) + std::string(unit.suffix);
    left %= unit.nanoseconds;
  }
  return text;
}

}  // namespace ringpull::inline v0::s3
