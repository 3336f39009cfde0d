#pragma once
// One place that credentials can come from. A source asks it once per call; what keeps, renews and
// shares the answer is RefreshingCredentialsProvider.

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/s3/credentials.hpp>

namespace ringpull::inline v0::s3 {

class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;

  /// For messages: "environment", "EC2 metadata service".
  virtual std::string name() const = 0;
  /// Asks anew; one call at a time. `Credentials::source` says who answered.
  ///
  /// `not_found` when nothing is configured here, so that another source may have an answer. Every
  /// other kind is a source that is there and broken, which no other one must hide:
  /// `unauthenticated` for a mistake in its configuration or a refusal, `unavailable`, `timed_out`
  /// and `connection_closed` when it cannot be reached, `protocol` for an answer that cannot be
  /// read. No text holds a secret, nor a piece of a file or an answer that could.
  virtual engine::Task<Result<Credentials>> load() = 0;
};

/// What sources use of the world. Copied by them; what it refers to outlives them.
class CredentialsServices {
 public:
  /// `http_in` goes to STS, through proxies where set. `direct_http_in` goes to the metadata
  /// services of a container or a machine, whose addresses no proxy reaches: it has no
  /// ProxySettings.
  CredentialsServices(http::Client& http_in, http::Client& direct_http_in,
                      engine::Resolver& resolver_in);

  http::Client* http;
  http::Client* direct_http;
  engine::Resolver* resolver;
  EnvironmentLookup environment = process_environment();
  /// The wall clock, for signing and expiry only.
  std::function<std::chrono::sys_seconds()> clock;
  std::string user_agent = "ringpull";
};

/// environment_credentials(), as a source.
class EnvironmentSource final : public CredentialsSource {
 public:
  explicit EnvironmentSource(EnvironmentLookup environment)
      : environment_(std::move(environment)) {}

  std::string name() const override { return "environment"; }
  engine::Task<Result<Credentials>> load() override;

 private:
  EnvironmentLookup environment_;
};

}  // namespace ringpull::inline v0::s3
