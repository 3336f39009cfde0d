#pragma once
// For the hosts of Amazon's services, S3 and STS. What else a partition has is in
// aws_partition.hpp.

#include <string_view>

#include <ringpull/s3/aws_partition.hpp>

namespace ringpull::inline v0::s3 {

/// The domain below which the services of Amazon's partition live that has the region.
inline std::string_view aws_domain(std::string_view region) noexcept {
  return aws_partition(region).domain;
}

}  // namespace ringpull::inline v0::s3
