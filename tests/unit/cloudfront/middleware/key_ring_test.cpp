// Keys that come, change and break while the middleware runs.
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include "tests/support/client_bed.hpp"
#include "tests/unit/cloudfront/middleware/middleware_bed.hpp"

namespace ringpull::cloudfront {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ringpull::testing::until;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MiddlewareBed;
using ::testing::Not;
using testing::parameter;

/// A bed whose keys are files of its own: "first", and "second" where wanted.
MiddlewareBed& with_keys(MiddlewareBed& bed, bool second) {
  bed.options.keys.clear();
  bed.options.keys.emplace_back(bed.files.file("first"), "K1");
  if (second) bed.options.keys.emplace_back(bed.files.file("second"), "K2");
  return bed;
}

/// Whether an ECDSA or an RSA key signs: their signatures differ in length.
Task<std::string> signing_key(MiddlewareBed& bed) {
  auto url = co_await bed.redirect("/a");
  bool rsa = parameter(url, "Signature").size() > 300;
  co_return std::string(rsa ? "rsa " : "p256 ") + parameter(url, "Key-Pair-Id");
}

/// Puts the clock forward and waits until every file has been looked at.
Task<void> check_files(MiddlewareBed& bed) {
  std::uint64_t checks = bed.middleware->status().key_checks;
  co_await bed.advance(60s);
  co_await until([&] { return bed.middleware->status().key_checks > checks; });
}

Task<void> expect_key(MiddlewareBed& bed, std::string expected) {
  auto key = co_await signing_key(bed);
  EXPECT_EQ(key, expected);
}

TEST(KeyRing, SignsWithAKeyThatReplacedTheOldOne) {
  MiddlewareBed bed;
  bed.put_key("first", "p256-sec1.pem");
  with_keys(bed, false).run([](MiddlewareBed& b) -> Task<void> {
    co_await expect_key(b, "p256 K1");
    b.put_key("first", "rsa2048-pkcs8.pem");
    co_await expect_key(b, "p256 K1");
    co_await check_files(b);
    EXPECT_EQ(b.middleware->status().key_loads, 2U);
    co_await expect_key(b, "rsa K1");
    EXPECT_THAT(b.notices, ElementsAre(HasSubstr("first was read anew")));
    for (int i = 0; i < 3; ++i) co_await check_files(b);
    EXPECT_EQ(b.middleware->status().key_loads, 2U) << "unchanged files are not read";
  });
}

TEST(KeyRing, KeepsTheOldKeyWhereTheNewFileIsBroken) {
  MiddlewareBed bed;
  bed.put_key("first", "p256-sec1.pem");
  with_keys(bed, false).run([](MiddlewareBed& b) -> Task<void> {
    for (const char* broken : {"p384-sec1.pem", "rsa2048-encrypted.pem", "rsa2048-public.pem"}) {
      std::uint64_t failures = b.middleware->status().key_failures;
      b.put_key("first", broken);
      co_await check_files(b);
      EXPECT_GT(b.middleware->status().key_failures, failures);
      co_await expect_key(b, "p256 K1");
    }
    EXPECT_THAT(b.notices, ElementsAre(AllOf(HasSubstr("first"), HasSubstr("CloudFront takes"),
                                             HasSubstr("the key read before is kept"))))
        << "told once";
    b.put_file("first", std::string(70'000, 'x'));
    co_await check_files(b);
    EXPECT_EQ(b.middleware->status().key_failures, 4U);
    b.put_key("first", "rsa2048-pkcs1.pem");
    co_await check_files(b);
    EXPECT_EQ(b.middleware->status().key_loads, 2U);
    co_await expect_key(b, "rsa K1");
    EXPECT_THAT(b.notices.back(), HasSubstr("was read anew"));
    for (const std::string& notice : b.notices) EXPECT_THAT(notice, Not(HasSubstr("xxxx")));
  });
}

TEST(KeyRing, KeepsTheKeyOfAFileThatIsGoneAndOfOneThatCameBackTheSame) {
  MiddlewareBed bed;
  bed.put_key("first", "p256-sec1.pem");
  with_keys(bed, false).run([](MiddlewareBed& b) -> Task<void> {
    std::filesystem::remove(b.files.file("first"));
    co_await check_files(b);
    EXPECT_EQ(b.middleware->status().key_failures, 1U);
    co_await expect_key(b, "p256 K1");
    b.put_key("first", "p256-sec1.pem");
    co_await check_files(b);
    EXPECT_EQ(b.middleware->status().key_loads, 2U);
    co_await expect_key(b, "p256 K1");
  });
}

TEST(KeyRing, SignsWithTheFirstKeyThatIsThere) {
  MiddlewareBed bed;
  bed.put_key("second", "p256-sec1.pem");
  with_keys(bed, true).run([](MiddlewareBed& b) -> Task<void> {
    EXPECT_THAT(b.notices, ElementsAre(AllOf(HasSubstr("first"), HasSubstr("No such file"))));
    co_await expect_key(b, "p256 K2");
    b.put_key("first", "rsa2048-pkcs1.pem");
    co_await check_files(b);
    EXPECT_EQ(b.middleware->status().key_loads, 2U);
    co_await expect_key(b, "rsa K1");
    EXPECT_EQ(b.middleware->status().key_pair_id, "K1");
    std::filesystem::remove(b.files.file("first"));
    co_await check_files(b);
    EXPECT_GT(b.middleware->status().key_failures, 0U);
    co_await expect_key(b, "rsa K1");
  });
}

TEST(KeyRing, TellsWhatBecameOfEachFile) {
  MiddlewareBed bed;
  bed.put_key("second", "p256-sec1.pem");
  with_keys(bed, true).run([](MiddlewareBed& b) -> Task<void> {
    auto keys = b.middleware->status().keys;
    EXPECT_EQ(keys.size(), 2U);
    if (keys.size() != 2) co_return;
    EXPECT_EQ(keys[0].key_pair_id, "K1");
    EXPECT_EQ(keys[0].path, b.files.file("first"));
    EXPECT_FALSE(keys[0].type);
    EXPECT_TRUE(keys[0].error && keys[0].error->is(ErrorKind::not_found));
    EXPECT_EQ(keys[1].type, PrivateKey::Type::ecdsa_p256);
    EXPECT_EQ(keys[1].bits, 256);
    EXPECT_FALSE(keys[1].error);
    b.put_key("first", "rsa2048-pkcs1.pem");
    co_await check_files(b);
    keys = b.middleware->status().keys;
    EXPECT_EQ(keys[0].type, PrivateKey::Type::rsa);
    EXPECT_EQ(keys[0].bits, 2048);
    EXPECT_FALSE(keys[0].error);
    b.put_key("first", "p384-sec1.pem");
    co_await check_files(b);
    keys = b.middleware->status().keys;
    EXPECT_EQ(keys[0].type, PrivateKey::Type::rsa) << "the one that still signs";
    EXPECT_TRUE(keys[0].error && keys[0].error->is(ErrorKind::invalid_argument));
  });
}

TEST(KeyRing, TakesALongerRsaKeyAndSaysThatCloudFrontDoesNotDocumentIt) {
  MiddlewareBed bed;
  bed.put_key("first", "rsa3072-pkcs8.pem");
  with_keys(bed, false).run([](MiddlewareBed& b) -> Task<void> {
    auto notice = AllOf(HasSubstr("/first holds RSA of 3072 bits"), HasSubstr("RSA of 2048"));
    EXPECT_THAT(b.notices, ElementsAre(notice));
    EXPECT_EQ(b.middleware->status().keys[0].bits, 3072);
    co_await expect_key(b, "rsa K1");
    b.notices.clear();
    b.put_key("first", "rsa2048-pkcs8.pem");
    co_await check_files(b);
    EXPECT_THAT(b.notices, ElementsAre(HasSubstr("was read anew")));
    b.notices.clear();
    b.put_key("first", "rsa3072-pkcs8.pem");
    co_await check_files(b);
    EXPECT_THAT(b.notices, ElementsAre(HasSubstr("was read anew"), notice));
  });
}

TEST(KeyRing, ReadsAFileAnewThatWasAwayAndIsTheSame) {
  MiddlewareBed bed;
  std::filesystem::create_directory(bed.files.file("mount"));
  bed.put_key("mount/key", "p256-sec1.pem");
  bed.options.keys.clear();
  bed.options.keys.emplace_back(bed.files.file("mount/key"), "K1");
  bed.run([](MiddlewareBed& b) -> Task<void> {
    std::filesystem::rename(b.files.file("mount"), b.files.file("away"));
    co_await check_files(b);
    EXPECT_TRUE(b.middleware->status().keys[0].error);
    std::filesystem::rename(b.files.file("away"), b.files.file("mount"));
    co_await check_files(b);
    EXPECT_FALSE(b.middleware->status().keys[0].error);
    EXPECT_THAT(b.notices,
                ElementsAre(HasSubstr("the key read before is kept"), HasSubstr("was read anew")));
  });
}

TEST(KeyRing, GivesNoSignatureOfAKeyThatWasReplaced) {
  MiddlewareBed bed;
  bed.options.reuse = SignatureReuse::wildcard;
  bed.options.reuse_period = 24h;
  bed.put_key("first", "p256-sec1.pem");
  with_keys(bed, false).run([](MiddlewareBed& b) -> Task<void> {
    auto before = co_await b.redirect("/a");
    b.put_key("first", "rsa2048-pkcs1.pem");
    co_await check_files(b);
    EXPECT_EQ(b.middleware->status().key_loads, 2U);
    auto after = co_await b.redirect("/a");
    EXPECT_EQ(parameter(before, "Policy"), parameter(after, "Policy"));
    EXPECT_NE(parameter(before, "Signature"), parameter(after, "Signature"));
  });
}

TEST(KeyRing, IsNotWatchedWhereThatIsSwitchedOff) {
  MiddlewareBed bed;
  bed.options.key_check_period = 0s;
  bed.put_key("first", "p256-sec1.pem");
  with_keys(bed, false).run([](MiddlewareBed& b) -> Task<void> {
    b.put_key("first", "rsa2048-pkcs1.pem");
    co_await b.advance(24h);
    co_await expect_key(b, "p256 K1");
    EXPECT_THAT(b.notices, IsEmpty());
  });
}

TEST(KeyRing, FailsAtTheStartWhereNoKeyCanBeUsed) {
  MiddlewareBed bed;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    CloudFrontOptions options = b.options;
    options.keys.clear();
    options.keys.emplace_back(testing::golden("absent.pem"), "K1");
    options.keys.emplace_back(testing::golden("p384-sec1.pem"), "K2");
    auto created = CloudFrontMiddleware::create(options, b.driver);
    EXPECT_FALSE(created);
    if (created) co_return;
    EXPECT_EQ(created.error().kind(), ErrorKind::not_found);
    EXPECT_THAT(created.error().message(), HasSubstr("absent.pem"));
  });
}

}  // namespace
}  // namespace ringpull::cloudfront
