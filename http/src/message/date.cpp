#include <array>

#include <ringpull/http/date.hpp>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
// 'd' is a digit, 'a' a letter, anything else itself.
constexpr std::string_view kForm = "aaa, dd aaa dddd dd:dd:dd GMT";

bool has_form(std::string_view text) {
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char want = kForm[i];
    const bool fits = want == 'd'   ? is_digit(text[i])
                      : want == 'a' ? is_alpha(text[i])
                                    : text[i] == want;
    if (!fits) return false;
  }
  return true;
}

int number(std::string_view digits) {
  int value = 0;
  for (char c : digits) value = value * 10 + (c - '0');
  return value;
}

void put(std::string& out, int value, std::size_t digits) {
  const std::size_t begin = out.size();
  out.append(digits, '0');
  for (std::size_t i = digits; i-- > 0; value /= 10) {
    out[begin + i] = static_cast<char>('0' + value % 10);
  }
}

}  // namespace

std::string format_http_date(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string out;
  out.reserve(kForm.size());
  out.append(kDays[std::chrono::weekday(day).c_encoding()]).append(", ");
  put(out, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  out.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
  put(out, static_cast<int>(date.year()), 4);
  out += ' ';
  put(out, static_cast<int>(clock.hours().count()), 2);
  out += ':';
  put(out, static_cast<int>(clock.minutes().count()), 2);
  out += ':';
  put(out, static_cast<int>(clock.seconds().count()), 2);
  out.append(" GMT");
  return out;
}

Result<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  const auto refused = [&] {
    return fail(ErrorKind::protocol, "\"" + printable(text) + "\" is not an HTTP date");
  };
  if (!has_form(text)) return refused();
  unsigned month = 0;
  while (month < kMonths.size() && kMonths[month] != text.substr(8, 3)) ++month;
  const std::chrono::year_month_day date(
      std::chrono::year(number(text.substr(12, 4))), std::chrono::month(month + 1),
      std::chrono::day(static_cast<unsigned>(number(text.substr(5, 2)))));
  const int hour = number(text.substr(17, 2));
  const int minute = number(text.substr(20, 2));
  const int second = number(text.substr(23, 2));
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return refused();
  const std::chrono::sys_days day(date);
  if (kDays[std::chrono::weekday(day).c_encoding()] != text.substr(0, 3)) return refused();
  return day + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second == 60 ? 59 : second);
}

}  // namespace ringpull::inline v0::http
