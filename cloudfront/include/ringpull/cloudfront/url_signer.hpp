#pragma once
// Signed URLs and cookies for content behind CloudFront, so that a pull can be sent to the nearest
// edge instead of through the registry. Pure computation, any thread.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringpull/cloudfront/policy.hpp>
#include <ringpull/cloudfront/private_key.hpp>
#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::cloudfront {

/// What the signature is made over. CloudFront takes SHA-1 from every distribution; SHA-256 needs
/// the additional query parameter `Hash-Algorithm=SHA256`, which the signer appends last.
enum class HashAlgorithm { sha1, sha256 };

struct UrlSignerOptions {
  UrlSignerOptions() = default;

  /// The public key's id as CloudFront shows it, e.g. "K2JCJMDEHXQW5F".
  std::string key_pair_id;
  HashAlgorithm hash = HashAlgorithm::sha1;
};

/// Whether the text can be a key pair's id: letters and digits, at least one.
bool is_key_pair_id(std::string_view text) noexcept;

/// For a Set-Cookie field; neither part needs quotes.
struct Cookie {
  Cookie(std::string name_in, std::string value_in)
      : name(std::move(name_in)), value(std::move(value_in)) {}
  std::string name;
  std::string value;
};

/// Signs by the canned policy (one URL, one time of expiry) where that is enough, else by a custom
/// one.
/// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html
///
/// A signature holds for every method that the distribution allows: GET and HEAD follow the same
/// URL. const member functions may run at the same time on several threads. An RSA-2048 signature
/// costs a quarter of a millisecond, an ECDSA one a tenth of that.
///
/// What is signed is compared by CloudFront with what the client sends, so URLs and resources are
/// to be given percent-encoded, with their query. Every function is `invalid_argument` for one that
/// holds a character outside printable ASCII, a blank, a fragment, or what would leave the policy's
/// JSON string (double quote, backslash); for a URL that is not http or https, has no host, or
/// whose query already has a parameter that CloudFront reserves for signing; for a resource that
/// begins neither like a URL nor with "http*://" or '*'. Times may lie in the past; a not-before at
/// or behind the expiry is `invalid_argument`.
class UrlSigner {
 public:
  /// `invalid_argument` when the key pair id is none.
  static Result<UrlSigner> create(PrivateKey key, UrlSignerOptions options);

  /// `url` with the parameters Expires, Signature and Key-Pair-Id (and Hash-Algorithm) appended.
  Result<std::string> sign(std::string_view url, WallTime expires) const;
  /// The same; where needs_custom_policy() says so with Policy instead of Expires. The resource may
  /// be any, also one that does not cover the URL: only CloudFront compares them.
  Result<std::string> sign(std::string_view url, const Policy& policy) const;
  /// The part behind '?' or '&' alone. It belongs to every URL that the policy's resource covers,
  /// so that one signature can serve many. The canned policy is taken where the resource is one URL
  /// without a query: a '?' may be a wildcard.
  Result<std::string> sign_query(const Policy& policy) const;
  /// CloudFront-Expires or CloudFront-Policy, then -Signature and -Key-Pair-Id (and
  /// -Hash-Algorithm), for whatever the policy's resource covers, as in sign_query(). Scope, path
  /// and flags of the cookies are whose sends them: the same Domain and Path for all, Secure,
  /// HttpOnly.
  /// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-cookies.html
  Result<std::vector<Cookie>> sign_cookies(const Policy& policy) const;

  const std::string& key_pair_id() const noexcept { return options_.key_pair_id; }
  HashAlgorithm hash() const noexcept { return options_.hash; }

 private:
  struct Statement;
  UrlSigner(PrivateKey key, UrlSignerOptions options);
  Result<Statement> state(const Policy& policy, bool custom) const;
  std::string query(const Statement& statement) const;

  PrivateKey key_;
  UrlSignerOptions options_;
};

/// `url` with what sign_query() gave behind '?', or behind '&' where it has a query.
std::string with_query(std::string_view url, std::string_view query);

}  // namespace ringpull::inline v0::cloudfront
