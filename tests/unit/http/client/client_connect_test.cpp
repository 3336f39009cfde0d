// How a connection comes about: refusals, silence, several addresses, no descriptors left.
#include <chrono>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ringpull/engine/fd.hpp>

#include "tests/support/client_bed.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::SocketAddress;
using engine::Task;
using testing::ClientBed;
using testing::hold;
using testing::ok;
using testing::open_descriptors;
using testing::read_head;
using testing::reset;
using testing::until;
using testing::write;

class HttpConnect : public testing::ClientTest {};

SocketAddress bound_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  EXPECT_EQ(::getsockname(fd, address, &size), 0);
  return SocketAddress(address, size);
}

engine::Fd bound_socket() {
  engine::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SocketAddress any = SocketAddress::from_ip("127.0.0.1", 0).value();
  EXPECT_EQ(::bind(fd.get(), any.get(), any.length()), 0);
  return fd;
}

/// A port that is taken, so that nobody else gets it, and where nobody listens: it refuses.
class ClosedPort {
 public:
  SocketAddress address() const { return bound_address(fd_.get()); }
  /// From now on the kernel takes connections, which nobody serves.
  void listen() { EXPECT_EQ(::listen(fd_.get(), 16), 0); }

 private:
  engine::Fd fd_ = bound_socket();
};

/// A listener whose backlog is full: the kernel drops further SYNs, so connects hang.
class BlackHole {
 public:
  BlackHole() {
    EXPECT_EQ(::listen(listener_.get(), 0), 0);
    SocketAddress there = address();
    EXPECT_EQ(::connect(first_.get(), there.get(), there.length()), 0);
  }
  SocketAddress address() const { return bound_address(listener_.get()); }
  /// From now on it takes a connection, which nobody serves.
  void open() {
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    accepted_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  engine::Fd listener_ = bound_socket();
  engine::Fd first_ = bound_socket();
  engine::Fd accepted_;
};

Url url_of(const SocketAddress& address) {
  return Url::parse("http://" + address.to_string() + "/").value();
}
Url named() { return Url::parse("http://several.test/").value(); }

TEST_P(HttpConnect, SaysThatAConnectionIsRefused) {
  bed.run([](ClientBed& b) -> Task<void> {
    ClosedPort closed;
    auto text = co_await b.get(url_of(closed.address()));
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::unavailable);
    EXPECT_FALSE(text.error().maybe_applied());
    EXPECT_NE(text.error().message().find("connect " + closed.address().to_string()),
              std::string::npos)
        << text.error().message();
  });
}

TEST_P(HttpConnect, SaysThatANameIsUnknown) {
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get(named());
    EXPECT_EQ(text.error().kind(), ErrorKind::not_found);
  });
}

TEST_P(HttpConnect, EndsAConnectThatNobodyAnswers) {
  bed.options.limits.connect = 20ms;
  bed.run([](ClientBed& b) -> Task<void> {
    BlackHole hole;
    std::size_t before = open_descriptors();
    auto text = co_await b.get(url_of(hole.address()));
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(text.error().message().find("not connected within 20 ms (TimeLimits::connect)"),
              std::string::npos)
        << text.error().message();
    EXPECT_FALSE(text.error().maybe_applied());
    EXPECT_EQ(open_descriptors(), before);
  });
}

/// Never answers, but stops when asked to.
class SilentResolver final : public engine::Resolver {
 public:
  Task<Result<std::vector<SocketAddress>>> resolve(std::string, std::uint16_t) override {
    auto slept = co_await engine::sleep_until(Deadline::never());
    co_return fail(std::move(slept).error());
  }
};

