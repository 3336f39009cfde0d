#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <initializer_list>
#include <string>
#include <utility>

#include <ringpull/cloudfront/middleware_parameters.hpp>

namespace ringpull::cloudfront {
namespace {

using namespace std::chrono_literals;
using s3::ParameterMap;
using s3::ParameterText;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Pairs = std::initializer_list<std::pair<const char*, const char*>>;

/// Each in a line of its own, from line 1 on.
ParameterMap parameters(Pairs pairs) {
  ParameterMap map;
  int line = 0;
  for (const auto& [name, text] : pairs) {
    map[name] = ParameterText(text, "config.yml:" + std::to_string(++line));
  }
  return map;
}

/// The mandatory ones, and more, which go before them.
ParameterMap with(Pairs more) {
  ParameterMap map = parameters({{"baseurl", "d111111abcdef8.cloudfront.net"},
                                 {"privatekey", "/etc/registry/key.pem"},
                                 {"keypairid", "K2JCJMDEHXQW5F"}});
  for (auto& [name, text] : parameters(more)) map[name] = text;
  return map;
}

using Read = s3::WithWarnings<CloudFrontOptions>;

Read read(Pairs more) {
  auto result = read_cloudfront_parameters(with(more), "config.yml:40");
  EXPECT_TRUE(result) << result.error().message();
  return result ? std::move(*result) : Read();
}

std::string refusal(const ParameterMap& map) {
  auto result = read_cloudfront_parameters(map, "config.yml:40");
  EXPECT_FALSE(result);
  if (result) return "";
  EXPECT_EQ(result.error().kind(), ErrorKind::invalid_argument);
  return result.error().message();
}

std::string refusal(Pairs more) { return refusal(with(more)); }

TEST(CloudFrontParameters, HaveTheDefaultsOfDockerDistribution) {
  Read read = cloudfront::read({});
  const CloudFrontOptions& options = read.value;
  EXPECT_EQ(options.base_url.to_string(), "https://d111111abcdef8.cloudfront.net/");
  ASSERT_EQ(options.keys.size(), 1U);
  EXPECT_EQ(options.keys[0].path, "/etc/registry/key.pem");
  EXPECT_EQ(options.keys[0].key_pair_id, "K2JCJMDEHXQW5F");
  EXPECT_EQ(options.hash, HashAlgorithm::sha1);
  EXPECT_EQ(options.duration, 20min);
  EXPECT_EQ(options.ip_filter, IpFilter::none);
  EXPECT_EQ(options.update_frequency, 12h);
  EXPECT_EQ(options.ip_ranges_url.to_string(), "https://ip-ranges.amazonaws.com/ip-ranges.json");
  EXPECT_EQ(options.reuse, SignatureReuse::off);
  EXPECT_THAT(read.warnings, IsEmpty());
}

TEST(CloudFrontParameters, MustNameTheDistributionTheKeyAndItsId) {
  for (const char* name : {"baseurl", "privatekey", "keypairid"}) {
    for (bool empty : {false, true}) {
      ParameterMap map = with({});
      map.erase(name);
      if (empty) map[name] = ParameterText("", "config.yml:7");
      std::string text = refusal(map);
      EXPECT_THAT(text, HasSubstr("config.yml:40: parameter " + std::string(name) + " is missing"));
    }
  }
}

TEST(CloudFrontParameters, TakeABaseUrlWithAndWithoutSchemePathAndSlash) {
  const std::pair<const char*, const char*> kCases[] = {
      {"cdn.example.com", "https://cdn.example.com/"},
      {"https://cdn.example.com", "https://cdn.example.com/"},
      {"https://cdn.example.com/", "https://cdn.example.com/"},
      {"cdn.example.com/a/b", "https://cdn.example.com/a/b/"},
      {"https://cdn.example.com:8443/a/", "https://cdn.example.com:8443/a/"},
  };
  for (const auto& [text, url] : kCases) {
    EXPECT_EQ(read({{"baseurl", text}}).value.base_url.to_string(), url);
  }
}

TEST(CloudFrontParameters, RefuseABaseUrlThatNothingCanStandBehind) {
  for (const char* text : {"ftp://h/", "https://", "https://h/?a=b", "https://h/?", "https://h/#a",
                           "h h", "https://h/ä", "https://h:99999/"}) {
    EXPECT_THAT(refusal({{"baseurl", text}}),
                HasSubstr("config.yml:1: parameter baseurl: \"" + std::string(text) + "\" is not"));
  }
  EXPECT_THAT(refusal({{"baseurl", "https://me:secret@h/"}}), Not(HasSubstr("secret")));
}

// What a client makes of such a URL is another one than was signed.
constexpr const char* kPathsThatChange[] = {
    "https://h/..",       "https://h/a/../b",  "https://h/./",     "https://h/a/.",
    "https://h/%2e%2E/a", "https://h/a%2f../", "https://h/a/.%2e", "https://h/100%",
    "https://h/%zz/",     "https://h/a%2/b",   "https://h/%"};

TEST(CloudFrontParameters, RefuseABaseUrlWhosePathDoesNotArriveAsItIs) {
  for (const char* text : kPathsThatChange) {
    EXPECT_THAT(refusal({{"baseurl", text}}),
                AllOf(HasSubstr("config.yml:1: parameter baseurl: \"" + std::string(text) +
                                "\" is not the distribution's host or URL"),
                      HasSubstr("two hex digits behind each '%'")));
  }
  for (const char* text : {"https://h/.a/b../...", "https://h/%20/%2e%2e%2e", "https://h//a"}) {
    EXPECT_EQ(read({{"baseurl", text}}).value.base_url.to_string(), std::string(text) + "/");
  }
}

TEST(CloudFrontParameters, WarnOfPlainHttp) {
  Read read = cloudfront::read({{"baseurl", "http://cdn.example.com"}});
  EXPECT_EQ(read.value.base_url.to_string(), "http://cdn.example.com/");
  EXPECT_THAT(read.warnings, ElementsAre(HasSubstr("config.yml:1: parameter baseurl: over plain")));
}

TEST(CloudFrontParameters, ReadDurationsAsGoDoes) {
  EXPECT_EQ(read({{"duration", "90s"}}).value.duration, 90s);
  EXPECT_EQ(read({{"duration", "1h30m"}}).value.duration, 90min);
  EXPECT_EQ(read({{"duration", "1.9s"}}).value.duration, 1s);
  EXPECT_EQ(read({{"duration", ""}}).value.duration, 20min);
  EXPECT_EQ(read({{"updatefrequency", "10m"}}).value.update_frequency, 10min);
  EXPECT_EQ(read({{"keyreload", "0"}}).value.key_check_period, 0s);
  EXPECT_EQ(read({{"signatureperiod", "1m"}}).value.reuse_period, 60s);
}

TEST(CloudFrontParameters, LeaveANumberWithoutUnitAsideAndSaySo) {
  Read read = cloudfront::read({{"duration", "3000"}, {"updatefrequency", "600"}});
  EXPECT_EQ(read.value.duration, 20min);
  EXPECT_EQ(read.value.update_frequency, 12h);
  EXPECT_THAT(read.warnings,
              ElementsAre(AllOf(HasSubstr("config.yml:1: parameter duration: \"3000\" has no unit"),
                                HasSubstr("it is 20m; write 3000s")),
                          HasSubstr("parameter updatefrequency")));
}

TEST(CloudFrontParameters, RefuseDurationsThatAreNoneOrHaveNoSense) {
  for (const char* text : {"0", "0s", "-20m", "20", "999ms", "3000 s", "soon", "20M"}) {
    if (std::string(text) == "20") continue;  // a number without unit: above
    EXPECT_THAT(refusal({{"duration", text}}),
                AllOf(HasSubstr("config.yml:1: parameter duration: \"" + std::string(text)),
                      HasSubstr("of at least 1s")));
  }
  EXPECT_THAT(refusal({{"updatefrequency", "0s"}}), HasSubstr("of at least 1s"));
  EXPECT_THAT(refusal({{"keyreload", "-1s"}}), HasSubstr("of at least 0s"));
  EXPECT_THAT(refusal({{"signatureperiod", "0"}}), HasSubstr("of at least 1s"));
}

TEST(CloudFrontParameters, TakeTheOldSpellingFirstAndWarn) {
  Read read = cloudfront::read({{"updatefrequency", "1h"}, {"updatefrenquency", "2h"}});
  EXPECT_EQ(read.value.update_frequency, 2h);
  EXPECT_THAT(read.warnings,
              ElementsAre(AllOf(HasSubstr("config.yml:2: parameter updatefrenquency"),
                                HasSubstr("updatefrequency"))));
}

TEST(CloudFrontParameters, ReadTheFilterInAnyCaseWithBlanks) {
  EXPECT_EQ(read({{"ipfilteredby", ""}}).value.ip_filter, IpFilter::none);
  EXPECT_EQ(read({{"ipfilteredby", "none"}}).value.ip_filter, IpFilter::none);
  EXPECT_EQ(read({{"ipfilteredby", " AWS "}}).value.ip_filter, IpFilter::aws);
  Read read = cloudfront::read({{"ipfilteredby", "AwsRegion"},
                                {"awsregion", "US-East-1, eu-west-3 ,"},
                                {"trustedproxies", "10.0.0.0/8, 2001:db8::1"}});
  EXPECT_EQ(read.value.ip_filter, IpFilter::aws_region);
  EXPECT_THAT(read.value.regions, ElementsAre("us-east-1", "eu-west-3"));
  ASSERT_EQ(read.value.trusted_proxies.size(), 2U);
  EXPECT_EQ(read.value.trusted_proxies[0].to_string(), "10.0.0.0/8");
  EXPECT_EQ(read.value.trusted_proxies[1].to_string(), "2001:db8::1/128");
  EXPECT_THAT(read.warnings, IsEmpty());
}

TEST(CloudFrontParameters, RefuseAnUnknownFilterAndARegionFilterWithoutRegions) {
  EXPECT_THAT(
      refusal({{"ipfilteredby", "azure"}}),
      AllOf(HasSubstr("parameter ipfilteredby: \"azure\""), HasSubstr("none, aws, awsregion")));
  EXPECT_THAT(refusal({{"ipfilteredby", "awsregion"}}),
              HasSubstr("config.yml:40: parameter awsregion is missing"));
  EXPECT_THAT(refusal({{"ipfilteredby", "awsregion"}, {"awsregion", " , "}}),
              HasSubstr("parameter awsregion is missing"));
  EXPECT_THAT(refusal({{"trustedproxies", "10.0.0.0/33"}}), HasSubstr("parameter trustedproxies"));
  EXPECT_THAT(refusal({{"iprangesurl", "ip-ranges.json"}}), HasSubstr("parameter iprangesurl"));
}

TEST(CloudFrontParameters, WarnWhereSomethingHasNoEffect) {
  EXPECT_THAT(read({{"ipfilteredby", "aws"}}).warnings,
              ElementsAre(HasSubstr("without trustedproxies")));
  EXPECT_THAT(read({{"awsregion", "us-east-1"}}).warnings,
              ElementsAre(HasSubstr("parameter awsregion: has no effect")));
  EXPECT_THAT(read({{"trustedproxies", "10.0.0.0/8"}}).warnings,
              ElementsAre(HasSubstr("parameter trustedproxies: has no effect")));
}

TEST(CloudFrontParameters, PairSeveralKeysWithTheirIds) {
  Read read =
      cloudfront::read({{"privatekey", "/k/new.pem, /k/old.pem"}, {"keypairid", "KNEW,KOLD"}});
  ASSERT_EQ(read.value.keys.size(), 2U);
  EXPECT_EQ(read.value.keys[0].path, "/k/new.pem");
  EXPECT_EQ(read.value.keys[0].key_pair_id, "KNEW");
  EXPECT_EQ(read.value.keys[1].path, "/k/old.pem");
  EXPECT_EQ(read.value.keys[1].key_pair_id, "KOLD");
  EXPECT_THAT(refusal({{"privatekey", "/k/new.pem,/k/old.pem"}}),
              HasSubstr("names 2 files and keypairid 1 ids"));
  EXPECT_THAT(refusal({{"keypairid", "K1&Policy=x"}}), HasSubstr("parameter keypairid"));
}

TEST(CloudFrontParameters, ReadTheHashAndTheReuseOfSignatures) {
  EXPECT_EQ(read({{"hashalgorithm", "SHA256"}}).value.hash, HashAlgorithm::sha256);
  EXPECT_EQ(read({{"hashalgorithm", "sha1"}}).value.hash, HashAlgorithm::sha1);
  EXPECT_THAT(refusal({{"hashalgorithm", "md5"}}), HasSubstr("one of sha1, sha256"));
  EXPECT_EQ(read({{"signaturereuse", "url"}}).value.reuse, SignatureReuse::url);
  EXPECT_EQ(read({{"signaturereuse", "wildcard"}}).value.reuse, SignatureReuse::wildcard);
  EXPECT_EQ(read({{"signaturereuse", "false"}}).value.reuse, SignatureReuse::off);
  EXPECT_THAT(refusal({{"signaturereuse", "on"}}), HasSubstr("one of off, url, wildcard"));
}

TEST(CloudFrontParameters, TakeNullForTheDefault) {
  ParameterMap map = with({});
  ParameterText null;
  null.origin = "config.yml:9";
  for (std::string_view name : cloudfront_parameter_names())
    map.try_emplace(std::string(name), null);
  auto read = read_cloudfront_parameters(map, "config.yml:40");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->value.duration, 20min);
  EXPECT_THAT(read->warnings, IsEmpty());
}

TEST(CloudFrontParameters, RefuseAnUnknownNameAndSayWhichIsNear) {
  EXPECT_THAT(refusal({{"key_pair_id", "K1"}}),
              HasSubstr("config.yml:1: parameter key_pair_id is unknown; did you mean keypairid?"));
}

TEST(RedirectParameters, NeedAUrlWithItsScheme) {
  auto read = [](const char* text) {
    return read_redirect_parameters(parameters({{"baseurl", text}}), "config.yml:40");
  };
  EXPECT_EQ(read("https://example.com/a")->value.to_string(), "https://example.com/a/");
  EXPECT_EQ(read("http://example.com")->value.to_string(), "http://example.com/");
  for (const char* text : {"example.com", "https://", "/a", "https://h/?q", ""}) {
    auto refused = read(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_THAT(refused.error().message(), HasSubstr("config.yml:1: parameter baseurl"));
  }
  for (const char* text : kPathsThatChange) {
    auto refused = read(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_THAT(refused.error().message(), HasSubstr("two hex digits behind each '%'"));
  }
  auto missing = read_redirect_parameters(ParameterMap(), "config.yml:40");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("config.yml:40: parameter baseurl is missing"));
  auto unknown = read_redirect_parameters(parameters({{"url", "https://h"}}), "config.yml:40");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), HasSubstr("did you mean baseurl?"));
}

