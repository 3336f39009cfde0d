// Who is sent to the store instead of to CloudFront, and how the list of networks is kept.
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
using testing::answer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::list_of;
using testing::MiddlewareBed;
using ::testing::Not;
using testing::Script;
using ::testing::StartsWith;

constexpr const char* kCloudFront = "https://cdn.example.com/root/a?Expires=";
constexpr const char* kStore = "https://store.example.com/?GET/a";
constexpr const char* kNear = "3.5.140.1:5000";
constexpr const char* kFar = "192.0.2.1:5000";

/// One connection, one request, this answer.
Script once(std::string text) {
  return {ringpull::testing::read_head(), ringpull::testing::write(std::move(text))};
}

Task<void> expect_sent(MiddlewareBed& bed, std::string client, std::string where) {
  auto url = co_await bed.redirect("/a", client);
  EXPECT_THAT(url, StartsWith(where)) << client;
}

TEST(IpFilter, FetchesNothingWhenThereIsNone) {
  MiddlewareBed bed;
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await b.ready();
    co_await b.advance(24h);
    co_await expect_sent(b, kNear, kCloudFront);
    EXPECT_EQ(b.peer->accepted(), 0U);
    EXPECT_EQ(b.middleware->status().ip_fetches, 0U);
  });
}

TEST(IpFilter, SendsClientsInsideTheNetworksToTheStoreByMethod) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws;
  bed.scripts = {once(answer(200, list_of("3.5.140.0/22")))};
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await b.ready();
    co_await expect_sent(b, kNear, kStore);
    co_await expect_sent(b, "[::ffff:3.5.140.2]:5000", kStore);
    co_await expect_sent(b, kFar, kCloudFront);
    co_await expect_sent(b, "", kCloudFront);
    co_await expect_sent(b, "@", kCloudFront);
    s3::RedirectOptions head;
    head.method = s3::RedirectMethod::head;
    head.client.peer_address = kNear;
    auto url = co_await b.redirect("/a", head);
    EXPECT_EQ(url, "https://store.example.com/?HEAD/a");
    EXPECT_EQ(b.middleware->status().near_clients, 3U);
    EXPECT_EQ(b.middleware->status().left_to_inner, 3U);
    EXPECT_EQ(b.middleware->status().redirects, 3U);
    EXPECT_EQ(b.middleware->status().ip_networks, 1U);
    EXPECT_THAT(b.peer->heads(), ElementsAre(AllOf(StartsWith("GET /ip-ranges.json HTTP/1.1\r\n"),
                                                   HasSubstr("\r\nUser-Agent: ringpull\r\n"),
                                                   Not(HasSubstr("If-None-Match")))));
  });
}

TEST(IpFilter, LooksAtTheRegionsOnly) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws_region;
  bed.options.regions = {"eu-west-3"};
  bed.scripts = {once(answer(200, R"({"prefixes": [
      {"ip_prefix": "3.5.0.0/16", "region": "us-east-1"},
      {"ip_prefix": "3.5.140.0/24", "region": "EU-West-3"}]})"))};
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await b.ready();
    co_await expect_sent(b, kNear, kStore);
    co_await expect_sent(b, "3.5.1.1", kCloudFront);
  });
}

TEST(IpFilter, TellsOnceOfARegionThatTheListDoesNotHave) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws_region;
  bed.options.regions = {"eu-wst-3", "us-east-1"};
  bed.options.update_frequency = 60s;
  bed.options.update_retry = 10s;
  std::string list = R"({"prefixes": [{"ip_prefix": "3.5.0.0/16", "region": "us-east-1"},
                         {"ip_prefix": "3.6.0.0/16", "region": "eu-west-3"}]})";
  std::string later = R"({"prefixes": [{"ip_prefix": "3.5.0.0/16", "region": "eu-wst-3"}]})";
  bed.scripts = {once(answer(503, "")), once(answer(200, list)), once(answer(200, later))};
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await b.ready();
    EXPECT_EQ(b.middleware->status().ip_failures, 1U);
    EXPECT_TRUE(b.middleware->status().unknown_regions.empty()) << "nothing is known yet";
    b.notices.clear();
    co_await b.advance(12s);
    co_await until([&b] { return b.middleware->status().ip_networks == 2; });
    auto unknown = b.middleware->status().unknown_regions;
    EXPECT_EQ(unknown.size(), 1U);
    EXPECT_EQ(unknown.at(0).name, "eu-wst-3");
    EXPECT_EQ(unknown.at(0).nearest, "eu-west-3");
    EXPECT_THAT(b.notices, ElementsAre(AllOf(HasSubstr("awsregion names eu-wst-3"),
                                             HasSubstr("did you mean eu-west-3?")),
                                       HasSubstr("could be fetched again")));
    co_await b.advance(67s);
    co_await until([&b] { return b.middleware->status().ip_networks == 1; });
    EXPECT_EQ(b.middleware->status().unknown_regions.at(0).name, "us-east-1");
    EXPECT_EQ(b.notices.size(), 2U) << "not of each list";
  });
}

