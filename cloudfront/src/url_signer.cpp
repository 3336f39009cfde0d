#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <string>
#include <utility>

#include <ringpull/cloudfront/url_signer.hpp>

#include "cloudfront/src/private_key.hpp"

namespace ringpull::inline v0::cloudfront {

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
                "sign a CloudFront URL: OpenSSL refuses (" + detail::take_openssl_reason() + ")");
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

Result<void> check_url(std::string_view url) {
  auto refuse = [](const std::string& why) {
    return fail(ErrorKind::invalid_argument, "sign a CloudFront URL: " + why);
  };
  std::string_view rest = without_scheme(url);
  if (rest.empty() || rest.front() == '/' || rest.front() == '?') {
    return refuse("it must begin with http:// or https:// and a host");
  }
  for (char c : url) {
    if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '#') {
      return refuse("a blank, quote, backslash, '#' or character outside ASCII; percent-encode it");
    }
  }
  std::string_view reserved = reserved_parameter_in(url);
  if (!reserved.empty()) {
    return refuse("its query already has " + std::string(reserved) +
                  ", which CloudFront keeps for signing");
  }
  return {};
}

std::string epoch_seconds(std::chrono::system_clock::time_point time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

}  // namespace

std::string canned_policy(std::string_view url, std::chrono::system_clock::time_point expires) {
  std::string policy = R"({"Statement":[{"Resource":")";
  policy += url;
  policy += R"(","Condition":{"DateLessThan":{"AWS:EpochTime":)";
  policy += epoch_seconds(expires);
  policy += "}}}]}";
  return policy;
}

std::string url_safe_base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends with a NUL
  int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                               reinterpret_cast<const unsigned char*>(bytes.data()),
                               static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  for (char& c : text) {
    switch (c) {
      case '+': c = '-'; break;
      case '=': c = '_'; break;
      case '/': c = '~'; break;
      default: break;
    }
  }
  return text;
}

UrlSigner::UrlSigner(PrivateKey key, UrlSignerOptions options)
    : key_(std::move(key)), options_(std::move(options)) {}

Result<UrlSigner> UrlSigner::create(PrivateKey key, UrlSignerOptions options) {
  auto alphanumeric = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  const std::string& id = options.key_pair_id;
  if (id.empty() || !std::all_of(id.begin(), id.end(), alphanumeric)) {
    return fail(ErrorKind::invalid_argument,
                "set up CloudFront signing: the key pair id '" + id +
                    "' is not one; it consists of letters and digits, e.g. K2JCJMDEHXQW5F");
  }
  return UrlSigner(std::move(key), std::move(options));
}

Result<std::string> UrlSigner::sign(std::string_view url,
                                    std::chrono::system_clock::time_point expires) const {
  RINGPULL_CHECK(check_url(url));
  bool sha256 = options_.hash == HashAlgorithm::sha256;
  RINGPULL_TRY(std::string signature,
               digest_sign(key_.key_->pkey.get(), sha256 ? EVP_sha256() : EVP_sha1(),
                           canned_policy(url, expires)));
  std::string signed_url(url);
  signed_url += url.find('?') == std::string_view::npos ? '?' : '&';
  signed_url += "Expires=" + epoch_seconds(expires);
  signed_url += "&Signature=" + url_safe_base64(signature);
  signed_url += "&Key-Pair-Id=" + options_.key_pair_id;
  if (sha256) signed_url += "&Hash-Algorithm=SHA256";
  return signed_url;
}

}  // namespace ringpull::inline v0::cloudfront
