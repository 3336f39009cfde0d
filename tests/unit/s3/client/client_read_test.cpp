// Bodies that break off, and answers that are not what was asked for.
#include <array>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/engine/task.hpp>

#include "tests/unit/s3/client/client_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using ringpull::testing::close;
using ringpull::testing::hold;
using ringpull::testing::read_head;
using ringpull::testing::write;
using testing::ClientBed;
using testing::error_response;
using testing::part_response;
using testing::ranged_get;
using testing::text_of;

/// Ten bytes of version "e1" from `first` on, of which four arrive.
std::string cut_part(std::size_t first, std::size_t total) {
  std::string whole = part_response("abcdefghij", first, total, "e1");
  return whole.substr(0, whole.size() - 6);
}

TEST(S3ClientRead, ResumesABrokenBodyFromItsLastByteAndPinsTheVersion) {
  ClientBed bed;
  std::string broken = cut_part(10, 100);
  bed.scripts = {{read_head(), write(broken), close()},
                 {read_head(), write(part_response("efghij", 14, 100, "e1")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::array<std::byte, 10> out;
    GetObjectOptions options = ranged_get(10, 10);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_EQ(text_of(out), "abcdefghij");
    const std::string& second = b.peer->heads().at(1);
    EXPECT_NE(second.find("Range: bytes=14-19\r\n"), std::string::npos) << second;
    EXPECT_NE(second.find("If-Match: \"e1\"\r\n"), std::string::npos) << second;
  });
}

TEST(S3ClientRead, AFailureCountsTheBytesOfAllAttempts) {
  ClientBed bed;
  std::string broken = cut_part(10, 100);
  bed.scripts = {{read_head(), write(broken), close()},
                 {read_head(), write(error_response(403, "AccessDenied")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::array<std::byte, 10> out;
    GetObjectOptions options = ranged_get(10, 10);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::permission_denied);
    EXPECT_EQ(got.error().bytes_done(), 4u);
  });
}

TEST(S3ClientRead, ReadsTheBodyOfAnOpenedObjectWithResumption) {
  ClientBed bed;
  std::string broken = cut_part(10, 100);
  bed.scripts = {{read_head(), write(broken), close()},
                 {read_head(), write(part_response("efghij", 14, 100, "e1")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    GetObjectOptions options = ranged_get(10, 10);
    auto stream = co_await b.client->get_object(options);
    EXPECT_TRUE(stream) << stream.error().message();
    EXPECT_EQ(stream->result.info.size_bytes, 100u);
    std::array<std::byte, 20> out;
    auto bytes = co_await b.client->read_object_body(options, std::move(*stream), out);
    EXPECT_EQ(bytes.value(), 10u);
    EXPECT_EQ(text_of(std::span(out).first(10)), "abcdefghij");
  });
}

TEST(S3ClientRead, NoticesAnotherVersionWhereTheServerIgnoresIfMatch) {
  ClientBed bed;
  std::string broken = cut_part(10, 100);
  bed.scripts = {{read_head(), write(broken), close()},
                 {read_head(), write(part_response("EFGHIJ", 14, 100, "e2")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::array<std::byte, 10> out;
    GetObjectOptions options = ranged_get(10, 10);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::precondition_failed);
    EXPECT_EQ(got.error().bytes_done(), 4u);
  });
}

TEST(S3ClientRead, NeverMixesTwoVersionsOfAnObject) {
  ClientBed bed;
  std::string broken = cut_part(0, 10);
  bed.scripts = {{read_head(), write(broken), close()},
                 {read_head(), write(error_response(412, "PreconditionFailed")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::array<std::byte, 10> out;
    GetObjectOptions options = ranged_get(0, 10);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::precondition_failed);
  });
}

TEST(S3ClientRead, RefusesAnotherRangeThanItAskedFor) {
  ClientBed bed;
  bed.scripts = {{read_head(), write(part_response("abc", 5, 100, "e")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::array<std::byte, 3> out;
    GetObjectOptions options = ranged_get(0, 3);
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::protocol);
  });
}

}  // namespace
}  // namespace ringpull::s3
