#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace ringpull::inline v0::cloudfront {

/// CloudFrontOptions::on_notice, which may be empty.
using Notice = std::function<void(std::string_view)>;

inline void tell(const Notice& notice, const std::string& text) {
  if (notice) notice("cloudfront: " + text);
}

}  // namespace ringpull::inline v0::cloudfront
