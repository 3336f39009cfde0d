#pragma once
// Times as Go writes them, which is how the registry's configuration does.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ringpull::inline v0::s3 {

/// What Go's time.ParseDuration takes: a sign or none, then numbers with a unit each, as in "90s",
/// "1h30m", "1.5h", "-250ms"; units ns, us, ms, s, m, h. "0" needs none. Nothing for anything else,
/// and beyond 64 bits of nanoseconds (292 years).
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// In the same form, whole numbers without parts that are 0: "1h30m", "20m", "1s500ms", "0s".
std::string duration_text(std::chrono::nanoseconds duration);

}  // namespace ringpull::inline v0::s3
