#include <ringpull/s3/credentials_source.hpp>

namespace ringpull::inline v0::s3 {

CredentialsServices::CredentialsServices(http::Client& http_in, http::Client& direct_http_in,
                                         engine::Resolver& resolver_in)
    : http(&http_in), direct_http(&direct_http_in), resolver(&resolver_in), clock([] {
        return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
      }) {}

engine::Task<Result<Credentials>> EnvironmentSource::load() {
  auto credentials = environment_credentials(environment_);
  co_return credentials;
}

}  // namespace ringpull::inline v0::s3