TEST_P(HttpConnect, CountsNameResolutionAsConnecting) {
  bed.run([](ClientBed& b) -> Task<void> {
    SilentResolver silent;
    ClientOptions options;
    options.limits.connect = 20ms;
    auto client = Client::create(options, silent).value();
    RequestHead head("GET", "/");
    Url url = named();
    auto response = co_await client->send(url, head);
    EXPECT_EQ(response.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(response.error().message().find("the name was not resolved within 20 ms"),
              std::string::npos)
        << response.error().message();
    (void)b;
  });
}

TEST_P(HttpConnect, TakesTheNextAddressAtOnceWhenOneRefuses) {
  bed.options.attempt_delay = 60s;
  bed.scripts = {{read_head(), write(ok("a")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    ClosedPort one;
    ClosedPort two;
    b.resolver.add("several.test", {b.peer->address(), one.address(), two.address()});
    auto text = co_await b.get(named());
    EXPECT_EQ(text.value(), "a");
  });
}

TEST_P(HttpConnect, RacesTheNextAddressAgainstASilentOneAndClosesTheLoser) {
  bed.options.attempt_delay = 10ms;
  bed.options.limits.connect = 60s;
  bed.scripts = {{read_head(), write(ok("a")), hold()}, {read_head(), write(ok("b")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    BlackHole hole;
    std::size_t before = open_descriptors();
    b.resolver.add("several.test", {b.peer->address(), hole.address()});  // the first call turns it
    {
      auto text = co_await b.get(named());
      EXPECT_EQ(text.value(), "a");
    }
    co_await until([&] { return b.peer->accepted() == 1; });
    EXPECT_EQ(open_descriptors(), before + 2) << "both ends of one connection";
    b.client->close_idle();
  });
}

/// One of two calls begins with the address that refuses; from then on it would take connections
/// and say nothing.
Task<void> learn_that_an_address_refuses(ClientBed& b, ClosedPort& port) {
  b.resolver.add("several.test", {b.peer->address(), port.address()});
  for (int i = 0; i < 2; ++i) {
    auto text = co_await b.get(named());
    EXPECT_EQ(text.value(), "a");
    b.client->close_idle();
  }
  port.listen();
}

TEST_P(HttpConnect, TriesAnAddressThatRefusedLast) {
  bed.scripts = testing::repeated(6, {read_head(), write(ok("a")), hold()});
  bed.run([](ClientBed& b) -> Task<void> {
    ClosedPort port;
    co_await learn_that_an_address_refuses(b, port);
    for (int i = 0; i < 4; ++i) {
      auto text = co_await b.get(named());
      EXPECT_EQ(text.value(), "a");
      b.client->close_idle();
    }
    EXPECT_EQ(b.peer->accepted(), 6u);
  });
}

TEST_P(HttpConnect, ForgetsThatAnAddressRefused) {
  bed.options.limits.first_byte = 50ms;
  bed.options.bad_address = 1ms;
  bed.scripts = testing::repeated(6, {read_head(), write(ok("a")), hold()});
  bed.run([](ClientBed& b) -> Task<void> {
    ClosedPort port;
    co_await learn_that_an_address_refuses(b, port);
    auto slept = co_await engine::sleep_for(5ms);
    EXPECT_TRUE(slept);
    int silent = 0;
    for (int i = 0; i < 2; ++i) {
      auto text = co_await b.get(named());
      if (!text && text.error().is(ErrorKind::timed_out)) ++silent;
      b.client->close_idle();
    }
    EXPECT_GE(silent, 1) << "every second connection begins with it again";
  });
}

TEST_P(HttpConnect, TriesAnAddressThatWasTooSlowLast) {
  bed.options.attempt_delay = 10ms;
  bed.options.limits.connect = 60s;
  bed.scripts = testing::repeated(6, {read_head(), write(ok("a")), hold()});
  bed.run([](ClientBed& b) -> Task<void> {
    BlackHole hole;
    b.resolver.add("several.test", {b.peer->address(), hole.address()});
    for (int i = 0; i < 2; ++i) {
      auto text = co_await b.get(named());
      EXPECT_EQ(text.value(), "a");
      b.client->close_idle();
    }
    hole.open();  // whoever still tries it first, now gets a connection that says nothing
    for (int i = 0; i < 4; ++i) {
      auto text = co_await b.get(named());
      EXPECT_EQ(text.value(), "a");
      b.client->close_idle();
    }
    EXPECT_EQ(b.peer->accepted(), 6u);
  });
}

TEST_P(HttpConnect, SpreadsConnectionsOverAllAddresses) {
  bed.scripts = testing::repeated(2, {read_head(), write(ok("a")), hold()});
  bed.run([](ClientBed& b) -> Task<void> {
    auto second =
        testing::ScriptedPeer::create(testing::repeated(2, {read_head(), write(ok("b")), hold()}))
            .value();
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(second.run());
    b.resolver.add("several.test", {b.peer->address(), second.address()});
    for (int i = 0; i < 4; ++i) {
      auto text = co_await b.get(named());
      EXPECT_TRUE(text);
      b.client->close_idle();
    }
    EXPECT_EQ(b.peer->accepted(), 2u);
    EXPECT_EQ(second.accepted(), 2u);
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

TEST_P(HttpConnect, ReportsAResetRightAfterTheConnect) {
  bed.scripts = {{reset()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto text = co_await b.get("/1");
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::connection_closed);
    EXPECT_EQ(b.client->stats().stale_retries, 0u)
        << "a fresh connection is the caller's to repeat";
  });
}

// UBSan looks at an object's type through a pipe: without a descriptor left it would report every
// virtual call.
#ifndef RINGPULL_UBSAN_NEEDS_DESCRIPTORS

/// No further descriptor can be opened while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    int lowest_free = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    ::close(lowest_free);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(lowest_free);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_P(HttpConnect, SaysThatDescriptorsRanOutAndRecovers) {
  bed.scripts = {{read_head(), write(ok("a")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    b.resolver.add("several.test", {b.peer->address(), b.peer->address()});
    {
      NoDescriptors limit;
      auto single = co_await b.get("/1");
      EXPECT_EQ(single.error().kind(), ErrorKind::resource_exhausted);
      auto raced = co_await b.get(named());
      EXPECT_EQ(raced.error().kind(), ErrorKind::resource_exhausted);
    }
    auto text = co_await b.get(named());
    EXPECT_EQ(text.value(), "a");
  });
}

TEST_P(HttpConnect, GivesUpIdleConnectionsWhenDescriptorsRunOut) {
  bed.scripts = {{read_head(), write(ok("a")), read_head()}, {read_head(), write(ok("b")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    EXPECT_EQ(b.client->idle_connections(), 1u);
    b.resolver.add("several.test", {b.peer->address()});
    NoDescriptors limit;
    auto second = co_await b.get(named());  // another origin
    EXPECT_EQ(second.value(), "b");
  });
}

#endif

TEST_P(HttpConnect, NamesTheNumberOfAddressesWhenAllFail) {
  bed.run([](ClientBed& b) -> Task<void> {
    ClosedPort one;
    ClosedPort two;
    b.resolver.add("several.test", {one.address(), two.address()});
    auto text = co_await b.get(named());
    EXPECT_EQ(text.error().kind(), ErrorKind::unavailable);
    EXPECT_NE(text.error().message().find("none of 2 addresses can be reached"), std::string::npos)
        << text.error().message();
  });
}

RINGPULL_ON_EACH_BACKEND(HttpConnect);

}  // namespace
}  // namespace ringpull::http
