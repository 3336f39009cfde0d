#include <algorithm>
#include <limits>
#include <utility>

#include <ringpull/cloudfront/middleware_parameters.hpp>
#include <ringpull/s3/duration_text.hpp>

#include "cloudfront/src/middleware/base_url.hpp"
#include "cloudfront/src/middleware/parameter_table.hpp"

namespace ringpull::inline v0::cloudfront {

using detail::Parameter;
using s3::GivenParameter;
using s3::LetterCase;
using s3::ParameterMap;
using s3::WithWarnings;
using std::chrono::nanoseconds;

namespace {

/// What needs more than one parameter to be checked, beside the options.
struct Values {
  WithWarnings<CloudFrontOptions> read;
  std::optional<http::Url> base_url;
  std::vector<std::string> key_paths;
  std::vector<std::string> key_pair_ids;
  /// Of awsregion and of trustedproxies, where given.
  std::string regions_place, proxies_place;
  std::string filter_place;
  bool old_spelling = false;
};

constexpr nanoseconds kLongest = nanoseconds::max();

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// The members of a comma-separated list, blanks around them removed, empty ones left out.
std::vector<std::string> members(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    std::size_t comma = std::min(list.find(','), list.size());
    std::string_view member = trim(list.substr(0, comma));
    if (!member.empty()) out.emplace_back(member);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

Result<void> read_base_url(Values& values, const GivenParameter& given) {
  if (given.text.empty()) return {};
  std::string text(given.text);
  if (text.find("://") == std::string::npos) text.insert(0, "https://");
  RINGPULL_TRY(values.base_url,
               detail::read_base_url(given, text,
                                     "the distribution's host or URL, with a path if need be and "
                                     "without a query"));
  if (values.base_url->scheme() == http::Scheme::http) {
    values.read.warnings.push_back(given.place() +
                                   "over plain HTTP everybody on the way can read and use a "
                                   "signed URL");
  }
  return {};
}

Result<void> read_key_paths(Values& values, const GivenParameter& given) {
  values.key_paths = members(given.text);
  return {};
}

Result<void> read_key_pair_ids(Values& values, const GivenParameter& given) {
  values.key_pair_ids = members(given.text);
  for (const std::string& id : values.key_pair_ids) {
    if (is_key_pair_id(id)) continue;
    return fail(
        given.refuse("an id as CloudFront shows it, of letters and digits: "
                     "K2JCJMDEHXQW5F"));
  }
  return {};
}

Result<void> read_hash(Values& values, const GivenParameter& given) {
  static constexpr std::string_view kHashes[] = {"sha1", "sha256"};
  RINGPULL_TRY(std::size_t index, given.choice(kHashes, LetterCase::any));
  values.read.value.hash = index == 0 ? HashAlgorithm::sha1 : HashAlgorithm::sha256;
  return {};
}

/// A whole number without a unit is what docker distribution documents as its default.
bool is_without_unit(const GivenParameter& given) {
  return !given.text.empty() &&
         std::ranges::all_of(given.text, [](char c) { return c >= '0' && c <= '9'; });
}

template <class T>
Result<void> read_duration(Values& values, const GivenParameter& given, nanoseconds least,
                           T& place) {
  if (given.text.empty()) return {};
  if (is_without_unit(given) && given.text != "0") {
    values.read.warnings.push_back(given.place() + '"' + std::string(given.text) +
                                   "\" has no unit and is left aside, as docker distribution does; "
                                   "it is " +
                                   s3::duration_text(place) + "; write " + std::string(given.text) +
                                   "s for seconds");
    return {};
  }
  RINGPULL_TRY(nanoseconds duration, given.duration(least, kLongest));
  place = std::chrono::duration_cast<T>(duration);
  return {};
}

template <auto Member>
Result<void> read_seconds(Values& values, const GivenParameter& given) {
  return read_duration(values, given, std::chrono::seconds(1), values.read.value.*Member);
}

Result<void> read_key_check_period(Values& values, const GivenParameter& given) {
  return read_duration(values, given, nanoseconds(0), values.read.value.key_check_period);
}

Result<void> read_update_frequency(Values& values, const GivenParameter& given) {
  if (values.old_spelling) return {};
  return read_duration(values, given, std::chrono::seconds(1), values.read.value.update_frequency);
}

/// docker distribution 2.7 and 2.8 know this spelling alone, later ones prefer it.
Result<void> read_old_update_frequency(Values& values, const GivenParameter& given) {
  values.read.warnings.push_back(given.place() +
                                 "this is the spelling of docker distribution 2; write "
                                 "updatefrequency, which is not looked at beside it");
  RINGPULL_CHECK(read_update_frequency(values, given));
  values.old_spelling = true;
  return {};
}

Result<void> read_ip_filter(Values& values, const GivenParameter& given) {
  static constexpr std::string_view kFilters[] = {"none", "aws", "awsregion"};
  std::string_view text = trim(given.text);
  if (text.empty()) return {};
  GivenParameter trimmed(given.name, text, given.origin, given.secrecy);
  RINGPULL_TRY(std::size_t index, trimmed.choice(kFilters, LetterCase::any));
  values.read.value.ip_filter = static_cast<IpFilter>(index);
  values.filter_place = given.place();
  return {};
}

Result<void> read_regions(Values& values, const GivenParameter& given) {
  values.read.value.regions = members(lower_case(given.text));
  values.regions_place = given.place();
  return {};
}

Result<void> read_ip_ranges_url(Values& values, const GivenParameter& given) {
  if (given.text.empty()) return {};
  auto url = http::Url::parse(given.text);
  if (!url) return fail(given.refuse("an http or https URL"));
  values.read.value.ip_ranges_url = *url;
  return {};
}

Result<void> read_trusted_proxies(Values& values, const GivenParameter& given) {
  for (const std::string& member : members(given.text)) {
    auto network = IpNetwork::parse(member);
    if (!network) {
      return fail(
          given.refuse("a comma-separated list of IP addresses and networks: "
                       "10.0.0.0/8,2001:db8::1"));
    }
    values.read.value.trusted_proxies.push_back(*network);
  }
  values.proxies_place = given.place();
  return {};
}

Result<void> read_reuse(Values& values, const GivenParameter& given) {
  static constexpr std::string_view kReuses[] = {"off", "url", "wildcard"};
  // YAML makes a boolean of `off`, and configuration loaders make "false" of that.
  bool off = given.text == "false" || given.text.empty();
  RINGPULL_TRY(std::size_t index, off ? 0 : given.choice(kReuses, LetterCase::any));
  values.read.value.reuse = static_cast<SignatureReuse>(index);
  return {};
}

constexpr Parameter<Values> kParameters[] = {
    {"awsregion", &read_regions},
    {"baseurl", &read_base_url},
    {"duration", &read_seconds<&CloudFrontOptions::duration>},
    {"hashalgorithm", &read_hash},
    {"ipfilteredby", &read_ip_filter},
    {"iprangesurl", &read_ip_ranges_url},
    {"keypairid", &read_key_pair_ids},
    {"keyreload", &read_key_check_period},
    {"privatekey", &read_key_paths},
    {"signatureperiod", &read_seconds<&CloudFrontOptions::reuse_period>},
    {"signaturereuse", &read_reuse},
    {"trustedproxies", &read_trusted_proxies},
    {"updatefrenquency", &read_old_update_frequency},
    {"updatefrequency", &read_update_frequency},
};
constexpr auto kNames = detail::names_of(kParameters);

Result<void> check_keys(Values& values, std::string_view origin) {
  const auto& paths = values.key_paths;
  const auto& ids = values.key_pair_ids;
  if (paths.empty()) {
    return detail::missing(origin, "privatekey", "the path of a PEM file with the signing key");
  }
  if (ids.empty()) {
    return detail::missing(origin, "keypairid", "the id under which CloudFront knows the key");
  }
  if (paths.size() != ids.size()) {
    return fail(ErrorKind::invalid_argument,
                std::string(origin) + ": parameter privatekey names " +
                    std::to_string(paths.size()) + " files and keypairid " +
                    std::to_string(ids.size()) + " ids; each file needs its id, in the same order");
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    values.read.value.keys.emplace_back(paths[i], ids[i]);
  }
  return {};
}

Result<void> check_filter(Values& values, std::string_view origin) {
  CloudFrontOptions& options = values.read.value;
  auto& warnings = values.read.warnings;
  if (options.ip_filter == IpFilter::aws_region && options.regions.empty()) {
    return detail::missing(
        origin, "awsregion",
        "ipfilteredby is awsregion, so it must name regions: us-east-1,eu-west-3");
  }
  if (options.ip_filter != IpFilter::aws_region && !values.regions_place.empty()) {
    warnings.push_back(values.regions_place + "has no effect unless ipfilteredby is awsregion");
  }
  bool filtered = options.ip_filter != IpFilter::none;
  if (filtered && options.trusted_proxies.empty()) {
    warnings.push_back(values.filter_place +
                       "without trustedproxies X-Forwarded-For and X-Real-Ip are not believed; "
                       "name the load balancers in front of the registry, if there are any");
  }
  if (!filtered && !options.trusted_proxies.empty()) {
    warnings.push_back(values.proxies_place +
                       "has no effect unless ipfilteredby is aws or awsregion");
  }
  return {};
}

}  // namespace

std::span<const std::string_view> cloudfront_parameter_names() noexcept { return kNames; }

Result<WithWarnings<CloudFrontOptions>> read_cloudfront_parameters(const ParameterMap& parameters,
                                                                   std::string_view origin) {
  Values values;
  RINGPULL_CHECK(detail::read_table(kParameters, parameters, values));
  if (!values.base_url) {
    return detail::missing(origin, "baseurl",
                           "the distribution's URL: https://d111111abcdef8.cloudfront.net");
  }
  values.read.value.base_url = *values.base_url;
  RINGPULL_CHECK(check_keys(values, origin));
  RINGPULL_CHECK(check_filter(values, origin));
  return std::move(values.read);
}

}  // namespace ringpull::inline v0::cloudfront
