#pragma once
// Where a bucket lives: service URL, region and addressing style. Pure values: any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/url.hpp>
#include <ringpull/s3/names.hpp>

namespace ringpull::inline v0::s3 {

enum class Addressing : std::uint8_t {
  /// path where virtual-host cannot work: the host is an IP address or a single label, a port is
  /// given, or the bucket's name is no DNS label (a dot in it breaks wildcard certificates).
  automatic,
  path,          ///< https://host/bucket/key
  virtual_host,  ///< https://bucket.host/key
};

/// Which of the host names that Amazon has for a region.
class AwsHosts {
 public:
  AwsHosts() = default;

  bool dualstack = false;  ///< reached by IPv6 as well as IPv4
  bool fips = false;       ///< FIPS 140 validated TLS
  /// Transfer Acceleration: for buckets that have it switched on and no dot in their name; neither
  /// with fips nor in China.
  bool accelerate = false;
  bool secure = true;  ///< https
};

/// Where the requests for one bucket go.
struct BucketAddress {
  BucketAddress() = default;

  /// Scheme, host and port to connect to; its target is "/".
  http::Url origin;
  /// What comes before the key in a target: "/bucket/" or "/".
  std::string target_prefix;
};

class Endpoint {
 public:
  /// Amazon's endpoint of a region. Any region that is a DNS label will do, so that new ones need
  /// no new release; `invalid_argument` for others, and for hosts that Amazon does not have.
  static Result<Endpoint> aws(Region region, Addressing addressing = Addressing::automatic) {
    return aws(std::move(region), AwsHosts(), addressing);
  }
  static Result<Endpoint> aws(Region region, const AwsHosts& hosts, Addressing addressing);
  /// Any S3 server. "https://" is assumed where `url` has no scheme; a path or query is
  /// `invalid_argument`, as no server of ours would see it in a signature. Most servers ignore the
  /// region or expect "us-east-1".
  static Result<Endpoint> create(std::string_view url, Region region,
                                 Addressing addressing = Addressing::automatic);

  const http::Url& url() const noexcept { return url_; }
  const Region& region() const noexcept { return region_; }
  Addressing addressing() const noexcept { return addressing_; }

  /// The endpoint of another region: another host with Amazon, else the same one.
  Result<Endpoint> with_region(Region region) const;

  /// `invalid_argument` for a name that cannot be a bucket's, or not in this style.
  Result<BucketAddress> address(const Bucket& bucket) const;

 private:
  Endpoint(http::Url url, Region region, Addressing addressing, std::optional<AwsHosts> aws)
      : url_(std::move(url)), region_(std::move(region)), addressing_(addressing), aws_(aws) {}

  bool uses_path(const Bucket& bucket) const;

  http::Url url_;
  Region region_;
  Addressing addressing_;
  std::optional<AwsHosts> aws_;  // absent: somebody else's
};

}  // namespace ringpull::inline v0::s3
