// CommitOptions::create_only where the server takes no If-None-Match.
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "tests/unit/s3/driver/core/core_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using testing::CoreBed;

Task<Result<void>> write(S3Driver& driver, std::string path, std::size_t size, bool create_only) {
  WriterOptions options;
  RINGPULL_CO_TRY(auto writer, co_await driver.writer(path, options));
  std::vector<std::byte> bytes(size);
  auto written = co_await writer->write(bytes);
  CommitOptions commit;
  commit.create_only = create_only;
  auto done = co_await writer->commit(commit);
  if (!written) co_return fail(std::move(written).error());
  co_return done;
}

Task<void> expect_refusal(CoreBed& b, std::size_t size) {
  auto driver = S3Driver::create(b.options, *b.client, *b.pool).value();
  EXPECT_FALSE(driver->capabilities().conditional_commit);
  auto first = co_await write(*driver, "/a", size, true);
  EXPECT_TRUE(first) << first.error().message();
  std::string etag = b.store.find("b")->objects.find("a")->second.etag;
  b.gate->forget();
  auto second = co_await write(*driver, "/a", size, true);
  EXPECT_FALSE(second);
  EXPECT_EQ(second.error().kind(), ErrorKind::already_exists) << second.error().message();
  EXPECT_EQ(b.gate->count("HEAD /b/a"), 1u);
  EXPECT_EQ(b.gate->count("POST /b/a?uploadId"), 0u) << "nothing was asked to replace it";
  EXPECT_EQ(b.gate->count("PUT /b/a?partNumber"), size > kPartBytesMin ? 2u : 0u);
  EXPECT_EQ(b.store.find("b")->objects.find("a")->second.etag, etag);
  EXPECT_EQ(b.uploads(), 0u);
  b.gate->forget();
  auto replaced = co_await write(*driver, "/a", size, false);
  EXPECT_TRUE(replaced) << replaced.error().message();
  EXPECT_EQ(b.gate->count("HEAD"), 0u) << "who may replace does not look";
}

class CreateOnly : public ::testing::Test {
 protected:
  CreateOnly() {
    bed.options.server.conditional_writes = false;
    bed.options.chunk_bytes = kPartBytesMin;
  }
  CoreBed bed;
};

TEST_F(CreateOnly, LooksBeforeASmallFileIsPut) {
  bed.run([](CoreBed& b) -> Task<void> { co_await expect_refusal(b, 10); });
}

TEST_F(CreateOnly, LooksBeforeAnUploadIsCompleted) {
  bed.run([](CoreBed& b) -> Task<void> { co_await expect_refusal(b, kPartBytesMin + 10); });
}

}  // namespace
}  // namespace ringpull::s3
