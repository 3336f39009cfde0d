// Errors of those who use the S3 driver.

#include <csignal>
#include <gtest/gtest.h>

#include "s3/src/driver/writer.hpp"
#include "tests/unit/s3/driver_bed.hpp"

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

}  // namespace
}  // namespace ringpull::s3
