#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "tests/support/client_bed.hpp"
#include "tests/support/server_bed.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using engine::TcpStream;
using testing::read_bytes_of;
using testing::read_to_end_of;
using testing::ServerBed;
using testing::until;
using testing::without_dates;

class HttpServer : public testing::ServerTest {};

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"; }
std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string closing(const std::string& status) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}
Task<void> write_to(TcpStream& stream, std::string text) {
  auto sent = co_await stream.write_all(std::as_bytes(std::span(text)));
  EXPECT_TRUE(sent) << sent.error().message();
}

TEST_P(HttpServer, AnswersWithADate) {
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream stream = co_await b.connect();
    co_await write_to(stream, get("/hello"));
    stream.shutdown_write();
    std::string answer = co_await read_to_end_of(stream);
    EXPECT_NE(answer.find("\r\nDate: "), std::string::npos) << answer;
    EXPECT_EQ(without_dates(answer), ok("hello"));
  });
}

TEST_P(HttpServer, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  bed.run([](ServerBed& b) -> Task<void> {
    std::string requests;
    std::string answers;
    for (int i = 0; i < 100; ++i) {  // more than one receive buffer full
      std::string body(1000 + static_cast<std::size_t>(i), 'x');
      requests +=
          "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
          "\r\n\r\n" + body + get("/hello");
      answers += ok(body) + ok("hello");
    }
    std::string answer = co_await b.talk(requests);
    EXPECT_TRUE(answer == answers);
    EXPECT_EQ(b.handler.handled, 200u);
  });
}

TEST_P(HttpServer, ReadsABodyByteByByte) {
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream stream = co_await b.connect();
    const std::string request =
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for (char c : request) co_await write_to(stream, std::string(1, c));
    std::string answer = co_await read_bytes_of(stream, ok("abcde").size() + 37);
    EXPECT_EQ(without_dates(answer), ok("abcde"));
  });
}

TEST_P(HttpServer, SendsBodiesOfManyPieces) {
  bed.run([](ServerBed& b) -> Task<void> {
    std::string all;
    for (int i = 0; i < 30; ++i) all += std::to_string(i);
    std::string answer = co_await b.talk(get("/pieces"));
    EXPECT_EQ(answer, ok(all));
  });
}

TEST_P(HttpServer, SendsChunks) {
  bed.run([](ServerBed& b) -> Task<void> {
    std::string answer = co_await b.talk(get("/chunks") + get("/hello"));
    EXPECT_EQ(
        answer,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" +
            ok("hello"));
  });
}

TEST_P(HttpServer, SendsNoBodyToHead) {
  bed.run([](ServerBed& b) -> Task<void> {
    std::string answer = co_await b.talk(
        "HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n"
        "HEAD /chunks HTTP/1.1\r\nHost: h\r\n\r\n" +
        get("/hello"));
    EXPECT_EQ(answer,
              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                  ok("hello"));
  });
}

TEST_P(HttpServer, SendsNeitherBodyNorLengthWith204And304) {
  bed.run([](ServerBed& b) -> Task<void> {
    std::string answer = co_await b.talk(get("/204") + get("/304") + get("/hello"));
    EXPECT_EQ(answer,
              "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n" + ok("hello"));
  });
}

TEST_P(HttpServer, ClosesWhereEitherSideWantsIt) {
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream first = co_await b.connect();
    co_await write_to(first, get("/close") + get("/hello"));
    std::string answer = co_await read_to_end_of(first);
    EXPECT_EQ(without_dates(answer),
              "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nclosed");
    TcpStream second = co_await b.connect();
    co_await write_to(second, "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    answer = co_await read_to_end_of(second);
    EXPECT_EQ(without_dates(answer),
              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  });
}

