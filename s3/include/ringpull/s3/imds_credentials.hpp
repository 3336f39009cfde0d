#pragma once
// The role of the EC2 instance, from its metadata service.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html

#include <string>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/s3/credentials_source.hpp>

namespace ringpull::inline v0::s3 {

class ImdsOptions {
 public:
  ImdsOptions() = default;

  /// One try, and how many: one second and two repetitions, as AWS's own SDKs; the service is on
  /// the machine itself.
  engine::Duration try_time = std::chrono::seconds(1);
  int tries = 3;
  /// What is asked for with a token; the service's own limit.
  std::chrono::seconds token_life = std::chrono::hours(6);
  /// A token is renewed this long before its end.
  std::chrono::seconds token_margin = std::chrono::seconds(30);
};

/// Version 2 of the service (with a token); version 1 where it offers no other: after 403, 404 or
/// 405 to the request for a token for good, after a silence for this load. Reads
/// AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_V1_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT and
/// AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE (IPv4, IPv6) at each load.
///
/// The credentials are usable_after_expiry, and may have expired when they come: during an outage
/// of what issues them the service goes on handing out the last ones, which AWS then accepts.
///
/// A machine that is no EC2 instance is `not_found`, like an instance without a role.
class ImdsSource final : public CredentialsSource {
 public:
  explicit ImdsSource(CredentialsServices services, ImdsOptions options = ImdsOptions());
  ~ImdsSource() override;

  std::string name() const override { return "EC2 metadata service"; }
  engine::Task<Result<Credentials>> load() override;

 private:
  class Load;
  CredentialsServices services_;
  ImdsOptions options_;
  Secret token_;
  engine::TimePoint token_end_{};
  bool version_1_ = false;  // the service has no tokens
};

}  // namespace ringpull::inline v0::s3
