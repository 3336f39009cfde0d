#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <string>
#include <utility>

#include <ringpull/cloudfront/url_signer.hpp>

#include "cloudfront/src/signing/epoch.hpp"
#include "cloudfront/src/signing/private_key.hpp"

namespace ringpull::inline v0::cloudfront {

using detail::epoch_seconds;

namespace {

// CloudFront cuts these from the request before it forwards it, so an origin's own use of them
// would be lost, and a second set would be ambiguous.
constexpr std::array<std::string_view, 5> kReservedParameters = {"Expires", "Policy", "Signature",
                                                                 "Key-Pair-Id", "Hash-Algorithm"};

Result<std::string> digest_sign(EVP_PKEY* key, const EVP_MD* digest, std::string_view text) {
  detail::DigestContextPtr context(EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t length = 0;
  std::string signature;
  bool done = context && EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
              EVP_DigestSign(context.get(), nullptr, &length, bytes, text.size()) == 1;
  if (done) {
    signature.resize(length);
    done = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                          &length, bytes, text.size()) == 1;
  }
  if (!done) {
    return fail(ErrorKind::internal,
                "sign for CloudFront: OpenSSL refuses (" + detail::take_openssl_reason() + ")");
  }
  signature.resize(length);  // an ECDSA signature may be shorter than announced
  return signature;
}

bool has_prefix_ignoring_case(std::string_view text, std::string_view prefix) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(),
                                                    [&](char a, char b) { return a == lower(b); });
}

std::string_view without_scheme(std::string_view url) {
  for (std::string_view scheme : {"https://", "http://"}) {
    if (has_prefix_ignoring_case(url, scheme)) return url.substr(scheme.size());
  }
  return {};
}

/// The first reserved parameter that the URL's query already has, or nothing.
std::string_view reserved_parameter_in(std::string_view url) {
  auto question_mark = url.find('?');
  if (question_mark == std::string_view::npos) return {};
  std::string_view query = url.substr(question_mark + 1);
  while (!query.empty()) {
    auto end = std::min(query.find('&'), query.size());
    std::string_view name = query.substr(0, std::min(query.find('='), end));
    auto found = std::find(kReservedParameters.begin(), kReservedParameters.end(), name);
    if (found != kReservedParameters.end()) return *found;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

tl::unexpected<Error> refuse(std::string_view what, const std::string& why) {
  return fail(ErrorKind::invalid_argument, "sign for CloudFront: the " + std::string(what) + why);
}

/// What a policy can hold and a client can send.
Result<void> check_characters(std::string_view what, std::string_view url) {
  for (char c : url) {
    if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '#') {
      return refuse(what,
                    " holds a blank, quote, backslash, '#' or character outside ASCII; "
                    "percent-encode it");
    }
  }
  return {};
}

Result<void> check_url(std::string_view url) {
  std::string_view rest = without_scheme(url);
  if (rest.empty() || rest.front() == '/' || rest.front() == '?') {
    return refuse("URL", " must begin with http:// or https:// and a host");
  }
  RINGPULL_CHECK(check_characters("URL", url));
  std::string_view reserved = reserved_parameter_in(url);
  if (!reserved.empty()) {
    return refuse("URL", "'s query already has " + std::string(reserved) +
                             ", which CloudFront keeps for signing");
  }
  return {};
}

Result<void> check_policy(const Policy& policy) {
  const std::string& resource = policy.resource;
  bool any_scheme = resource.starts_with('*') || has_prefix_ignoring_case(resource, "http*://");
  if (!any_scheme && without_scheme(resource).empty()) {
    return refuse("resource", " must begin with http://, https://, http*:// or '*'");
  }
  RINGPULL_CHECK(check_characters("resource", resource));
  if (policy.not_before && *policy.not_before >= policy.expires) {
    return refuse("policy", " begins when it has expired: its not-before is " +
                                epoch_seconds(*policy.not_before) + ", its expiry " +
                                epoch_seconds(policy.expires));
  }
  return {};
}

/// Without a URL beside it, a '?' may be meant for any character.
bool may_cover_several(const Policy& policy) {
  return needs_custom_policy(policy, policy.resource) ||
         policy.resource.find('?') != std::string::npos;
}

std::string cookie_name(std::string_view name) { return "CloudFront-" + std::string(name); }

}  // namespace

