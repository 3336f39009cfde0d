#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include "tests/support/client_bed.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using testing::ClientBed;
using testing::close;
using testing::drip;
using testing::hold;
using testing::ok;
using testing::read_head;
using testing::reset;
using testing::write;

class HttpClient : public testing::ClientTest {};

TEST_P(HttpClient, GetsABodyOfKnownLength) {
  bed.scripts = {{read_head(), write(ok("hello"))}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/x");
    EXPECT_EQ(text.value(), "hello");
    EXPECT_EQ(b.peer->heads().at(0),
              "GET /x HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(b.peer->port()) + "\r\n\r\n");
  });
}

TEST_P(HttpClient, DoesNotRepeatOnAFreshConnection) {
  bed.scripts = {{read_head(), reset()}, {read_head(), write(ok("b"))}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1?X-Amz-Signature=canary");
    EXPECT_FALSE(first);
    EXPECT_EQ(first.error().kind(), ErrorKind::connection_closed);
    EXPECT_TRUE(first.error().maybe_applied());
    EXPECT_EQ(first.error().message().find("canary"), std::string::npos);
    EXPECT_EQ(b.peer->accepted(), 1u);
  });
}

TEST_P(HttpClient, ReportsABodyThatEndsEarly) {
  bed.scripts = {{read_head(), write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), close()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/1");
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::truncated);
  });
}

TEST_P(HttpClient, CountsTheBytesOfABodyThatBreaksInTheMiddle) {
  bed.scripts = {{read_head(), write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), reset()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto response = co_await b.open("/");
    EXPECT_TRUE(response);
    std::array<std::byte, 10> out;
    auto read = co_await response->read_exact(out);
    EXPECT_FALSE(read);
    EXPECT_EQ(read.error().bytes_done(), 3u);
  });
}

TEST_P(HttpClient, ReadsAChunkedBody) {
  bed.scripts = {{read_head(),
                  write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
                  write("2\r\nde\r\n0\r\n\r\n"), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/1");
    EXPECT_EQ(text.value(), "abcde");
    EXPECT_EQ(b.client->idle_connections(), 1u);
  });
}

TEST_P(HttpClient, ReadsABodyUntilTheConnectionEnds) {
  bed.scripts = {{read_head(), write("HTTP/1.0 200 OK\r\n\r\nabc"), close()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/1");
    EXPECT_EQ(text.value(), "abc");
    EXPECT_EQ(b.client->idle_connections(), 0u);
  });
}

TEST_P(HttpClient, RefusesAHeaderThatWouldSplitTheRequest) {
  bed.scripts = {{read_head(), write(ok(""))}};
  bed.run([](ClientBed& b) -> Task<void> {
    Url url = Url::parse(b.peer->url()).value();
    RequestHead head("GET", "/");
    head.headers.add("X", "a\r\nY: b");
    auto response = co_await b.client->send(url, head);
    EXPECT_FALSE(response);
    EXPECT_EQ(response.error().kind(), ErrorKind::invalid_argument);
    EXPECT_FALSE(response.error().maybe_applied());
  });
}

TEST_P(HttpClient, DoesNotFollowRedirects) {
  bed.scripts = {{read_head(), write("HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\n"
                                     "Content-Length: 0\r\n\r\n")}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto response = co_await b.open("/1");
    EXPECT_EQ(response.value().status(), 307);
    EXPECT_EQ(response->head().headers.get("Location"), "/elsewhere");
    EXPECT_EQ(b.peer->heads().size(), 1u);
  });
}

TEST_P(HttpClient, LeavesContentCodingsAlone) {
  bed.scripts = {{read_head(), write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                                     "Content-Length: 5\r\n\r\n\x1f\x8b?!x")}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/1");
    EXPECT_EQ(text.value(), "\x1f\x8b?!x");
  });
}

TEST_P(HttpClient, UnderstandsAResponseThatComesByteByByte) {
  bed.options.limits.stall = 60s;
  bed.scripts = {{read_head(),
                  drip("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
                       0ms),
                  hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/1");
    EXPECT_EQ(text.value(), "abc");
    EXPECT_EQ(b.client->idle_connections(), 1u);
  });
}

TEST_P(HttpClient, TakesNoBodyAfterHead204And304) {
  const std::string no_body = "HTTP/1.1 204 No Content\r\n\r\n";
  bed.scripts = {{read_head(), write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), read_head(),
                  write(no_body), read_head(),
                  write("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    Url url = b.url();
    {
      RequestHead head("HEAD", "/");
      auto response = co_await b.client->send(url, head);
      EXPECT_TRUE(response.value().body_done());
      EXPECT_EQ(response->head().content_length, 5u);
    }
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.value(), "");
    auto third = co_await b.get("/3");
    EXPECT_EQ(third.value(), "");
    EXPECT_EQ(b.peer->accepted(), 1u);
  });
}

TEST_P(HttpClient, ClosesAConnectionWithABodyWhereNoneBelongs) {
  bed.scripts = {{read_head(), write("HTTP/1.1 204 No Content\r\n\r\nsurprise"), hold()},
                 {read_head(), write(ok("b"))}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "");
    EXPECT_EQ(b.client->idle_connections(), 0u);
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.value(), "b");
  });
}

