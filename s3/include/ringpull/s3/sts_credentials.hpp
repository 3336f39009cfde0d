#pragma once
// Roles, by AWS's Security Token Service or one that speaks its protocol.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html

#include <optional>
#include <string>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/s3/credentials_source.hpp>

namespace ringpull::inline v0::s3 {

class StsOptions {
 public:
  StsOptions() = default;

  /// Empty: AWS_REGION, AWS_DEFAULT_REGION, `fallback_region`, or (when there is none) the global
  /// endpoint.
  std::string region;
  /// The bucket's, for whoever knows no other: China's STS and others have no global endpoint.
  std::string fallback_region;
  /// One try, and how many. 10 s: STS answers within one, and may be across an ocean.
  engine::Duration try_time = std::chrono::seconds(10);
  int tries = 3;
};

/// What to assume. Empty fields are not sent.
class RoleRequest {
 public:
  explicit RoleRequest(std::string role_arn_in) : role_arn(std::move(role_arn_in)) {}

  std::string role_arn;
  /// Shows in the account's logs. Empty: "ringpull-" and the time.
  std::string session_name;
  std::string external_id;
  std::optional<std::chrono::seconds> duration;
};

/// The two calls. The endpoint is AWS_ENDPOINT_URL_STS, else AWS_ENDPOINT_URL, else
/// sts.REGION.amazonaws.com (the domain of the region's partition), or sts.amazonaws.com without a
/// region or where AWS_STS_REGIONAL_ENDPOINTS is "legacy".
///
/// 429, 5xx and lost connections are repeated, and the codes IDPCommunicationError and
/// InvalidIdentityToken (an identity provider that STS could not reach in time). Refusals are
/// `unauthenticated`, or `permission_denied` for AccessDenied.
class Sts {
 public:
  explicit Sts(CredentialsServices services, StsOptions options = StsOptions());

  /// Signed by `caller`.
  engine::Task<Result<Credentials>> assume_role(const RoleRequest& role, const Credentials& caller);
  /// Not signed: the token proves who asks.
  engine::Task<Result<Credentials>> assume_role_with_web_identity(const RoleRequest& role,
                                                                  const Secret& token);

 private:
  Result<http::Url> endpoint() const;
  std::string region() const;
  std::string form(std::string_view action, const RoleRequest& role) const;
  engine::Task<Result<Credentials>> ask(const RoleRequest& role, std::string body,
                                        const Credentials* caller, const Secret& secret);

  CredentialsServices services_;
  StsOptions options_;
};

/// AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN and, if set, AWS_ROLE_SESSION_NAME: what EKS gives
/// a pod with a service account. The file is read at each load, since it is rotated.
class WebIdentitySource final : public CredentialsSource {
 public:
  explicit WebIdentitySource(CredentialsServices services, StsOptions options = StsOptions());

  std::string name() const override { return "web identity"; }
  engine::Task<Result<Credentials>> load() override;

 private:
  CredentialsServices services_;
  Sts sts_;
};

}  // namespace ringpull::inline v0::s3
