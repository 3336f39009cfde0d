#pragma once
// The JSON in which metadata services and credential processes answer. Sans-IO.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/s3/credentials.hpp>

namespace ringpull::inline v0::s3 {

/// Who wrote a document: each names and requires other fields.
enum class DocumentKind : std::uint8_t {
  container,  ///< Token, Expiration
  machine,    ///< EC2: the same, and Code = "Success"
  process,    ///< Version = 1; SessionToken, Expiration
};

/// `protocol` for what is no such document, `unauthenticated` for one that reports a failure or
/// holds a key that cannot be used. Quotes nothing but a reported failure.
Result<Credentials> read_credentials_document(std::string_view text, DocumentKind kind);

/// "CODE: message" of a JSON error body, in either case of letters; empty where there is none.
std::string describe_error_document(std::string_view text);

/// RFC 3339: "2019-05-29T00:21:43Z", with or without a fraction, 'Z' or an offset like "+00:00".
std::optional<std::chrono::sys_seconds> parse_expiration(std::string_view text) noexcept;

}  // namespace ringpull::inline v0::s3
