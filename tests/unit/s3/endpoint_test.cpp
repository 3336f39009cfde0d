#include <gtest/gtest.h>
#include <string>

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

TEST(Endpoint, AnotherRegionOfACustomEndpointKeepsItsHost) {
  auto endpoint = Endpoint::create("http://127.0.0.1:9000", Region("us-east-1"));
  ASSERT_TRUE(endpoint);
  auto other = endpoint->with_region(Region("eu-west-3"));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->url().origin(), "http://127.0.0.1:9000");
  EXPECT_EQ(other->region(), Region("eu-west-3"));
}

}  // namespace
}  // namespace ringpull::s3
