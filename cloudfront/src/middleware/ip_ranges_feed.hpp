#pragma once
// The list of networks, fetched again and again.

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ringpull/cloudfront/cloudfront_middleware.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/client.hpp>

#include "cloudfront/src/middleware/notice.hpp"
#include "cloudfront/src/network/ip_table.hpp"

namespace ringpull::inline v0::cloudfront {

/// Keeps what the last good fetch gave; empty before.
class IpRangesFeed {
 public:
  /// Both outlive the feed.
  IpRangesFeed(const CloudFrontOptions& options, http::Client& client);

  /// Fetches at once, then at the frequency of the options, until stopped.
  engine::Task<void> run();
  /// Set once the first fetch has ended, well or not.
  engine::Event& first_fetch() noexcept { return first_fetch_; }

  const IpTable& table() const noexcept { return table_; }
  void report(CloudFrontStatus& status) const;

 private:
  engine::Task<Result<void>> update();
  engine::Task<Result<void>> fetch();
  engine::Task<Result<void>> take(http::Response& response);
  /// Notes which of the options' regions the list does not have.
  void compare_regions(const std::set<std::string, std::less<>>& known);
  void tell_unknown_regions() const;
  void note(Result<void> updated);
  engine::Duration next_pause();

  const CloudFrontOptions& options_;
  http::Client& client_;
  IpTable table_;
  std::string etag_;
  std::vector<UnknownRegion> unknown_regions_;
  engine::Event first_fetch_;
  std::optional<Error> error_;  // of the last fetch
  std::uint64_t failures_in_row_ = 0;
  std::uint64_t fetches_ = 0;
  std::uint64_t not_modified_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace ringpull::inline v0::cloudfront
