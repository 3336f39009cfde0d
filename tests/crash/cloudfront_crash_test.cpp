#include <gtest/gtest.h>
#include <memory>
#include <string>

#include <ringpull/cloudfront/cloudfront_middleware.hpp>
#include <ringpull/engine/loop.hpp>

#include "tests/support/recording_driver.hpp"

namespace ringpull::cloudfront {
namespace {

engine::Task<void> forget_to_close() {
  ringpull::testing::RecordingDriver driver;
  CloudFrontOptions options;
  options.base_url = http::Url::parse("https://cdn.example.com/").value();
  options.keys.emplace_back(RINGPULL_SOURCE_DIR "/tests/golden/cloudfront/p256-sec1.pem", "K1");
  auto middleware = CloudFrontMiddleware::create(options, driver);
  EXPECT_TRUE(middleware);
  middleware->reset();
  co_return;
}

void run_without_closing() {
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  loop->run([] { return forget_to_close(); });
}

TEST(CloudFrontMiddlewareDeath, AbortsWhenItIsDestroyedBeforeItWasClosed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run_without_closing(), "a CloudFrontMiddleware was destroyed.*await close");
}

}  // namespace
}  // namespace ringpull::cloudfront
