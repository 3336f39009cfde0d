#include "cloudfront/src/middleware/ip_ranges_feed.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/s3/parameter_text.hpp>

#include "cloudfront/src/network/aws_ip_ranges.hpp"

namespace ringpull::inline v0::cloudfront {

using engine::Deadline;
using engine::Duration;
using engine::Task;

namespace {

constexpr int kOk = 200;
constexpr int kNotModified = 304;

/// From [0, 1).
double uniform_random() {
  std::uint64_t bits = 0;
  engine::Loop::current().backend().random(std::as_writable_bytes(std::span(&bits, 1)));
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

Duration spread(Duration pause) {
  constexpr double kSpread = 0.1;
  auto more = static_cast<double>(pause.count()) * kSpread * uniform_random();
  return pause + Duration(static_cast<Duration::rep>(more));
}

}  // namespace

IpRangesFeed::IpRangesFeed(const CloudFrontOptions& options, http::Client& client)
    : options_(options), client_(client) {}

Task<void> IpRangesFeed::run() {
  while (true) {
    auto updated = co_await update();
    note(std::move(updated));
    first_fetch_.set();
    auto slept = co_await engine::sleep_for(next_pause());
    if (!slept) co_return;
  }
}

Task<Result<void>> IpRangesFeed::update() {
  ++fetches_;
  Deadline deadline = Deadline::after(options_.ip_ranges_time_max);
  auto fetched = co_await engine::with_deadline(deadline, fetch());
  if (fetched) co_return fetched;
  std::string what =
      "fetch " + options_.ip_ranges_url.origin() + std::string(options_.ip_ranges_url.path());
  co_return fail(std::move(fetched).error().context(what));
}

Task<Result<void>> IpRangesFeed::fetch() {
  http::RequestHead head("GET", options_.ip_ranges_url.target());
  head.headers.add("User-Agent", "ringpull");
  head.headers.add("Accept", "application/json");
  if (!etag_.empty()) head.headers.add("If-None-Match", etag_);
  RINGPULL_CO_TRY(http::Response response, co_await client_.send(options_.ip_ranges_url, head));
  if (response.status() == kOk) {
    auto taken = co_await take(response);
    co_return taken;
  }
  int status = response.status();
  co_await response.finish();
  if (status == kNotModified && !etag_.empty()) {
    ++not_modified_;
    co_return Result<void>();
  }
  Error error(ErrorKind::unavailable, "the server answers " + std::to_string(status) +
                                          "; iprangesurl must be the address "
                                          "of the list itself");
  co_return fail(std::move(error).with_http_status(status));
}

Task<Result<void>> IpRangesFeed::take(http::Response& response) {
  std::string etag(response.head().headers.get("ETag").value_or(""));
  RINGPULL_CO_TRY(std::string text, co_await response.read_text(options_.ip_ranges_bytes_max));
  std::optional<std::span<const std::string>> regions;
  if (options_.ip_filter == IpFilter::aws_region) regions = options_.regions;
  RINGPULL_CO_TRY(AwsIpRanges list, read_aws_ip_ranges(text, regions));
  bool first = table_.networks() == 0;
  table_ = std::move(list.table);
  if (regions) compare_regions(list.regions);
  if (first) tell_unknown_regions();
  // Only of a list that is in use: what could not be read is asked for again.
  etag_ = std::move(etag);
  co_return Result<void>();
}

void IpRangesFeed::compare_regions(const std::set<std::string, std::less<>>& known) {
  unknown_regions_.clear();
  std::vector<std::string_view> names(known.begin(), known.end());
  for (const std::string& region : options_.regions) {
    if (known.contains(region)) continue;
    std::string nearest(names.empty() ? std::string_view() : s3::nearest_name(region, names));
    unknown_regions_.emplace_back(region, std::move(nearest));
  }
}

/// Once: a list that loses or gains a region later is nothing that the configuration's author did.
void IpRangesFeed::tell_unknown_regions() const {
  for (const UnknownRegion& region : unknown_regions_) {
    tell(options_.on_notice,
         "awsregion names " + region.name + ", of which the list has no network" +
             (region.nearest.empty() ? "" : "; did you mean " + region.nearest + "?"));
  }
}

/// Told once, until a fetch succeeds again.
void IpRangesFeed::note(Result<void> updated) {
  if (updated) {
    if (error_) tell(options_.on_notice, "the list of networks could be fetched again");
    error_.reset();
    failures_in_row_ = 0;
    return;
  }
  if (updated.error().is(ErrorKind::cancelled)) return;
  ++failures_;
  ++failures_in_row_;
  bool told = error_.has_value();
  error_ = std::move(updated).error();
  if (told) return;
  tell(options_.on_notice,
       error_->message() + (table_.networks() == 0
                                ? "; until it succeeds every client is sent to CloudFront"
                                : "; the list fetched before is kept"));
}

Duration IpRangesFeed::next_pause() {
  if (failures_in_row_ == 0) return spread(options_.update_frequency);
  constexpr std::uint64_t kDoublingsMax = 20;
  Duration pause = options_.update_retry;
  for (std::uint64_t i = 1; i < std::min(failures_in_row_, kDoublingsMax); ++i) {
    if (pause < options_.update_frequency) pause *= 2;
  }
  return spread(std::min(pause, options_.update_frequency));
}

void IpRangesFeed::report(CloudFrontStatus& status) const {
  status.ip_fetches = fetches_;
  status.ip_not_modified = not_modified_;
  status.ip_failures = failures_;
  status.ip_networks = table_.networks();
  status.unknown_regions = unknown_regions_;
  status.ip_error = error_;
}

}  // namespace ringpull::inline v0::cloudfront
