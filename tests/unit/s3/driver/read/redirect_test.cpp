// URLs that clients are sent to.
#include "s3/src/driver/read/redirect.hpp"

#include <gtest/gtest.h>
#include <string>

#include "tests/unit/s3/driver/core/core_bed.hpp"

namespace ringpull::s3::driver {
namespace {

using engine::Task;
using testing::contains;
using testing::CoreBed;

TEST(DriverRedirect, GivesAUrlThatNeedsNoCredentials) {
  CoreBed bed;
  bed.options.root_directory = "r s";
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("r s/a", 4);
    RedirectOptions options;
    auto url = co_await redirect_url(*b.core, "/a", options);
    EXPECT_TRUE(url) << url.error().message();
    EXPECT_TRUE(url->starts_with(b.url + "/b/r%20s/a?")) << *url;
    EXPECT_TRUE(contains(*url, "X-Amz-Expires=1200"));
    EXPECT_EQ(b.gate->count(), 0u) << "signing asks nobody";
    options.method = RedirectMethod::head;
    auto head = co_await redirect_url(*b.core, "/a", options);
    EXPECT_TRUE(head);
    EXPECT_NE(*head, *url);
  });
}

TEST(DriverRedirect, BoundsTheExpiry) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (std::chrono::seconds expiry : {std::chrono::seconds(0), std::chrono::seconds(-5),
                                        kPresignExpiryMax + std::chrono::seconds(1)}) {
      RedirectOptions options;
      options.expiry = expiry;
      auto url = co_await redirect_url(*b.core, "/a", options);
      EXPECT_FALSE(url);
      EXPECT_EQ(url.error().kind(), ErrorKind::invalid_argument);
    }
    RedirectOptions longest;
    longest.expiry = kPresignExpiryMax;
    auto url = co_await redirect_url(*b.core, "/a", longest);
    EXPECT_TRUE(url);
  });
}

TEST(DriverRedirect, SignsForThePublicHostInBothStyles) {
  for (Addressing addressing : {Addressing::path, Addressing::virtual_host}) {
    CoreBed bed;
    bed.options.redirect_endpoint =
        Endpoint::create("https://cdn.example.com", Region("elsewhere"), addressing).value();
    bed.run([](CoreBed& b) -> Task<void> {
      RedirectOptions options;
      auto url = co_await redirect_url(*b.core, "/a/b", options);
      EXPECT_TRUE(url) << url.error().message();
      bool by_path = b.options.redirect_endpoint->addressing() == Addressing::path;
      EXPECT_TRUE(url->starts_with(by_path ? "https://cdn.example.com/b/a/b?"
                                           : "https://b.cdn.example.com/a/b?"))
          << *url;
      EXPECT_TRUE(contains(*url, "%2Fus-east-1%2Fs3%2Faws4_request")) << *url;
    });
  }
}

}  // namespace
}  // namespace ringpull::s3::driver
