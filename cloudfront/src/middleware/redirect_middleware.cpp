#include <utility>

#include <ringpull/cloudfront/redirect_middleware.hpp>
#include <ringpull/s3/storage_path.hpp>

#include "cloudfront/src/middleware/base_url.hpp"

namespace ringpull::inline v0::cloudfront {

using engine::Task;

RedirectMiddleware::RedirectMiddleware(http::Url base_url, s3::StorageDriver& inner)
    : StorageMiddleware(inner), base_url_(base_url.to_string()) {
  while (base_url_.ends_with('/')) base_url_.pop_back();
}

s3::StorageCapabilities RedirectMiddleware::capabilities() const noexcept {
  s3::StorageCapabilities capabilities = inner().capabilities();
  capabilities.redirects = true;
  return capabilities;
}

Task<Result<std::optional<std::string>>> RedirectMiddleware::redirect_url(
    std::string_view path, const s3::RedirectOptions& options) {
  if (!s3::is_storage_path(path) || detail::has_dot_component(path)) {
    auto url = co_await inner().redirect_url(path, options);
    co_return url;
  }
  // A path's characters need no percent-encoding.
  std::string url = base_url_ + std::string(path);
  co_return std::optional<std::string>(std::move(url));
}

}  // namespace ringpull::inline v0::cloudfront
