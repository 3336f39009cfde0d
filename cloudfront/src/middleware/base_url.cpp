#include "cloudfront/src/middleware/base_url.hpp"

#include <algorithm>

namespace ringpull::inline v0::cloudfront::detail {

Result<http::Url> read_base_url(const s3::GivenParameter& given, std::string_view text,
                                std::string_view allowed) {
  auto url = http::Url::parse(text);
  // A path goes behind it, so that it can have no query, not even an empty one.
  if (!url || url->target().find('?') != std::string::npos) return fail(given.refuse(allowed));
  if (!arrives_unchanged(url->path())) {
    return fail(given.refuse(std::string(allowed) +
                             "; its path may have no \".\" or \"..\" as a name, and "
                             "needs two hex digits behind each '%'"));
  }
  if (url->target().ends_with('/')) return url;
  return url->with_target(url->target() + "/");
}

bool arrives_unchanged(std::string_view path) {
  auto decoded = http::percent_decode(path);
  return decoded && !has_dot_component(*decoded);
}

bool has_dot_component(std::string_view path) noexcept {
  while (!path.empty()) {
    std::size_t end = std::min(path.find('/'), path.size());
    std::string_view component = path.substr(0, end);
    if (component == "." || component == "..") return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

}  // namespace ringpull::inline v0::cloudfront::detail
