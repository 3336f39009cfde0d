#pragma once
// The `cloudfront` storage middleware: pulls are redirected to signed URLs of a distribution.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringpull/cloudfront/ip_network.hpp>
#include <ringpull/cloudfront/private_key.hpp>
#include <ringpull/cloudfront/url_signer.hpp>
#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/error.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/http/url.hpp>
#include <ringpull/s3/storage_middleware.hpp>

namespace ringpull::inline v0::cloudfront {

/// A key of the distribution's trusted key group.
struct KeyFile {
  KeyFile(std::string path_in, std::string key_pair_id_in)
      : path(std::move(path_in)), key_pair_id(std::move(key_pair_id_in)) {}
  std::string path;
  std::string key_pair_id;
};

/// Which clients are sent to the store instead of to CloudFront, because their way there is free.
enum class IpFilter : std::uint8_t {
  none,
  aws,         ///< addresses that belong to AWS
  aws_region,  ///< to AWS in CloudFrontOptions::regions
};

/// How many URLs one signature may serve. A URL that is reused lives up to reuse_period longer.
enum class SignatureReuse : std::uint8_t {
  off,       ///< each URL is signed anew
  url,       ///< equal URLs of one period are signed once, and are equal
  wildcard,  ///< one signature per period opens everything below the base URL
};

class CloudFrontOptions {
 public:
  CloudFrontOptions() = default;

  /// In front of each object's key; its path ends with '/', holds no "." or ".." and no '%' without
  /// its digits; it has no query.
  http::Url base_url;
  /// One or more. The first whose file has ever been readable signs, so that a successor can be
  /// named before it is there.
  std::vector<KeyFile> keys;
  HashAlgorithm hash = HashAlgorithm::sha1;
  /// How long a URL is good for, where RedirectOptions::expiry does not say. At least 1 s.
  std::chrono::seconds duration = std::chrono::minutes(20);
  /// Between two looks at the key files. 1 min: a rotation needs no restart, and costs an open
  /// file. 0: never.
  engine::Duration key_check_period = std::chrono::minutes(1);

  SignatureReuse reuse = SignatureReuse::off;
  /// Expiries are rounded up to multiples of this, so that URLs are equal meanwhile.
  std::chrono::seconds reuse_period = std::chrono::minutes(5);
  /// Signatures kept for SignatureReuse::url; the least recently used goes. About 1 KiB each.
  std::size_t signatures_max = 10'000;

  IpFilter ip_filter = IpFilter::none;
  /// In lower case, as ip-ranges.json has them.
  std::vector<std::string> regions;
  /// Only what these peers say about the client (X-Forwarded-For, X-Real-Ip) is believed.
  std::vector<IpNetwork> trusted_proxies;
  http::Url ip_ranges_url =
      http::Url::parse("https://ip-ranges.amazonaws.com/ip-ranges.json").value();
  /// Between two fetches of it, spread by a tenth: registries that started together should not ask
  /// together. AWS publishes changes a few times a week.
  engine::Duration update_frequency = std::chrono::hours(12);
  /// After a fetch that failed, doubled from one to the next up to update_frequency.
  engine::Duration update_retry = std::chrono::minutes(1);
  /// For one fetch.
  engine::Duration ip_ranges_time_max = std::chrono::seconds(30);
  /// The file had 2 MiB in 2025.
  std::size_t ip_ranges_bytes_max = std::size_t(16) << 20;
  /// Fetches ip_ranges_url, and outlives the middleware. Null: one of its own with the system's
  /// certificates and the process's proxies. The S3 client's is rarely right: its certificates may
  /// be those of a private store.
  http::Client* http = nullptr;

  /// The wall clock, from which expiries count. Default: the system's.
  std::function<WallTime()> clock;
  /// Told, in one sentence, what happens in the background that no caller can be told: a key file
  /// that cannot be used, or holds RSA of another size than CloudFront documents, a fetch that
  /// failed, and when it works again; once, the regions that the first list does not have. On the
  /// loop's thread.
  std::function<void(std::string_view)> on_notice;
};

/// One of CloudFrontOptions::keys, for reports.
struct KeyStatus {
  KeyStatus() = default;
  explicit KeyStatus(const KeyFile& file) : path(file.path), key_pair_id(file.key_pair_id) {}

