#pragma once
// Where a client gets its credentials from, again and again.

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/credentials.hpp>

namespace ringpull::inline v0::s3 {

/// Used by the requests of one loop side by side.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;

  /// Credentials that are valid now; valid as a reference until the caller's next await.
  virtual engine::Task<Result<const Credentials*>> credentials() = 0;
  /// The same for a signature that is to stay valid for `lifetime`: a provider that can get fresher
  /// credentials does so where these expire earlier. What it gives may still expire before.
  virtual engine::Task<Result<const Credentials*>> credentials_lasting(
      std::chrono::seconds lifetime);
  /// The server says that the credentials with this key id have expired: the next call fetches anew
  /// unless others are there already.
  virtual void invalidate(std::string_view access_key_id) noexcept = 0;
  /// The server has refused a request without a reason, which may be that the credentials with this
  /// key id have expired. Completes with whether there are others now that are worth another try. A
  /// provider that can fetch others does so, while everybody else goes on with these; where that
  /// fails, gives the same or is stopped, these stay. Unless overridden nothing is fetched.
  virtual engine::Task<bool> suspect(std::string_view access_key_id);
};

/// The same key for ever: from a configuration, or the environment.
class StaticCredentialsProvider final : public CredentialsProvider {
 public:
  explicit StaticCredentialsProvider(Credentials credentials) noexcept
      : credentials_(std::move(credentials)) {}

  engine::Task<Result<const Credentials*>> credentials() override;
  void invalidate(std::string_view) noexcept override {}

 private:
  Credentials credentials_;
};

}  // namespace ringpull::inline v0::s3
