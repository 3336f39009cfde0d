// Kept connections: when they are used again and when not, who waits for one, and in which order.
#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "tests/support/client_bed.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using testing::ClientBed;
using testing::close;
using testing::half_close;
using testing::hold;
using testing::ok;
using testing::read_head;
using testing::reset;
using testing::until;
using testing::write;

class HttpPool : public testing::ClientTest {};

TEST_P(HttpPool, KeepsTheConnectionForTheNextRequest) {
  bed.scripts = {{read_head(), write(ok("a")), read_head(), write(ok("b")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    EXPECT_EQ(b.client->idle_connections(), 1u);
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.value(), "b");
    EXPECT_EQ(b.client->stats().requests, 2u);
    EXPECT_EQ(b.client->stats().connections_opened, 1u);
    EXPECT_EQ(b.client->stats().connections_reused, 1u);
    EXPECT_EQ(b.client->stats().bytes_received, 2u);
  });
}

TEST_P(HttpPool, KeepsNoConnectionThatEitherSideCloses) {
  bed.scripts = {
      {read_head(), write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
       hold()},
      {read_head(), write("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), hold()},
      {read_head(), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      auto text = co_await b.get("/1");
      EXPECT_TRUE(text);
      EXPECT_EQ(b.client->idle_connections(), 0u);
    }
    {
      RequestHead head("GET", "/3");
      head.headers.add("Connection", "close");
      Url url = b.url();
      auto response = co_await b.client->send(url, head);
      EXPECT_TRUE(response.value().body_done());
    }
    EXPECT_EQ(b.client->idle_connections(), 0u);
  });
}

TEST_P(HttpPool, KeepsAnHttp10ConnectionThatAsksForIt) {
  bed.scripts = {{read_head(),
                  write("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"),
                  hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/1");
    EXPECT_TRUE(text);
    EXPECT_EQ(b.client->idle_connections(), 1u);
  });
}

TEST_P(HttpPool, KeepsNoConnectionWithABodyThatWasNotReadToItsEnd) {
  bed.scripts = {{read_head(), write(ok("abc")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    {
      auto response = co_await b.open("/1");
      std::byte byte{};
      auto one = co_await response->read_exact(MutableBytes(&byte, 1));
      EXPECT_TRUE(one);
    }
    EXPECT_EQ(b.client->idle_connections(), 0u);
    co_await until([&b] { return b.peer->accepted() == 1; });
  });
}

TEST_P(HttpPool, NeverGivesSurplusBytesToTheNextRequest) {
  bed.scripts = {{read_head(), write(ok("a") + ok("poison")), hold()},
                 {read_head(), write(ok("b"))}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    EXPECT_EQ(b.client->idle_connections(), 0u);
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.value(), "b");
  });
}

/// Large, so that the surplus stays in the socket and not in our buffer.
TEST_P(HttpPool, NeverGivesSurplusBytesBehindALargeBodyToTheNextRequest) {
  static const std::string large(300'000, 'x');
  bed.scripts = {{read_head(), write(ok(large) + ok("poison")), hold()},
                 {read_head(), write(ok("b"))}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value().size(), large.size());
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.value(), "b");
    EXPECT_EQ(b.peer->accepted(), 2u);
  });
}

TEST_P(HttpPool, DoesNotUseAConnectionOnWhichThePeerSpokeUnasked) {
  bed.scripts = {{read_head(), write(ok("a")), write(ok("poison")), hold()},
                 {read_head(), write(ok("b"))}};
  bed.run([](ClientBed& b) -> Task<void> {
    {
      auto first = co_await b.open("/1");
      auto text = co_await first->read_text(9);
      EXPECT_EQ(text.value(), "a");
      auto slept = co_await engine::sleep_for(5ms);  // the poison arrives
      EXPECT_TRUE(slept);
    }
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.value(), "b");
    EXPECT_EQ(b.client->stats().stale_retries, 0u);
  });
}

