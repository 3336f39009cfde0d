#pragma once

// Character classes of HTTP, free of locales.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringpull::inline v0::http {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
/// The spaces HTTP knows inside a line: SP and HTAB.
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
/// Printable ASCII without the space.
constexpr bool is_visible(char c) { return c > 0x20 && c < 0x7f; }
/// A byte no field value may hold.
constexpr bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

inline constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  for (unsigned c = 0; c < 128; ++c) {
    if (is_digit(static_cast<char>(c)) || is_alpha(static_cast<char>(c))) table[c] = true;
  }
  return table;
}();
constexpr bool is_token_char(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }

/// The value of a hexadecimal digit, -1 for other characters.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Without an early way out, so that it compiles to vector instructions.
constexpr bool has_control(std::string_view text) {
  bool found = false;
  for (char c : text) found |= is_control(c);
  return found;
}

constexpr std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Calls `visit` with each member of a comma-separated list, trimmed; empty ones included, since
/// what they mean is the caller's to say.
template <class Visit>
void for_each_list_member(std::string_view list, Visit&& visit) {
  for (;;) {
    const std::size_t comma = list.find(',');
    visit(trim_blanks(list.substr(0, comma)));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

/// One or more digits and nothing else; false also above 2^63-1, where no length or offset of ours
/// goes.
bool parse_decimal(std::string_view text, std::uint64_t& value) noexcept;

/// For error messages: at most 40 bytes, those that are not printable ASCII as \xNN.
std::string printable(std::string_view text);

}  // namespace ringpull::inline v0::http
