// The parsers' own state: reuse, order of calls, what is consumed. What they accept is in
// tests/golden/http.

#include <gtest/gtest.h>
#include <string>
#include <utility>

#include <ringpull/http/parser.hpp>

#include "http/src/message/head_parser.hpp"

namespace ringpull::http {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

constexpr std::string_view kPlain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";

TEST(ResponseParser, StopsRightBehindTheFinalHead) {
  ResponseParser parser;
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  auto used = parser.feed(bytes(interim + std::string(kPlain) + "hello"));
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, interim.size() + kPlain.size());
  EXPECT_TRUE(parser.head_complete());
  EXPECT_EQ(parser.informational_count(), 1U);
  EXPECT_TRUE(parser.continue_received());
}

TEST(ResponseParser, TellsOfAnInterimResponseBeforeTheFinalOneComes) {
  ResponseParser parser;
  ASSERT_TRUE(parser.feed(bytes("HTTP/1.1 100 Continue\r\n\r\n")));
  EXPECT_TRUE(parser.continue_received());
  EXPECT_FALSE(parser.head_complete());
  EXPECT_FALSE(parser.nothing_received());
}

TEST(ResponseParser, KnowsWhetherAnythingCame) {
  ResponseParser parser;
  EXPECT_TRUE(parser.nothing_received());
  EXPECT_EQ(parser.finish_eof().error().kind(), ErrorKind::connection_closed);
  ASSERT_TRUE(parser.feed(bytes("H")));
  EXPECT_FALSE(parser.nothing_received());
  EXPECT_EQ(parser.finish_eof().error().kind(), ErrorKind::truncated);
}

TEST(ResponseParser, StartForgetsEverything) {
  ResponseParser parser;
  parser.start(RequestKind::head);
  ASSERT_TRUE(parser.feed(bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Gone\r\nX: y\r\n\r\n")));
  parser.start();
  EXPECT_TRUE(parser.nothing_received());
  EXPECT_FALSE(parser.continue_received());
  ASSERT_TRUE(parser.feed(bytes(kPlain)));
  EXPECT_EQ(parser.head().status, 200);
  EXPECT_EQ(parser.head().version_minor, 1);
  EXPECT_EQ(parser.head().reason, "OK");
  EXPECT_EQ(parser.head().headers.wire(), "Content-Length: 5\r\n");
  EXPECT_EQ(parser.head().framing, Framing::content_length);
  EXPECT_TRUE(parser.head().keep_alive);
}

TEST(ResponseParser, StartRecoversFromAnErrorInTheMiddleOfAField) {
  ResponseParser parser;
  for (const std::string_view broken : {"HTTP/1.1 200 OK\r\nAB", "HTTP/1.1 200 OK\r\nA: b", "HT",
                                        "X", "HTTP/1.1 200 OK\r\nA\r\n", "HTTP/1.1 200 OK\r\n:"}) {
    parser.start();
    static_cast<void>(parser.feed(bytes(broken)));
    parser.start();
    auto used = parser.feed(bytes(kPlain));
    ASSERT_TRUE(used) << broken;
    EXPECT_EQ(parser.head().headers.wire(), "Content-Length: 5\r\n");
  }
}

TEST(ResponseParser, KeepsWorkingAfterItsHeadWasTaken) {
  ResponseParser parser;
  ASSERT_TRUE(parser.feed(bytes(kPlain)));
  ResponseHead taken = std::move(parser.head());
  EXPECT_EQ(taken.headers.get("content-length"), "5");
  parser.start();
  ASSERT_TRUE(parser.feed(bytes("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n")));
  std::swap(taken, parser.head());
  EXPECT_EQ(taken.status, 404);
  EXPECT_EQ(taken.headers.wire(), "A: b\r\n");
}

TEST(ResponseParser, Moves) {
  ResponseParser first;
  ASSERT_TRUE(first.feed(bytes("HTTP/1.1 200 OK\r\nCont")));
  ResponseParser second = std::move(first);
  auto used = second.feed(bytes("ent-Length: 5\r\n\r\n"));
  ASSERT_TRUE(used);
  EXPECT_EQ(second.head().content_length, 5U);
}

TEST(ResponseParser, TakesNoInputAsNothing) {
  ResponseParser parser;
  auto used = parser.feed({});
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, 0U);
  EXPECT_TRUE(parser.nothing_received());
}

TEST(ResponseParser, CountsEachHeadAgainstTheLimitByItself) {
  ParserLimits limits;
  limits.header_bytes_max = kPlain.size();
  ResponseParser parser(limits);
  const std::string interim = "HTTP/1.1 103 Early\r\nX: 78901234\r\n\r\n";
  ASSERT_LE(interim.size(), limits.header_bytes_max);
  auto used = parser.feed(bytes(interim + interim + std::string(kPlain)));
  ASSERT_TRUE(used) << used.error().message();
  EXPECT_TRUE(parser.head_complete());
}

// The snippet of http/README.md.
Result<void> read_some(std::span<const std::byte>& input, std::string& body) {
  ResponseParser parser;
  parser.start(request_kind("GET"));
  auto used = parser.feed(input);  // of any size; stops right behind the head
  if (!used) return fail(std::move(used.error()));
  input = input.subspan(*used);
  if (parser.head_complete() && parser.head().framing == Framing::chunked) {
    auto step = parser.decode_body(input);  // a view of the next run of data
    if (!step) return fail(std::move(step.error()));
    body.append(reinterpret_cast<const char*>(step->data.data()), step->data.size());
    input = input.subspan(step->consumed);
  }
  return {};
}

TEST(ResponseParser, IsUsedAsTheReadmeShows) {
  auto input =
      bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  std::string body;
  ASSERT_TRUE(read_some(input, body));
  EXPECT_EQ(body, "hello");
  EXPECT_EQ(input.size(), 7U);
}

TEST(RequestParser, ReadsOneRequestAfterAnother) {
  RequestParser parser;
  const std::string first = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n";
  const std::string second = "GET /b HTTP/1.0\r\n\r\n";
  const std::string wire = first + second;
  auto used = parser.feed(bytes(wire));
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, first.size());
  EXPECT_EQ(parser.head().method, "PUT");
  EXPECT_EQ(parser.head().content_length, 2U);
  parser.start();
  EXPECT_TRUE(parser.nothing_received());
  used = parser.feed(bytes(std::string_view(wire).substr(*used)));
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, second.size());
  EXPECT_EQ(parser.head().method, "GET");
  EXPECT_EQ(parser.head().target, "/b");
  EXPECT_EQ(parser.head().framing, Framing::none);
  EXPECT_FALSE(parser.head().keep_alive);
}

