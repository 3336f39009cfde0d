#pragma once
// AWS Signature Version 4, sans-IO: requests in, header values or a signed target out. Time is a
// parameter everywhere. The verifying side is sigv4_verify.hpp.
// Protocol: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/request.hpp>
#include <ringpull/s3/checksum.hpp>
#include <ringpull/s3/credentials.hpp>

namespace ringpull::inline v0::s3 {

/// What a signature says about the body: the value of x-amz-content-sha256.
class PayloadHash {
 public:
  /// The hash of no bytes: GET, HEAD, DELETE.
  static PayloadHash empty() noexcept;
  /// UNSIGNED-PAYLOAD: the body is not covered. For TLS and for presigned URLs.
  static PayloadHash unsigned_payload() noexcept;
  /// STREAMING-UNSIGNED-PAYLOAD-TRAILER: aws-chunked body with a checksum trailer
  /// (aws_chunked.hpp).
  static PayloadHash unsigned_trailer() noexcept;
  static PayloadHash sha256(const Sha256Digest& digest) noexcept;
  /// As received; nullopt for a text that S3 refuses.
  static std::optional<PayloadHash> parse(std::string_view text) noexcept;

  std::string_view text() const noexcept { return {text_.data(), size_}; }
  /// 64 hexadecimal digits rather than one of the words.
  bool is_digest() const noexcept { return size_ == 64; }
  friend bool operator==(const PayloadHash& left, const PayloadHash& right) noexcept {
    return left.text() == right.text();
  }

 private:
  explicit PayloadHash(std::string_view text) noexcept;

  std::array<char, 64> text_{};
  std::uint8_t size_ = 0;
};

/// Where and when a signature is valid.
struct SigningScope {
  SigningScope() = default;
  SigningScope(std::string region_in, std::chrono::sys_seconds time_in)
      : region(std::move(region_in)), time(time_in) {}

  std::string region;
  std::string service = "s3";
  std::chrono::sys_seconds time{};
};

/// S3 departs from every other AWS service in all three; the defaults are S3's.
struct SigningRules {
  SigningRules() = default;

  /// Resolve "." and "..", merge "//". In S3 these are parts of a key.
  bool normalize_path = false;
  /// Percent-encode the path as sent once more.
  bool double_encode_path = false;
  /// Send and sign x-amz-content-sha256.
  bool content_sha256_header = true;
};

/// The first step, for inspection. `text` holds the canonical request, `signed_headers` the list
/// "host;x-amz-date".
struct CanonicalRequest {
  CanonicalRequest() = default;

  std::string text;
  std::string signed_headers;
};

/// `head.target` is in origin form, "/bucket/key?query", percent-encoded; `head.headers` hold
/// exactly one Host. Every field is signed except those that intermediaries rewrite: user-agent,
/// expect, connection, transfer-encoding, x-amzn-trace-id. `invalid_argument` when the target is
/// something else, Host is missing or repeated, a name is no token, or a value holds CR, LF or NUL.
Result<CanonicalRequest> canonical_request(const http::RequestHead& head,
                                           const PayloadHash& payload, const SigningRules& rules);

/// "20150830/us-east-1/s3/aws4_request".
std::string credential_scope(const SigningScope& scope);
std::string string_to_sign(const SigningScope& scope, std::string_view canonical_request);
/// "20150830T123600Z".
std::string amz_date(std::chrono::sys_seconds time);
std::optional<std::chrono::sys_seconds> parse_amz_date(std::string_view text) noexcept;

/// The first three members are the intermediate values; with temporary credentials
/// `canonical_request` holds the session token, so it is not for logs.
struct HeaderSignature {
  HeaderSignature() = default;

  /// Sets the headers that are not empty: x-amz-date, x-amz-content-sha256, x-amz-security-token,
  /// Authorization.
  void apply(http::Headers& headers) const;

  std::string canonical_request;
  std::string string_to_sign;
  std::string signature;

  std::string authorization;
  std::string x_amz_date;
  std::string x_amz_content_sha256;
  Secret x_amz_security_token;
};

/// A presigned request. `target` replaces the request's own and is a bearer secret until it
/// expires: redact X-Amz-Signature and X-Amz-Security-Token before it goes into any log.
struct QuerySignature {
  QuerySignature() = default;

  std::string canonical_request;
  std::string string_to_sign;
  std::string signature;

  std::string target;
};

/// S3's limit on X-Amz-Expires: seven days.
inline constexpr std::chrono::seconds kPresignExpiryMax = std::chrono::hours(24 * 7);

struct PresignOptions {
  PresignOptions() = default;
  explicit PresignOptions(std::chrono::seconds expires_in) : expires(expires_in) {}

  /// 1 s to kPresignExpiryMax. Fifteen minutes: long enough for a slow client to start its
  /// download, short enough that a leaked URL soon means nothing.
  std::chrono::seconds expires = std::chrono::minutes(15);
  PayloadHash payload = PayloadHash::unsigned_payload();
};

/// Signs requests. Keeps the derived keys of recent (day, region, service, key) combinations, so
/// that a signature costs one SHA-256 and one HMAC. Not synchronised: one per loop or thread.
class Signer {
 public:
  explicit Signer(SigningRules rules = SigningRules());
  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;
  ~Signer();

  /// `invalid_argument` as canonical_request() and when `head` already carries Authorization or one
  /// of the x-amz-* fields and parameters that signing sets; `unauthenticated` for anonymous
  /// credentials.
  Result<HeaderSignature> sign(const Credentials& credentials, const SigningScope& scope,
                               const http::RequestHead& head, const PayloadHash& payload);
  /// As sign(). Fields in `head.headers` beside Host must be sent by whoever uses the URL.
  Result<QuerySignature> presign(const Credentials& credentials, const SigningScope& scope,
                                 const http::RequestHead& head, const PresignOptions& options);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpull::inline v0::s3
