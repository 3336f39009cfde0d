#pragma once
// The URL that a middleware puts in front of names.

#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/url.hpp>
#include <ringpull/s3/parameter_text.hpp>

namespace ringpull::inline v0::cloudfront::detail {

/// http or https, no query, a path that arrives unchanged; a '/' at its end is added where missing.
/// `refuse`d else.
Result<http::Url> read_base_url(const s3::GivenParameter& given, std::string_view text,
                                std::string_view allowed);

/// Whether clients and servers take a URL's path as it is written: escapes are whole, and no
/// component means "." or "..", percent-encoded or not (RFC 3986 5.2.4, and the URL Standard, by
/// which "%2e" is a dot).
bool arrives_unchanged(std::string_view path);

/// Whether a component is "." or "..": clients resolve these before they send a URL.
bool has_dot_component(std::string_view path) noexcept;

}  // namespace ringpull::inline v0::cloudfront::detail