  std::string path;
  std::string key_pair_id;
  /// Of the key that was read last; nothing where none has ever been usable.
  std::optional<PrivateKey::Type> type;
  int bits = 0;
  /// Why the file cannot be used now; the key that was read before still is.
  std::optional<Error> error;
};

/// One of CloudFrontOptions::regions that the list of networks does not have: nobody comes from it.
struct UnknownRegion {
  UnknownRegion() = default;
  UnknownRegion(std::string name_in, std::string nearest_in)
      : name(std::move(name_in)), nearest(std::move(nearest_in)) {}

  std::string name;
  /// The one of the list whose name is nearest; empty where the list has no regions.
  std::string nearest;
};

/// For reports. Counted since the middleware was made.
struct CloudFrontStatus {
  CloudFrontStatus() = default;

  std::uint64_t redirects = 0;      ///< URLs of the distribution that were given
  std::uint64_t signatures = 0;     ///< that were made for them
  std::uint64_t left_to_inner = 0;  ///< redirects asked of the driver below instead
  std::uint64_t near_clients = 0;   ///< of these, because of the client's address

  std::string key_pair_id;       ///< of the key that signs
  std::vector<KeyStatus> keys;   ///< all, in the order of the options
  std::uint64_t key_checks = 0;  ///< looks at all key files
  std::uint64_t key_loads = 0;
  std::uint64_t key_failures = 0;

  std::uint64_t ip_fetches = 0;
  std::uint64_t ip_not_modified = 0;
  std::uint64_t ip_failures = 0;
  /// Of the list in use; 0 before the first.
  std::size_t ip_networks = 0;
  /// By the list in use.
  std::vector<UnknownRegion> unknown_regions;
  /// Of the last fetch, when that one failed.
  std::optional<Error> ip_error;
};

/// Overrides redirect_url() alone: what is pushed goes to the store. A URL is the base URL and the
/// object's key, percent-encoded, so with the driver's root directory; it serves GET and HEAD
/// alike.
///
/// What is asked of the driver below instead: redirects for clients inside the filtered networks,
/// signed for their method; and paths whose key the store does not have (no driver with keys at the
/// bottom, no path) or that a client would change on its way ("." and ".." as names).
///
/// Lives on one loop, as its driver. Two tasks of its own may run there, for the key files and the
/// network list; close() ends them.
class CloudFrontMiddleware final : public s3::StorageMiddleware {
 public:
  /// On the thread of the loop that it is for; `inner` outlives it. Blocks to read the key files:
  /// fails with what is wrong with the first where none can be used, and notices the others.
  /// `invalid_argument` for options out of their ranges.
  static Result<std::unique_ptr<CloudFrontMiddleware>> create(const CloudFrontOptions& options,
                                                              s3::StorageDriver& inner);
  /// Aborts while its tasks run: close() comes first.
  ~CloudFrontMiddleware() override;

  engine::Task<void> close() override;
  s3::StorageCapabilities capabilities() const noexcept override;
  engine::Task<Result<std::optional<std::string>>> redirect_url(
      std::string_view path, const s3::RedirectOptions& options) override;

  /// Completes when the networks have been fetched for the first time, or the first attempt has
  /// failed (CloudFrontStatus::ip_error; until it succeeds every client is sent to CloudFront). At
  /// once without a filter. `cancelled` or `timed_out` when stopped first.
  engine::Task<Result<void>> ready();

  /// Cookies that open `path` as the URL would, whoever asks; for everything below the base URL
  /// where `reuse` is wildcard. `not_found` (path_not_found) where the URL would be the inner
  /// driver's.
  Result<std::vector<Cookie>> cookies(std::string_view path,
                                      const s3::RedirectOptions& options) const;

  CloudFrontStatus status() const;

 private:
  class Impl;
  CloudFrontMiddleware(s3::StorageDriver& inner, std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpull::inline v0::cloudfront