TEST_P(HttpServer, SpeaksHttp10) {
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream closed = co_await b.connect();
    co_await write_to(closed, "GET /hello HTTP/1.0\r\n\r\n");
    std::string answer = co_await read_to_end_of(closed);
    EXPECT_EQ(without_dates(answer),
              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    TcpStream streamed = co_await b.connect();
    co_await write_to(streamed, "GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    answer = co_await read_to_end_of(streamed);
    EXPECT_EQ(without_dates(answer), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nonetwo");
    std::string kept =
        co_await b.talk("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get("/hello"));
    EXPECT_EQ(kept, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello" +
                        ok("hello"));
  });
}

TEST_P(HttpServer, AsksForABodyThatWaitsToBeAskedFor) {
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream stream = co_await b.connect();
    co_await write_to(stream,
                      "PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                      "Content-Length: 3\r\n\r\n");
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    std::string interim = co_await read_bytes_of(stream, go_on.size());
    EXPECT_EQ(interim, go_on);
    co_await write_to(stream, "abc");
    stream.shutdown_write();
    std::string answer = co_await read_to_end_of(stream);
    EXPECT_EQ(without_dates(answer), ok("abc"));
  });
}

TEST_P(HttpServer, DoesNotAskForABodyThatItsHandlerDoesNotWant) {
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream stream = co_await b.connect();
    co_await write_to(stream,
                      "PUT /ignore HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                      "Content-Length: 3\r\n\r\n");
    std::string answer = co_await read_to_end_of(stream);
    EXPECT_EQ(without_dates(answer),
              "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nignored");
  });
}

TEST_P(HttpServer, EndsAConnectionWhoseClientWaitsForAContinueThatIsNotSent) {
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream stream = co_await b.connect();
    co_await write_to(stream,
                      "PUT /ignore HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                      "Content-Length: 0\r\n\r\n");
    std::string answer = co_await read_to_end_of(stream);
    EXPECT_EQ(without_dates(answer),
              "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nignored");
  });
}