TEST(RewriteParameters, AreAllOptional) {
  auto nothing = read_rewrite_parameters(ParameterMap(), "config.yml:40");
  ASSERT_TRUE(nothing);
  EXPECT_THAT(nothing->warnings, ElementsAre(HasSubstr("config.yml:40: without scheme, host")));

  auto scheme = read_rewrite_parameters(parameters({{"scheme", "HTTPS"}}), "config.yml:40");
  ASSERT_TRUE(scheme);
  EXPECT_EQ(scheme->value.scheme, http::Scheme::https);
  EXPECT_THAT(scheme->warnings, IsEmpty());
}

TEST(RewriteParameters, WarnOfSignaturesThatCoverWhatTheyChange) {
  auto read = read_rewrite_parameters(
      parameters({{"host", "cdn.example.com:8443"}, {"trimpathprefix", "/bucket"}}),
      "config.yml:40");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->value.host, "cdn.example.com:8443");
  EXPECT_EQ(read->value.trim_path_prefix, "/bucket");
  EXPECT_THAT(
      read->warnings,
      ElementsAre(HasSubstr("config.yml:1: parameter host: signed redirects cover the host"),
                  HasSubstr("parameter trimpathprefix: signed redirects cover the path")));
}

TEST(RewriteParameters, RefuseWhatIsNoPartOfAUrl) {
  const std::pair<const char*, const char*> kCases[] = {{"scheme", "ftp"},
                                                        {"host", "https://h"},
                                                        {"host", "h/a"},
                                                        {"host", "me@h"},
                                                        {"host", "h:0"},
                                                        {"host", "h h"},
                                                        {"trimpathprefix", "bucket"},
                                                        {"trimpathprefix", "/a?b"},
                                                        {"trimpathprefix", "/ä"}};
  for (const auto& [name, text] : kCases) {
    auto read = read_rewrite_parameters(parameters({{name, text}}), "config.yml:40");
    ASSERT_FALSE(read) << name << " " << text;
    EXPECT_THAT(read.error().message(), HasSubstr("config.yml:1: parameter " + std::string(name)));
  }
}

TEST(MiddlewareParameters, AreListedInAlphabeticalOrder) {
  for (auto names :
       {cloudfront_parameter_names(), redirect_parameter_names(), rewrite_parameter_names()}) {
    EXPECT_TRUE(std::ranges::is_sorted(names));
  }
}

}  // namespace
}  // namespace ringpull::cloudfront
