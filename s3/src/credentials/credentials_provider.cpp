#include <ringpull/s3/credentials_provider.hpp>

namespace ringpull::inline v0::s3 {

using engine::Task;

Task<Result<const Credentials*>> CredentialsProvider::credentials_lasting(std::chrono::seconds) {
  return credentials();
}

Task<bool> CredentialsProvider::suspect(std::string_view access_key_id) {
  auto current = co_await credentials();
  co_return current && (*current)->access_key_id != access_key_id;
}

Task<Result<const Credentials*>> StaticCredentialsProvider::credentials() {
  const Credentials* credentials = &credentials_;
  co_return credentials;
}

}  // namespace ringpull::inline v0::s3
