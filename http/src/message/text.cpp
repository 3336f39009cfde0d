#include "http/src/message/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace ringpull::inline v0::http {

bool parse_decimal(std::string_view text, std::uint64_t& value) noexcept {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  std::uint64_t parsed = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (result.ec != std::errc()) return false;
  if (parsed > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return false;
  value = parsed;
  return true;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kShown = 40;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (char c : text.substr(0, kShown)) {
    if (c == ' ' || is_visible(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  if (text.size() > kShown) out += "...";
  return out;
}

}  // namespace ringpull::inline v0::http
