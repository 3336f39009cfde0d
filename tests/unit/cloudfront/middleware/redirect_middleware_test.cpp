#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/cloudfront/redirect_middleware.hpp>
#include <ringpull/engine/loop.hpp>

#include "tests/support/recording_driver.hpp"

namespace ringpull::cloudfront {
namespace {

using ringpull::testing::RecordingDriver;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The redirect; a failure's kind in brackets, "none" for none.
std::string redirect(s3::StorageDriver& driver, std::string_view path,
                     s3::RedirectMethod method = s3::RedirectMethod::get) {
  s3::RedirectOptions options;
  options.method = method;
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  auto url = loop->run([&] { return driver.redirect_url(path, options); });
  if (!url) return "[" + std::string(to_string(url.error().kind())) + "]";
  return url->value_or("none");
}

http::Url url(const char* text) { return http::Url::parse(text).value(); }

TEST(RedirectMiddleware, PutsTheBaseUrlInFrontOfThePath) {
  RecordingDriver driver;
  for (const char* base : {"https://mirror.example.com/base", "https://mirror.example.com/base/"}) {
    RedirectMiddleware middleware(url(base), driver);
    EXPECT_EQ(redirect(middleware, "/a/b"), "https://mirror.example.com/base/a/b");
    EXPECT_EQ(redirect(middleware, "/a/b", s3::RedirectMethod::head),
              "https://mirror.example.com/base/a/b");
    EXPECT_TRUE(middleware.capabilities().redirects);
  }
  RedirectMiddleware bare(url("http://mirror.example.com:8080"), driver);
  EXPECT_EQ(redirect(bare, "/a"), "http://mirror.example.com:8080/a");
  EXPECT_THAT(driver.calls, IsEmpty());
}

TEST(RedirectMiddleware, LeavesPathsThatClientsWouldChangeAndNonePathsToTheDriver) {
  RecordingDriver driver;
  RedirectMiddleware middleware(url("https://mirror.example.com/base/"), driver);
  EXPECT_EQ(redirect(middleware, "/a/../../b"), "https://store.example.com/?GET/a/../../b");
  EXPECT_EQ(redirect(middleware, "/a b"), "[invalid_argument]");
  EXPECT_EQ(redirect(middleware, "/"), "[invalid_argument]");
  EXPECT_EQ(redirect(middleware, "/..a"), "https://mirror.example.com/base/..a");
}

std::unique_ptr<RewriteMiddleware> rewrite(RecordingDriver& driver,
                                           std::optional<http::Scheme> scheme, const char* host,
                                           const char* prefix) {
  RewriteOptions options;
  options.scheme = scheme;
  options.host = host;
  options.trim_path_prefix = prefix;
  return RewriteMiddleware::create(options, driver).value();
}

TEST(RewriteMiddleware, ChangesSchemeHostAndPathAndLeavesTheQuery) {
  RecordingDriver driver;
  driver.redirect_prefix = "https://store.example.com:8443/bucket/key?a=%2F&b=";
  auto nothing = rewrite(driver, std::nullopt, "", "");
  EXPECT_EQ(redirect(*nothing, "/p"), "https://store.example.com:8443/bucket/key?a=%2F&b=GET/p");
  auto scheme = rewrite(driver, http::Scheme::http, "", "");
  EXPECT_EQ(redirect(*scheme, "/p"), "http://store.example.com:8443/bucket/key?a=%2F&b=GET/p");
  auto host = rewrite(driver, std::nullopt, "cdn.example.com", "");
  EXPECT_EQ(redirect(*host, "/p"), "https://cdn.example.com/bucket/key?a=%2F&b=GET/p");
  auto all = rewrite(driver, http::Scheme::http, "[::1]:80", "/bucket");
  EXPECT_EQ(redirect(*all, "/p", s3::RedirectMethod::head), "http://[::1]:80/key?a=%2F&b=HEAD/p");
  EXPECT_FALSE(all->capabilities().redirects) << "as the driver below";
}

TEST(RewriteMiddleware, TrimsAPrefixOnlyWhereItStandsThere) {
  RecordingDriver driver;
  driver.redirect_prefix = "https://store.example.com/bucket/a?";
  EXPECT_EQ(redirect(*rewrite(driver, std::nullopt, "", "/buck"), "/p"),
            "https://store.example.com/et/a?GET/p");
  EXPECT_EQ(redirect(*rewrite(driver, std::nullopt, "", "/bucket/a"), "/p"),
            "https://store.example.com/?GET/p");
  EXPECT_EQ(redirect(*rewrite(driver, std::nullopt, "", "/other"), "/p"),
            "https://store.example.com/bucket/a?GET/p");
}

TEST(RewriteMiddleware, MakesNoUrlWhereThereIsNoneAndPassesFailuresOn) {
  RecordingDriver driver;
  auto middleware = rewrite(driver, http::Scheme::https, "cdn.example.com", "");
  EXPECT_EQ(redirect(*middleware, "no path"), "[invalid_argument]");
  driver.redirect_prefix.reset();
  EXPECT_EQ(redirect(*middleware, "/a"), "none");
  driver.redirect_prefix = "file:///";
  EXPECT_EQ(redirect(*middleware, "/a"), "[invalid_argument]");
  EXPECT_THAT(driver.calls, ElementsAre("redirect_url no path GET", "redirect_url /a GET",
                                        "redirect_url /a GET"));
}

TEST(RewriteMiddleware, RefusesAHostThatIsNone) {
  RecordingDriver driver;
  for (const char* host : {"h/a", "h?a", "me@h", "h h", "h:0"}) {
    RewriteOptions options;
    options.host = host;
    auto created = RewriteMiddleware::create(options, driver);
    ASSERT_FALSE(created) << host;
    EXPECT_THAT(created.error().message(), HasSubstr(host));
  }
}

}  // namespace
}  // namespace ringpull::cloudfront
