// Known answers from botocore, and every key type verified by the openssl command line: two
// programs that share no code with the signer.

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <ringpull/cloudfront/url_signer.hpp>

#include "tests/support/temp_dir.hpp"

namespace ringpull::cloudfront {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto kExpires = std::chrono::system_clock::time_point(
    std::chrono::seconds(1'767'323'045));  // 2026-01-02T03:04:05Z
constexpr const char* kUrl =
    "https://d111111abcdef8.cloudfront.net/registry/docker/registry/v2/blobs/sha256/ab/abcd/data";

std::string golden(const std::string& name) {
  return RINGPULL_SOURCE_DIR "/tests/golden/cloudfront/" + name;
}

UrlSigner signer_with(const std::string& key_file, HashAlgorithm hash) {
  UrlSignerOptions options;
  options.key_pair_id = "K2JCJMDEHXQW5F";
  options.hash = hash;
  return UrlSigner::create(PrivateKey::from_pem_file(golden(key_file)).value(), options).value();
}

std::string write(const testing::TempDir& folder, const std::string& name,
                  const std::string& bytes) {
  std::string path = folder.file(name);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string parameter(const std::string& url, const std::string& name) {
  auto begin = url.find(name + "=");
  EXPECT_NE(begin, std::string::npos) << url;
  begin += name.size() + 1;
  return url.substr(begin, url.find('&', begin) - begin);
}

/// What openssl's base64 command reads: CloudFront's alphabet undone, in one line.
std::string standard_base64(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '=' : c == '~' ? '/' : c;
  return text + "\n";
}

bool openssl_verifies(const std::string& public_key, const std::string& digest,
                      const std::string& policy, const std::string& signature) {
  testing::TempDir folder;
  std::string encoded = write(folder, "signature.b64", standard_base64(signature));
  std::string policy_file = write(folder, "policy", policy);
  std::string command = "openssl base64 -d -A -in " + encoded + " -out " + encoded + ".bin && " +
                        "openssl dgst -" + digest + " -verify " + golden(public_key) +
                        " -signature " + encoded + ".bin " + policy_file + " >/dev/null 2>&1";
  return std::system(command.c_str()) == 0;
}

TEST(UrlSigner, GivesTheUrlsThatBotocoreGives) {
  std::ifstream file(golden("rsa2048-sha1.urls"));
  std::string expected;
  ASSERT_TRUE(std::getline(file, expected));
  UrlSigner signer = signer_with("rsa2048-pkcs1.pem", HashAlgorithm::sha1);
  EXPECT_EQ(signer.sign(kUrl, kExpires).value(), expected);
  ASSERT_TRUE(std::getline(file, expected));
  EXPECT_EQ(
      signer.sign("http://cdn.example.com/image.jpg?color=red&size=<medium>", kExpires).value(),
      expected);
}

/// A case of policies.json, which is botocore's.
struct PolicyCase {
  explicit PolicyCase(const nlohmann::json& one)
      : url(one.at("url")),
        policy(one.at("resource"), time(one.at("expires"))),
        hash(one.value("hash", "sha1") == "sha1" ? HashAlgorithm::sha1 : HashAlgorithm::sha256),
        text(one.at("policy")),
        signed_url(one.at("signed")) {
    if (one.contains("not_before")) policy.not_before = time(one.at("not_before"));
    if (one.contains("source")) policy.source_ip = IpNetwork::parse(std::string(one.at("source")));
  }
  static WallTime time(int seconds) { return WallTime(std::chrono::seconds(seconds)); }

  std::string url;
  Policy policy;
  HashAlgorithm hash;
  std::string text;
  std::string signed_url;
};

std::vector<PolicyCase> policy_cases() {
  std::ifstream file(golden("policies.json"));
  std::vector<PolicyCase> cases;
  for (const auto& one : nlohmann::json::parse(file)) cases.emplace_back(one);
  return cases;
}

TEST(UrlSigner, GivesTheCustomPoliciesThatBotocoreGives) {
  std::vector<PolicyCase> cases = policy_cases();
  ASSERT_EQ(cases.size(), 7U);
  for (const PolicyCase& one : cases) {
    UrlSigner signer = signer_with("rsa2048-pkcs8.pem", one.hash);
    EXPECT_EQ(signer.sign(one.url, one.policy).value(), one.signed_url);
    bool custom = needs_custom_policy(one.policy, one.url);
    EXPECT_EQ(custom ? custom_policy(one.policy) : canned_policy(one.url, one.policy.expires),
              one.text);
  }
}

TEST(UrlSigner, PutsIntoCookiesWhatItPutsIntoUrls) {
  for (const PolicyCase& one : policy_cases()) {
    UrlSigner signer = signer_with("rsa2048-pkcs1.pem", one.hash);
    bool canned =
        one.text.find('*') == std::string::npos && !one.policy.not_before && !one.policy.source_ip;
    std::vector<Cookie> cookies = signer.sign_cookies(one.policy).value();
    ASSERT_EQ(cookies.size(), one.hash == HashAlgorithm::sha256 ? 4U : 3U);
    EXPECT_EQ(cookies[0].name, canned ? "CloudFront-Expires" : "CloudFront-Policy");
    EXPECT_EQ(cookies[0].value, parameter(one.signed_url, canned ? "Expires" : "Policy"));
    EXPECT_EQ(cookies[1].name, "CloudFront-Signature");
    EXPECT_EQ(cookies[1].value, parameter(one.signed_url, "Signature"));
    EXPECT_EQ(cookies[2].name, "CloudFront-Key-Pair-Id");
    EXPECT_EQ(cookies[2].value, "K2JCJMDEHXQW5F");
    if (cookies.size() == 4) {
      EXPECT_EQ(cookies[3].name, "CloudFront-Hash-Algorithm");
      EXPECT_EQ(cookies[3].value, "SHA256");
    }
  }
}

TEST(UrlSigner, TakesTheCannedPolicyWhereThatSaysEverything) {
  Policy policy("", kExpires);
  EXPECT_FALSE(needs_custom_policy(policy, "https://h/a"));
  policy.resource = "https://h/a";
  EXPECT_FALSE(needs_custom_policy(policy, "https://h/a"));
  EXPECT_FALSE(needs_custom_policy(Policy("", kExpires), "https://h/a?b"));
  EXPECT_TRUE(needs_custom_policy(policy, "https://h/b"));
  EXPECT_TRUE(needs_custom_policy(Policy("", kExpires), "https://h/*"));
  Policy later = policy;
  later.not_before = kExpires - std::chrono::seconds(1);
  EXPECT_TRUE(needs_custom_policy(later, "https://h/a"));
  Policy one_client = policy;
  one_client.source_ip = IpNetwork::parse("192.0.2.1");
  EXPECT_TRUE(needs_custom_policy(one_client, "https://h/a"));
}

TEST(UrlSigner, RefusesPoliciesThatCloudFrontWouldNotRead) {
  UrlSigner signer = signer_with("p256-sec1.pem", HashAlgorithm::sha1);
  for (const char* resource : {"", "h/a", "ftp://h/a", "https://", "https://h/\"*", "https://h/ *",
                               "https://h/\\", "https://h/\xc3\xa4", "https://h/a#*"}) {
    auto query = signer.sign_query(Policy(resource, kExpires));
    ASSERT_FALSE(query) << resource;
    EXPECT_EQ(query.error().kind(), ErrorKind::invalid_argument);
    EXPECT_FALSE(signer.sign_cookies(Policy(resource, kExpires))) << resource;
  }
  for (const char* resource : {"*", "http*://h/*", "HTTPS://h/*", "http://h/a?b=*"}) {
    EXPECT_TRUE(signer.sign_query(Policy(resource, kExpires))) << resource;
  }
  Policy never("https://h/*", kExpires);
  never.not_before = kExpires;
  auto query = signer.sign_query(never);
  ASSERT_FALSE(query);
  EXPECT_THAT(query.error().message(),
              HasSubstr("not-before is 1767323045, its expiry 1767323045"));
}

TEST(UrlSigner, TakesAQuestionMarkForAWildcardWhereNoUrlSaysOtherwise) {
  UrlSigner signer = signer_with("p256-sec1.pem", HashAlgorithm::sha1);
  Policy versions("https://h/a?versionId=?", kExpires);
  EXPECT_EQ(signer.sign_cookies(versions).value()[0].name, "CloudFront-Policy");
  EXPECT_THAT(signer.sign_query(versions).value(), StartsWith("Policy="));
  EXPECT_THAT(signer.sign_query(Policy("https://h/a", kExpires)).value(), StartsWith("Expires="));
  EXPECT_THAT(signer.sign("https://h/a?versionId=?", versions).value(), HasSubstr("&Expires="));
}

TEST(UrlSigner, GivesOneQueryThatServesManyUrls) {
  UrlSigner signer = signer_with("rsa2048-pkcs1.pem", HashAlgorithm::sha1);
  Policy everything("https://h/root/*", kExpires);
  std::string query = signer.sign_query(everything).value();
  for (const char* url : {"https://h/root/a", "https://h/root/b/c?d=e"}) {
    EXPECT_EQ(with_query(url, query), signer.sign(url, everything).value());
  }
}

TEST(UrlSigner, WritesThePolicyWithoutBlanksAndWithoutEscapingTheQuery) {
  EXPECT_EQ(canned_policy("http://h/a?b=<c>&d=e", kExpires + std::chrono::milliseconds(999)),
            R"({"Statement":[{"Resource":"http://h/a?b=<c>&d=e","Condition":{"DateLessThan":)"
            R"({"AWS:EpochTime":1767323045}}}]})");
}

TEST(UrlSigner, EncodesBase64InTheAlphabetOfCloudFront) {
  EXPECT_EQ(url_safe_base64(""), "");
  EXPECT_EQ(url_safe_base64("f"), "Zg__");
  EXPECT_EQ(url_safe_base64("fo"), "Zm8_");
  EXPECT_EQ(url_safe_base64("foo"), "Zm9v");
  EXPECT_EQ(url_safe_base64("\xfb\xff\xfe"), "-~~-");
}

struct SigningCase {
  const char* name;
  const char* key;
  const char* public_key;
  HashAlgorithm hash;
};

class EverySigningKey : public ::testing::TestWithParam<SigningCase> {};

TEST_P(EverySigningKey, MakesSignaturesThatOpensslVerifies) {
  UrlSigner signer = signer_with(GetParam().key, GetParam().hash);
  std::string url = signer.sign(kUrl, kExpires).value();
  const char* digest = GetParam().hash == HashAlgorithm::sha1 ? "sha1" : "sha256";
  std::string signature = parameter(url, "Signature");

  EXPECT_TRUE(
      openssl_verifies(GetParam().public_key, digest, canned_policy(kUrl, kExpires), signature));
  EXPECT_FALSE(openssl_verifies(GetParam().public_key, digest,
                                canned_policy(kUrl, kExpires + std::chrono::seconds(1)),
                                signature));

  Policy everything("https://d111111abcdef8.cloudfront.net/registry/*", kExpires);
  std::string wide = signer.sign(kUrl, everything).value();
  EXPECT_TRUE(openssl_verifies(GetParam().public_key, digest, custom_policy(everything),
                               parameter(wide, "Signature")));
  if (GetParam().hash == HashAlgorithm::sha256) {
    EXPECT_THAT(url, EndsWith("&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256"));
  } else {
    EXPECT_THAT(url, EndsWith("&Key-Pair-Id=K2JCJMDEHXQW5F"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    CloudFront, EverySigningKey,
    ::testing::Values(
        SigningCase{"RsaSha1", "rsa2048-pkcs8.pem", "rsa2048-public.pem", HashAlgorithm::sha1},
        SigningCase{"RsaSha256", "rsa2048-pkcs1.pem", "rsa2048-public.pem", HashAlgorithm::sha256},
        SigningCase{"EcdsaSha1", "p256-sec1.pem", "p256-public.pem", HashAlgorithm::sha1},
        SigningCase{"EcdsaSha256", "p256-pkcs8.pem", "p256-public.pem", HashAlgorithm::sha256}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(UrlSigner, AppendsToAQueryThatIsAlreadyThere) {
  UrlSigner signer = signer_with("p256-sec1.pem", HashAlgorithm::sha1);
  EXPECT_THAT(signer.sign("HTTPS://cdn.example.com/k?versionId=3", kExpires).value(),
              StartsWith("HTTPS://cdn.example.com/k?versionId=3&Expires=1767323045&Signature="));
}

TEST(UrlSigner, RefusesUrlsThatCouldNotBeVerifiedOrWouldBreakThePolicy) {
  UrlSigner signer = signer_with("p256-sec1.pem", HashAlgorithm::sha1);
  for (const char* url :
       {"", "rtmp://h/a", "h/a", "https://", "https:///a", "https://?a", "https://h/a b",
        "https://h/ä", "https://h/a\"}]", "https://h/a\\", "https://h/a#b", "https://h/a\n"}) {
    Result<std::string> result = signer.sign(url, kExpires);
    ASSERT_FALSE(result) << url;
    EXPECT_EQ(result.error().kind(), ErrorKind::invalid_argument) << url;
  }
}

TEST(UrlSigner, RefusesAQueryWithAParameterOfTheSigningItself) {
  UrlSigner signer = signer_with("p256-sec1.pem", HashAlgorithm::sha1);
  for (const char* name : {"Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"}) {
    Result<std::string> result =
        signer.sign("https://h/k?a=b&" + std::string(name) + "=1&c", kExpires);
    ASSERT_FALSE(result) << name;
    EXPECT_THAT(result.error().message(), HasSubstr(name));
  }
  EXPECT_TRUE(signer.sign("https://h/Expires=1?X-Expires=1&SignatureVersion=4", kExpires));
}

TEST(UrlSigner, RefusesAKeyPairIdThatCouldChangeTheQuery) {
  for (const char* id : {"", "K1&Policy=x", "K 1"}) {
    UrlSignerOptions options;
    options.key_pair_id = id;
    Result<UrlSigner> signer =
        UrlSigner::create(PrivateKey::from_pem_file(golden("p256-sec1.pem")).value(), options);
    ASSERT_FALSE(signer) << id;
    EXPECT_EQ(signer.error().kind(), ErrorKind::invalid_argument);
  }
}

}  // namespace
}  // namespace ringpull::cloudfront
