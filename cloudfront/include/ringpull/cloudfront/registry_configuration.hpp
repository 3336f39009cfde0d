#pragma once
// What docker distribution's configuration.yml says about storage: `storage`, with its driver and
// `redirect`, and `middleware.storage`. Everything else in the file is left alone.
// docs/configuration.md explains what may stand there.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <ringpull/cloudfront/cloudfront_middleware.hpp>
#include <ringpull/cloudfront/redirect_middleware.hpp>
#include <ringpull/engine/result.hpp>
#include <ringpull/http/url.hpp>
#include <ringpull/s3/driver_parameters.hpp>

namespace ringpull::inline v0::cloudfront {

/// Bytes of a configuration file, or of a variable that holds a part of one. Real ones are below
/// 20 KiB.
inline constexpr std::size_t kRegistryConfigurationBytesMax = 1024 * 1024;

/// Values by name.
using EnvironmentVariables = std::map<std::string, std::string, std::less<>>;

/// The process's own, by environ(7). Not beside a thread that changes them.
EnvironmentVariables process_environment_variables();

/// The `redirect` middleware's.
struct RedirectBase {
  RedirectBase() = default;
  explicit RedirectBase(http::Url url_in) : url(std::move(url_in)) {}
  http::Url url;
};

/// An entry of `middleware.storage`; its name is told by the type of the options.
class MiddlewareConfiguration {
 public:
  MiddlewareConfiguration() = default;

  std::variant<CloudFrontOptions, RedirectBase, RewriteOptions> options;
  /// Where it stands, for messages: "config.yml:21: middleware.storage[0]".
  std::string origin;
};

class RegistryConfiguration {
 public:
  RegistryConfiguration() = default;

  /// `storage.s3`, or `storage.s3aws`, which is the same.
  s3::S3DriverParameters s3;
  /// Those that are not disabled, in the order of the file: the first stands next to the driver.
  std::vector<MiddlewareConfiguration> middlewares;
  /// `storage.redirect.disable`: clients are served by the registry itself, whatever the
  /// middlewares.
  bool redirect_disabled = false;
  /// What the file's author should know although it works: one sentence each.
  std::vector<std::string> warnings;
};

/// Reads `text`, and `variables` over it: REGISTRY_STORAGE..., REGISTRY_MIDDLEWARE_STORAGE....
/// Pure.
///
/// `invalid_argument` for what is no YAML, a name or value that is none, a key that is given twice
/// in a part that is read, another storage driver beside s3 or none; `unsupported` for a driver or
/// middleware that Ringpull does not have; `too_large` beyond kRegistryConfigurationBytesMax,
/// 20,000 values, 64 levels, or what merge keys may bring together. The text begins with `name` and
/// the line, or with the variable, and names the path of keys: "config.yml:12: storage.s3:
/// parameter chunksize: ...". No text holds a secret.
Result<RegistryConfiguration> parse_registry_configuration(std::string_view text,
                                                           std::string_view name,
                                                           const EnvironmentVariables& variables);

/// As parse_registry_configuration, from a file, which is named as `path` in messages. Blocks. A
/// file that cannot be read gives its errno's kind.
Result<RegistryConfiguration> read_registry_configuration(const std::string& path,
                                                          const EnvironmentVariables& variables);

}  // namespace ringpull::inline v0::cloudfront