TEST_P(HttpServer, ReadsAShortBodyThatNobodyWantedAndGoesOn) {
  bed.options.drain_bytes_max = 20'000;
  bed.run([](ServerBed& b) -> Task<void> {
    std::string put = "PUT /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" +
                      std::string(20'000, 'x');
    std::string chunked =
        "PUT /ignore HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" +
        std::string(20'000, 'x') + "\r\n0\r\n\r\n";
    std::string answer = co_await b.talk(put + chunked + get("/hello"));
    EXPECT_EQ(answer, ok("ignored") + ok("ignored") + ok("hello"));
  });
}

TEST_P(HttpServer, ClosesBehindALongBodyThatNobodyWantedAndTheAnswerArrives) {
  bed.options.drain_bytes_max = 10;
  bed.run([](ServerBed& b) -> Task<void> {
    // The client sends everything before it reads, as simple ones do.
    std::string put = "PUT /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 30000000\r\n\r\n";
    put += std::string(30'000'000, 'x');
    std::string answer = co_await b.talk(put + get("/hello"));
    EXPECT_EQ(answer, ok("ignored"));
    EXPECT_EQ(b.handler.handled, 1u);
  });
}

TEST_P(HttpServer, AnswersAFailedHandlerWith500) {
  bed.run([](ServerBed& b) -> Task<void> {
    for (const char* path : {"/error", "/none"}) {
      TcpStream stream = co_await b.connect();
      co_await write_to(stream, get(path));
      std::string answer = co_await read_to_end_of(stream);
      EXPECT_EQ(without_dates(answer), closing("500 Internal Server Error")) << path;
    }
  });
}

TEST_P(HttpServer, CutsAResponseThatItsHandlerDidNotEnd) {
  bed.run([](ServerBed& b) -> Task<void> {
    std::string answer = co_await b.talk(get("/cut") + get("/hello"));
    EXPECT_EQ(answer,
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n");
  });
}

TEST_P(HttpServer, RefusesAResponseOfAnotherLengthThanAnnounced) {
  bed.run([](ServerBed& b) -> Task<void> {
    std::string answer = co_await b.talk(get("/lying"));
    EXPECT_EQ(answer, ok("invalid_argument"));
  });
}

TEST_P(HttpServer, SaysWhatIsWrongWithARequest) {
  bed.options.parser.request_line_bytes_max = 100;
  bed.options.parser.header_bytes_max = 1000;
  bed.run([](ServerBed& b) -> Task<void> {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request"},
        {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "400 Bad Request"},
        {"rubbish\r\n\r\n", "400 Bad Request"},
        {"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "400 Bad Request"},
        {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         "400 Bad Request"},
        {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", "400 Bad Request"},
        {"GET / HTTP/1.1\nHost: h\n\n", "400 Bad Request"},
        {"GET /" + std::string(100, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", "414 URI Too Long"},
        {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + "\r\n\r\n",
         "431 Request Header Fields Too Large"},
        {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
         "501 Not Implemented"},
    };
    for (const auto& [request, status] : cases) {
      std::string answer = co_await b.talk(request);
      EXPECT_EQ(answer, closing(status)) << request.substr(0, 60);
    }
    EXPECT_EQ(b.handler.handled, 0u);
  });
}

TEST_P(HttpServer, RefusesTheSecondRequestAfterAnsweringTheFirst) {
  bed.run([](ServerBed& b) -> Task<void> {
    std::string answer = co_await b.talk(get("/hello") + "rubbish\r\n\r\n" + get("/hello"));
    EXPECT_EQ(answer, ok("hello") + closing("400 Bad Request"));
  });
}

TEST_P(HttpServer, EndsAtAChunkedBodyThatIsMalformed) {
  bed.run([](ServerBed& b) -> Task<void> {
    std::string answer = co_await b.talk(
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
    EXPECT_EQ(answer, closing("500 Internal Server Error"));
  });
}

TEST_P(HttpServer, SaysNothingToAClientThatSaysNothing) {
  bed.options.idle = 10ms;
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream stream = co_await b.connect();
    std::string answer = co_await read_to_end_of(stream);
    EXPECT_EQ(answer, "");
  });
}

TEST_P(HttpServer, EndsAConnectionThatStallsInsideARequest) {
  bed.options.stall = 10ms;
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream head = co_await b.connect();
    co_await write_to(head, "GET /hel");
    std::string answer = co_await read_to_end_of(head);
    EXPECT_EQ(answer, "");
    TcpStream body = co_await b.connect();
    co_await write_to(body, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    answer = co_await read_to_end_of(body);
    EXPECT_EQ(without_dates(answer), closing("500 Internal Server Error"));
  });
}

TEST_P(HttpServer, EndsAConnectionWhoseClientDoesNotRead) {
  bed.options.stall = 20ms;
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream stream = co_await b.connect();
    co_await write_to(stream, get("/large"));
    co_await until([&b] { return b.handler.ended == 1; });
    std::string answer = co_await read_to_end_of(stream);
    EXPECT_LT(answer.size(), testing::DemoHandler::kLargeBytes);
  });
}

TEST_P(HttpServer, ServesNoMoreConnectionsThanAllowed) {
  bed.options.connections_max = 1;
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream first = co_await b.connect();
    co_await write_to(first, get("/hello"));
    std::string answer = co_await read_bytes_of(first, ok("hello").size() + 37);
    EXPECT_EQ(without_dates(answer), ok("hello"));
    TcpStream second = co_await b.connect();
    co_await write_to(second, get("/hello"));
    for (int i = 0; i < 20; ++i) co_await engine::yield_now();
    EXPECT_EQ(b.handler.handled, 1u);
    first.close();
    answer = co_await read_bytes_of(second, ok("hello").size() + 37);
    EXPECT_EQ(without_dates(answer), ok("hello"));
  });
}

TEST_P(HttpServer, StopsWhileItServes) {
  bed.run([](ServerBed& b) -> Task<void> {
    TcpStream idle = co_await b.connect();
    TcpStream waiting = co_await b.connect();
    co_await write_to(waiting, get("/wait"));
    TcpStream sending = co_await b.connect();
    co_await write_to(sending, get("/large"));
    TcpStream receiving = co_await b.connect();
    co_await write_to(receiving, "POST /size HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\nabc");
    co_await until([&b] { return b.handler.handled == 3; });
    b.stop();
    std::string nothing = co_await read_to_end_of(idle);
    EXPECT_EQ(nothing, "");
    nothing = co_await read_to_end_of(waiting);
    std::string part = co_await read_to_end_of(sending);
    EXPECT_LT(part.size(), testing::DemoHandler::kLargeBytes);
  });
}

RINGPULL_ON_EACH_BACKEND(HttpServer);

}  // namespace
}  // namespace ringpull::http
