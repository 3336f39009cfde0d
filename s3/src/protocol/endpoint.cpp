#include <algorithm>
#include <utility>

#include <ringpull/s3/endpoint.hpp>

#include "s3/src/protocol/aws_domain.hpp"

namespace ringpull::inline v0::s3 {
namespace {

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_dns_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_dns_name(std::string_view text) {
  for (std::size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.')) {
    if (!is_dns_label(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return is_dns_label(text);
}

/// S3's rules today are narrower, its older buckets and other servers' are not: what is refused
/// here could not be told from other parts of a target.
Result<void> check_bucket_name(const Bucket& bucket) {
  constexpr std::size_t kBucketBytesMax = 255;
  const std::string& name = bucket.str();
  bool characters_ok = std::all_of(name.begin(), name.end(), [](char c) {
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' ||
           c == ':';
  });
  if (!name.empty() && name.size() <= kBucketBytesMax && characters_ok && name != "." &&
      name != "..") {
    return {};
  }
  if (name.empty()) return fail(ErrorKind::invalid_argument, "no bucket is named");
  return fail(ErrorKind::invalid_argument,
              "bucket \"" + http::percent_encode(name, http::Slash::keep) +
                  "\": a name has 1 to 255 letters, digits, '.', '-', '_' and ':' (Amazon's has 3 "
                  "to 63, none of them a capital, '_' or ':'), and is neither \".\" nor \"..\"");
}

/// https://docs.aws.amazon.com/general/latest/gr/s3.html
std::string aws_host(const Region& region, const AwsHosts& hosts) {
  std::string domain(aws_domain(region.str()));
  std::string dualstack = hosts.dualstack ? "dualstack." : "";
  if (hosts.accelerate) return "s3-accelerate." + dualstack + domain;
  std::string service = hosts.fips ? "s3-fips." : "s3.";
  return service + dualstack + region.str() + "." + domain;
}

Result<void> check_aws_hosts(const Region& region, const AwsHosts& hosts, Addressing addressing) {
  bool china = region.str().starts_with("cn-");
  if (hosts.accelerate && addressing == Addressing::path) {
    return fail(ErrorKind::invalid_argument,
                "Transfer Acceleration has no path addressing; leave one of them out");
  }
  if (hosts.accelerate && hosts.fips) {
    return fail(ErrorKind::invalid_argument,
                "Transfer Acceleration has no FIPS hosts; leave one of them out");
  }
  if (china && (hosts.accelerate || hosts.fips)) {
    return fail(ErrorKind::invalid_argument,
                "region " + region.str() + " has no " +
                    (hosts.fips ? "FIPS hosts" : "Transfer Acceleration"));
  }
  return {};
}

Result<void> check_region(const Region& region) {
  if (region.empty()) {
    return fail(ErrorKind::invalid_argument, "no region is named; us-east-1 suits most servers");
  }
  bool ok = std::all_of(region.str().begin(), region.str().end(), [](char c) {
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
  });
  if (ok) return {};
  return fail(ErrorKind::invalid_argument,
              "a region's name holds letters, digits, '-', '_' and '.' only, e.g. us-east-1");
}

}  // namespace

Result<Endpoint> Endpoint::aws(Region region, const AwsHosts& hosts, Addressing addressing) {
  if (!is_dns_label(region.str())) {
    return fail(ErrorKind::invalid_argument,
                "an AWS region's name holds lower-case letters, digits and '-' only, e.g. "
                "us-east-1");
  }
  RINGPULL_CHECK(check_aws_hosts(region, hosts, addressing));
  std::string scheme = hosts.secure ? "https://" : "http://";
  RINGPULL_TRY(http::Url url, http::Url::parse(scheme + aws_host(region, hosts) + "/"));
  return Endpoint(std::move(url), std::move(region), addressing, hosts);
}

Result<Endpoint> Endpoint::create(std::string_view text, Region region, Addressing addressing) {
  RINGPULL_CHECK(check_region(region));
  std::string full(text);
  if (full.find("://") == std::string::npos) full.insert(0, "https://");
  auto url = http::Url::parse(full);
  if (!url) return fail(std::move(url).error().context("endpoint"));
  if (url->target() != "/") {
    return fail(ErrorKind::invalid_argument,
                "endpoint " + url->origin() + ": leave out the path and the query");
  }
  return Endpoint(std::move(*url), std::move(region), addressing, std::nullopt);
}

Result<Endpoint> Endpoint::with_region(Region region) const {
  if (aws_) return aws(std::move(region), *aws_, addressing_);
  RINGPULL_CHECK(check_region(region));
  return Endpoint(url_, std::move(region), addressing_, std::nullopt);
}

bool Endpoint::uses_path(const Bucket& bucket) const {
  if (addressing_ != Addressing::automatic) return addressing_ == Addressing::path;
  return url_.host_kind() != http::HostKind::name || url_.host().find('.') == std::string::npos ||
         url_.port() != http::default_port(url_.scheme()) || !is_dns_label(bucket.str());
}

Result<BucketAddress> Endpoint::address(const Bucket& bucket) const {
  RINGPULL_CHECK(check_bucket_name(bucket));
  BucketAddress out;
  if (uses_path(bucket)) {
    if (aws_ && aws_->accelerate) {
      return fail(ErrorKind::invalid_argument,
                  "bucket " + bucket.str() +
                      ": Transfer Acceleration needs a name that is a DNS label, without dots");
    }
    out.origin = url_;
    // ':' separates a tenant from its bucket in radosgw.
    out.target_prefix = "/" + http::percent_encode(bucket.str(), http::Slash::encode) + "/";
    return out;
  }
  if (url_.host_kind() != http::HostKind::name) {
    return fail(ErrorKind::invalid_argument,
                "endpoint " + url_.origin() +
                    ": virtual-host addressing needs a host name; use path addressing");
  }
  if (!is_dns_name(bucket.str())) {
    return fail(
        ErrorKind::invalid_argument,
        "bucket " + bucket.str() + ": its name cannot be part of a host name; use path addressing");
  }
  std::string port =
      url_.port() == http::default_port(url_.scheme()) ? "" : ":" + std::to_string(url_.port());
  auto origin = http::Url::parse(std::string(http::to_string(url_.scheme())) + "://" +
                                 bucket.str() + "." + url_.host() + port + "/");
  if (!origin) return fail(std::move(origin).error().context("bucket " + bucket.str()));
  out.origin = std::move(*origin);
  out.target_prefix = "/";
  return out;
}

}  // namespace ringpull::inline v0::s3
