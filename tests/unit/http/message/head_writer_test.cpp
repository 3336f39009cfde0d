#include <gtest/gtest.h>

#include <ringpull/http/request.hpp>
#include <ringpull/http/response.hpp>

namespace ringpull::http {
namespace {

RequestHead request() {
  RequestHead head("GET", "/bucket/key?x=1");
  head.headers.add("Host", "h");
  head.headers.add("Range", "bytes=0-1");
  return head;
}

// Refused, with not a byte written.
void expect_refused(const RequestHead& head) {
  std::string out = "before";
  auto written = write_head(head, out);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(out, "before");
}

TEST(WriteRequestHead, AppendsTheHeadAsItGoesOnTheWire) {
  std::string out = "before";
  ASSERT_TRUE(write_head(request(), out));
  EXPECT_EQ(out, "beforeGET /bucket/key?x=1 HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\n");
}

TEST(WriteRequestHead, RefusesAMethodThatIsNoToken) {
  for (const std::string_view method : {"", "GET ", "GET\r\n", "G/T"}) {
    RequestHead head = request();
    head.method = method;
    expect_refused(head);
  }
}

TEST(WriteRequestHead, RefusesATargetThatCouldSplitTheRequest) {
  for (int byte = 0; byte < 256; ++byte) {
    if (byte > 0x20 && byte < 0x7f) continue;
    RequestHead head = request();
    head.target += static_cast<char>(byte);
    expect_refused(head);
  }
  RequestHead head = request();
  head.target.clear();
  expect_refused(head);
}

TEST(WriteRequestHead, RefusesFieldsThatCouldSplitTheRequest) {
  for (const std::string& value :
       {std::string("a\r\nX: y"), std::string("a\n"), std::string("a\r"), std::string("a\0b", 3)}) {
    RequestHead head = request();
    head.headers.add("x-amz-meta-a", value);
    expect_refused(head);
    head = request();
    head.headers.add(value, "v");
    expect_refused(head);
  }
}

TEST(WriteResponseHead, AppendsTheUsualPhraseUnlessAnotherIsGiven) {
  ResponseHead head(206);
  head.headers.add("Content-Length", "2");
  std::string out;
  ASSERT_TRUE(write_head(head, out));
  EXPECT_EQ(out, "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\n");
  head.reason = "Some";
  out.clear();
  ASSERT_TRUE(write_head(head, out));
  EXPECT_EQ(out, "HTTP/1.1 206 Some\r\nContent-Length: 2\r\n\r\n");
  out.clear();
  ASSERT_TRUE(write_head(ResponseHead(599), out));
  EXPECT_EQ(out, "HTTP/1.1 599 \r\n\r\n");
}

TEST(WriteResponseHead, RefusesWhatNoParserWouldTake) {
  std::string out;
  EXPECT_FALSE(write_head(ResponseHead(0), out));
  EXPECT_FALSE(write_head(ResponseHead(1000), out));
  ResponseHead head(200);
  head.reason = "OK\r\nX: y";
  EXPECT_FALSE(write_head(head, out));
  head.reason.clear();
  head.headers.add("X", "a\r\nY: z");
  EXPECT_FALSE(write_head(head, out));
  EXPECT_EQ(out, "");
}

TEST(RequestHead, ClearGivesTheDefaultState) {
  RequestHead head = request();
  head.keep_alive = false;
  head.expect_continue = true;
  head.framing = Framing::chunked;
  head.content_length = 7;
  head.version_minor = 0;
  head.clear();
  EXPECT_EQ(head.method + head.target, "");
  EXPECT_TRUE(head.headers.empty());
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.expect_continue);
  EXPECT_EQ(head.framing, Framing::none);
  EXPECT_EQ(head.content_length, 0U);
  EXPECT_EQ(head.version_minor, 1);
}

}  // namespace
}  // namespace ringpull::http
