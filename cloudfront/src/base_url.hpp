#pragma once
// The URL that a middleware puts in front of names.

#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/url.hpp>
#include <ringpull/s3/parameter_text.hpp>

namespace ringpull::inline v0::cloudfront::detail {

/// http or https, no query; a '/' at its end is added where missing. `refuse`d else.
Result<http::Url> read_base_url(const s3::GivenParameter& given, std::string_view text,
                                std::string_view allowed);

/// Whether a component is "." or "..": clients resolve these before they send a URL.
bool has_dot_component(std::string_view path) noexcept;

}  // namespace ringpull::inline v0::cloudfront::detail