TEST_P(HttpClient, ReadsABodyInPiecesOfAnySize) {
  bed.scripts = {{read_head(), write(ok("abcdefgh")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto response = co_await b.open("/1");
    std::array<std::byte, 3> out;
    auto first = co_await response->read_exact(out);
    EXPECT_TRUE(first);
    auto second = co_await response->read_some(out);
    EXPECT_EQ(second.value(), 3u);
    EXPECT_FALSE(response->body_done());
    auto rest = co_await response->read_text(2);
    EXPECT_EQ(rest.value(), "gh");
    EXPECT_TRUE(response->body_done());
    auto end = co_await response->read_some(out);
    EXPECT_EQ(end.value(), 0u);
    auto beyond = co_await response->read_exact(out);
    EXPECT_EQ(beyond.error().kind(), ErrorKind::truncated);
  });
}

TEST_P(HttpClient, RefusesABodyBeyondTheLimitOfItsReader) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  bed.scripts = {{read_head(), write(ok("hello")), hold()},
                 {read_head(), write(chunked + "5\r\nhello\r\n0\r\n\r\n"), hold()},
                 {read_head(), write(ok("hello")), hold()},
                 {read_head(), write(chunked + "5\r\nhello\r\n0\r\n\r\n"), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      auto response = co_await b.open("/text");
      auto text = co_await response->read_text(4);
      EXPECT_EQ(text.error().kind(), ErrorKind::too_large);
    }
    for (int i = 0; i < 2; ++i) {
      auto response = co_await b.open("/bytes");
      std::array<std::byte, 4> out;
      auto all = co_await response->read_all(out);
      EXPECT_EQ(all.error().kind(), ErrorKind::too_large);
    }
    EXPECT_EQ(b.peer->accepted(), 4u);
  });
}

TEST_P(HttpClient, ReadsAllOfABodyOfUnknownLength) {
  bed.scripts = {{read_head(),
                  write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
                  write("0\r\n\r\n"), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto response = co_await b.open("/1");
    std::array<std::byte, 5> out;
    auto all = co_await response->read_all(out);
    EXPECT_EQ(all.value(), 5u);
  });
}

TEST_P(HttpClient, FinishesAShortBodyAndDropsALongOne) {
  bed.options.drain_bytes_max = 100;
  bed.scripts = {{read_head(), write(ok(std::string(100, 'x'))), read_head(),
                  write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" +
                        std::string(100, 'x') + "\r\n0\r\n\r\n"),
                  read_head(), write(ok(std::string(101, 'x'))), hold()},
                 {read_head(),
                  write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" +
                        std::string(101, 'x') + "\r\n0\r\n\r\n"),
                  hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    const std::array<std::size_t, 4> kept = {1, 1, 0, 0};
    for (std::size_t expected : kept) {
      {
        auto response = co_await b.open("/1");
        co_await response->finish();
        EXPECT_EQ(response->status(), 200);  // the head outlives the connection
      }
      EXPECT_EQ(b.client->idle_connections(), expected);
    }
    EXPECT_EQ(b.peer->accepted(), 2u);
  });
}

TEST_P(HttpClient, DoesNotWaitLongForABodyThatNobodyWants) {
  bed.options.drain_time_max = 10ms;
  bed.scripts = {{read_head(), write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    {
      auto response = co_await b.open("/1");
      co_await response->finish();
    }
    EXPECT_EQ(b.client->idle_connections(), 0u);
  });
}

TEST_P(HttpClient, RefusesAMalformedResponseAndClosesTheConnection) {
  bed.scripts = {{read_head(),
                  write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                  hold()},
                 {read_head(), write("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx"), hold()},
                 {read_head(), write("ICY 200 OK\r\n\r\n"), hold()},
                 {read_head(), write("HTTP/1.1 101 Switching Protocols\r\n\r\n"), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    for (int i = 0; i < 4; ++i) {
      auto text = co_await b.get("/1");
      EXPECT_FALSE(text);
      EXPECT_EQ(text.error().kind(), ErrorKind::protocol) << i;
      EXPECT_TRUE(text.error().maybe_applied());
      EXPECT_EQ(b.client->idle_connections(), 0u);
    }
  });
}

TEST_P(HttpClient, ReportsAChunkedBodyThatIsCut) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  bed.scripts = {{read_head(), write(head + "5\r\nab"), close()},
                 {read_head(), write(head + "2\r\nab\r\n"), close()},
                 {read_head(), write(head + "2\r\nab\r\n0\r\n"), close()}};
  bed.run([](ClientBed& b) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      auto text = co_await b.get("/1");
      EXPECT_FALSE(text);
      EXPECT_EQ(text.error().kind(), ErrorKind::truncated) << i;
    }
  });
}

TEST_P(HttpClient, ReportsAHeadThatIsCut) {
  bed.scripts = {{read_head(), write("HTTP/1.1 200 OK\r\nContent-"), close()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/1");
    EXPECT_EQ(text.error().kind(), ErrorKind::truncated);
  });
}

TEST_P(HttpClient, DoesNotTouchAHeadBeyondItsFraming) {
  bed.scripts = {{read_head(), write(ok("")), read_head(), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    RequestHead head("PUT", "/o?x=1");
    for (int i = 0; i < 2; ++i) {
      SpanSource body(std::as_bytes(std::span("abc", 3)));
      auto response = co_await b.put(head, body);
      EXPECT_TRUE(response);
    }
    EXPECT_EQ(head.target, "/o?x=1");
    EXPECT_EQ(head.headers.size(), 2u);  // Host, Content-Length
  });
}

RINGPULL_ON_EACH_BACKEND(HttpClient);

}  // namespace
}  // namespace ringpull::http
