#include <fmt/format.h>
#include <utility>

#include "tools/check/steps.hpp"

namespace ringpull::tools {

using cloudfront::CloudFrontMiddleware;
using cloudfront::CloudFrontStatus;
using cloudfront::KeyStatus;
using cloudfront::PrivateKey;
using engine::Task;

namespace {

std::string kind_of(const KeyStatus& key) {
  return key.type == PrivateKey::Type::rsa ? fmt::format("RSA of {} bits", key.bits)
                                           : "ECDSA on P-256";
}

/// "KNEW signs (ECDSA on P-256)".
Result<std::string> describe(const KeyStatus& key, const std::string& signing) {
  bool absent = key.error && key.error->is(ErrorKind::not_found) && !key.type;
  if (absent) return fmt::format("{} is not there yet ({})", key.key_pair_id, key.path);
  if (key.error) return fail(Error(*key.error).context("key " + key.key_pair_id));
  bool signs = key.key_pair_id == signing;
  return fmt::format("{} {} ({})", key.key_pair_id, signs ? "signs" : "stands by", kind_of(key));
}

/// "2 networks; of eu-wst-3 the list has none, did you mean eu-west-3?".
std::string describe_networks(const CloudFrontStatus& status) {
  std::string text = fmt::format("{} networks", status.ip_networks);
  for (const cloudfront::UnknownRegion& region : status.unknown_regions) {
    text += fmt::format("; of {} the list has none", region.name);
    if (!region.nearest.empty()) text += fmt::format(", did you mean {}?", region.nearest);
  }
  return text;
}

void append(std::string& list, const std::string& item) {
  if (!list.empty()) list += ", ";
  list += item;
}

}  // namespace

Task<StepOutcome> examine_keys(Probe& probe) {
  std::string found;
  for (const CloudFrontMiddleware* middleware : probe.cloudfronts()) {
    CloudFrontStatus status = middleware->status();
    for (const KeyStatus& key : status.keys) {
      RINGPULL_CO_TRY(std::string text, describe(key, status.key_pair_id));
      append(found, text);
    }
  }
  co_return found;
}

Task<StepOutcome> find_networks(Probe& probe) {
  std::string found;
  for (CloudFrontMiddleware* middleware : probe.cloudfronts()) {
    RINGPULL_CO_CHECK(co_await middleware->ready());
    CloudFrontStatus status = middleware->status();
    if (status.ip_error) co_return fail(std::move(*status.ip_error));
    if (status.ip_networks == 0) continue;  // this one does not filter
    append(found, describe_networks(status));
  }
  co_return found;
}

}  // namespace ringpull::tools
