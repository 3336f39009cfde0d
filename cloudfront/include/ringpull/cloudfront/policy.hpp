#pragma once
// What a signature allows: which URLs, from when, until when, to whom. Pure functions.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-custom-policy.html

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <ringpull/cloudfront/ip_network.hpp>
#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::cloudfront {

/// Not the engine's monotonic time: CloudFront compares with its own clocks.
using WallTime = std::chrono::system_clock::time_point;

/// Times count in whole seconds, rounded down.
class Policy {
 public:
  Policy() = default;
  Policy(std::string resource_in, WallTime expires_in)
      : resource(std::move(resource_in)), expires(expires_in) {}

  /// The URL, percent-encoded as clients will send it. '*' stands for any characters and '?' for
  /// one; "http*://" for both schemes. The query is compared too. Empty, where a URL is signed:
  /// that URL.
  std::string resource;
  WallTime expires;
  /// Absent: at once.
  std::optional<WallTime> not_before;
  /// Absent: everybody. CloudFront compares IPv4 addresses; AWS advises to switch IPv6 off for
  /// distributions where policies name clients.
  std::optional<IpNetwork> source_ip;
};

/// The canned policy's text: what is hashed and signed, without blanks or line breaks. CloudFront
/// makes the same text of the URL and its Expires.
std::string canned_policy(std::string_view url, WallTime expires);
/// A custom policy's text, which goes with the URL.
std::string custom_policy(const Policy& policy);
/// Whether only a custom policy says this about `url`: it has a not-before or a source, or its
/// resource has a '*' or is another text than the URL. The rule of `aws cloudfront sign`.
bool needs_custom_policy(const Policy& policy, std::string_view url);

/// Base64 with CloudFront's alphabet for query strings: '+' becomes '-', '=' '_' and '/' '~'.
std::string url_safe_base64(std::string_view bytes);

}  // namespace ringpull::inline v0::cloudfront
