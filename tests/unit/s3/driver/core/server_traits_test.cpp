#include <gtest/gtest.h>

#include <ringpull/s3/server_traits.hpp>

namespace ringpull::s3 {
namespace {

ServerTraits traits(const char* url) {
  return server_traits(Endpoint::create(url, Region("us-east-1")).value());
}

TEST(ServerTraits, AreKnownByTheNameOfTheEndpoint) {
  EXPECT_TRUE(traits("https://s3.eu-west-1.amazonaws.com").checksum_headers);
  EXPECT_TRUE(traits("https://s3.cn-north-1.amazonaws.com.cn").checksum_headers);
  EXPECT_FALSE(traits("https://amazonaws.com.example.org").checksum_headers);
  EXPECT_FALSE(traits("https://notamazonaws.com").checksum_headers);
  EXPECT_TRUE(traits("https://acc.eu.r2.cloudflarestorage.com").uniform_parts);
  EXPECT_FALSE(traits("https://storage.googleapis.com").delete_objects);
  EXPECT_FALSE(traits("https://storage.googleapis.com").conditional_writes);
  EXPECT_TRUE(traits("https://s3.eu-west-1.amazonaws.com").conditional_writes);
  EXPECT_FALSE(traits("https://b.storage.googleapis.com").delete_objects);
}

TEST(ServerTraits, OfAServerThatIsNotKnownAreWhatAllCanDo) {
  for (const char* url : {"http://127.0.0.1:7480", "http://minio:9000", "http://seaweedfs:8333"}) {
    ServerTraits other = traits(url);
    EXPECT_TRUE(other.delete_objects);
    EXPECT_TRUE(other.list_objects_v2);
    EXPECT_FALSE(other.uniform_parts);
    EXPECT_FALSE(other.checksum_headers);
  }
}

}  // namespace
}  // namespace ringpull::s3
