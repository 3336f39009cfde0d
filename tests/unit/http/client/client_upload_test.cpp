// Requests with a body: how they are framed, and what happens when the server answers early, breaks
// off, does not read, or wants to be asked first.
#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/client_bed.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using testing::ClientBed;
using testing::half_close;
using testing::hold;
using testing::ok;
using testing::read_bytes;
using testing::read_head;
using testing::read_to_end;
using testing::reset;
using testing::until;
using testing::write;

class HttpUpload : public testing::ClientTest {};

// More than a loopback connection takes in without a reader.
constexpr std::size_t kLarge = 64 << 20;

ConstBytes bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Gives its pieces one by one, then the end, or an Error.
class PieceSource final : public BodySource {
 public:
  explicit PieceSource(std::vector<std::string> pieces, std::optional<std::uint64_t> size)
      : pieces_(std::move(pieces)), size_(size) {}
  std::optional<Error> failure;
  std::size_t asked = 0;

  std::optional<std::uint64_t> size() const noexcept override { return size_; }
  bool rewindable() const noexcept override { return false; }
  Task<Result<void>> rewind() override { co_return fail(ErrorKind::unsupported, "no"); }
  Task<Result<ConstBytes>> next() override {
    if (asked < pieces_.size()) co_return bytes(pieces_[asked++]);
    if (failure) co_return fail(*failure);
    co_return ConstBytes();
  }

 private:
  std::vector<std::string> pieces_;
  std::optional<std::uint64_t> size_;
};

