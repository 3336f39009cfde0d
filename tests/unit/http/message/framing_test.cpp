// The framing rules by themselves, without llhttp before them: other versions of it let other
// things through.

#include "http/src/message/framing.hpp"

#include <gtest/gtest.h>
#include <initializer_list>

namespace ringpull::http {
namespace {

using Fields = std::initializer_list<HeaderField>;

Result<ResponseHead> response(Fields fields, int status = 200, int version_minor = 1,
                              RequestKind kind = RequestKind::ordinary) {
  ResponseHead head(status);
  head.version_minor = version_minor;
  for (const auto field : fields) head.headers.add(field.name, field.value);
  RINGPULL_CHECK(detail::frame_response(kind, head));
  return head;
}

Result<RequestHead> request(Fields fields, int version_minor = 1) {
  RequestHead head("PUT", "/");
  head.version_minor = version_minor;
  for (const auto field : fields) head.headers.add(field.name, field.value);
  RINGPULL_CHECK(detail::frame_request(head));
  return head;
}

TEST(Framing, TakesADecimalContentLength) {
  for (const auto& [value, length] :
       std::initializer_list<std::pair<std::string_view, std::uint64_t>>{
           {"0", 0}, {"5", 5}, {"005", 5}, {"9223372036854775807", 9223372036854775807U}}) {
    auto head = response({{"Content-Length", value}});
    ASSERT_TRUE(head) << value;
    EXPECT_EQ(head->framing, Framing::content_length);
    EXPECT_EQ(head->content_length, length);
  }
}

TEST(Framing, RefusesEveryOtherContentLength) {
  for (const std::string_view value :
       {"", " ", "+5", "-5", "5 ", " 5", "5,5", "5, 5", "0x5", "5.0", "5e0", "five", "5\t", "5;",
        "1 0", "9223372036854775808", "18446744073709551616", "99999999999999999999999999"}) {
    auto head = response({{"Content-Length", value}});
    ASSERT_FALSE(head) << '"' << value << '"';
    EXPECT_EQ(head.error().kind(), ErrorKind::protocol);
    EXPECT_FALSE(request({{"Host", "h"}, {"Content-Length", value}})) << '"' << value << '"';
  }
}

TEST(Framing, TakesRepeatedContentLengthsOnlyWhenTheyAgree) {
  EXPECT_TRUE(response({{"Content-Length", "5"}, {"content-length", "5"}}));
  EXPECT_FALSE(response({{"Content-Length", "5"}, {"content-length", "6"}}));
  EXPECT_FALSE(response({{"Content-Length", "5"}, {"X", "y"}, {"content-length", ""}}));
}

TEST(Framing, TakesExactlyOneChunked) {
  for (const std::string_view value : {"chunked", "Chunked", "CHUNKED"}) {
    auto head = response({{"Transfer-Encoding", value}});
    ASSERT_TRUE(head) << value;
    EXPECT_EQ(head->framing, Framing::chunked);
  }
}

TEST(Framing, RefusesEveryOtherTransferEncoding) {
  for (const std::string_view value :
       {"", "xchunked", "chunkedx", "chunked;a", "\"chunked\"", "chunked,", ",chunked",
        "chunked, gzip", "chunked, chunked", "chunked chunked", "identity", "gzip", "gzip;chunked",
        "chunked\v"}) {
    auto head = response({{"Transfer-Encoding", value}});
    ASSERT_FALSE(head) << '"' << value << '"';
    EXPECT_EQ(head.error().kind(), ErrorKind::protocol) << '"' << value << '"';
    EXPECT_FALSE(request({{"Host", "h"}, {"Transfer-Encoding", value}})) << '"' << value << '"';
  }
}

TEST(Framing, CallsALegalCodingItCannotUndoUnsupported) {
  auto head = response({{"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}});
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().kind(), ErrorKind::unsupported);
}

TEST(Framing, RefusesLengthAndChunksTogetherInEitherOrder) {
  EXPECT_FALSE(response({{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}));
  EXPECT_FALSE(response({{"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}));
  EXPECT_FALSE(request({{"Host", "h"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}));
}

TEST(Framing, RefusesChunksInVersion10) {
  EXPECT_FALSE(response({{"Transfer-Encoding", "chunked"}}, 200, 0));
  EXPECT_FALSE(request({{"Transfer-Encoding", "chunked"}}, 0));
}

TEST(Framing, JudgesFieldsAlsoWhereThereIsNoBody) {
  EXPECT_FALSE(response({{"Content-Length", "x"}}, 204));
  EXPECT_FALSE(response({{"Content-Length", "x"}}, 200, 1, RequestKind::head));
  EXPECT_TRUE(response({{"Content-Length", "x"}}, 200, 1, RequestKind::connect));
}

TEST(Framing, GivesRequestsABodyOnlyWhenTheySaySo) {
  auto head = request({{"Host", "h"}});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->framing, Framing::none);
  EXPECT_TRUE(head->keep_alive);
}

TEST(Framing, WantsOneHost) {
  EXPECT_FALSE(request({}));
  EXPECT_FALSE(request({{"Host", "a"}, {"host", "a"}}));
  EXPECT_TRUE(request({}, 0));
  EXPECT_FALSE(request({{"Host", "a"}, {"host", "a"}}, 0));
}

TEST(Framing, HearsExpectOnlyFromVersion11) {
  auto newer = request({{"Host", "h"}, {"Expect", "100-CONTINUE"}, {"Content-Length", "1"}});
  ASSERT_TRUE(newer);
  EXPECT_TRUE(newer->expect_continue);
  auto older = request({{"Expect", "100-continue"}, {"Content-Length", "1"}}, 0);
  ASSERT_TRUE(older);
  EXPECT_FALSE(older->expect_continue);
}

TEST(Framing, HasNames) {
  EXPECT_EQ(to_string(Framing::none), "none");
  EXPECT_EQ(to_string(Framing::content_length), "content_length");
  EXPECT_EQ(to_string(Framing::chunked), "chunked");
  EXPECT_EQ(to_string(Framing::until_close), "until_close");
}

}  // namespace
}  // namespace ringpull::http