TEST(RequestParser, KnowsWhereItFailed) {
  ParserLimits limits;
  limits.request_line_bytes_max = 20;
  limits.header_bytes_max = 60;
  RequestParser parser(limits);
  EXPECT_TRUE(parser.in_request_line());
  EXPECT_FALSE(parser.feed(bytes("GET /" + std::string(30, 'a'))));
  EXPECT_TRUE(parser.in_request_line());
  parser.start();
  EXPECT_FALSE(parser.feed(bytes("GET / HTTP/1.1\r\nHost: " + std::string(60, 'a'))));
  EXPECT_FALSE(parser.in_request_line());
}

TEST(RequestParser, EndsEarlyInTwoWays) {
  RequestParser parser;
  EXPECT_EQ(parser.finish_eof().error().kind(), ErrorKind::connection_closed);
  ASSERT_TRUE(parser.feed(bytes("GET")));
  EXPECT_EQ(parser.finish_eof().error().kind(), ErrorKind::truncated);
}

TEST(RequestKind, FollowsFromTheMethod) {
  EXPECT_EQ(request_kind("HEAD"), RequestKind::head);
  EXPECT_EQ(request_kind("CONNECT"), RequestKind::connect);
  EXPECT_EQ(request_kind("GET"), RequestKind::ordinary);
  EXPECT_EQ(request_kind("head"), RequestKind::ordinary);
}

TEST(HeadParser, RunsLlhttpWithoutAnyLenientFlag) {
  for (const auto type : {detail::MessageType::request, detail::MessageType::response}) {
    const bool request = type == detail::MessageType::request;
    detail::HeadParser parser(type, ParserLimits());
    EXPECT_EQ(parser.lenient_flags(), 0U);
    Headers headers;
    std::string start_line_text;
    for (int round = 0; round < 2; ++round) {
      parser.start(headers, start_line_text);
      EXPECT_EQ(parser.lenient_flags(), 0U);
      ASSERT_TRUE(
          parser.feed(bytes(request ? "GET / HTTP/1.1\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n")));
      EXPECT_EQ(parser.lenient_flags(), 0U);
      EXPECT_TRUE(parser.complete());
    }
  }
}

}  // namespace
}  // namespace ringpull::http
