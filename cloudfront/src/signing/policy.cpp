#include <openssl/evp.h>

#include <ringpull/cloudfront/policy.hpp>

#include "cloudfront/src/signing/epoch.hpp"

namespace ringpull::inline v0::cloudfront {
namespace {

/// What both forms begin with; `resource` needs no escapes, as UrlSigner checks.
std::string statement(std::string_view resource, WallTime expires) {
  std::string text = R"({"Statement":[{"Resource":")";
  text += resource;
  text += R"(","Condition":{"DateLessThan":{"AWS:EpochTime":)";
  text += detail::epoch_seconds(expires);
  text += '}';
  return text;
}

constexpr std::string_view kEnd = "}}]}";

}  // namespace

std::string canned_policy(std::string_view url, WallTime expires) {
  std::string policy = statement(url, expires);
  policy += kEnd;
  return policy;
}

std::string custom_policy(const Policy& policy) {
  std::string text = statement(policy.resource, policy.expires);
  if (policy.source_ip) {
    text += R"(,"IpAddress":{"AWS:SourceIp":")" + policy.source_ip->to_string() + "\"}";
  }
  if (policy.not_before) {
    text += R"(,"DateGreaterThan":{"AWS:EpochTime":)" + detail::epoch_seconds(*policy.not_before);
    text += '}';
  }
  text += kEnd;
  return text;
}

bool needs_custom_policy(const Policy& policy, std::string_view url) {
  if (policy.not_before || policy.source_ip) return true;
  std::string_view resource = policy.resource;
  if (resource.empty()) resource = url;
  return resource != url || resource.find('*') != std::string_view::npos;
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

}  // namespace ringpull::inline v0::cloudfront
