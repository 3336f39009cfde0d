#pragma once
// CloudFront's form of a time, for policies, signatures and their cache: whole seconds since 1970,
// rounded down.

#include <string>

#include <ringpull/cloudfront/policy.hpp>

namespace ringpull::inline v0::cloudfront::detail {

/// As policies and Expires have it.
inline std::string epoch_seconds(WallTime time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

}  // namespace ringpull::inline v0::cloudfront::detail
