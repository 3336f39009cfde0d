#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <sys/stat.h>

#include <ringpull/cloudfront/url_signer.hpp>

#include "tests/support/temp_dir.hpp"

namespace ringpull::cloudfront {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string golden(const std::string& name) {
  return RINGPULL_SOURCE_DIR "/tests/golden/cloudfront/" + name;
}

std::string text_of(const std::string& name) {
  std::ifstream file(golden(name), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << golden(name) << " (run the tests in the source tree's root)";
  return text.str();
}

TEST(PrivateKey, ReadsEveryPemFormThatCloudFrontUsersHave) {
  for (const char* name : {"rsa2048-pkcs1.pem", "rsa2048-pkcs8.pem"}) {
    Result<PrivateKey> key = PrivateKey::from_pem_file(golden(name));
    ASSERT_TRUE(key) << name << ": " << key.error().message();
    EXPECT_EQ(key->type(), PrivateKey::Type::rsa) << name;
    EXPECT_EQ(key->bits(), 2048) << name;
  }
  EXPECT_EQ(PrivateKey::from_pem_file(golden("rsa3072-pkcs8.pem"))->bits(), 3072);
  // openssl ecparam writes an EC PARAMETERS block in front of the key.
  for (const char* name : {"p256-sec1.pem", "p256-pkcs8.pem"}) {
    Result<PrivateKey> key = PrivateKey::from_pem_file(golden(name));
    ASSERT_TRUE(key) << name << ": " << key.error().message();
    EXPECT_EQ(key->type(), PrivateKey::Type::ecdsa_p256) << name;
    EXPECT_EQ(key->bits(), 256) << name;
  }
}

TEST(PrivateKey, RefusesKeysThatCloudFrontWouldNotTake) {
  for (const char* name : {"rsa1024-pkcs1.pem", "p384-sec1.pem", "ed25519-pkcs8.pem"}) {
    Result<PrivateKey> key = PrivateKey::from_pem_file(golden(name));
    ASSERT_FALSE(key) << name;
    EXPECT_EQ(key.error().kind(), ErrorKind::invalid_argument);
    EXPECT_THAT(key.error().message(), HasSubstr(name));
    EXPECT_THAT(key.error().message(), HasSubstr("CloudFront takes"));
  }
}

TEST(PrivateKey, RefusesAnEncryptedKeyInsteadOfAskingForItsPassphrase) {
  Result<PrivateKey> key = PrivateKey::from_pem_file(golden("rsa2048-encrypted.pem"));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().kind(), ErrorKind::invalid_argument);
  EXPECT_THAT(key.error().message(), HasSubstr("unencrypted"));
}

TEST(PrivateKey, RefusesAPublicKeyAnEmptyTextAndADamagedKey) {
  std::string damaged = text_of("rsa2048-pkcs8.pem");
  damaged.replace(damaged.size() / 2, 8, "AAAAAAAA");
  damaged.resize(damaged.size() - 200);
  damaged += "\n-----END PRIVATE KEY-----\n";
  for (const std::string& text : {text_of("rsa2048-public.pem"), std::string(), damaged}) {
    Result<PrivateKey> key = PrivateKey::from_pem(text);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().kind(), ErrorKind::invalid_argument);
    if (text.size() > 300) {
      EXPECT_THAT(key.error().message(), Not(HasSubstr(text.substr(100, 16))));
    }
  }
}

TEST(PrivateKey, NamesAFileThatIsNotThere) {
  Result<PrivateKey> key = PrivateKey::from_pem_file(golden("absent.pem"));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().kind(), ErrorKind::not_found);
  EXPECT_THAT(key.error().message(), HasSubstr("absent.pem: No such file"));
}

TEST(PrivateKey, DoesNotWaitForTheWriterOfAFifo) {
  testing::TempDir dir;
  std::string path = dir.file("key.pem");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  auto key = PrivateKey::from_pem_file(path);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().kind(), ErrorKind::invalid_argument) << key.error().message();
}

TEST(PrivateKey, RefusesATextLongerThanItsBound) {
  Result<PrivateKey> key = PrivateKey::from_pem(std::string(64 * 1024 + 1, 'x'));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().kind(), ErrorKind::too_large);
}

}  // namespace
}  // namespace ringpull::cloudfront