TEST(IpFilter, BelievesHeaderFieldsOfTrustedProxiesOnly) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws;
  bed.options.trusted_proxies = {IpNetwork::parse("10.0.0.0/8").value()};
  bed.scripts = {once(answer(200, list_of("3.5.140.0/22")))};
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await b.ready();
    s3::RedirectOptions options;
    options.client.forwarded_for = "3.5.140.1";
    options.client.peer_address = kFar;
    auto url = co_await b.redirect("/a", options);
    EXPECT_THAT(url, StartsWith(kCloudFront)) << "anybody may write this field";
    options.client.peer_address = "10.0.0.1:5000";
    url = co_await b.redirect("/a", options);
    EXPECT_EQ(url, kStore);
    options.client.forwarded_for = "3.5.140.1, 192.0.2.1";
    url = co_await b.redirect("/a", options);
    EXPECT_THAT(url, StartsWith(kCloudFront));
    options.client.forwarded_for.clear();
    options.client.real_ip = "3.5.140.1";
    url = co_await b.redirect("/a", options);
    EXPECT_EQ(url, kStore);
  });
}

TEST(IpFilter, SendsEverybodyToCloudFrontUntilTheFirstListIsThere) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws;
  bed.scripts = {once(answer(503, "later")), once(answer(200, list_of("3.5.140.0/22")))};
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await expect_sent(b, kNear, kCloudFront);
    co_await b.ready();
    co_await expect_sent(b, kNear, kCloudFront);
    CloudFrontStatus status = b.middleware->status();
    EXPECT_EQ(status.ip_failures, 1U);
    EXPECT_EQ(status.ip_error->http_status(), 503);
    EXPECT_THAT(b.notices, ElementsAre(AllOf(HasSubstr("/ip-ranges.json: the server answers 503"),
                                             HasSubstr("every client is sent to CloudFront"))));
    co_await b.advance(67s);  // update_retry and its spread
    co_await until([&b] { return b.middleware->status().ip_networks == 1; });
    co_await expect_sent(b, kNear, kStore);
    EXPECT_FALSE(b.middleware->status().ip_error);
    EXPECT_THAT(b.notices.back(), HasSubstr("could be fetched again"));
  });
}

TEST(IpFilter, AsksAfterTheFrequencyWithASpreadOfATenthAndByETag) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws;
  bed.options.update_frequency = 1000s;
  bed.scripts = {once(answer(200, list_of("3.5.140.0/22"), "ETag: \"one\"\r\n")),
                 once(answer(304, "", "ETag: \"one\"\r\n")),
                 once(answer(200, R"({"prefixes": [{"ip_prefix": "192.0.2.0/24"},
                                  {"ip_prefix": "198.51.100.0/24"}]})",
                             "ETag: \"two\"\r\n")),
                 once(answer(200, list_of("192.0.2.0/24")))};
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await b.ready();
    co_await b.advance(999s);
    EXPECT_EQ(b.peer->accepted(), 1U);
    co_await b.advance(101s);
    co_await until([&b] { return b.middleware->status().ip_not_modified == 1; });
    co_await expect_sent(b, kNear, kStore);
    co_await b.advance(1100s);
    co_await until([&b] { return b.middleware->status().ip_networks == 2; });
    co_await expect_sent(b, kNear, kCloudFront);
    co_await expect_sent(b, kFar, kStore);
    co_await b.advance(1100s);
    co_await until([&b] { return b.peer->heads().size() == 4; });
    EXPECT_THAT(b.peer->heads(), ElementsAre(Not(HasSubstr("If-None-Match")),
                                             HasSubstr("\r\nIf-None-Match: \"one\"\r\n"),
                                             HasSubstr("\r\nIf-None-Match: \"one\"\r\n"),
                                             HasSubstr("\r\nIf-None-Match: \"two\"\r\n")));
    EXPECT_EQ(b.middleware->status().ip_fetches, 4U);
    EXPECT_THAT(b.notices, IsEmpty());
  });
}

