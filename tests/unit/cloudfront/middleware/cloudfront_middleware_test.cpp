// Which URL a redirect is, and who makes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/cloudfront/cloudfront_middleware.hpp>
#include <ringpull/cloudfront/redirect_middleware.hpp>

#include "tests/unit/cloudfront/middleware/middleware_bed.hpp"

namespace ringpull::cloudfront {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MiddlewareBed;
using testing::parameter;
using ::testing::StartsWith;

TEST(CloudFrontMiddleware, SignsTheUrlOfTheObjectsKey) {
  MiddlewareBed bed;
  bed.options.base_url = http::Url::parse("https://cdn.example.com/base/").value();
  bed.run([](MiddlewareBed& b) -> Task<void> {
    auto url = co_await b.redirect("/docker/blobs/data");
    EXPECT_EQ(url, b.signed_url("https://cdn.example.com/base/root/docker/blobs/data", 20min));
    EXPECT_THAT(b.driver.calls, IsEmpty());
    EXPECT_EQ(b.middleware->status().redirects, 1U);
    EXPECT_EQ(b.middleware->status().signatures, 1U);
    EXPECT_EQ(b.middleware->status().key_pair_id, "K2JCJMDEHXQW5F");
  });
}

TEST(CloudFrontMiddleware, EncodesEveryByteOfAKeyThatAUrlMightMeanSomethingBy) {
  MiddlewareBed bed;
  bed.driver.key_prefix = "r\xc3\xb6t +\"'%?#&=*~/\\x/";
  bed.run([](MiddlewareBed& b) -> Task<void> {
    auto url = co_await b.redirect("/a");
    EXPECT_EQ(url, b.signed_url("https://cdn.example.com/"
                                "r%C3%B6t%20%2B%22%27%25%3F%23%26%3D%2A~/%5Cx/a",
                                20min));
  });
}

TEST(CloudFrontMiddleware, GivesGetAndHeadTheSameUrl) {
  MiddlewareBed bed;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    s3::RedirectOptions head;
    head.method = s3::RedirectMethod::head;
    auto url = co_await b.redirect("/a");
    auto url_for_head = co_await b.redirect("/a", head);
    EXPECT_EQ(url, url_for_head);
  });
}

TEST(CloudFrontMiddleware, LetsUrlsLiveAsConfiguredOrAsAskedFor) {
  MiddlewareBed bed;
  bed.options.duration = 90s;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    auto url = co_await b.redirect("/a");
    EXPECT_EQ(parameter(url, "Expires"), std::to_string(1'767'323'045 + 90));
    s3::RedirectOptions options;
    options.expiry = 7s;
    url = co_await b.redirect("/a", options);
    EXPECT_EQ(parameter(url, "Expires"), std::to_string(1'767'323'045 + 7));
    options.expiry = std::chrono::seconds::max();
    url = co_await b.redirect("/a", options);
    EXPECT_THAT(url, StartsWith("https://cdn.example.com/root/a?Expires=4920923045&"));
    for (auto expiry : {0s, -5s}) {
      options.expiry = expiry;
      url = co_await b.redirect("/a", options);
      EXPECT_EQ(url, "[invalid_argument]");
    }
  });
}

TEST(CloudFrontMiddleware, LeavesPathsWithoutAKeyToTheDriver) {
  MiddlewareBed bed;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    auto url = co_await b.redirect("not a path");
    EXPECT_EQ(url, "[invalid_argument]");
    url = co_await b.redirect("/a/../b");
    EXPECT_EQ(url, "https://store.example.com/?GET/a/../b");
    url = co_await b.redirect("/.");
    EXPECT_EQ(url, "https://store.example.com/?GET/.");
    b.driver.key_prefix.reset();
    url = co_await b.redirect("/a");
    EXPECT_EQ(url, "https://store.example.com/?GET/a");
    b.driver.redirect_prefix.reset();
    url = co_await b.redirect("/a");
    EXPECT_EQ(url, "none");
    EXPECT_EQ(b.middleware->status().left_to_inner, 5U);
    EXPECT_EQ(b.middleware->status().near_clients, 0U);
    EXPECT_EQ(b.middleware->status().redirects, 0U);
  });
}

