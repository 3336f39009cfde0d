#pragma once
// Amazon's partitions: groups of regions with accounts, names and a domain of their own.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html

#include <string_view>

namespace ringpull::inline v0::s3 {

class AwsPartition {
 public:
  constexpr AwsPartition(std::string_view name_in, std::string_view domain_in) noexcept
      : name(name_in), domain(domain_in) {}

  std::string_view name;    ///< as ARNs have it: "aws", "aws-cn"
  std::string_view domain;  ///< below which its services live: "amazonaws.com"
};

/// That of a region, by how its name begins; the commercial one for every other name, since regions
/// are opened all the time. Static storage.
const AwsPartition& aws_partition(std::string_view region) noexcept;

}  // namespace ringpull::inline v0::s3
