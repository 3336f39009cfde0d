#include <utility>

#include <ringpull/s3/credentials_chain.hpp>

namespace ringpull::inline v0::s3 {

using engine::Task;

CredentialsChain::CredentialsChain(std::vector<std::unique_ptr<CredentialsSource>> sources)
    : sources_(std::move(sources)) {}

Task<Result<Credentials>> CredentialsChain::ask(CredentialsSource& source) {
  auto credentials = co_await source.load();
  if (credentials && credentials->source.empty()) credentials->source = source.name();
  co_return credentials;
}

Task<Result<Credentials>> CredentialsChain::load() {
  if (answered_ != nullptr) {
    auto credentials = co_await ask(*answered_);
    if (credentials) co_return credentials;
    Error error = std::move(credentials).error().context(answered_->name());
    // It had some before: this is an outage, not a machine where nothing is configured.
    if (error.is(ErrorKind::not_found)) error = std::move(error).with_kind(ErrorKind::unavailable);
    co_return fail(std::move(error));
  }
  std::string reasons;
  for (const auto& source : sources_) {
    auto credentials = co_await ask(*source);
    if (credentials) {
      answered_ = source.get();
      co_return credentials;
    }
    if (!credentials.error().is(ErrorKind::not_found)) {
      co_return fail(std::move(credentials).error().context(source->name()));
    }
    reasons += "; " + source->name() + ": " + credentials.error().message();
  }
  co_return fail(ErrorKind::unauthenticated,
                 "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                 "name a profile. Asked were" +
                     (reasons.empty() ? std::string(" none") : reasons.substr(1)));
}

std::unique_ptr<CredentialsSource> default_credentials_chain(const CredentialsServices& services,
                                                             const ProfileOptions& options) {
  std::vector<std::unique_ptr<CredentialsSource>> sources;
  if (options.name.empty()) {
    sources.push_back(std::make_unique<EnvironmentSource>(services.environment));
    sources.push_back(std::make_unique<WebIdentitySource>(services, options.sts));
  }
  sources.push_back(std::make_unique<ProfileSource>(services, options));
  sources.push_back(std::make_unique<ContainerSource>(services, options.container));
  sources.push_back(std::make_unique<ImdsSource>(services, options.imds));
  return std::make_unique<CredentialsChain>(std::move(sources));
}

}  // namespace ringpull::inline v0::s3