TEST(CloudFrontMiddleware, LetsPushesGoStraightToTheStore) {
  MiddlewareBed bed;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    std::array<std::byte, 4> bytes{};
    auto put = co_await b.middleware->put_content("/a", bytes);
    EXPECT_TRUE(put);
    s3::WriterOptions options;
    auto writer = co_await b.middleware->writer("/b", options);
    EXPECT_TRUE(writer);
    EXPECT_THAT(b.driver.calls, ElementsAre("put_content /a 4", "writer /b new"));
    EXPECT_TRUE(b.middleware->capabilities().redirects);
    EXPECT_TRUE(b.middleware->capabilities().resumable_writers);
  });
}

TEST(CloudFrontMiddleware, FindsTheKeyThroughOtherMiddlewares) {
  MiddlewareBed bed;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    RewriteOptions rewrite;
    rewrite.host = "mirror.example.com";
    auto rewritten = RewriteMiddleware::create(rewrite, b.driver).value();
    RedirectMiddleware redirected(http::Url::parse("https://elsewhere.example.com/").value(),
                                  *rewritten);
    auto outer = CloudFrontMiddleware::create(b.options, redirected).value();
    s3::RedirectOptions options;
    auto url = co_await outer->redirect_url("/a", options);
    EXPECT_EQ(url->value(), b.signed_url("https://cdn.example.com/root/a", 20min));
    co_await outer->close();
  });
}

TEST(CloudFrontMiddleware, IsRewrittenAndReplacedByWhatStandsAroundIt) {
  MiddlewareBed bed;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    RewriteOptions rewrite;
    rewrite.host = "mirror.example.com:8443";
    rewrite.scheme = http::Scheme::http;
    auto rewritten = RewriteMiddleware::create(rewrite, *b.middleware).value();
    s3::RedirectOptions options;
    auto url = co_await rewritten->redirect_url("/a", options);
    EXPECT_THAT(url->value(), StartsWith("http://mirror.example.com:8443/root/a?Expires="));
    RedirectMiddleware redirected(http::Url::parse("https://elsewhere.example.com/").value(),
                                  *rewritten);
    url = co_await redirected.redirect_url("/a", options);
    EXPECT_EQ(url->value(), "https://elsewhere.example.com/a");
    EXPECT_EQ(redirected.object_key("/a"), "root/a");
  });
}

TEST(CloudFrontMiddleware, ReusesASignatureOfOneUrlWithinAPeriod) {
  MiddlewareBed bed;
  bed.options.keys.assign(1, KeyFile(testing::golden("p256-sec1.pem"), "K1"));
  bed.options.reuse = SignatureReuse::url;
  bed.options.reuse_period = 300s;
  bed.options.key_check_period = 0s;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    // 20 minutes later, rounded up to a multiple of 300.
    auto url = co_await b.redirect("/a");
    EXPECT_EQ(parameter(url, "Expires"), "1767324300");
    auto other = co_await b.redirect("/b");
    EXPECT_NE(parameter(url, "Signature"), parameter(other, "Signature"));
    co_await b.advance(55s);
    auto again = co_await b.redirect("/a");
    EXPECT_EQ(url, again);
    EXPECT_EQ(b.middleware->status().signatures, 2U);
    co_await b.advance(1s);
    auto later = co_await b.redirect("/a");
    EXPECT_EQ(parameter(later, "Expires"), "1767324600");
    EXPECT_EQ(b.middleware->status().signatures, 3U);
    EXPECT_EQ(b.middleware->status().redirects, 4U);
  });
}

