// A stop, a deadline or a time limit at each stage of a request: how it ends, what it says, and
// that nothing is left of it.
#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>
#include <vector>

#include "tests/support/client_bed.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::StopSource;
using engine::Task;
using testing::ClientBed;
using testing::drip;
using testing::hold;
using testing::ok;
using testing::read_head;
using testing::until;
using testing::write;

class HttpStop : public testing::ClientTest {};

const std::string kTenBytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

/// Runs `task`, stops it once `reached`, and gives what it ended with.
template <class T>
Task<Result<T>> stopped_when(std::function<bool()> reached, Task<Result<T>> task) {
  StopSource stop;
  std::optional<Result<T>> outcome;
  static auto run = [](StopSource& source, Task<Result<T>> inner,
                       std::optional<Result<T>>& result) -> Task<void> {
    auto ended = co_await engine::with_stop(source, std::move(inner));
    result.emplace(std::move(ended));
  };
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(run(stop, std::move(task), outcome));
  co_await until(std::move(reached));
  stop.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  co_return std::move(*outcome);
}

TEST_P(HttpStop, WhileTheRequestIsSent) {
  bed.scripts = {{read_head(), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<std::byte> large(64 << 20);
    SpanSource body{ConstBytes(large)};
    auto response =
        co_await stopped_when<Response>([&b] { return b.peer->heads().size() == 1; }, b.put(body));
    EXPECT_FALSE(response);
    EXPECT_EQ(response.error().kind(), ErrorKind::cancelled);
    EXPECT_TRUE(response.error().maybe_applied());
  });
}

TEST_P(HttpStop, WhileTheResponseIsAwaited) {
  bed.scripts = {{read_head(), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await stopped_when<std::string>([&b] { return b.peer->heads().size() == 1; },
                                                   b.get("/1"));
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::cancelled);
    EXPECT_TRUE(text.error().maybe_applied());
    EXPECT_EQ(b.client->idle_connections(), 0u);
  });
}

TEST_P(HttpStop, InTheMiddleOfTheHead) {
  bed.scripts = {{read_head(), write("HTTP/1.1 200 OK\r\nCont"), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await engine::with_deadline(Deadline::after(20ms), b.get("/1"));
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(text.error().message().find("the deadline passed"), std::string::npos)
        << text.error().message();
  });
}

Task<Result<void>> read_ten(Response& response, std::array<std::byte, 10>& out) {
  auto read = co_await response.read_exact(out);
  co_return read;
}

TEST_P(HttpStop, InTheBody) {
  bed.scripts = {{read_head(), write(kTenBytes + "abc"), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    {
      auto response = co_await b.open("/1");
      std::array<std::byte, 10> out;
      auto read = co_await engine::with_deadline(Deadline::after(10ms), read_ten(*response, out));
      EXPECT_FALSE(read);
      EXPECT_EQ(read.error().kind(), ErrorKind::timed_out);
      EXPECT_EQ(read.error().bytes_done(), 3u);
      EXPECT_EQ(static_cast<char>(out[2]), 'c');
    }
    EXPECT_EQ(b.client->idle_connections(), 0u);
  });
}

TEST_P(HttpStop, WhileWaitingForAConnectionOfAFullPool) {
  bed.options.connections_per_origin_max = 1;
  bed.scripts = {{read_head(), write(ok("a")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto holder = co_await b.open("/1");
    auto text = co_await engine::with_deadline(Deadline::after(5ms), b.get("/2"));
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::timed_out);
    EXPECT_FALSE(text.error().maybe_applied());
    EXPECT_NE(text.error().message().find("all 1 connections are in use"), std::string::npos)
        << text.error().message();
    co_await holder->finish();
  });
}

TEST_P(HttpStop, BeforeAnythingHasBegun) {
  bed.run([](ClientBed& b) -> Task<void> {
    StopSource stop;
    stop.request_stop();
    auto text = co_await engine::with_stop(stop, b.get("/1"));
    EXPECT_EQ(text.error().kind(), ErrorKind::cancelled);
    EXPECT_FALSE(text.error().maybe_applied());
  });
}

