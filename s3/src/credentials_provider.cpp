#include <ringpull/s3/credentials_provider.hpp>

namespace ringpull::inline v0::s3 {

using engine::Task;

Task<Result<const Credentials*>> CredentialsProvider::credentials_lasting(std::chrono::seconds) {
  return credentials();
}

Task<Result<const Credentials*>> StaticCredentialsProvider::credentials() {
  const Credentials* credentials = &credentials_;
  co_return credentials;
}

}  // namespace ringpull::inline v0::s3