TEST_P(HttpUpload, SendsAGeneratedBodyInChunks) {
  const std::string wire = "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
  bed.scripts = {{read_head(), read_bytes(wire.size()), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    PieceSource body({"abc", "0123456789abcdef"}, std::nullopt);
    {
      auto response = co_await b.put(body);
      EXPECT_TRUE(response);
    }
    EXPECT_NE(b.peer->heads().at(0).find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_EQ(b.peer->bodies(), "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
    EXPECT_EQ(b.client->idle_connections(), 1u);
    EXPECT_EQ(b.client->stats().bytes_sent, 19u);
  });
}

TEST_P(HttpUpload, SendsAnEmptyGeneratedBodyAsOneLastChunk) {
  bed.scripts = {{read_head(), read_bytes(5), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    PieceSource body({}, std::nullopt);
    auto response = co_await b.put(body);
    EXPECT_TRUE(response);
    EXPECT_EQ(b.peer->bodies(), "0\r\n\r\n");
  });
}

TEST_P(HttpUpload, SendsPiecesOfAKnownLengthAsTheyAre) {
  bed.scripts = {{read_head(), read_bytes(9), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    const std::array<ConstBytes, 4> pieces = {bytes("abc"), bytes(""), bytes("def"), bytes("ghi")};
    SpanSource body{std::span(pieces)};
    auto response = co_await b.put(body);
    EXPECT_TRUE(response);
    EXPECT_NE(b.peer->heads().at(0).find("Content-Length: 9\r\n"), std::string::npos);
    EXPECT_EQ(b.peer->bodies(), "abcdefghi");
  });
}

TEST_P(HttpUpload, SendsALargeBodyWhole) {
  static const std::string content = [] {
    std::string text(5'000'000, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2654435761U >> 7);
    return text;
  }();
  bed.scripts = {{read_head(), read_bytes(content.size()), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    SpanSource body(bytes(content));
    {
      auto response = co_await b.put(body);
      EXPECT_TRUE(response);
    }
    EXPECT_TRUE(b.peer->bodies() == content);
    EXPECT_EQ(b.client->idle_connections(), 1u);
  });
}

TEST_P(HttpUpload, AnnouncesAnEmptyBodyOfAPut) {
  bed.scripts = {{read_head(), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    SpanSource body;
    auto response = co_await b.put(body);
    EXPECT_TRUE(response);
    EXPECT_NE(b.peer->heads().at(0).find("Content-Length: 0\r\n"), std::string::npos);
  });
}

TEST_P(HttpUpload, NeverSendsMoreThanItAnnounced) {
  bed.scripts = {{read_head(), read_to_end()}, {read_head(), read_to_end()}};
  bed.run([](ClientBed& b) -> Task<void> {
    PieceSource at_once({"abcdef"}, 3);
    auto first = co_await b.put(at_once);
    EXPECT_FALSE(first);
    EXPECT_EQ(first.error().kind(), ErrorKind::invalid_argument);
    PieceSource later({"ab", "cdef"}, 3);
    auto second = co_await b.put(later);
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error().kind(), ErrorKind::invalid_argument);
    co_await until([&b] { return b.peer->ended() == b.peer->accepted(); });
    EXPECT_EQ(b.peer->bodies(), "ab");
  });
}

TEST_P(HttpUpload, RefusesABodyShorterThanAnnounced) {
  bed.scripts = {{read_head(), read_to_end()}};
  bed.run([](ClientBed& b) -> Task<void> {
    PieceSource body({"ab"}, 3);
    auto response = co_await b.put(body);
    EXPECT_FALSE(response);
    EXPECT_EQ(response.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(b.client->idle_connections(), 0u);
  });
}

TEST_P(HttpUpload, RefusesHeadersThatFrameTheBodyWrongly) {
  bed.run([](ClientBed& b) -> Task<void> {
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {"Content-Length", "2"},       {"Content-Length", "4"},
        {"Content-Length", "three"},   {"Content-Length", "3, 3"},
        {"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "identity"}};
    for (const auto& [name, value] : wrong) {
      RequestHead head("PUT", "/o");
      head.headers.add(name, value);
      SpanSource body(bytes("abc"));
      auto response = co_await b.put(head, body);
      EXPECT_FALSE(response) << value;
      EXPECT_EQ(response.error().kind(), ErrorKind::invalid_argument) << value;
      EXPECT_FALSE(response.error().maybe_applied());
    }
    EXPECT_EQ(b.client->stats().connections_opened, 0u);
  });
}

TEST_P(HttpUpload, ReportsWhatTheBodySourceFailedWith) {
  bed.scripts = {{read_head(), read_to_end()}, {read_head(), read_to_end()}};
  bed.run([](ClientBed& b) -> Task<void> {
    PieceSource first({}, 3);
    first.failure.emplace(ErrorKind::io, "the disk is gone");
    auto at_once = co_await b.put(first);
    EXPECT_EQ(at_once.error().kind(), ErrorKind::io);
    EXPECT_FALSE(at_once.error().maybe_applied()) << "not a byte was sent";
    PieceSource second({"a"}, 3);
    second.failure.emplace(ErrorKind::cancelled, "the producer gave up");
    auto later = co_await b.put(second);
    EXPECT_EQ(later.error().kind(), ErrorKind::cancelled);
    EXPECT_NE(later.error().message().find("the producer gave up"), std::string::npos);
    EXPECT_EQ(b.client->idle_connections(), 0u);
  });
}

TEST_P(HttpUpload, ReportsTheEarlyAnswerAndNotTheBrokenUpload) {
  bed.scripts = {
      {read_head(), write("HTTP/1.1 503 Slow Down\r\nContent-Length: 4\r\n\r\nbusy"), hold()},
      {read_head(), write("HTTP/1.1 503 Slow Down\r\nContent-Length: 4\r\n\r\nbusy")}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<std::byte> large(kLarge);
    for (int i = 0; i < 2; ++i) {  // the peer never reads on; the peer is gone
      SpanSource body{ConstBytes(large)};
      auto response = co_await b.put(body);
      EXPECT_TRUE(response) << response.error().message();
      EXPECT_EQ(response->status(), 503);
      auto text = co_await response->read_text(100);
      EXPECT_EQ(text.value(), "busy");
    }
    EXPECT_EQ(b.client->idle_connections(), 0u);
  });
}

TEST_P(HttpUpload, AnEarlyAnswerStopsABodyThatIsStillBeingMade) {
  bed.scripts = {
      {read_head(), write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    static auto wait_forever = []() -> Task<Result<ConstBytes>> {
      auto slept = co_await engine::sleep_until(engine::Deadline::never());
      co_return fail(std::move(slept).error());
    };
    int calls = 0;
    GeneratorSource body([&calls]() {
      static auto first = []() -> Task<Result<ConstBytes>> { co_return bytes("abc"); };
      return calls++ == 0 ? first() : wait_forever();
    });
    auto response = co_await b.put(body);
    EXPECT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->status(), 403);
  });
}

TEST_P(HttpUpload, FindsTheAnswerOfAServerThatResetTheUpload) {
  // The answer lies in our receive buffer when the reset for the rest of the body arrives.
  bed.scripts = {
      {read_head(), read_bytes(1),
       write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<std::byte> large(kLarge);
    SpanSource body{ConstBytes(large)};
    auto response = co_await b.put(body);
    EXPECT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->status(), 400);
    auto text = co_await response->read_text(100);
    EXPECT_EQ(text.value(), "no");
  });
}

TEST_P(HttpUpload, AResetWithoutAnAnswerSaysThatTheRequestMayHaveBeenApplied) {
  bed.scripts = {{read_head(), read_bytes(1000), reset()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<std::byte> large(kLarge);
    SpanSource body{ConstBytes(large)};
    auto response = co_await b.put(body);
    EXPECT_FALSE(response);
    EXPECT_EQ(response.error().kind(), ErrorKind::connection_closed);
    EXPECT_TRUE(response.error().maybe_applied());
  });
}

TEST_P(HttpUpload, EndsPromptlyWhenThePeerEndsItsDirectionDuringTheUpload) {
  bed.options.limits.stall = 60s;
  bed.options.limits.first_byte = 60s;
  bed.scripts = {{read_head(), half_close(), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<std::byte> large(kLarge);
    SpanSource body{ConstBytes(large)};
    auto response = co_await b.put(body);
    EXPECT_FALSE(response);
    EXPECT_EQ(response.error().kind(), ErrorKind::connection_closed);
  });
}

