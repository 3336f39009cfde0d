#pragma once
// A profile of AWS's shared config and credentials files.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html

#include <memory>
#include <string>
#include <vector>

#include <ringpull/s3/container_credentials.hpp>
#include <ringpull/s3/credentials_source.hpp>
#include <ringpull/s3/imds_credentials.hpp>
#include <ringpull/s3/process_credentials.hpp>
#include <ringpull/s3/profile_files.hpp>
#include <ringpull/s3/sts_credentials.hpp>

namespace ringpull::inline v0::s3 {

class ProfileOptions {
 public:
  ProfileOptions() = default;

  /// Empty: AWS_PROFILE, AWS_DEFAULT_PROFILE, else "default". One that is not in the files is a
  /// mistake, unless it is "default".
  std::string name;
  ImdsOptions imds;
  ContainerOptions container;
  ProcessOptions process;
  StsOptions sts;
};

/// Which profile is meant: `name`, AWS_PROFILE, AWS_DEFAULT_PROFILE, "default".
std::string profile_name(const std::string& name, const EnvironmentLookup& environment);

/// AWS_CONFIG_FILE (~/.aws/config) and AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials); either may
/// be missing.
engine::Task<Result<ProfileFiles>> read_profile_files(const EnvironmentLookup& environment);

/// What a profile says, in this order: role_arn with web_identity_token_file, source_profile or
/// credential_source (Environment, Ec2InstanceMetadata, EcsContainer); aws_access_key_id with
/// aws_secret_access_key; credential_process. The files are read at each load. A chain of
/// source_profile ends at a profile that is its own source, with its keys; one that comes back to
/// an earlier profile is `unauthenticated`, and so are settings that need a person: mfa_serial and
/// single sign-on.
class ProfileSource final : public CredentialsSource {
 public:
  explicit ProfileSource(CredentialsServices services, ProfileOptions options = ProfileOptions());

  std::string name() const override;
  engine::Task<Result<Credentials>> load() override;

 private:
  class Resolution;
  CredentialsServices services_;
  ProfileOptions options_;
  ImdsSource imds_;
  ContainerSource container_;
};

}  // namespace ringpull::inline v0::s3
