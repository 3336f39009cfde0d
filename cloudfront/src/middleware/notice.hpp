#pragma once
// What the middleware's background work has to say to the program: the key files and the list of
// networks speak through this. On the loop's thread.

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
