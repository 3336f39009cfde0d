#pragma once
// The role of a container: ECS tasks and EKS Pod Identity.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html

#include <string>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/s3/credentials_source.hpp>

namespace ringpull::inline v0::s3 {

class ContainerOptions {
 public:
  ContainerOptions() = default;

  /// One try, and how many: 2 s and two repetitions, the agent is on the same machine.
  engine::Duration try_time = std::chrono::seconds(2);
  int tries = 3;
  /// Where AWS_CONTAINER_CREDENTIALS_RELATIVE_URI begins: the address of the ECS agent.
  std::string relative_base = "http://169.254.170.2";
};

/// Asks AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, else AWS_CONTAINER_CREDENTIALS_FULL_URI; the latter
/// by https, or by http where every address of its host is the container's own (loopback), the ECS
/// agent's (169.254.170.2) or the EKS agent's (169.254.170.23, fd00:ec2::23): `unauthenticated`
/// otherwise, with nothing sent. Authorization is the contents of
/// AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, read at each load since it is rotated, else
/// AWS_CONTAINER_AUTHORIZATION_TOKEN; one with a line break inside is `unauthenticated`.
class ContainerSource final : public CredentialsSource {
 public:
  explicit ContainerSource(CredentialsServices services,
                           ContainerOptions options = ContainerOptions());

  std::string name() const override { return "container"; }
  engine::Task<Result<Credentials>> load() override;

 private:
  Result<http::Url> service_url() const;
  engine::Task<Result<http::Url>> where_to_connect(http::Url url);
  engine::Task<Result<Secret>> authorization();

  CredentialsServices services_;
  ContainerOptions options_;
};

}  // namespace ringpull::inline v0::s3