TEST_P(HttpUpload, APeerThatDoesNotReadEndsTheUploadAsAStall) {
  bed.options.limits.stall = 30ms;
  bed.scripts = {{read_head(), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<std::byte> large(kLarge);
    SpanSource body{ConstBytes(large)};
    auto response = co_await b.put(body);
    EXPECT_FALSE(response);
    EXPECT_EQ(response.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(response.error().message().find("send: nothing moved for 30 ms"), std::string::npos)
        << response.error().message();
  });
}

TEST_P(HttpUpload, EndsWhenNoAnswerFollowsALargeBody) {
  bed.options.limits.first_byte = 20ms;
  bed.scripts = {{read_head(), read_bytes(200'000), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<std::byte> large(200'000);
    SpanSource body{ConstBytes(large)};
    auto response = co_await b.put(body);
    EXPECT_FALSE(response);
    EXPECT_EQ(response.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(response.error().message().find("no response within 20 ms"), std::string::npos)
        << response.error().message();
    EXPECT_TRUE(response.error().maybe_applied());
  });
}

TEST_P(HttpUpload, DoesNotRepeatABodyThatCannotBeRewound) {
  bed.scripts = {{read_head(), write(ok("a")), read_head(), reset()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    PieceSource body({"abc"}, 3);
    auto second = co_await b.put(body);
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error().kind(), ErrorKind::connection_closed);
    EXPECT_TRUE(second.error().maybe_applied());
    EXPECT_EQ(b.client->stats().stale_retries, 0u);
  });
}

TEST_P(HttpUpload, RepeatsABodyThatCanBeRewoundWhenAKeptConnectionIsDead) {
  bed.scripts = {{read_head(), write(ok("a")), read_head(), read_bytes(1), reset()},
                 {read_head(), read_bytes(100'000), write(ok("b"))}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    std::vector<std::byte> content(100'000);
    SpanSource body{ConstBytes(content)};
    auto second = co_await b.put(body);
    EXPECT_TRUE(second) << second.error().message();
    EXPECT_EQ(b.client->stats().stale_retries, 1u);
  });
}

TEST_P(HttpUpload, WaitsWithTheBodyForAContinue) {
  bed.options.limits.expect_continue = 60s;
  bed.scripts = {
      {read_head(), write("HTTP/1.1 100 Continue\r\n\r\n"), read_bytes(3), write(ok("x")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    RequestHead head("PUT", "/o");
    head.headers.add("Expect", "100-continue");
    SpanSource body(bytes("abc"));
    {
      auto response = co_await b.put(head, body);
      auto text = co_await response.value().read_text(9);
      EXPECT_EQ(text.value(), "x");
    }
    EXPECT_EQ(b.client->idle_connections(), 1u);
  });
}

TEST_P(HttpUpload, SendsTheBodyAnywayWhenNoContinueComes) {
  bed.options.limits.expect_continue = 10ms;
  bed.scripts = {
      {read_head(), read_bytes(3), write("HTTP/1.1 100 Continue\r\n\r\n" + ok("late")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    RequestHead head("PUT", "/o");
    head.headers.add("Expect", "100-continue");
    SpanSource body(bytes("abc"));
    auto response = co_await b.put(head, body);
    auto text = co_await response.value().read_text(9);
    EXPECT_EQ(text.value(), "late");
  });
}

TEST_P(HttpUpload, AnAnswerInsteadOfAContinueKeepsTheBodyBack) {
  bed.options.limits.expect_continue = 60s;
  bed.scripts = {
      {read_head(), write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), read_to_end()}};
  bed.run([](ClientBed& b) -> Task<void> {
    RequestHead head("PUT", "/o");
    head.headers.add("Expect", "100-continue");
    PieceSource body({"abc"}, 3);
    {
      auto response = co_await b.put(head, body);
      EXPECT_EQ(response.value().status(), 403);
    }
    EXPECT_EQ(b.client->idle_connections(), 0u) << "the server may still wait for the body";
    EXPECT_EQ(body.asked, 0u);
    co_await until([&b] { return b.peer->ended() == 1; });
    EXPECT_EQ(b.peer->bodies(), "");
  });
}

TEST_P(HttpUpload, RepeatsWithoutTheExpectationThatAServerRefuses) {
  bed.options.limits.expect_continue = 60s;
  bed.scripts = {
      {read_head(), write("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"), hold()},
      {read_head(), read_bytes(3), write(ok("x")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    RequestHead head("PUT", "/o");
    head.headers.add("Expect", "100-continue");
    PieceSource body({"abc"}, 3);
    auto response = co_await b.put(head, body);
    EXPECT_EQ(response.value().status(), 200);
    EXPECT_EQ(b.peer->heads().at(1).find("Expect"), std::string::npos);
    EXPECT_EQ(b.peer->bodies(), "abc");
  });
}

RINGPULL_ON_EACH_BACKEND(HttpUpload);

}  // namespace
}  // namespace ringpull::http
