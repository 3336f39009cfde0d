// Uploads that nobody has a name for, left by writers that were killed.
#include <gtest/gtest.h>
#include <string>

#include "s3/src/driver/tree/remove.hpp"
#include "tests/unit/s3/driver/core/core_bed.hpp"

namespace ringpull::s3::driver {
namespace {

using engine::Task;
using testing::CannedAnswer;
using testing::contains;
using testing::CoreBed;
using testing::error_answer;

Task<void> create(CoreBed& b, std::string key) {
  CreateMultipartUploadOptions request(b.options.bucket, ObjectKey(std::move(key)));
  auto created = co_await b.direct->create_multipart_upload(request);
  EXPECT_TRUE(created);
}

TEST(LeftoverUploads, OfKilledWritersGoWithTheirDirectory) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"u/1/startedat", "u/10/startedat"});
    co_await create(b, "u/1/data");
    co_await create(b, "u/10/data");
    auto removed = co_await remove(*b.core, "/u/1");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.uploads(), 1u) << "the sibling's stays";
    EXPECT_EQ(b.gate->count("?uploads"), 1u);
    EXPECT_EQ(b.gate->count(), 4u) << "list, list uploads, abort, delete";
  });
}

TEST(LeftoverUploads, AreNotAskedForWhenAFileIsRemoved) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"u", "u-2", "u.d/x"});
    auto removed = co_await remove(*b.core, "/u");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.gate->count("?uploads"), 0u);
    EXPECT_EQ(b.gate->count(), 2u);
  });
}

TEST(LeftoverUploads, StayWhereTheyMayNotBeTouched) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("u/startedat");
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (!contains(head.target, "?uploads")) return std::nullopt;
      return error_answer(403, "AccessDenied");
    };
    auto removed = co_await remove(*b.core, "/u");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_FALSE(b.has("u/startedat"));
  });
}

}  // namespace
}  // namespace ringpull::s3::driver
