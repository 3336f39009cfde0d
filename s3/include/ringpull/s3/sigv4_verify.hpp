#pragma once
// The server's side of Signature Version 4: who signed this request, or which S3 error it earns.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include <ringpull/s3/sigv4.hpp>

namespace ringpull::inline v0::s3 {

struct VerifierOptions {
  VerifierOptions() = default;

  std::string region = "us-east-1";
  std::string service = "s3";
  /// S3 refuses requests dated further from its own clock than 15 minutes.
  std::chrono::seconds clock_skew_max = std::chrono::minutes(15);
};

struct VerifiedRequest {
  VerifiedRequest() = default;

  std::string access_key_id;
  /// What the body must be: compare its SHA-256 by `check_payload` when it has been read.
  PayloadHash payload = PayloadHash::empty();
  bool presigned = false;
};

/// The error that S3 answers with.
struct SignatureRefusal {
  SignatureRefusal() = default;
  SignatureRefusal(int status, std::string code, std::string message);

  int http_status = 403;
  std::string code;
  std::string message;
  /// The region to sign for, in AuthorizationHeaderMalformed and
  /// AuthorizationQueryParametersError; else empty.
  std::string region;
  /// Filled for SignatureDoesNotMatch, which S3 answers with both texts.
  std::string canonical_request;
  std::string string_to_sign;
};

/// Finds the credentials of an access key id; nullptr when there are none. What it returns stays
/// valid for the call.
using CredentialsLookup = std::function<const Credentials*(std::string_view access_key_id)>;

/// Strict: every x-amz-* field and Host must be signed, scope and dates must agree, the region is
/// checked. Not synchronised.
class Verifier {
 public:
  Verifier(VerifierOptions options, CredentialsLookup lookup);
  Verifier(Verifier&&) noexcept;
  Verifier& operator=(Verifier&&) noexcept;
  ~Verifier();

  /// A request without any signature is refused with AccessDenied.
  tl::expected<VerifiedRequest, SignatureRefusal> verify(const http::RequestHead& head,
                                                         std::chrono::sys_seconds now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// XAmzContentSHA256Mismatch unless `declared` is no digest or equals `actual`.
tl::expected<void, SignatureRefusal> check_payload(const PayloadHash& declared,
                                                   const Sha256Digest& actual);

}  // namespace ringpull::inline v0::s3
