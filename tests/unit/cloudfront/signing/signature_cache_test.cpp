#include "cloudfront/src/signing/signature_cache.hpp"

#include <gtest/gtest.h>
#include <string>

namespace ringpull::cloudfront {
namespace {

UrlSigner make_signer(const char* id) {
  UrlSignerOptions options;
  options.key_pair_id = id;
  auto key =
      PrivateKey::from_pem_file(RINGPULL_SOURCE_DIR "/tests/golden/cloudfront/p256-sec1.pem");
  return UrlSigner::create(key.value(), options).value();
}

Policy policy(const std::string& resource, int expires = 1000) {
  return Policy(resource, WallTime(std::chrono::seconds(expires)));
}

// An ECDSA signature is another one each time it is made, so that equal ones were kept.
TEST(SignatureCache, SignsTheSameOnce) {
  UrlSigner signer = make_signer("K1");
  SignatureCache cache(10);
  std::string first = *cache.query(signer, policy("https://h/a")).value();
  std::string second = *cache.query(signer, policy("https://h/a")).value();
  EXPECT_EQ(first, second);
  EXPECT_EQ(cache.made(), 1U);
}

TEST(SignatureCache, TellsResourcesAndExpiriesApart) {
  UrlSigner signer = make_signer("K1");
  SignatureCache cache(10);
  std::string a = *cache.query(signer, policy("https://h/a", 1000)).value();
  std::string b = *cache.query(signer, policy("https://h/b", 1000)).value();
  std::string later = *cache.query(signer, policy("https://h/a", 1001)).value();
  EXPECT_NE(a, b);
  EXPECT_NE(a, later);
  EXPECT_EQ(a, *cache.query(signer, policy("https://h/a", 1000)).value());
  EXPECT_EQ(cache.made(), 3U);
  EXPECT_EQ(a.find("Expires=1000&Signature="), 0U);
  EXPECT_EQ(later.find("Expires=1001&Signature="), 0U);
}

TEST(SignatureCache, ForgetsTheLeastRecentlyUsedBeyondItsBound) {
  UrlSigner signer = make_signer("K1");
  SignatureCache cache(2);
  std::string a = *cache.query(signer, policy("https://h/a")).value();
  std::string b = *cache.query(signer, policy("https://h/b")).value();
  EXPECT_EQ(*cache.query(signer, policy("https://h/a")).value(), a);
  ASSERT_TRUE(cache.query(signer, policy("https://h/c")));
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(*cache.query(signer, policy("https://h/a")).value(), a);
  EXPECT_NE(*cache.query(signer, policy("https://h/b")).value(), b);
  EXPECT_EQ(cache.made(), 4U);
}

TEST(SignatureCache, KeepsNothingOfAKeyThatWasReplaced) {
  UrlSigner old = make_signer("K1");
  UrlSigner fresh = make_signer("K2");
  SignatureCache cache(2);
  EXPECT_TRUE(cache.query(old, policy("https://h/a")).value()->ends_with("Key-Pair-Id=K1"));
  cache.clear();
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_TRUE(cache.query(fresh, policy("https://h/a")).value()->ends_with("Key-Pair-Id=K2"));
}

TEST(SignatureCache, KeepsNoFailure) {
  UrlSigner signer = make_signer("K1");
  SignatureCache cache(2);
  EXPECT_FALSE(cache.query(signer, policy("https://h/a b")));
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.made(), 0U);
}

}  // namespace
}  // namespace ringpull::cloudfront
