#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include <ringpull/s3/sigv4.hpp>

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;

http::RequestHead head(std::string method, std::string target,
                       const std::vector<std::pair<std::string, std::string>>& headers) {
  http::RequestHead out(std::move(method), std::move(target));
  for (const auto& [name, value] : headers) out.headers.add(name, value);
  return out;
}

// The examples of the S3 API reference, "Signature Calculations for the Authorization Header":
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const Credentials& example_credentials() {
  static const Credentials credentials("AKIAIOSFODNN7EXAMPLE",
                                       Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
  return credentials;
}
const SigningScope& example_scope() {
  static const SigningScope scope("us-east-1", *parse_amz_date("20130524T000000Z"));
  return scope;
}
constexpr const char* kExampleHost = "examplebucket.s3.amazonaws.com";

TEST(SigV4S3Examples, GetObject) {
  Signer signer;
  auto signature =
      signer.sign(example_credentials(), example_scope(),
                  head("GET", "/test.txt", {{"Host", kExampleHost}, {"Range", "bytes=0-9"}}),
                  PayloadHash::empty());
  ASSERT_TRUE(signature) << signature.error().message();
  EXPECT_EQ(signature->canonical_request,
            "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
            "x-amz-content-sha256:"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
            "x-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(signature->string_to_sign,
            "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
            "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
  EXPECT_EQ(signature->authorization,
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4S3Examples, PutObject) {
  Signer signer;
  auto signature = signer.sign(example_credentials(), example_scope(),
                               head("PUT", "/test%24file.text",
                                    {{"Host", kExampleHost},
                                     {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                     {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}),
                               PayloadHash::sha256(Sha256::of(bytes_of("Welcome to Amazon S3."))));
  ASSERT_TRUE(signature) << signature.error().message();
  EXPECT_EQ(signature->signature,
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(SigV4S3Examples, GetBucketLifecycle) {
  Signer signer;
  auto signature =
      signer.sign(example_credentials(), example_scope(),
                  head("GET", "/?lifecycle", {{"Host", kExampleHost}}), PayloadHash::empty());
  ASSERT_TRUE(signature) << signature.error().message();
  EXPECT_EQ(signature->signature,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(SigV4S3Examples, ListObjects) {
  Signer signer;
  auto signature = signer.sign(example_credentials(), example_scope(),
                               head("GET", "/?max-keys=2&prefix=J", {{"Host", kExampleHost}}),
                               PayloadHash::empty());
  ASSERT_TRUE(signature) << signature.error().message();
  EXPECT_EQ(signature->signature,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
TEST(SigV4S3Examples, PresignedUrl) {
  Signer signer;
  auto signature =
      signer.presign(example_credentials(), example_scope(),
                     head("GET", "/test.txt", {{"Host", kExampleHost}}), PresignOptions(86400s));
  ASSERT_TRUE(signature) << signature.error().message();
  EXPECT_EQ(signature->target,
            "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

// The AWS Signature Version 4 test suite: service "service", path normalised and encoded as for
// every service but S3. The names are the suite's.
struct SuiteCase {
  const char* name;
  const char* method;
  const char* target;
  std::vector<std::pair<std::string, std::string>> headers;
  const char* body;
  bool normalize;
  const char* signature;
};

constexpr const char* kVanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
constexpr const char* kPostVanilla =
    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
constexpr const char* kPostQuery =
    "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11";
constexpr const char* kUnreserved =
    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const std::vector<SuiteCase>& suite() {
  static const std::string unreserved_path = std::string("/") + kUnreserved;
  static const std::string unreserved_query = std::string("/?") + kUnreserved + "=" + kUnreserved;
  static const std::vector<SuiteCase> cases = {
      {"get-vanilla", "GET", "/", {}, "", true, kVanilla},
      {"get-vanilla-query", "GET", "/", {}, "", true, kVanilla},
      {"get-vanilla-empty-query-key",
       "GET",
       "/?Param1=value1",
       {},
       "",
       true,
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-vanilla-query-order-key-case",
       "GET",
       "/?Param2=value2&Param1=value1",
       {},
       "",
       true,
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-query-order-key",
       "GET",
       "/?Param1=value2&Param1=Value1",
       {},
       "",
       true,
       "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
      {"get-vanilla-query-order-value",
       "GET",
       "/?Param1=value2&Param1=value1",
       {},
       "",
       true,
       "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
      {"get-vanilla-query-unreserved",
       "GET",
       unreserved_query.c_str(),
       {},
       "",
       true,
       "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
      {"get-vanilla-utf8-query",
       "GET",
       "/?\xe1\x88\xb4=bar",
       {},
       "",
       true,
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-unreserved",
       "GET",
       unreserved_path.c_str(),
       {},
       "",
       true,
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-utf8",
       "GET",
       "/\xe1\x88\xb4",
       {},
       "",
       true,
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-space",
       "GET",
       "/example space/",
       {},
       "",
       true,
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {"get-relative", "GET", "/example/..", {}, "", true, kVanilla},
      {"get-relative-relative", "GET", "/example1/example2/../..", {}, "", true, kVanilla},
      {"get-slash", "GET", "//", {}, "", true, kVanilla},
      {"get-slash-dot-slash", "GET", "/./", {}, "", true, kVanilla},
      {"get-slash-pointless-dot",
       "GET",
       "/./example",
       {},
       "",
       true,
       "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
      {"get-slashes",
       "GET",
       "//example//",
       {},
       "",
       true,
       "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {"get-header-key-duplicate",
       "GET",
       "/",
       {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
       "",
       true,
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"get-header-value-order",
       "GET",
       "/",
       {{"My-Header1", "value4"},
        {"My-Header1", "value1"},
        {"My-Header1", "value3"},
        {"My-Header1", "value2"}},
       "",
       true,
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       "GET",
       "/",
       {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
       "",
       true,
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"post-vanilla", "POST", "/", {}, "", true, kPostVanilla},
      {"post-vanilla-query", "POST", "/?Param1=value1", {}, "", true, kPostQuery},
      {"post-vanilla-empty-query-value", "POST", "/?Param1=value1", {}, "", true, kPostQuery},
      {"post-header-key-case", "POST", "/", {}, "", true, kPostVanilla},
      {"post-header-key-sort",
       "POST",
       "/",
       {{"My-Header1", "value1"}},
       "",
       true,
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"post-header-value-case",
       "POST",
       "/",
       {{"My-Header1", "VALUE1"}},
       "",
       true,
       "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
      {"post-x-www-form-urlencoded",
       "POST",
       "/",
       {{"Content-Type", "application/x-www-form-urlencoded"}},
       "Param1=value1",
       true,
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
      {"post-x-www-form-urlencoded-parameters",
       "POST",
       "/",
       {{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"}},
       "Param1=value1",
       true,
       "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
  };
  return cases;
}

const Credentials& suite_credentials() {
  static const Credentials credentials("AKIDEXAMPLE",
                                       Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
  return credentials;
}
SigningScope suite_scope() {
  SigningScope scope("us-east-1", *parse_amz_date("20150830T123600Z"));
  scope.service = "service";
  return scope;
}

TEST(SigV4TestSuite, EveryHeaderSignatureIsThePublishedOne) {
  for (const SuiteCase& test : suite()) {
    SigningRules rules;
    rules.normalize_path = test.normalize;
    rules.double_encode_path = true;
    rules.content_sha256_header = false;
    Signer signer(rules);
    auto headers = test.headers;
    headers.insert(headers.begin(), {"Host", "example.amazonaws.com"});
    auto signature =
        signer.sign(suite_credentials(), suite_scope(), head(test.method, test.target, headers),
                    PayloadHash::sha256(Sha256::of(bytes_of(test.body))));
    ASSERT_TRUE(signature) << test.name << ": " << signature.error().message();
    EXPECT_EQ(signature->signature, test.signature) << test.name << "\n"
                                                    << signature->canonical_request;
  }
}

TEST(SigV4, S3KeepsThePathAsItIsAndEncodesItOnce) {
  SigningRules rules;
  auto path_of = [&](const char* target) {
    auto canonical =
        canonical_request(head("GET", target, {{"Host", "h"}}), PayloadHash::empty(), rules);
    EXPECT_TRUE(canonical);
    std::size_t begin = canonical->text.find('\n') + 1;
    return canonical->text.substr(begin, canonical->text.find('\n', begin) - begin);
  };
  EXPECT_EQ(path_of("/b/a//b/../c"), "/b/a//b/../c");
  EXPECT_EQ(path_of("/b/a%20b%2Bc"), "/b/a%20b%2Bc");
  EXPECT_EQ(path_of("/b/a%2fb"), "/b/a%2Fb") << "an encoded slash is data, not a separator";
  EXPECT_EQ(path_of("/b/a+b%41"), "/b/a%2BbA");
  EXPECT_EQ(path_of("/b/100%"), "/b/100%25");
}

TEST(SigV4, QueryIsSortedByNameThenValueAndBareNamesGetAnEqualsSign) {
  auto canonical =
      canonical_request(head("GET", "/b?uploads&a=2&a=1&a-=0&prefix=x/y+z&&k=", {{"Host", "h"}}),
                        PayloadHash::empty(), SigningRules());
  ASSERT_TRUE(canonical);
  EXPECT_NE(canonical->text.find("\na=1&a=2&a-=0&k=&prefix=x%2Fy%20z&uploads=\n"),
            std::string::npos)
      << canonical->text;
}

TEST(SigV4, SkipsFieldsThatIntermediariesRewrite) {
  auto canonical = canonical_request(head("PUT", "/b/k",
                                          {{"Host", "h"},
                                           {"User-Agent", "u"},
                                           {"Expect", "100-continue"},
                                           {"Connection", "keep-alive"},
                                           {"Transfer-Encoding", "chunked"},
                                           {"X-Amzn-Trace-Id", "t"},
                                           {"Content-Type", "text/plain"}}),
                                     PayloadHash::empty(), SigningRules());
  ASSERT_TRUE(canonical);
  EXPECT_EQ(canonical->signed_headers, "content-type;host");
}

TEST(SigV4, RefusesFieldsAndParametersThatSigningSets) {
  Signer signer;
  for (const char* name : {"Authorization", "X-Amz-Date", "x-amz-content-sha256",
                           "X-AMZ-Security-Token", "X-Amz-Signature"}) {
    auto request = head("GET", "/b/k", {{"Host", "h"}, {name, "x"}});
    auto signature =
        signer.sign(example_credentials(), example_scope(), request, PayloadHash::empty());
    ASSERT_FALSE(signature) << name;
    EXPECT_EQ(signature.error().kind(), ErrorKind::invalid_argument);
    EXPECT_FALSE(signer.presign(example_credentials(), example_scope(), request, PresignOptions()));
  }
  for (const char* target :
       {"/b?X-Amz-Signature=1", "/b?x-amz-date=1", "/b?a=1&X-Amz-Security%2DToken=1"}) {
    auto request = head("GET", target, {{"Host", "h"}});
    EXPECT_FALSE(signer.sign(example_credentials(), example_scope(), request, PayloadHash::empty()))
        << target;
    EXPECT_FALSE(signer.presign(example_credentials(), example_scope(), request, PresignOptions()));
  }
}

TEST(SigV4, RefusesWhatCannotBeSignedSoundly) {
  Signer signer;
  auto refused = [&](const http::RequestHead& request) {
    auto signature =
        signer.sign(example_credentials(), example_scope(), request, PayloadHash::empty());
    return !signature && signature.error().kind() == ErrorKind::invalid_argument;
  };
  EXPECT_TRUE(refused(head("GET", "/b", {})));
  EXPECT_TRUE(refused(head("GET", "/b", {{"Host", "a"}, {"host", "b"}})));
  EXPECT_TRUE(refused(head("GET", "http://h/b", {{"Host", "h"}})));
  EXPECT_TRUE(refused(head("GET", "", {{"Host", "h"}})));
  EXPECT_TRUE(refused(head("", "/", {{"Host", "h"}})));
  EXPECT_TRUE(refused(head("GET", "/b", {{"Host", "h"}, {"x-amz-meta-a", "b\r\nc"}})));
  EXPECT_TRUE(refused(head("GET", "/b", {{"Host", "h"}, {"x-amz,acl", "b"}})));
  auto anonymous = signer.sign(Credentials(), example_scope(), head("GET", "/b", {{"Host", "h"}}),
                               PayloadHash::empty());
  ASSERT_FALSE(anonymous);
  EXPECT_EQ(anonymous.error().kind(), ErrorKind::unauthenticated);
}

TEST(SigV4, PresignTakesOneSecondToSevenDays) {
  Signer signer;
  auto request = head("GET", "/b/k", {{"Host", "h"}});
  for (auto expires : {0s, -1s, 604801s}) {
    auto signature =
        signer.presign(example_credentials(), example_scope(), request, PresignOptions(expires));
    ASSERT_FALSE(signature);
    EXPECT_EQ(signature.error().kind(), ErrorKind::invalid_argument);
  }
  for (auto expires : {1s, 604800s}) {
    EXPECT_TRUE(
        signer.presign(example_credentials(), example_scope(), request, PresignOptions(expires)));
  }
}

TEST(SigV4, ApplySetsTheFourHeadersAndSigningIsRepeatable) {
  Signer signer;
  Credentials credentials("AKID", Secret("secret"), Secret("token"));
  auto request = head("PUT", "/b/k", {{"Host", "h"}});
  auto first = signer.sign(credentials, example_scope(), request, PayloadHash::unsigned_payload());
  auto second = signer.sign(credentials, example_scope(), request, PayloadHash::unsigned_payload());
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->authorization, second->authorization);
  first->apply(request.headers);
  EXPECT_EQ(request.headers.get("x-amz-date"), "20130524T000000Z");
  EXPECT_EQ(request.headers.get("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
  EXPECT_EQ(request.headers.get("x-amz-security-token"), "token");
  EXPECT_EQ(request.headers.get("authorization"), first->authorization);
  EXPECT_NE(first->authorization.find(
                "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token"),
            std::string::npos);
}

// The cache holds eight keys: more days, regions and secrets than that must not be mixed up.
TEST(SigV4, CachedKeysAreTiedToDayRegionServiceAndSecret) {
  Signer cached;
  auto request = head("GET", "/b/k", {{"Host", "h"}});
  for (int round = 0; round < 3; ++round) {
    for (int variant = 0; variant < 12; ++variant) {
      SigningScope scope("region-" + std::to_string(variant % 3),
                         example_scope().time + std::chrono::hours(24 * (variant % 2)));
      scope.service = variant % 4 < 2 ? "s3" : "s3express";
      Credentials credentials("AKID", Secret("secret-" + std::to_string(variant)));
      Signer fresh;
      auto expected = fresh.sign(credentials, scope, request, PayloadHash::empty());
      auto actual = cached.sign(credentials, scope, request, PayloadHash::empty());
      ASSERT_TRUE(expected && actual);
      EXPECT_EQ(actual->signature, expected->signature) << variant;
    }
  }
}

TEST(AmzDate, RoundTripsAndRefusesTimesThatDoNotExist) {
  for (const char* text : {"20130524T000000Z", "20240229T235959Z", "19700101T000000Z"}) {
    auto time = parse_amz_date(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(amz_date(*time), text);
  }
  for (const char* text :
       {"20230229T000000Z", "20231301T000000Z", "20230101T240000Z", "20230101T000060Z",
        "20230101T0000-1Z", "20230101 000000Z", "2023-01-01T00:00:00Z", "20230101T000000", ""}) {
    EXPECT_FALSE(parse_amz_date(text)) << text;
  }
}

TEST(PayloadHash, ParsesWhatS3Takes) {
  EXPECT_TRUE(PayloadHash::parse("UNSIGNED-PAYLOAD"));
  EXPECT_TRUE(PayloadHash::parse("STREAMING-UNSIGNED-PAYLOAD-TRAILER"));
  EXPECT_EQ(PayloadHash::parse(PayloadHash::empty().text()), PayloadHash::empty());
  EXPECT_EQ(PayloadHash::sha256(Sha256::of({})), PayloadHash::empty());
  for (const char* text : {"", "unsigned-payload", "abc", "STREAMING-NONSENSE"}) {
    EXPECT_FALSE(PayloadHash::parse(text)) << text;
  }
  EXPECT_FALSE(PayloadHash::parse(std::string(64, 'g')));
}

}  // namespace
}  // namespace ringpull::s3
