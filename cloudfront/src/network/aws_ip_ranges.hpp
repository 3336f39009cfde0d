#pragma once
// AWS's list of its own addresses.
// https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>

#include "cloudfront/src/network/ip_table.hpp"

namespace ringpull::inline v0::cloudfront {

/// A region's name is a DNS label: no longer one is kept, so that nobody has to be compared with
/// it.
inline constexpr std::size_t kRegionBytesMax = 63;

struct AwsIpRanges {
  AwsIpRanges() = default;

  IpTable table;
  /// All that the list has networks of, in lower case.
  std::set<std::string, std::less<>> regions;
};

/// The networks of ip-ranges.json, wanted where they belong to one of `regions` (lower case), or
/// all where it is absent. Entries that cannot be read are left out; `protocol` for what is no JSON
/// or holds no network at all, as an error page or a truncated file. A list of 2 MiB takes some 15
/// ms of the calling thread.
Result<AwsIpRanges> read_aws_ip_ranges(std::string_view json,
                                       std::optional<std::span<const std::string>> regions);

}  // namespace ringpull::inline v0::cloudfront
