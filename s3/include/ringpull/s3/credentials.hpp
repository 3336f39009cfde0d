#pragma once
// Who signs a request. Plain values; no thread rule beyond "one thread at a time".

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/s3/secret.hpp>

namespace ringpull::inline v0::s3 {

/// An access key. Default-constructed: anonymous, requests go out unsigned.
class Credentials {
 public:
  Credentials() = default;
  /// `session_token` is empty for permanent keys.
  Credentials(std::string access_key_id, Secret secret_access_key, Secret session_token = Secret());

  Credentials clone() const;
  bool anonymous() const noexcept { return access_key_id.empty(); }
  /// True from `margin` before the expiry on; never for credentials without one.
  bool expires_within(std::chrono::seconds margin, std::chrono::sys_seconds now) const noexcept;

  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  std::optional<std::chrono::sys_seconds> expiry;
  /// Whoever gave it keeps it valid beyond the expiry for as long as it has no newer one to give:
  /// EC2's metadata service, which during an outage hands out keys that have expired.
  bool usable_after_expiry = false;
  /// Who gave it, for people: "environment", "profile \"ci\"". Empty when nobody said.
  std::string source;
};

/// Both parts must be present and the key id free of characters that break a header: else
/// `unauthenticated`.
Result<Credentials> static_credentials(std::string access_key_id, Secret secret_access_key,
                                       Secret session_token = Secret());

/// Gives the value of an environment variable, or nullopt when it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(std::string_view name)>;

/// The process's own, by getenv(3).
EnvironmentLookup process_environment();

/// AWS_ACCESS_KEY_ID (or AWS_ACCESS_KEY), AWS_SECRET_ACCESS_KEY (or AWS_SECRET_KEY) and optionally
/// AWS_SESSION_TOKEN.
/// `not_found` when neither key variable is set (another source may have them); `unauthenticated`
/// when only one is, which is a mistake that another source must not hide.
Result<Credentials> environment_credentials(const EnvironmentLookup& lookup);
/// The same from the process environment.
Result<Credentials> environment_credentials();

}  // namespace ringpull::inline v0::s3
