#include <algorithm>
#include <utility>

#include <ringpull/cloudfront/middleware_parameters.hpp>

#include "cloudfront/src/middleware/base_url.hpp"
#include "cloudfront/src/middleware/parameter_table.hpp"

namespace ringpull::inline v0::cloudfront {

using detail::Parameter;
using s3::GivenParameter;
using s3::ParameterMap;
using s3::WithWarnings;

namespace {

struct RedirectValues {
  std::optional<http::Url> base_url;
};

Result<void> read_base_url(RedirectValues& values, const GivenParameter& given) {
  RINGPULL_TRY(values.base_url,
               detail::read_base_url(given, given.text,
                                     "http:// or https:// with a host, a path if need be, and no "
                                     "query"));
  return {};
}

constexpr Parameter<RedirectValues> kRedirectParameters[] = {{"baseurl", &read_base_url}};
constexpr auto kRedirectNames = detail::names_of(kRedirectParameters);

using Rewrite = WithWarnings<RewriteOptions>;

Result<void> read_scheme(Rewrite& rewrite, const GivenParameter& given) {
  static constexpr std::string_view kSchemes[] = {"http", "https"};
  if (given.text.empty()) return {};
  RINGPULL_TRY(std::size_t index, given.choice(kSchemes, s3::LetterCase::any));
  rewrite.value.scheme = index == 0 ? http::Scheme::http : http::Scheme::https;
  return {};
}

void warn_of_signatures(Rewrite& rewrite, const GivenParameter& given, std::string_view covered) {
  rewrite.warnings.push_back(
      given.place() + "signed redirects cover the " + std::string(covered) +
      ": S3 and CloudFront refuse them unless what stands there restores it");
}

Result<void> read_host(Rewrite& rewrite, const GivenParameter& given) {
  if (given.text.empty()) return {};
  auto url = http::Url::parse("https://" + std::string(given.text));
  if (!url || given.text.find_first_of("/?") != std::string_view::npos) {
    return fail(given.refuse("a host, with or without a port, and nothing else"));
  }
  rewrite.value.host = given.text;
  warn_of_signatures(rewrite, given, "host");
  return {};
}

Result<void> read_prefix(Rewrite& rewrite, const GivenParameter& given) {
  if (given.text.empty()) return {};
  bool path = given.text.starts_with('/') && given.text.find_first_of("?#") == std::string::npos &&
              std::ranges::all_of(given.text, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!path) return fail(given.refuse("a path as in a URL, from its first slash on"));
  rewrite.value.trim_path_prefix = given.text;
  warn_of_signatures(rewrite, given, "path");
  return {};
}

constexpr Parameter<Rewrite> kRewriteParameters[] = {
    {"host", &read_host}, {"scheme", &read_scheme}, {"trimpathprefix", &read_prefix}};
constexpr auto kRewriteNames = detail::names_of(kRewriteParameters);

}  // namespace

std::span<const std::string_view> redirect_parameter_names() noexcept { return kRedirectNames; }
std::span<const std::string_view> rewrite_parameter_names() noexcept { return kRewriteNames; }

Result<WithWarnings<http::Url>> read_redirect_parameters(const ParameterMap& parameters,
                                                         std::string_view origin) {
  RedirectValues values;
  RINGPULL_CHECK(detail::read_table(kRedirectParameters, parameters, values));
  if (!values.base_url) {
    return detail::missing(origin, "baseurl", "where the registry's files are, as a URL");
  }
  WithWarnings<http::Url> read;
  read.value = *values.base_url;
  return read;
}

Result<WithWarnings<RewriteOptions>> read_rewrite_parameters(const ParameterMap& parameters,
                                                             std::string_view origin) {
  Rewrite rewrite;
  RINGPULL_CHECK(detail::read_table(kRewriteParameters, parameters, rewrite));
  const RewriteOptions& options = rewrite.value;
  if (!options.scheme && options.host.empty() && options.trim_path_prefix.empty()) {
    rewrite.warnings.push_back(std::string(origin) +
                               ": without scheme, host or trimpathprefix rewrite changes nothing");
  }
  return rewrite;
}

}  // namespace ringpull::inline v0::cloudfront
