#pragma once

#include <string>

#include <ringpull/cloudfront/policy.hpp>

namespace ringpull::inline v0::cloudfront::detail {

/// As policies and Expires have it.
inline std::string epoch_seconds(WallTime time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

}  // namespace ringpull::inline v0::cloudfront::detail