TEST_P(HttpStop, OneConnectionPerThousandRequestsInFlight) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit raised = limit;
  raised.rlim_cur = std::min<rlim_t>(limit.rlim_max, 8192);
  ASSERT_GE(raised.rlim_cur, 2500u) << "the test needs descriptors for 1000 connections";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &raised), 0);
  bed.options.connections_per_origin_max = 1000;
  bed.scripts = testing::repeated(1000, {read_head(), write(kTenBytes + "abc"), hold()});
  bed.run([](ClientBed& b) -> Task<void> {
    static auto get = [](ClientBed& bed_in, std::size_t& ended) -> Task<void> {
      auto text = co_await bed_in.get("/1");
      EXPECT_EQ(text.error().kind(), ErrorKind::cancelled);
      ++ended;
    };
    std::size_t ended = 0;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    for (int i = 0; i < 1000; ++i) scope.spawn(get(b, ended));
    co_await until([&b] { return b.peer->heads().size() == 1000; });
    auto begun = engine::Clock::now();
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(ended, 1000u);
    EXPECT_LT(engine::Clock::now() - begun, 5s);
    EXPECT_EQ(b.client->idle_connections(), 0u);
  });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST_P(HttpStop, NoFirstByte) {
  bed.options.limits.first_byte = 10ms;
  bed.scripts = {{read_head(), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/1");
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(text.error().message().find("no response within 10 ms (TimeLimits::first_byte)"),
              std::string::npos)
        << text.error().message();
    EXPECT_TRUE(text.error().maybe_applied());
  });
}

TEST_P(HttpStop, AHeadThatDripsIsHeldToTheSameLimit) {
  bed.options.limits.first_byte = 20ms;
  bed.scripts = {{read_head(), drip("HTTP/1.1 200 OK\r\n" + std::string(10'000, 'x'), 1ms)}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/1");
    EXPECT_EQ(text.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(text.error().message().find("TimeLimits::first_byte"), std::string::npos);
  });
}

TEST_P(HttpStop, ABodyThatStalls) {
  bed.options.limits.stall = 10ms;
  bed.scripts = testing::repeated(3, {read_head(), write(kTenBytes + "abc"), hold()});
  bed.scripts[2] = {read_head(),
                    write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc"), hold()};
  bed.run([](ClientBed& b) -> Task<void> {
    constexpr std::string_view kText = "receive: nothing moved for 10 ms (TimeLimits::stall)";
    std::array<std::byte, 10> out;
    auto first = co_await b.open("/exact");
    auto exact = co_await first->read_exact(out);
    EXPECT_FALSE(exact);
    EXPECT_EQ(exact.error().kind(), ErrorKind::timed_out);
    EXPECT_EQ(exact.error().bytes_done(), 3u);
    EXPECT_NE(exact.error().message().find(kText), std::string::npos) << exact.error().message();
    for (const char* target : {"/some", "/chunked"}) {
      auto response = co_await b.open(target);
      auto some = co_await response->read_some(out);
      EXPECT_EQ(some.value(), 3u);
      some = co_await response->read_some(out);
      EXPECT_FALSE(some);
      EXPECT_EQ(some.error().kind(), ErrorKind::timed_out);
      EXPECT_NE(some.error().message().find(kText), std::string::npos) << some.error().message();
    }
  });
}

TEST_P(HttpStop, ABodyThatIsSlowButSteadyIsNotCut) {
  bed.options.limits.stall = 1s;
  bed.scripts = {{read_head(), write("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n"),
                  drip("012345678901234", 100ms), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto response = co_await b.open("/1");
    std::array<std::byte, 15> out;
    auto read = co_await response->read_exact(out);
    EXPECT_TRUE(read) << read.error().message();
  });
}

TEST_P(HttpStop, ABodyThatDripsEndsWithTheTotalDeadline) {
  bed.scripts = {{read_head(), write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
                  drip(std::string(100'000, 'x'), 1ms)}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await engine::with_deadline(Deadline::after(50ms), b.get("/1"));
    EXPECT_EQ(text.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(text.error().message().find("the deadline passed"), std::string::npos);
  });
}

RINGPULL_ON_EACH_BACKEND(HttpStop);

}  // namespace
}  // namespace ringpull::http