UrlSigner::UrlSigner(PrivateKey key, UrlSignerOptions options)
    : key_(std::move(key)), options_(std::move(options)) {}

bool is_key_pair_id(std::string_view text) noexcept {
  auto alphanumeric = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  return !text.empty() && std::ranges::all_of(text, alphanumeric);
}

Result<UrlSigner> UrlSigner::create(PrivateKey key, UrlSignerOptions options) {
  const std::string& id = options.key_pair_id;
  if (!is_key_pair_id(id)) {
    return fail(ErrorKind::invalid_argument,
                "set up CloudFront signing: the key pair id '" + id +
                    "' is not one; it consists of letters and digits, e.g. K2JCJMDEHXQW5F");
  }
  return UrlSigner(std::move(key), std::move(options));
}

/// What goes beside a signature, apart from the key's id: a name and a value.
struct UrlSigner::Statement {
  std::string_view name;  // "Expires" or "Policy"
  std::string value;
  std::string signature;
};

Result<UrlSigner::Statement> UrlSigner::state(const Policy& policy, bool custom) const {
  RINGPULL_CHECK(check_policy(policy));
  std::string text =
      custom ? custom_policy(policy) : canned_policy(policy.resource, policy.expires);
  const EVP_MD* digest = options_.hash == HashAlgorithm::sha256 ? EVP_sha256() : EVP_sha1();
  RINGPULL_TRY(std::string signature, digest_sign(key_.key_->pkey.get(), digest, text));
  Statement statement;
  statement.name = custom ? "Policy" : "Expires";
  statement.value = custom ? url_safe_base64(text) : epoch_seconds(policy.expires);
  statement.signature = url_safe_base64(signature);
  return statement;
}

Result<std::string> UrlSigner::sign(std::string_view url, WallTime expires) const {
  return sign(url, Policy(std::string(), expires));
}

Result<std::string> UrlSigner::sign(std::string_view url, const Policy& policy) const {
  RINGPULL_CHECK(check_url(url));
  Policy whole = policy;
  if (whole.resource.empty()) whole.resource = url;
  RINGPULL_TRY(Statement statement, state(whole, needs_custom_policy(whole, url)));
  return with_query(url, query(statement));
}

Result<std::string> UrlSigner::sign_query(const Policy& policy) const {
  RINGPULL_TRY(Statement statement, state(policy, may_cover_several(policy)));
  return query(statement);
}

Result<std::vector<Cookie>> UrlSigner::sign_cookies(const Policy& policy) const {
  RINGPULL_TRY(Statement statement, state(policy, may_cover_several(policy)));
  std::vector<Cookie> cookies;
  cookies.emplace_back(cookie_name(statement.name), std::move(statement.value));
  cookies.emplace_back(cookie_name("Signature"), std::move(statement.signature));
  cookies.emplace_back(cookie_name("Key-Pair-Id"), options_.key_pair_id);
  if (options_.hash == HashAlgorithm::sha256) {
    cookies.emplace_back(cookie_name("Hash-Algorithm"), "SHA256");
  }
  return cookies;
}

std::string UrlSigner::query(const Statement& statement) const {
  std::string text(statement.name);
  text += "=" + statement.value;
  text += "&Signature=" + statement.signature;
  text += "&Key-Pair-Id=" + options_.key_pair_id;
  if (options_.hash == HashAlgorithm::sha256) text += "&Hash-Algorithm=SHA256";
  return text;
}

std::string with_query(std::string_view url, std::string_view query) {
  std::string text(url);
  text += url.find('?') == std::string_view::npos ? '?' : '&';
  text += query;
  return text;
}

}  // namespace ringpull::inline v0::cloudfront
