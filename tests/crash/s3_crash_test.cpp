// Errors of those who use the S3 driver.

#include <csignal>
#include <gtest/gtest.h>

#include "s3/src/driver/write/writer.hpp"
#include "tests/unit/s3/driver/core/driver_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using testing::DriverBed;

class S3Crash : public ::testing::Test {
 protected:
  S3Crash() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

void forget_a_writer() {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    WriterOptions options;
    auto opened = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(opened);
  });
}

TEST_F(S3Crash, AWriterThatWasNeverEndedAborts) {
  EXPECT_EXIT(forget_a_writer(), ::testing::KilledBySignal(SIGABRT),
              "destroyed before commit, close or cancel");
}

void write_more_than_was_prepared() {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    WriterOptions options;
    auto opened = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(opened);
    auto room = co_await (*opened)->prepare();
    EXPECT_TRUE(room);
    auto written = co_await (*opened)->write_prepared(room->size() + 1);
    EXPECT_FALSE(written);
  });
}

TEST_F(S3Crash, AWriterThatIsSaidToHoldMoreThanItPreparedAborts) {
  EXPECT_EXIT(write_more_than_was_prepared(), ::testing::KilledBySignal(SIGABRT),
              "more was written to a StorageWriter than it had prepared");
}

}  // namespace
}  // namespace ringpull::s3
