#include "cloudfront/src/network/aws_ip_ranges.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace ringpull::cloudfront {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// As AWS publishes it, shortened.
constexpr const char* kList = R"({
  "syncToken": "1767323045",
  "createDate": "2026-01-02-03-04-05",
  "prefixes": [
    {"ip_prefix": "3.5.140.0/22", "region": "ap-northeast-2", "service": "AMAZON",
     "network_border_group": "ap-northeast-2"},
    {"ip_prefix": "3.5.140.0/22", "region": "ap-northeast-2", "service": "S3",
     "network_border_group": "ap-northeast-2"},
    {"ip_prefix": "13.34.0.0/16", "region": "GLOBAL", "service": "AMAZON"},
    {"ip_prefix": "13.34.37.64/27", "region": "us-east-1", "service": "EC2"},
    {"ip_prefix": "198.51.100.7", "region": "us-east-1", "service": "EC2"}
  ],
  "ipv6_prefixes": [
    {"ipv6_prefix": "2600:1f00::/40", "region": "us-east-1", "service": "EC2"},
    {"ipv6_prefix": "2a05:d07a:a000::/40", "region": "eu-south-1", "service": "AMAZON"}
  ]
})";

bool wants(const IpTable& table, const char* address) {
  return table.wants(IpAddress::parse(address).value());
}

TEST(AwsIpRanges, AreAllWantedWithoutRegions) {
  IpTable table = read_aws_ip_ranges(kList, std::nullopt).value().table;
  EXPECT_EQ(table.networks(), 6U);
  for (const char* address : {"3.5.140.1", "13.34.1.1", "13.34.37.65", "198.51.100.7",
                              "2600:1f00::1", "2a05:d07a:a000::1"}) {
    EXPECT_TRUE(wants(table, address)) << address;
  }
  for (const char* address : {"3.5.144.0", "198.51.100.8", "2600:2000::"}) {
    EXPECT_FALSE(wants(table, address)) << address;
  }
}

TEST(AwsIpRanges, AreThoseOfTheRegionsInAnyCase) {
  std::vector<std::string> us = {"us-east-1"};
  IpTable table = read_aws_ip_ranges(kList, us).value().table;
  for (const char* address : {"13.34.37.65", "198.51.100.7", "2600:1f00::1"}) {
    EXPECT_TRUE(wants(table, address)) << address;
  }
  for (const char* address : {"3.5.140.1", "13.34.1.1", "2a05:d07a:a000::1"}) {
    EXPECT_FALSE(wants(table, address)) << address;
  }
  std::vector<std::string> global = {"global"};
  IpTable everywhere = read_aws_ip_ranges(kList, global).value().table;
  EXPECT_TRUE(wants(everywhere, "13.34.1.1"));
  EXPECT_FALSE(wants(everywhere, "13.34.37.65")) << "the smaller network is us-east-1's";
}

TEST(AwsIpRanges, LeaveOutEntriesThatCannotBeRead) {
  IpTable table = read_aws_ip_ranges(R"({"prefixes": [
      {"ip_prefix": "300.0.0.0/8", "region": "us-east-1"}, {"region": "us-east-1"}, {}, [], 7,
      null, "10.9.0.0/16", {"ip_prefix": 7}, {"ip_prefix": {"ip_prefix": "10.8.0.0/16"}},
      {"ip_prefix": "10.0.0.0/16"}, {"extra": [{"ip_prefix": "10.7.0.0/16"}],
      "ip_prefix": "10.1.0.0/16"}], "others": [{"ip_prefix": "10.6.0.0/16"}]})",
                                     std::nullopt)
                      .value()
                      .table;
  EXPECT_EQ(table.networks(), 2U);
  EXPECT_TRUE(wants(table, "10.0.0.1"));
  EXPECT_TRUE(wants(table, "10.1.0.1"));
}

TEST(AwsIpRanges, TellTheRegionsThatTheyHave) {
  std::vector<std::string> us = {"us-east-1"};
  auto ranges = read_aws_ip_ranges(kList, us).value();
  EXPECT_THAT(ranges.regions, ElementsAre("ap-northeast-2", "eu-south-1", "global", "us-east-1"));
  std::string longest = R"({"prefixes": [{"ip_prefix": "10.0.0.0/8", "region": ")" +
                        std::string(63, 'a') + R"("}, {"ip_prefix": "x", "region": "none"},
                          {"ip_prefix": "11.0.0.0/8", "region": ")" +
                        std::string(64, 'b') + R"("}, {"ip_prefix": "12.0.0.0/8"}]})";
  EXPECT_THAT(read_aws_ip_ranges(longest, us).value().regions, ElementsAre(std::string(63, 'a')));
}

TEST(AwsIpRanges, RefuseWhatIsNoList) {
  std::string cut = kList;
  cut.resize(cut.size() / 2);
  for (const std::string& text :
       {std::string(), cut, std::string("<html>"), std::string("{\"prefixes\": [}]}")}) {
    auto table = read_aws_ip_ranges(text, std::nullopt);
    ASSERT_FALSE(table) << text;
    EXPECT_EQ(table.error().kind(), ErrorKind::protocol);
    EXPECT_THAT(table.error().message(), HasSubstr("not JSON"));
  }
  for (const char* text :
       {"{}", "[]", "null", "7", R"({"prefixes": []})", R"([{"ip_prefix": "10.0.0.0/8"}])",
        R"({"prefixes": {"a": {"ip_prefix": "x"}}})"}) {
    auto table = read_aws_ip_ranges(text, std::nullopt);
    ASSERT_FALSE(table) << text;
    EXPECT_THAT(table.error().message(), HasSubstr("holds no network"));
  }
  std::string deep(100'000, '[');
  EXPECT_FALSE(read_aws_ip_ranges(deep, std::nullopt));
}

}  // namespace
}  // namespace ringpull::cloudfront
