#pragma once
// For the driver, which refuses root directories that are no UTF-8, and the sandbox, which refuses
// requests. Pure.

#include <string_view>

namespace ringpull::inline v0::s3 {

/// Whether a text is well-formed UTF-8, as every key of S3 is
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html): The Unicode Standard,
/// table 3-7, so no overlong forms, no surrogates, nothing past U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

}  // namespace ringpull::inline v0::s3
