#include <algorithm>
#include <cstdlib>
#include <utility>

#include <ringpull/s3/credentials.hpp>

namespace ringpull::inline v0::s3 {
namespace {

bool is_header_safe(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Credentials::Credentials(std::string access_key_id_in, Secret secret_access_key_in,
                         Secret session_token_in)
    : access_key_id(std::move(access_key_id_in)),
      secret_access_key(std::move(secret_access_key_in)),
      session_token(std::move(session_token_in)) {}

Credentials Credentials::clone() const {
  Credentials copy(access_key_id, secret_access_key.clone(), session_token.clone());
  copy.expiry = expiry;
  copy.usable_after_expiry = usable_after_expiry;
  copy.source = source;
  return copy;
}

bool Credentials::expires_within(std::chrono::seconds margin,
                                 std::chrono::sys_seconds now) const noexcept {
  return expiry && now + margin >= *expiry;
}

Result<Credentials> static_credentials(std::string access_key_id, Secret secret_access_key,
                                       Secret session_token) {
  if (access_key_id.empty()) {
    return fail(ErrorKind::unauthenticated, "the access key id is empty; give both parts of a key");
  }
  if (secret_access_key.empty()) {
    return fail(ErrorKind::unauthenticated,
                "the secret access key is empty; give both parts of a key");
  }
  // ',' and '/' separate the fields of the Authorization header that the key id is written into.
  if (!is_header_safe(access_key_id) || access_key_id.find_first_of(",/") != std::string::npos) {
    return fail(ErrorKind::unauthenticated,
                "the access key id holds a blank, ',', '/' or a control character; check it for "
                "a stray newline");
  }
  if (!is_header_safe(session_token.reveal())) {
    return fail(ErrorKind::unauthenticated,
                "the session token holds a blank or a control character; check it for a stray "
                "newline");
  }
  return Credentials(std::move(access_key_id), std::move(secret_access_key),
                     std::move(session_token));
}

EnvironmentLookup process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Result<Credentials> environment_credentials(const EnvironmentLookup& lookup) {
  // The second names are those of the first SDKs, which the registry still takes.
  std::string id = lookup("AWS_ACCESS_KEY_ID").value_or("");
  if (id.empty()) id = lookup("AWS_ACCESS_KEY").value_or("");
  Secret secret(lookup("AWS_SECRET_ACCESS_KEY").value_or(""));
  if (secret.empty()) secret = Secret(lookup("AWS_SECRET_KEY").value_or(""));
  if (id.empty() && secret.empty()) {
    return fail(ErrorKind::not_found,
                "no credentials in the environment: set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY");
  }
  if (id.empty()) {
    return fail(ErrorKind::unauthenticated,
                "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not; set both");
  }
  if (secret.empty()) {
    return fail(ErrorKind::unauthenticated,
                "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not; set both");
  }
  auto credentials = static_credentials(std::move(id), std::move(secret),
                                        Secret(lookup("AWS_SESSION_TOKEN").value_or("")));
  if (!credentials) return fail(std::move(credentials).error().context("environment credentials"));
  credentials->source = "environment";
  return credentials;
}

Result<Credentials> environment_credentials() {
  return environment_credentials(process_environment());
}

}  // namespace ringpull::inline v0::s3
