#pragma once
// Dates as HTTP headers have them; those in S3's documents have another form. Pure; free of
// locales, no time zone but GMT.

#include <chrono>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::http {

/// RFC 9110 5.6.7 IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT", 29 characters. Years 0 to 9999.
std::string format_http_date(std::chrono::sys_seconds time);

/// Reads exactly that form; the obsolete two are `protocol` errors like anything else, and so are a
/// day name that does not match and times that do not exist (a leap second counts as :59).
Result<std::chrono::sys_seconds> parse_http_date(std::string_view text);

}  // namespace ringpull::inline v0::http