TEST(CloudFrontMiddleware, OpensEverythingBelowTheBaseUrlByOneSignature) {
  MiddlewareBed bed;
  bed.options.base_url = http::Url::parse("https://cdn.example.com/base/").value();
  bed.options.reuse = SignatureReuse::wildcard;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    auto url = co_await b.redirect("/a");
    auto other = co_await b.redirect("/b/c");
    EXPECT_EQ(url.substr(url.find('?')), other.substr(other.find('?')));
    EXPECT_EQ(parameter(url, "Policy"),
              url_safe_base64(custom_policy(
                  Policy("https://cdn.example.com/base/*", WallTime(1'767'324'300s)))));
    EXPECT_EQ(b.middleware->status().signatures, 1U);
  });
}

TEST(CloudFrontMiddleware, GivesCookiesForWhatTheUrlWouldOpen) {
  MiddlewareBed bed;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    s3::RedirectOptions options;
    auto cookies = b.middleware->cookies("/a", options);
    EXPECT_EQ(cookies->size(), 3U);
    auto url = co_await b.redirect("/a");
    EXPECT_EQ((*cookies)[0].name, "CloudFront-Expires");
    EXPECT_EQ((*cookies)[0].value, parameter(url, "Expires"));
    EXPECT_EQ((*cookies)[1].value, parameter(url, "Signature"));
    auto refused = b.middleware->cookies("/../a", options);
    EXPECT_EQ(refused.error().kind(), ErrorKind::not_found);
  });
  MiddlewareBed wide;
  wide.options.reuse = SignatureReuse::wildcard;
  wide.options.hash = HashAlgorithm::sha256;
  wide.run([](MiddlewareBed& b) -> Task<void> {
    s3::RedirectOptions options;
    auto cookies = b.middleware->cookies("/a", options);
    auto url = co_await b.redirect("/b");
    EXPECT_EQ(cookies->size(), 4U);
    EXPECT_EQ((*cookies)[0].name, "CloudFront-Policy");
    EXPECT_EQ((*cookies)[0].value, parameter(url, "Policy"));
    EXPECT_EQ((*cookies)[1].value, parameter(url, "Signature"));
  });
}

Task<void> expect_refused(CloudFrontOptions options, std::string text) {
  ringpull::testing::RecordingDriver driver;
  auto created = CloudFrontMiddleware::create(options, driver);
  EXPECT_FALSE(created) << text;
  if (created) {
    co_await (*created)->close();
    co_return;
  }
  EXPECT_EQ(created.error().kind(), ErrorKind::invalid_argument) << text;
  EXPECT_THAT(created.error().message(), HasSubstr(text));
}

TEST(CloudFrontMiddleware, RefusesOptionsOutOfTheirRanges) {
  MiddlewareBed bed;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    CloudFrontOptions options = b.options;
    options.base_url = http::Url::parse("https://h/a").value();
    co_await expect_refused(options, "must end with '/'");
    options.base_url = http::Url::parse("https://h/*/").value();
    co_await expect_refused(options, "must end with '/'");
    options.base_url = http::Url::parse("https://h/a/../").value();
    co_await expect_refused(options, "must not hold \".\" or \"..\"");
    options.base_url = http::Url::parse("https://h/%/").value();
    co_await expect_refused(options, "a '%' without its digits");
    options = b.options;
    options.keys.clear();
    co_await expect_refused(options, "no key file");
    options = b.options;
    options.keys.front().key_pair_id = "no id";
    co_await expect_refused(options, "no id");
    options = b.options;
    options.duration = 0s;
    co_await expect_refused(options, "a second or more");
    options = b.options;
    options.update_frequency = 0s;
    co_await expect_refused(options, "must be positive");
    options = b.options;
    options.signatures_max = 0;
    co_await expect_refused(options, "cache");
    options = b.options;
    options.ip_filter = IpFilter::aws_region;
    co_await expect_refused(options, "no region");
  });
}

}  // namespace
}  // namespace ringpull::cloudfront
