#pragma once
// For names that are compared without case: header fields in signatures, settings of profiles.

#include <string>
#include <string_view>

namespace ringpull::inline v0::s3 {

/// The letters of ASCII, whatever the locale; other bytes stay.
std::string to_lower(std::string_view text);

}  // namespace ringpull::inline v0::s3