TEST(IpFilter, KeepsTheListWhereALaterOneCannotBeUsed) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws;
  bed.options.update_frequency = 60s;
  bed.options.ip_ranges_bytes_max = 1000;
  bed.scripts = {once(answer(200, list_of("3.5.140.0/22"), "ETag: \"one\"\r\n")),
                 once(answer(200, std::string(1001, ' '))),
                 once(answer(200, "<html>", "ETag: \"html\"\r\n")),
                 once(answer(200, R"({"prefixes": []})")),
                 once(answer(200, list_of("192.0.2.0/24")).substr(0, 60)),
                 once(answer(301, "", "Location: /elsewhere\r\n")),
                 once(answer(304, ""))};
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await b.ready();
    const char* const kReasons[] = {"1000 bytes", "not JSON", "holds no network", "",
                                    "answers 301"};
    for (std::uint64_t failures = 1; failures <= 5; ++failures) {
      co_await b.advance(67s);
      co_await until([&] { return b.middleware->status().ip_failures == failures; });
      EXPECT_THAT(b.middleware->status().ip_error->message(), HasSubstr(kReasons[failures - 1]));
      co_await expect_sent(b, kNear, kStore);
    }
    co_await b.advance(67s);
    co_await until([&b] { return b.middleware->status().ip_not_modified == 1; });
    EXPECT_THAT(b.peer->heads()[3], HasSubstr("If-None-Match: \"one\""))
        << "what could not be read is no list to compare with";
    EXPECT_THAT(b.notices, ElementsAre(HasSubstr("the list fetched before is kept"),
                                       HasSubstr("could be fetched again")));
  });
}

TEST(IpFilter, GivesUpAFetchThatTakesTooLong) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws;
  bed.options.ip_ranges_time_max = 5s;
  bed.scripts = {{ringpull::testing::read_head(), ringpull::testing::hold()},
                 once(answer(200, list_of("3.5.140.0/22")))};
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await until([&b] { return b.peer->heads().size() == 1; });
    co_await b.advance(6s);
    co_await b.ready();
    EXPECT_EQ(b.middleware->status().ip_error->kind(), ErrorKind::timed_out);
    co_await b.advance(67s);
    co_await until([&b] { return b.middleware->status().ip_networks == 1; });
  });
}

TEST(IpFilter, DoublesThePauseAfterFailuresUpToTheFrequency) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws;
  bed.options.update_retry = 10s;
  bed.options.update_frequency = 30s;
  bed.scripts = ringpull::testing::repeated(4, once(answer(500, "")));
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await b.ready();
    std::size_t requests = 1;
    for (auto pause : {10s, 20s, 30s}) {
      co_await b.advance(pause - 1s);
      EXPECT_EQ(b.peer->accepted(), requests) << pause.count();
      co_await b.advance(pause / 10 + 1s);
      ++requests;
      co_await until([&] { return b.middleware->status().ip_failures == requests; });
    }
    EXPECT_EQ(b.notices.size(), 1U) << "told once";
  });
}

TEST(IpFilter, EndsAFetchWhenItIsClosed) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws;
  bed.scripts = {{ringpull::testing::read_head(), ringpull::testing::hold()}};
  bed.run([](MiddlewareBed& b) -> Task<void> {
    co_await until([&b] { return b.peer->heads().size() == 1; });
    co_await b.middleware->close();
    EXPECT_THAT(b.notices, IsEmpty());
    EXPECT_EQ(b.middleware->status().ip_failures, 0U);
    co_await b.middleware->close();
  });
}

TEST(IpFilter, FetchesByAClientOfItsOwnWhereNoneIsGiven) {
  MiddlewareBed bed;
  bed.options.ip_filter = IpFilter::aws;
  bed.scripts = ringpull::testing::repeated(2, once(answer(200, list_of("3.5.140.0/22"))));
  bed.run([](MiddlewareBed& b) -> Task<void> {
    CloudFrontOptions options = b.options;
    options.http = nullptr;
    auto middleware = CloudFrontMiddleware::create(options, b.driver).value();
    auto ready = co_await middleware->ready();
    EXPECT_TRUE(ready);
    EXPECT_EQ(middleware->status().ip_networks, 1U);
    co_await middleware->close();
  });
}

}  // namespace
}  // namespace ringpull::cloudfront