TEST_P(HttpPool, FindsOutThatAnIdleConnectionWasClosed) {
  bed.scripts = {{read_head(), write(ok("a")), close()},
                 {read_head(), write(ok("b")), half_close(), hold()},
                 {read_head(), write(ok("c"))}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    co_await until([&b] { return b.peer->ended() == 1; });
    auto slept = co_await engine::sleep_for(1ms);
    EXPECT_TRUE(slept);
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.value(), "b");
    slept = co_await engine::sleep_for(1ms);
    EXPECT_TRUE(slept);
    auto third = co_await b.get("/3");
    EXPECT_EQ(third.value(), "c");
    EXPECT_EQ(b.client->stats().stale_retries, 0u) << "seen before anything was sent";
  });
}

TEST_P(HttpPool, ClosesIdleConnectionsThatThePeerClosedWithoutBeingAsked) {
  bed.scripts = {{read_head(), write(ok("a")), close()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_TRUE(first);
    co_await until([&b] { return b.client->idle_connections() == 0; });  // within a sweep
  });
}

TEST_P(HttpPool, DoesNotKeepAConnectionLongerThanItsLimits) {
  bed.options.idle = 1ms;
  bed.scripts = {{read_head(), write(ok("a")), hold()}, {read_head(), write(ok("b")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    auto slept = co_await engine::sleep_for(3ms);
    EXPECT_TRUE(slept);
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.value(), "b");
  });
}

TEST_P(HttpPool, RetiresAnOldConnection) {
  bed.options.age = 1ms;
  bed.scripts = {{read_head(), write(ok("a")), hold()}, {read_head(), write(ok("b")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    auto slept = co_await engine::sleep_for(3ms);
    EXPECT_TRUE(slept);
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.value(), "b");
  });
}

TEST_P(HttpPool, HearsHowLongTheServerKeepsAConnection) {
  bed.options.idle = 60s;
  bed.scripts = {
      {read_head(),
       write("HTTP/1.1 200 OK\r\nKeep-Alive: max=9, timeout=1\r\nContent-Length: 0\r\n\r\n"),
       hold()},
      {read_head(), write(ok("b")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_TRUE(first);
    auto second = co_await b.get("/2");  // a second before the server's second: at once
    EXPECT_EQ(second.value(), "b");
    EXPECT_EQ(b.peer->accepted(), 2u);
  });
}

TEST_P(HttpPool, RepeatsOnceWhenAKeptConnectionTurnsOutDead) {
  bed.scripts = {{read_head(), write(ok("a")), read_head(), reset()},
                 {read_head(), write(ok("b"))}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.value(), "b");
    EXPECT_EQ(b.client->stats().stale_retries, 1u);
  });
}

TEST_P(HttpPool, DoesNotRepeatWhatIsNotIdempotent) {
  bed.scripts = {{read_head(), write(ok("a")), read_head(), reset()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    RequestHead head("POST", "/2");
    Url url = b.url();
    auto second = co_await b.client->send(url, head);
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error().kind(), ErrorKind::connection_closed);
    EXPECT_TRUE(second.error().maybe_applied());
  });
}

TEST_P(HttpPool, DoesNotRepeatOnceAnAnswerHasBegun) {
  bed.scripts = {{read_head(), write(ok("a")), read_head(), write("HTTP/1.1 2"), close()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    auto second = co_await b.get("/2");
    EXPECT_EQ(second.error().kind(), ErrorKind::truncated);
    EXPECT_EQ(b.client->stats().stale_retries, 0u);
  });
}

TEST_P(HttpPool, WaitsInOrderForAConnection) {
  bed.options.connections_per_origin_max = 1;
  bed.scripts = {{read_head(), write(ok("1")), read_head(), write(ok("2")), read_head(),
                  write(ok("3")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<Task<Result<std::string>>> tasks;
    tasks.push_back(b.get("/1"));
    tasks.push_back(b.get("/2"));
    tasks.push_back(b.get("/3"));
    auto texts = co_await engine::when_all(std::move(tasks));
    EXPECT_EQ(texts[0].value() + texts[1].value() + texts[2].value(), "123");
    EXPECT_EQ(b.peer->accepted(), 1u);
  });
}

TEST_P(HttpPool, NeverOpensMoreConnectionsThanAllowed) {
  bed.options.connections_per_origin_max = 3;
  bed.scripts = testing::repeated(
      3, {read_head(), write(ok("x")), read_head(), write(ok("x")), read_head(), write(ok("x")),
          read_head(), write(ok("x")), read_head(), write(ok("x")), read_head(), write(ok("x")),
          read_head(), write(ok("x")), read_head(), write(ok("x")), read_head(), write(ok("x")),
          hold()});
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<Task<Result<std::string>>> tasks;
    for (int i = 0; i < 9; ++i) tasks.push_back(b.get("/x"));
    auto texts = co_await engine::when_all(std::move(tasks));
    for (auto& text : texts) EXPECT_EQ(text.value(), "x");
    EXPECT_EQ(b.peer->accepted(), 3u);
    EXPECT_EQ(b.client->idle_connections(), 3u);
  });
}

