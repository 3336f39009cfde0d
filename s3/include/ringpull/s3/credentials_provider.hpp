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
  /// The server says that the last ones have expired: the next call fetches anew.
  virtual void invalidate() noexcept = 0;
};

/// The same key for ever: from a configuration, or the environment.
class StaticCredentialsProvider final : public CredentialsProvider {
 public:
  explicit StaticCredentialsProvider(Credentials credentials) noexcept
      : credentials_(std::move(credentials)) {}

  engine::Task<Result<const Credentials*>> credentials() override;
  void invalidate() noexcept override {}

 private:
  Credentials credentials_;
};

}  // namespace ringpull::inline v0::s3
