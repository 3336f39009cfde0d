#pragma once
// AWS Signature Version 2, for servers that know no other: sans-IO, time is a parameter. It covers
// less of a request than Version 4 (no body, few headers) and knows no region; Amazon takes it in
// old regions only, and only from old buckets.
// Protocol: https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html

#include <chrono>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/request.hpp>
#include <ringpull/s3/credentials.hpp>

namespace ringpull::inline v0::s3 {

/// What to sign. Borrows all three; `time` is when, for a presigned URL when it expires.
class SigV2Request {
 public:
  /// `virtual_bucket` is the bucket that the Host names, empty where the path names it: Version 2
  /// always signs "/bucket/key". `head.target` is in origin form and percent-encoded.
  SigV2Request(const http::RequestHead& head_in, std::string_view virtual_bucket_in,
               std::chrono::sys_seconds time_in) noexcept
      : head(head_in), virtual_bucket(virtual_bucket_in), time(time_in) {}

  const http::RequestHead& head;
  std::string_view virtual_bucket;
  std::chrono::sys_seconds time;
};

/// The text under the signature; `date` is the value of Date, or of Expires. Holds the session
/// token where `headers` do: not for logs.
std::string string_to_sign_v2(const http::RequestHead& head, std::string_view virtual_bucket,
                              std::string_view date);
/// Base64 of the HMAC-SHA1.
std::string signature_v2(const Secret& secret_access_key, std::string_view string_to_sign);

struct HeaderSignatureV2 {
  HeaderSignatureV2() = default;

  /// Sets Date, Authorization and, with temporary credentials, x-amz-security-token.
  void apply(http::Headers& headers) const;

  std::string string_to_sign;
  std::string date;
  std::string authorization;
  Secret x_amz_security_token;
};

/// `target` is a bearer secret until it expires.
struct QuerySignatureV2 {
  QuerySignatureV2() = default;

  std::string string_to_sign;
  std::string target;
};

/// `unauthenticated` for anonymous credentials; `invalid_argument` when the target is not in origin
/// form or the request already carries what signing sets.
Result<HeaderSignatureV2> sign_v2(const Credentials& credentials, const SigV2Request& request);
/// Fields of `head` that are signed (Content-Type, Content-MD5, x-amz-*) must be sent by whoever
/// uses the URL.
Result<QuerySignatureV2> presign_v2(const Credentials& credentials, const SigV2Request& request);

}  // namespace ringpull::inline v0::s3
