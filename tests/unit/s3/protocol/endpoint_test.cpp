#include <gtest/gtest.h>
#include <string>
#include <tuple>

#include <ringpull/s3/aws_partition.hpp>
#include <ringpull/s3/endpoint.hpp>

namespace ringpull::s3 {
namespace {

std::string addressed(std::string_view url, const char* bucket,
                      Addressing addressing = Addressing::automatic) {
  auto endpoint = Endpoint::create(url, Region("us-east-1"), addressing);
  if (!endpoint) return "endpoint: " + std::string(to_string(endpoint.error().kind()));
  auto address = endpoint->address(Bucket(bucket));
  if (!address) return std::string(to_string(address.error().kind()));
  return address->origin.origin() + address->target_prefix;
}

TEST(Endpoint, AutomaticChoosesVirtualHostWhereItCanWork) {
  EXPECT_EQ(addressed("https://s3.example.com", "bucket"), "https://bucket.s3.example.com/");
  EXPECT_EQ(addressed("s3.example.com", "bucket"), "https://bucket.s3.example.com/");
  EXPECT_EQ(addressed("http://s3.example.com:80", "bucket"), "http://bucket.s3.example.com/");
}

TEST(Endpoint, AutomaticChoosesPathWhereVirtualHostCannotWork) {
  EXPECT_EQ(addressed("http://127.0.0.1", "bucket"), "http://127.0.0.1/bucket/");
  EXPECT_EQ(addressed("http://[::1]:9000", "bucket"), "http://[::1]:9000/bucket/");
  EXPECT_EQ(addressed("http://localhost", "bucket"), "http://localhost/bucket/");
  EXPECT_EQ(addressed("https://s3.example.com:8443", "bucket"),
            "https://s3.example.com:8443/bucket/");
  EXPECT_EQ(addressed("https://s3.example.com", "dotted.bucket"),
            "https://s3.example.com/dotted.bucket/");
  EXPECT_EQ(addressed("https://s3.example.com", "Under_Score"),
            "https://s3.example.com/Under_Score/");
}

TEST(Endpoint, AnExplicitStyleWins) {
  EXPECT_EQ(addressed("https://s3.example.com", "bucket", Addressing::path),
            "https://s3.example.com/bucket/");
  EXPECT_EQ(addressed("https://localhost:9000", "bucket", Addressing::virtual_host),
            "https://bucket.localhost:9000/");
  EXPECT_EQ(addressed("https://s3.example.com", "dotted.bucket", Addressing::virtual_host),
            "https://dotted.bucket.s3.example.com/");
}

TEST(Endpoint, RefusesAStyleThatWouldReachAnotherBucket) {
  EXPECT_EQ(addressed("https://10.0.0.1", "bucket", Addressing::virtual_host), "invalid_argument");
  EXPECT_EQ(addressed("https://s3.example.com", "Upper", Addressing::virtual_host),
            "invalid_argument");
  EXPECT_EQ(addressed("https://s3.example.com", "a..b", Addressing::virtual_host),
            "invalid_argument");
}

TEST(Endpoint, RefusesNamesThatWouldBreakTheTarget) {
  for (const char* bucket : {"", "a/b", "a b", "a?b", "a%b", "..", ".", "a\nb", "b\xc3\xbc"}) {
    EXPECT_EQ(addressed("http://127.0.0.1", bucket), "invalid_argument") << bucket;
  }
  EXPECT_EQ(addressed("http://127.0.0.1", "tenant:bucket"), "http://127.0.0.1/tenant%3Abucket/");
}

TEST(Endpoint, RefusesUrlsWithMoreThanAnOrigin) {
  EXPECT_EQ(addressed("https://s3.example.com/prefix", "b"), "endpoint: invalid_argument");
  EXPECT_EQ(addressed("https://s3.example.com/?a=b", "b"), "endpoint: invalid_argument");
  EXPECT_EQ(addressed("ftp://s3.example.com", "b"), "endpoint: invalid_argument");
  EXPECT_EQ(addressed("", "b"), "endpoint: invalid_argument");
  EXPECT_FALSE(Endpoint::create("https://s3.example.com", Region("")));
  EXPECT_FALSE(Endpoint::create("https://s3.example.com", Region("eu/west")));
}

TEST(Endpoint, KnowsAmazonsHosts) {
  auto paris = Endpoint::aws(Region("eu-west-3"));
  ASSERT_TRUE(paris);
  EXPECT_EQ(paris->address(Bucket("bucket"))->origin.origin(),
            "https://bucket.s3.eu-west-3.amazonaws.com");
  auto beijing = paris->with_region(Region("cn-north-1"));
  ASSERT_TRUE(beijing);
  EXPECT_EQ(beijing->address(Bucket("bucket"))->origin.origin(),
            "https://bucket.s3.cn-north-1.amazonaws.com.cn");
  EXPECT_FALSE(Endpoint::aws(Region("evil.example.com/")));
  EXPECT_FALSE(Endpoint::aws(Region("")));
}

std::string aws_host(const char* region, bool dualstack, bool fips, bool accelerate) {
  AwsHosts hosts;
  hosts.dualstack = dualstack;
  hosts.fips = fips;
  hosts.accelerate = accelerate;
  auto endpoint = Endpoint::aws(Region(region), hosts, Addressing::automatic);
  if (!endpoint) return endpoint.error().message();
  return endpoint->address(Bucket("b"))->origin.host();
}

TEST(Endpoint, KnowsAmazonsOtherHostsOfARegion) {
  EXPECT_EQ(aws_host("eu-west-3", true, false, false), "b.s3.dualstack.eu-west-3.amazonaws.com");
  EXPECT_EQ(aws_host("us-east-1", false, true, false), "b.s3-fips.us-east-1.amazonaws.com");
  EXPECT_EQ(aws_host("us-east-1", true, true, false),
            "b.s3-fips.dualstack.us-east-1.amazonaws.com");
  EXPECT_EQ(aws_host("eu-west-3", false, false, true), "b.s3-accelerate.amazonaws.com");
  EXPECT_EQ(aws_host("eu-west-3", true, false, true), "b.s3-accelerate.dualstack.amazonaws.com");
  EXPECT_EQ(aws_host("cn-north-1", true, false, false),
            "b.s3.dualstack.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(aws_host("eusc-de-east-1", false, false, false), "b.s3.eusc-de-east-1.amazonaws.eu");
  EXPECT_EQ(aws_host("us-isob-east-1", false, false, false), "b.s3.us-isob-east-1.sc2s.sgov.gov");
  EXPECT_EQ(aws_host("us-iso-east-1", false, false, false), "b.s3.us-iso-east-1.c2s.ic.gov");
}

TEST(Endpoint, RefusesHostsThatAmazonDoesNotHave) {
  EXPECT_EQ(aws_host("us-east-1", false, true, true),
            "Transfer Acceleration has no FIPS hosts; leave one of them out");
  EXPECT_EQ(aws_host("cn-north-1", false, true, false), "region cn-north-1 has no FIPS hosts");
  EXPECT_EQ(aws_host("cn-north-1", false, false, true),
            "region cn-north-1 has no Transfer Acceleration");
  AwsHosts accelerated;
  accelerated.accelerate = true;
  EXPECT_FALSE(Endpoint::aws(Region("us-east-1"), accelerated, Addressing::path));
  auto endpoint = Endpoint::aws(Region("us-east-1"), accelerated, Addressing::automatic);
  ASSERT_TRUE(endpoint);
  EXPECT_FALSE(endpoint->address(Bucket("a.b")));
}

TEST(Endpoint, SaysWhichBucketIsNoneAndWhatOneMayBe) {
  auto endpoint = Endpoint::create("http://127.0.0.1", Region("us-east-1"));
  ASSERT_TRUE(endpoint);
  auto address = endpoint->address(Bucket("my bucket/x"));
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().message(),
            "bucket \"my%20bucket/x\": a name has 1 to 255 letters, digits, '.', '-', '_' and ':' "
            "(Amazon's has 3 to 63, none of them a capital, '_' or ':'), and is neither \".\" nor "
            "\"..\"");
  EXPECT_TRUE(endpoint->address(Bucket("Tenant:my_bucket")));
}

TEST(Endpoint, AnotherRegionOfAmazonKeepsTheKindOfHost) {
  AwsHosts plain;
  plain.secure = false;
  plain.dualstack = true;
  auto endpoint = Endpoint::aws(Region("us-east-1"), plain, Addressing::path);
  ASSERT_TRUE(endpoint);
  auto other = endpoint->with_region(Region("eu-west-3"));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->address(Bucket("b"))->origin.origin(),
            "http://s3.dualstack.eu-west-3.amazonaws.com");
}

TEST(Endpoint, AnotherRegionOfACustomEndpointKeepsItsHost) {
  auto endpoint = Endpoint::create("http://127.0.0.1:9000", Region("us-east-1"));
  ASSERT_TRUE(endpoint);
  auto other = endpoint->with_region(Region("eu-west-3"));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->url().origin(), "http://127.0.0.1:9000");
  EXPECT_EQ(other->region(), Region("eu-west-3"));
}

TEST(AwsPartition, IsToldByTheRegionsName) {
  const std::tuple<const char*, const char*, const char*> kCases[] = {
      {"us-east-1", "aws", "amazonaws.com"},
      {"us-isolated-1", "aws", "amazonaws.com"},
      {"", "aws", "amazonaws.com"},
      {"cn-north-1", "aws-cn", "amazonaws.com.cn"},
      {"us-gov-west-1", "aws-us-gov", "amazonaws.com"},
      {"us-iso-east-1", "aws-iso", "c2s.ic.gov"},
      {"us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"},
      {"us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"},
      {"eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"},
      {"eusc-de-east-1", "aws-eusc", "amazonaws.eu"}};
  for (const auto& [region, name, domain] : kCases) {
    EXPECT_EQ(aws_partition(region).name, name) << region;
    EXPECT_EQ(aws_partition(region).domain, domain) << region;
  }
}

}  // namespace
}  // namespace ringpull::s3
