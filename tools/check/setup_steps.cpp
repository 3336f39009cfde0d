#include <chrono>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ringpull/http/date.hpp>

#include "tools/check/steps.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

/// S3 refuses requests whose time is 15 minutes off. A third of that is no chance any more.
constexpr auto kClockDifferenceMax = std::chrono::minutes(5);

std::string_view style_of(const s3::Bucket& bucket, const s3::BucketAddress& address) {
  return address.target_prefix == '/' + bucket.str() + '/' ? "path style" : "virtual-host style";
}

std::string lifetime(const s3::CredentialsStatus& status) {
  if (!status.expiry) return "do not expire";
  if (status.put_off) return "have expired, and their source has no newer ones: used all the same";
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto left = std::chrono::floor<std::chrono::minutes>(*status.expiry - now);
  return fmt::format("expire at {:%Y-%m-%dT%H:%M:%SZ}, in {} min", *status.expiry, left.count());
}

/// Nothing where the server does not say its time.
Result<std::string> compare_clock(const http::ResponseHead& head) {
  auto date = http::parse_http_date(head.headers.get("Date").value_or(""));
  if (!date) return std::string("the server says no time");
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto ahead = std::chrono::seconds(now - *date);
  if (std::chrono::abs(ahead) <= kClockDifferenceMax) return std::string("clocks agree");
  std::string text =
      fmt::format("this machine's clock is {} s {} the server's, and signatures bear its time",
                  std::chrono::abs(ahead).count(), ahead.count() > 0 ? "ahead of" : "behind");
  return fail(
      Error(ErrorKind::unauthenticated, std::move(text)).with_service_code("RequestTimeTooSkewed"));
}

}  // namespace

Task<StepOutcome> find_credentials(Probe& probe) {
  s3::RefreshingCredentialsProvider* provider = probe.s3().refreshing_credentials();
  if (provider == nullptr) {
    probe.learn(Fact::credentials);
    co_return fmt::format("configuration: {}, do not expire", probe.parameters().access_key);
  }
  RINGPULL_CO_TRY(const s3::Credentials* found, co_await provider->credentials());
  (void)found;
  probe.learn(Fact::credentials);
  s3::CredentialsStatus status = provider->status();
  co_return fmt::format("{}: {}, {}", status.source, status.access_key_id, lifetime(status));
}

Task<StepOutcome> find_address(Probe& probe) {
  const s3::Endpoint& endpoint = probe.client().endpoint_of(probe.bucket());
  RINGPULL_CO_TRY(s3::BucketAddress address, endpoint.address(probe.bucket()));
  probe.learn(Fact::address);
  co_return fmt::format("{}{}, region {}, {}", address.origin.origin(), address.target_prefix,
                        endpoint.region().str(), style_of(probe.bucket(), address));
}

Task<StepOutcome> connect(Probe& probe) {
  const s3::Endpoint& endpoint = probe.client().endpoint_of(probe.bucket());
  RINGPULL_CO_TRY(s3::BucketAddress address, endpoint.address(probe.bucket()));
  // Not HEAD, which radosgw may answer with a body: the next answer would be looked for in it.
  http::RequestHead head("GET", "/");
  RINGPULL_CO_TRY(http::Response response, co_await probe.http().send(address.origin, head));
  probe.learn(Fact::connection);
  http::ResponseHead answer = response.head();
  co_await response.finish();
  RINGPULL_CO_TRY(std::string clock, compare_clock(answer));
  co_return fmt::format("{} answers, {}", address.origin.origin(), clock);
}

Task<StepOutcome> find_bucket(Probe& probe) {
  s3::ListObjectsV2Options options(probe.bucket(), probe.key_prefix());
  options.keys_max = 1;
  probe.asks_for("s3:ListBucket");
  auto page = co_await probe.client().list_objects_v2(options);
  bool known = page || page.error().is(ErrorKind::permission_denied) ||
               page.error().is(ErrorKind::unsupported);
  if (known) probe.learn(Fact::bucket);
  if (!page) co_return fail(std::move(page).error());
  probe.learn(Fact::listing);
  co_return fmt::format("{} answers these credentials", probe.bucket().str());
}

Task<StepOutcome> compare_region(Probe& probe) {
  const s3::Region& configured = probe.parameters().region;
  const s3::Region& actual = probe.client().endpoint_of(probe.bucket()).region();
  if (actual == configured) co_return actual.str();
  // Our client goes on in the right region; each start would ask in the wrong one first.
  co_return fail(Error(ErrorKind::invalid_argument,
                       fmt::format("{} is in region {}, and the configuration says {}",
                                   probe.bucket().str(), actual.str(), configured.str()))
                     .with_hint(actual.str()));
}

}  // namespace ringpull::tools
