#include "s3/src/aws_domain.hpp"

namespace ringpull::inline v0::s3 {

// Amazon's partitions: the regions whose names begin so live below another domain.
std::string_view aws_domain(std::string_view region) noexcept {
  struct Partition {
    std::string_view prefix;
    std::string_view domain;
  };
  static constexpr Partition kPartitions[] = {
      {"cn-", "amazonaws.com.cn"},    {"eusc-", "amazonaws.eu"},
      {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
      {"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"}};
  for (const Partition& partition : kPartitions) {
    if (region.starts_with(partition.prefix)) return partition.domain;
  }
  return "amazonaws.com";
}

}  // namespace ringpull::inline v0::s3
