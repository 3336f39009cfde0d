#include <cstdlib>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

#include <ringpull/http/proxy.hpp>

namespace ringpull::http {
namespace {

/// The host of the proxy chosen, or "direct".
std::string route(const ProxySettings& settings, const std::string& url_text) {
  Url url = Url::parse(url_text).value();
  const Proxy* proxy = settings.select(url.scheme(), url.host(), url.port());
  return proxy == nullptr ? "direct" : proxy->url.authority();
}

ProxySettings except(const std::string& no_proxy) {
  return ProxySettings::create("http://plain.proxy:3128", "http://tls.proxy:3129", no_proxy)
      .value();
}

TEST(ProxySettings, AreEmptyUnlessGiven) {
  EXPECT_EQ(route(ProxySettings(), "http://a.example"), "direct");
  auto none = ProxySettings::create("", "", "");
  EXPECT_EQ(route(none.value(), "https://a.example"), "direct");
}

TEST(ProxySettings, ChooseByTheSchemeOfTheUrl) {
  EXPECT_EQ(route(except(""), "http://a.example"), "plain.proxy:3128");
  EXPECT_EQ(route(except(""), "https://a.example"), "tls.proxy:3129");
  auto only_tls = ProxySettings::create("", "tls.proxy:8080", "").value();
  EXPECT_EQ(route(only_tls, "http://a.example"), "direct");
  EXPECT_EQ(route(only_tls, "https://a.example"), "tls.proxy:8080") << "the scheme may be left out";
}

TEST(ProxySettings, NeverServeLoopback) {
  for (const char* url : {"http://localhost/", "http://LOCALHOST:80/", "http://127.0.0.1/",
                          "http://127.8.8.8/", "http://[::1]:9000/"}) {
    EXPECT_EQ(route(except(""), url), "direct") << url;
  }
  EXPECT_EQ(route(except(""), "http://localhost.example/"), "plain.proxy:3128");
}

struct Case {
  const char* no_proxy;
  const char* url;
  bool excepted;
};

TEST(ProxySettings, UnderstandEveryFormOfNoProxy) {
  const std::vector<Case> cases = {
      {"*", "http://a.example", true},
      {" , * ", "http://a.example", true},
      // names
      {"a.example", "http://a.example", true},
      {"a.example", "http://b.a.example", true},
      {"a.example", "http://ba.example", false},
      {"a.example", "http://example", false},
      {"A.Example", "http://a.EXAMPLE", true},
      {".a.example", "http://b.a.example", true},
      {".a.example", "http://a.example", false},
      {"*.a.example", "http://b.a.example", true},
      {"*.a.example", "http://a.example", false},
      {"x.example, a.example\t,y", "http://a.example", true},
      // ports
      {"a.example:80", "http://a.example", true},
      {"a.example:80", "http://a.example:81", false},
      {"a.example:443", "https://a.example", true},
      {".a.example:81", "http://b.a.example:81", true},
      {"a.example:", "http://a.example:81", true},
      {"a.example:http", "http://a.example:80", false},
      {"a.example:70000", "http://a.example:80", false},
      // addresses
      {"192.0.2.1", "http://192.0.2.1", true},
      {"192.0.2.1", "http://192.0.2.11", false},
      {"192.0.2.1:8080", "http://192.0.2.1:8080", true},
      {"192.0.2.1:8080", "http://192.0.2.1", false},
      {"2.1", "http://192.0.2.1", false},
      {"2001:db8::1", "http://[2001:db8::1]", true},
      {"2001:0DB8:0:0::1", "http://[2001:db8::1]", true},
      {"[2001:db8::1]", "http://[2001:db8::1]:81", true},
      {"[2001:db8::1]:81", "http://[2001:db8::1]:81", true},
      {"[2001:db8::1]:81", "http://[2001:db8::1]:82", false},
      {"::ffff:192.0.2.1", "http://192.0.2.1", true},
      {"192.0.2.1", "http://[::ffff:192.0.2.1]", true},
      // blocks
      {"192.0.2.0/24", "http://192.0.2.200", true},
      {"192.0.2.0/24", "http://192.0.3.1", false},
      {"192.0.2.128/25", "http://192.0.2.127", false},
      {"192.0.2.128/25", "http://192.0.2.128", true},
      {"192.0.2.1/32", "http://192.0.2.1", true},
      {"0.0.0.0/0", "http://198.51.100.7", true},
      {"0.0.0.0/0", "http://a.example", false},
      {"0.0.0.0/0", "http://[2001:db8::1]", false},
      {"2001:db8::/33", "http://[2001:db8:7fff::1]", true},
      {"2001:db8::/33", "http://[2001:db8:8000::1]", false},
      // what cannot be read is ignored
      {"192.0.2.0/33", "http://192.0.2.1", false},
      {"192.0.2.0/x", "http://192.0.2.1", false},
      {"a.example/24", "http://a.example", false},
      {"., :80, [, ], :, .:80, a.example", "http://a.example", true},
      {"., :80, [, ], :, .:80", "http://a.example", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(route(except(c.no_proxy), c.url) == "direct", c.excepted)
        << c.no_proxy << " for " << c.url;
  }
}

TEST(ProxySettings, MakeCredentialsOfTheUrlAHeader) {
  auto authorization = [](const char* url) {
    auto settings = ProxySettings::create(url, "", "").value();
    return settings.select(Scheme::http, "a.example", 80)->authorization;
  };
  EXPECT_EQ(authorization("http://p.example:1"), "");
  EXPECT_EQ(authorization("http://Aladdin:open%20sesame@p.example:1"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617 2
  EXPECT_EQ(authorization("user@p.example"), "Basic dXNlcjo=");
  EXPECT_EQ(authorization("http://u:p@ss@p.example:1/"), "Basic dTpwQHNz");
}

TEST(ProxySettings, RefuseWhatTheyCannotUseWithoutShowingSecrets) {
  for (const char* url : {"https://user:canary@p.example:1", "socks5://user:canary@p.example:1",
                          "http://user:canary%zz@p.example:1", "http://user:canary@p example:1",
                          "http://user:canary@:1", "http://user:canary@p.example:99999"}) {
    auto settings = ProxySettings::create("", url, "");
    ASSERT_FALSE(settings) << url;
    EXPECT_EQ(settings.error().kind(), ErrorKind::invalid_argument);
    EXPECT_TRUE(settings.error().message().starts_with("HTTPS_PROXY: "))
        << settings.error().message();
    EXPECT_EQ(settings.error().message().find("canary"), std::string::npos)
        << settings.error().message();
  }
}

/// The variables of this test and nothing else that concerns proxies; put back at the end.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& wanted) {
    for (const char* name : {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY",
                             "no_proxy", "REQUEST_METHOD"}) {
      const char* value = std::getenv(name);
      if (value != nullptr) before_[name] = value;
      ::unsetenv(name);
      if (wanted.contains(name)) ::setenv(name, wanted.at(name).c_str(), 1);
      names_.push_back(name);
    }
  }
  ~Environment() {
    for (const std::string& name : names_) {
      ::unsetenv(name.c_str());
      if (before_.contains(name)) ::setenv(name.c_str(), before_.at(name).c_str(), 1);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::string> before_;
};

TEST(ProxySettings, ReadTheEnvironmentUpperCaseFirst) {
  {
    Environment variables({{"HTTP_PROXY", "upper:1"},
                           {"http_proxy", "lower:1"},
                           {"https_proxy", "lower:2"},
                           {"no_proxy", "b.example"}});
    auto settings = ProxySettings::from_environment().value();
    EXPECT_EQ(route(settings, "http://a.example"), "upper:1");
    EXPECT_EQ(route(settings, "https://a.example"), "lower:2");
    EXPECT_EQ(route(settings, "http://b.example"), "direct");
  }
  {
    Environment variables({{"HTTP_PROXY", ""}, {"http_proxy", "lower:1"}});
    auto settings = ProxySettings::from_environment().value();
    EXPECT_EQ(route(settings, "http://a.example"), "lower:1") << "an empty one counts as unset";
  }
}

TEST(ProxySettings, IgnoreWhatACgiClientCouldHaveSet) {
  Environment variables(
      {{"REQUEST_METHOD", "GET"}, {"HTTP_PROXY", "evil:1"}, {"HTTPS_PROXY", "good:2"}});
  auto settings = ProxySettings::from_environment().value();
  EXPECT_EQ(route(settings, "http://a.example"), "direct");
  EXPECT_EQ(route(settings, "https://a.example"), "good:2");
}

}  // namespace
}  // namespace ringpull::http