TEST_P(HttpPool, RefusesWhenTooManyWait) {
  bed.options.connections_per_origin_max = 1;
  bed.options.waiting_per_origin_max = 1;
  bed.scripts = {{read_head(), write(ok("1")), read_head(), write(ok("2")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<Task<Result<std::string>>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(b.get("/x"));
    auto texts = co_await engine::when_all(std::move(tasks));
    EXPECT_TRUE(texts[0]);
    EXPECT_TRUE(texts[1]);
    EXPECT_EQ(texts[2].error().kind(), ErrorKind::resource_exhausted);
    EXPECT_FALSE(texts[2].error().maybe_applied());
  });
}

Task<void> get_into(ClientBed& b, std::string target, std::vector<std::string>& order) {
  auto text = co_await b.get(target);
  order.push_back(text ? *text : std::string(to_string(text.error().kind())) + " " + target);
}
Task<void> get_until_stop(ClientBed& b, std::string target, std::vector<std::string>& order,
                          engine::StopSource& stop) {
  co_await engine::with_stop(stop, get_into(b, target, order));
}

TEST_P(HttpPool, AWaiterThatGivesUpIsNoLossToTheOthers) {
  bed.options.connections_per_origin_max = 1;
  bed.scripts = {{read_head(), write(ok("1")), read_head(), write(ok("2")), read_head(),
                  write(ok("4")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<std::string> order;
    engine::StopSource stop;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    {
      auto first = co_await b.open("/1");  // holds the one connection
      scope.spawn(get_into(b, "/2", order));
      scope.spawn(get_until_stop(b, "/3", order, stop));
      scope.spawn(get_into(b, "/4", order));
      for (int i = 0; i < 5; ++i) co_await engine::yield_now();
      stop.request_stop();
      co_await until([&order] { return order.size() == 1; });
      co_await first->finish();
    }
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(order, (std::vector<std::string>{"cancelled /3", "2", "4"}));
  });
}

/// The stop comes in the same turn as the connection, after it was handed on.
TEST_P(HttpPool, AConnectionGivenToAWaiterThatIsStoppedGoesToTheNext) {
  bed.options.connections_per_origin_max = 1;
  bed.scripts = {{read_head(), write(ok("1")), hold()},
                 {read_head(), write(ok("3")), hold()},
                 {read_head(), write(ok("3")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::vector<std::string> order;
    engine::StopSource stop;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    {
      auto first = co_await b.open("/1");
      scope.spawn(get_until_stop(b, "/2", order, stop));
      scope.spawn(get_into(b, "/3", order));
      for (int i = 0; i < 5; ++i) co_await engine::yield_now();
      co_await first->finish();
      b.client->close_idle();
    }
    stop.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(order, (std::vector<std::string>{"cancelled /2", "3"}));
  });
}

TEST_P(HttpPool, KeepsOriginsApart) {
  bed.scripts = testing::repeated(3, {read_head(), write(ok("x")), hold()});
  bed.run([](ClientBed& b) -> Task<void> {
    b.resolver.add("a.test", {b.peer->address()});
    b.resolver.add("b.test", {b.peer->address()});
    for (const char* url : {"http://a.test/", "http://b.test/", "http://b.test:81/"}) {
      auto text = co_await b.get(Url::parse(url).value());
      EXPECT_EQ(text.value(), "x");
    }
    EXPECT_EQ(b.peer->accepted(), 3u);
    EXPECT_NE(b.peer->heads().at(2).find("Host: b.test:81\r\n"), std::string::npos);
    EXPECT_EQ(b.client->idle_connections(), 3u);
  });
}

RINGPULL_ON_EACH_BACKEND(HttpPool);

}  // namespace
}  // namespace ringpull::http
