// Redirects to a public name, for a bucket that lies in another region than was said.
#include <gtest/gtest.h>
#include <string>

#include "s3/src/driver/read/redirect.hpp"
#include "tests/unit/s3/driver/core/core_bed.hpp"

namespace ringpull::s3::driver {
namespace {

using engine::Task;
using testing::CannedAnswer;
using testing::CoreBed;

TEST(DriverRegion, OfARedirectIsTheOneThatTheClientHasLearnt) {
  CoreBed bed;
  bed.attempts_max = 2;
  bed.options.redirect_endpoint =
      Endpoint::create("https://cdn.example.com", Region("us-east-1")).value();
  bed.run([](CoreBed& b) -> Task<void> {
    RedirectOptions options;
    auto before = co_await redirect_url(*b.core, "/a", options);
    EXPECT_TRUE(before) << before.error().message();
    EXPECT_NE(before->find("%2Fus-east-1%2Fs3%2F"), std::string::npos) << *before;
    b.gate->script = [&b](const http::RequestHead&) -> std::optional<CannedAnswer> {
      if (b.gate->count() > 1) return CannedAnswer(200, "<ListBucketResult/>");
      return CannedAnswer(400,
                          "<Error><Code>AuthorizationHeaderMalformed</Code>"
                          "<Region>eu-west-1</Region></Error>");
    };
    ListObjectsV2Options list(b.options.bucket);
    auto listed = co_await b.client->list_objects_v2(list);
    EXPECT_TRUE(listed) << listed.error().message();
    auto after = co_await redirect_url(*b.core, "/a", options);
    EXPECT_TRUE(after) << after.error().message();
    EXPECT_TRUE(after->starts_with("https://b.cdn.example.com/a?")) << *after;
    EXPECT_NE(after->find("%2Feu-west-1%2Fs3%2F"), std::string::npos) << *after;
  });
}

}  // namespace
}  // namespace ringpull::s3::driver
