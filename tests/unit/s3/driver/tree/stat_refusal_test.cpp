// stat where HeadObject is refused without a reason, which the listing then
// names.
#include <gtest/gtest.h>
#include <optional>

#include "s3/src/driver/tree/tree.hpp"
#include "tests/unit/s3/driver/core/core_bed.hpp"

namespace ringpull::s3::driver {
namespace {

using engine::Task;
using testing::CannedAnswer;
using testing::CoreBed;
using testing::error_answer;

TEST(DriverStatRefusal, AnyRefusalOfHeadObjectIsAskedOfTheListing) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("a", 5);
    b.add("d/e");
    for (int status : {400, 401, 403, 405}) {
      b.gate->script = [status](const http::RequestHead& head) -> std::optional<CannedAnswer> {
        if (head.method == "HEAD") return CannedAnswer(status, "");
        return std::nullopt;
      };
      auto file = co_await stat(*b.core, "/a");
      EXPECT_TRUE(file && file->size_bytes == 5u) << status;
      auto directory = co_await stat(*b.core, "/d");
      EXPECT_TRUE(directory && directory->is_directory) << status;
    }
  });
}

TEST(DriverStatRefusal, SaysWhatTheListingNames) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (head.method == "HEAD") return CannedAnswer(400, "");
      return error_answer(400, "InvalidToken");
    };
    auto info = co_await stat(*b.core, "/a");
    EXPECT_FALSE(info);
    EXPECT_EQ(info.error().kind(), ErrorKind::unauthenticated);
    EXPECT_EQ(info.error().service_code(), "InvalidToken");
  });
}

TEST(DriverStatRefusal, ABusyServerIsNotAskedForMore) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.gate->script = [](const http::RequestHead&) { return CannedAnswer(429, ""); };
    auto info = co_await stat(*b.core, "/a");
    EXPECT_FALSE(info);
    EXPECT_EQ(info.error().kind(), ErrorKind::throttled);
    EXPECT_EQ(b.gate->count(), 1u);
  });
}

}  // namespace
}  // namespace ringpull::s3::driver
