#pragma once
// The `redirect` and `rewrite` storage middlewares: redirects to another server, unsigned, and
// redirects of the driver below that name another server.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <ringpull/engine/task.hpp>
#include <ringpull/http/url.hpp>
#include <ringpull/s3/storage_middleware.hpp>

namespace ringpull::inline v0::cloudfront {

/// Every redirect is the base URL and the path, whatever the method and the client: a mirror that
/// shows the registry's files under their paths. Nothing is signed, and the driver's root directory
/// is no part of it.
class RedirectMiddleware final : public s3::StorageMiddleware {
 public:
  /// `base_url` has no query. `inner` outlives the middleware.
  RedirectMiddleware(http::Url base_url, s3::StorageDriver& inner);

  s3::StorageCapabilities capabilities() const noexcept override;
  /// Paths that are none, and those with "." or ".." as a name, which a client would change on its
  /// way, are the inner driver's.
  engine::Task<Result<std::optional<std::string>>> redirect_url(
      std::string_view path, const s3::RedirectOptions& options) override;

 private:
  std::string base_url_;  // without a slash at its end
};

/// What RewriteMiddleware changes; empty: nothing.
class RewriteOptions {
 public:
  RewriteOptions() = default;

  std::optional<http::Scheme> scheme;
  std::string host;  ///< with or without a port
  /// Cut off the path's front where it stands there, as it is written in the URL.
  std::string trim_path_prefix;
};

/// Changes the redirects of the driver below; where that gives none, neither does this. The query
/// stays as it is. A presigned S3 URL covers host and path (SigV4), a CloudFront one its whole:
/// what is changed here must be changed back on the way, or the signature must not be looked at.
class RewriteMiddleware final : public s3::StorageMiddleware {
 public:
  /// `invalid_argument` for a host that is none. `inner` outlives the middleware.
  static Result<std::unique_ptr<RewriteMiddleware>> create(const RewriteOptions& options,
                                                           s3::StorageDriver& inner);

  engine::Task<Result<std::optional<std::string>>> redirect_url(
      std::string_view path, const s3::RedirectOptions& options) override;

 private:
  RewriteMiddleware(const RewriteOptions& options, s3::StorageDriver& inner);
  RewriteOptions options_;
};

}  // namespace ringpull::inline v0::cloudfront
