#pragma once
// The `options` of docker distribution's storage middlewares `cloudfront`, `redirect` and
// `rewrite`, and ours beside them. docs/cloudfront.md explains each.

#include <span>
#include <string_view>

#include <ringpull/cloudfront/cloudfront_middleware.hpp>
#include <ringpull/cloudfront/redirect_middleware.hpp>
#include <ringpull/engine/result.hpp>
#include <ringpull/http/url.hpp>
#include <ringpull/s3/parameter_text.hpp>

namespace ringpull::inline v0::cloudfront {

// Each function reads one middleware's options. `invalid_argument` for the first thing that is
// wrong: an unknown name, a value that is none, one that is missing, or two that exclude each
// other. The text names parameter, origin, value and what is allowed. Where a mandatory one is
// missing it names `origin`: where the middleware is configured, "config.yml:40". No file is read.
//
// Where a value is a list its members are separated by commas; a YAML sequence is to be given so.

Result<s3::WithWarnings<CloudFrontOptions>> read_cloudfront_parameters(
    const s3::ParameterMap& parameters, std::string_view origin);
/// The base URL.
Result<s3::WithWarnings<http::Url>> read_redirect_parameters(const s3::ParameterMap& parameters,
                                                             std::string_view origin);
Result<s3::WithWarnings<RewriteOptions>> read_rewrite_parameters(const s3::ParameterMap& parameters,
                                                                 std::string_view origin);

/// All names, in alphabetical order. Static storage.
std::span<const std::string_view> cloudfront_parameter_names() noexcept;
std::span<const std::string_view> redirect_parameter_names() noexcept;
std::span<const std::string_view> rewrite_parameter_names() noexcept;

}  // namespace ringpull::inline v0::cloudfront
