#include <ringpull/s3/aws_partition.hpp>

namespace ringpull::inline v0::s3 {

const AwsPartition& aws_partition(std::string_view region) noexcept {
  struct Row {
    std::string_view prefix;
    AwsPartition partition;
  };
  static constexpr AwsPartition kCommercial("aws", "amazonaws.com");
  static constexpr Row kRows[] = {
      {"cn-", {"aws-cn", "amazonaws.com.cn"}},      {"eusc-", {"aws-eusc", "amazonaws.eu"}},
      {"us-gov-", {"aws-us-gov", "amazonaws.com"}}, {"us-iso-", {"aws-iso", "c2s.ic.gov"}},
      {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov"}}, {"us-isof-", {"aws-iso-f", "csp.hci.ic.gov"}},
      {"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk"}}};
  for (const Row& row : kRows) {
    if (region.starts_with(row.prefix)) return row.partition;
  }
  return kCommercial;
}

}  // namespace ringpull::inline v0::s3
