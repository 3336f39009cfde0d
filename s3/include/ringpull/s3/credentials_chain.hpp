#pragma once
// Several sources in an order.

#include <memory>
#include <string>
#include <vector>

#include <ringpull/s3/credentials_source.hpp>
#include <ringpull/s3/profile_credentials.hpp>

namespace ringpull::inline v0::s3 {

/// The first source that has credentials gives them; from then on it alone is asked, so that who we
/// are does not change under way, and having nothing any more makes it `unavailable`. A source that
/// is configured and fails ends the search with its error. Where none is configured, one
/// `unauthenticated` error says of each why.
class CredentialsChain final : public CredentialsSource {
 public:
  explicit CredentialsChain(std::vector<std::unique_ptr<CredentialsSource>> sources);

  std::string name() const override { return "credentials chain"; }
  engine::Task<Result<Credentials>> load() override;

 private:
  engine::Task<Result<Credentials>> ask(CredentialsSource& source);

  std::vector<std::unique_ptr<CredentialsSource>> sources_;
  CredentialsSource* answered_ = nullptr;
};

/// AWS's default chain: environment, web identity, profile, container, EC2. A profile that is named
/// here, rather than by a variable, comes before the environment: the first two are left out.
std::unique_ptr<CredentialsSource> default_credentials_chain(
    const CredentialsServices& services, const ProfileOptions& options = ProfileOptions());

}  // namespace ringpull::inline v0::s3
