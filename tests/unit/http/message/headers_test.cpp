#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ringpull/http/headers.hpp>

namespace ringpull::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Headers sample() {
  Headers headers;
  headers.add("Host", "h");
  headers.add("X-A", "1");
  headers.add("Range", "bytes=0-1");
  headers.add("x-a", "2");
  return headers;
}

TEST(Headers, FindNamesInAnyCase) {
  const Headers headers = sample();
  EXPECT_EQ(headers.get("HOST"), "h");
  EXPECT_EQ(headers.get("range"), "bytes=0-1");
  EXPECT_EQ(headers.get("Ran"), std::nullopt);
  EXPECT_EQ(headers.get(""), std::nullopt);
  EXPECT_TRUE(headers.contains("x-A"));
}

TEST(Headers, KeepOrderAndRepetitions) {
  const Headers headers = sample();
  EXPECT_EQ(headers.size(), 4U);
  EXPECT_EQ(headers.get("X-A"), "1");
  EXPECT_THAT(headers.get_all("X-A"), ElementsAre("1", "2"));
  EXPECT_THAT(headers.get_all("X-B"), IsEmpty());
  EXPECT_EQ(headers.wire(), "Host: h\r\nX-A: 1\r\nRange: bytes=0-1\r\nx-a: 2\r\n");
  EXPECT_EQ(headers.size_bytes(), headers.wire().size());
}

TEST(Headers, CanBeWalkedOver) {
  std::string seen;
  for (const auto [name, value] : sample()) seen.append(name).append("=").append(value).append(" ");
  EXPECT_EQ(seen, "Host=h X-A=1 Range=bytes=0-1 x-a=2 ");
}

TEST(Headers, SetReplacesInPlaceAndDropsRepetitions) {
  Headers headers = sample();
  headers.set("X-a", "a longer value");
  EXPECT_EQ(headers.wire(), "Host: h\r\nX-A: a longer value\r\nRange: bytes=0-1\r\n");
  headers.set("x-a", "");
  EXPECT_EQ(headers.wire(), "Host: h\r\nX-A: \r\nRange: bytes=0-1\r\n");
  EXPECT_EQ(headers.get("Range"), "bytes=0-1");
  headers.set("New", "n");
  EXPECT_EQ(headers.get("new"), "n");
  EXPECT_EQ(headers.size(), 4U);
}

TEST(Headers, RemoveEveryFieldOfAName) {
  Headers headers = sample();
  EXPECT_EQ(headers.remove("X-A"), 2U);
  EXPECT_EQ(headers.remove("X-A"), 0U);
  EXPECT_EQ(headers.wire(), "Host: h\r\nRange: bytes=0-1\r\n");
  EXPECT_EQ(headers[1].value, "bytes=0-1");
}

TEST(Headers, ClearLeavesNothing) {
  Headers headers = sample();
  headers.clear();
  EXPECT_TRUE(headers.empty());
  EXPECT_EQ(headers.size_bytes(), 0U);
  EXPECT_EQ(headers.get("Host"), std::nullopt);
}

TEST(Headers, CopiesAreIndependent) {
  Headers first = sample();
  Headers second = first;
  second.set("Host", "other");
  EXPECT_EQ(first.get("Host"), "h");
  first = std::move(second);
  EXPECT_EQ(first.get("Host"), "other");
}

TEST(Headers, FindTokensInLists) {
  Headers headers;
  headers.add("Connection", "x-hop ,\tClose");
  headers.add("Connection", "upgrade");
  EXPECT_TRUE(headers.has_token("connection", "close"));
  EXPECT_TRUE(headers.has_token("connection", "UPGRADE"));
  EXPECT_FALSE(headers.has_token("connection", "hop"));
  EXPECT_FALSE(headers.has_token("te", "close"));
}

TEST(Headers, CheckPassesWhatMayBeSent) {
  Headers headers = sample();
  headers.add("x-amz-meta-name", "caf\xc3\xa9\ttab");
  headers.add("Empty", "");
  EXPECT_TRUE(headers.check());
}

TEST(Headers, CheckRefusesEveryNameThatIsNoToken) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string c(1, static_cast<char>(byte));
    const bool token =
        byte < 128 && (std::isalnum(byte) != 0 ||
                       std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string::npos);
    Headers headers;
    headers.add("X" + c, "v");
    EXPECT_EQ(headers.check().has_value(), token) << byte;
    EXPECT_EQ(is_token(c), token) << byte;
  }
  Headers headers;
  headers.add("", "v");
  EXPECT_FALSE(headers.check());
}

TEST(Headers, CheckRefusesEveryValueThatCouldSplitARequest) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
    Headers headers;
    headers.add("X", "a" + std::string(1, static_cast<char>(byte)) + "b");
    EXPECT_EQ(headers.check().has_value(), !control) << byte;
  }
  for (const std::string_view value : {" a", "a ", "\ta", "a\t", " "}) {
    Headers headers;
    headers.add("X", value);
    EXPECT_FALSE(headers.check()) << '"' << value << '"';
  }
}

TEST(Headers, CheckNamesTheFieldAndNotItsValue) {
  Headers headers;
  headers.add("X-Amz-Security-Token", "s3cr3t\r\n");
  auto checked = headers.check();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().kind(), ErrorKind::invalid_argument);
  EXPECT_NE(checked.error().message().find("X-Amz-Security-Token"), std::string::npos);
  EXPECT_EQ(checked.error().message().find("s3cr3t"), std::string::npos);
}

}  // namespace
}  // namespace ringpull::http
