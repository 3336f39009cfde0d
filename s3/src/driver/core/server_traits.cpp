#include <algorithm>
#include <string_view>

#include <ringpull/s3/server_traits.hpp>

namespace ringpull::inline v0::s3 {
namespace {

bool is_below(std::string_view host, std::string_view domain) {
  if (!host.ends_with(domain)) return false;
  host.remove_suffix(domain.size());
  return host.empty() || host.ends_with('.');
}

}  // namespace

bool is_amazon(const Endpoint& endpoint) noexcept {
  constexpr std::string_view kDomains[] = {"amazonaws.com", "amazonaws.com.cn", "amazonaws.eu",
                                           "c2s.ic.gov",    "sc2s.sgov.gov",    "csp.hci.ic.gov",
                                           "cloud.adc-e.uk"};
  return std::ranges::any_of(kDomains, [&endpoint](std::string_view domain) {
    return is_below(endpoint.url().host(), domain);
  });
}

ServerTraits server_traits(const Endpoint& endpoint) {
  std::string_view host = endpoint.url().host();
  ServerTraits traits;
  traits.checksum_headers = is_amazon(endpoint);
  // https://developers.cloudflare.com/r2/objects/upload-objects/: all parts but the last have one
  // size.
  traits.uniform_parts = is_below(host, "r2.cloudflarestorage.com");
  // https://cloud.google.com/storage/docs/xml-api/overview: no DeleteObjects.
  bool google = is_below(host, "storage.googleapis.com");
  traits.delete_objects = !google;
  // https://cloud.google.com/storage/docs/request-preconditions: writes of its XML API know
  // x-goog-if-generation-match; If-None-Match is for reads.
  traits.conditional_writes = !google;
  return traits;
}

}  // namespace ringpull::inline v0::s3
