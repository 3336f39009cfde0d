// The client through a proxy that follows a script.
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include "tests/support/certificates.hpp"
#include "tests/support/client_bed.hpp"
#include "tests/support/server_bed.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using testing::ClientBed;
using testing::hold;
using testing::ok;
using testing::read_head;
using testing::ServerBed;
using testing::write;

class HttpProxy : public testing::ClientTest {};

/// A client of its own, since the proxy's port is known only when it listens.
class ProxiedClient {
 public:
  explicit ProxiedClient(const std::string& proxy, ClientOptions options = ClientOptions()) {
    options.proxies = ProxySettings::create(proxy, proxy, "").value();
    client = Client::create(options, resolver).value();
  }
  Task<Result<std::string>> get(std::string url_text) {
    Url url = Url::parse(url_text).value();
    RequestHead head("GET", url.target());
    auto text = co_await get(url, head);
    co_return text;
  }
  Task<Result<std::string>> get(Url url, RequestHead& head) {
    RINGPULL_CO_TRY(Response response, co_await client->send(url, head));
    RINGPULL_CO_TRY(std::string text, co_await response.read_text(1 << 20));
    co_return text;
  }

  testing::FixedResolver resolver;
  std::unique_ptr<Client> client;
};

std::string proxy_of(const ClientBed& b, const std::string& user = "") {
  return "http://" + user + "127.0.0.1:" + std::to_string(b.peer->port());
}

TEST_P(HttpProxy, GetsPlainUrlsByTheirAbsoluteFormOverOneConnection) {
  bed.scripts = {{read_head(), write(ok("a")), read_head(), write(ok("b")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    ProxiedClient c(proxy_of(b));
    auto first = co_await c.get("http://a.test:81/x?y=1");
    EXPECT_EQ(first.value(), "a");
    auto second = co_await c.get("http://b.test/z");
    EXPECT_EQ(second.value(), "b");
    EXPECT_EQ(b.peer->heads().at(0),
              "GET http://a.test:81/x?y=1 HTTP/1.1\r\nHost: a.test:81\r\n\r\n");
    EXPECT_EQ(b.peer->heads().at(1), "GET http://b.test/z HTTP/1.1\r\nHost: b.test\r\n\r\n");
  });
}

TEST_P(HttpProxy, KeepsItsCredentialsAndTheAbsoluteFormOutOfTheCallersHead) {
  bed.scripts = {{read_head(), write(ok("a")), read_head(), write(ok("b")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    ProxiedClient c(proxy_of(b, "user:secret@"));
    Url url = Url::parse("http://a.test/x").value();
    RequestHead head("GET", "/x");
    for (int i = 0; i < 2; ++i) {
      auto text = co_await c.get(url, head);
      EXPECT_TRUE(text);
      EXPECT_EQ(head.target, "/x");
      EXPECT_FALSE(head.headers.contains("Proxy-Authorization"));
      EXPECT_EQ(b.peer->heads().at(static_cast<std::size_t>(i)),
                "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n"
                "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n");
    }
  });
}

TEST_P(HttpProxy, GoesAroundTheProxyForLoopback) {
  bed.scripts = {{read_head(), write(ok("direct")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    ProxiedClient c("http://127.0.0.9:1");
    auto text = co_await c.get(b.peer->url("/x"));
    EXPECT_EQ(text.value(), "direct");
  });
}

TEST_P(HttpProxy, SaysThatAProxyRefusesATunnel) {
  bed.scripts = {
      {read_head(),
       write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"), hold()},
      {read_head(),
       write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"), hold()},
      {read_head(), write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), hold()},
      {read_head(), write("HTTP/1.1 200 OK\r\n\r\nsurprise"), hold()},
      {read_head()}};
  bed.run([](ClientBed& b) -> Task<void> {
    ProxiedClient anonymous(proxy_of(b));
    auto no_user = co_await anonymous.get("https://a.test/?sig=canary");
    EXPECT_EQ(no_user.error().kind(), ErrorKind::unauthenticated);
    EXPECT_EQ(no_user.error().http_status(), 407);
    EXPECT_NE(no_user.error().message().find("it wants a user and password"), std::string::npos);
    EXPECT_FALSE(no_user.error().maybe_applied());
    EXPECT_EQ(b.peer->heads().at(0), "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n");

    ProxiedClient c(proxy_of(b, "user:canary@"));
    auto refused = co_await c.get("https://a.test/");
    EXPECT_EQ(refused.error().kind(), ErrorKind::unauthenticated);
    EXPECT_NE(b.peer->heads().at(1).find("Proxy-Authorization: Basic "), std::string::npos);
    auto busy = co_await c.get("https://[2001:db8::1]:8443/");
    EXPECT_EQ(busy.error().kind(), ErrorKind::unavailable);
    EXPECT_EQ(busy.error().http_status(), 503);
    EXPECT_TRUE(b.peer->heads().at(2).starts_with("CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n"));
    auto talks = co_await c.get("https://a.test/");
    EXPECT_EQ(talks.error().kind(), ErrorKind::protocol);
    auto hangs_up = co_await c.get("https://a.test/");
    EXPECT_EQ(hangs_up.error().kind(), ErrorKind::connection_closed);
    for (const auto* outcome : {&no_user, &refused, &busy, &talks, &hangs_up}) {
      EXPECT_EQ(outcome->error().message().find("canary"), std::string::npos);
      EXPECT_NE(outcome->error().message().find("proxy 127.0.0.1:"), std::string::npos);
    }
  });
}

TEST_P(HttpProxy, CountsATunnelThatDoesNotComeAsConnecting) {
  bed.scripts = {{read_head(), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    ClientOptions options;
    options.limits.connect = 30ms;
    ProxiedClient c(proxy_of(b), options);
    auto text = co_await c.get("https://a.test/");
    EXPECT_EQ(text.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(text.error().message().find("the proxy opened no tunnel within 30 ms"),
              std::string::npos)
        << text.error().message();
    EXPECT_NE(text.error().message().find("by the proxy 127.0.0.1:"), std::string::npos)
        << text.error().message();
  });
}

/// A proxy that does what it is asked: one tunnel to where it is told.
class TunnelProxy {
 public:
  explicit TunnelProxy(const engine::SocketAddress& target) : target_(target) {
    auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
    listener_ = engine::TcpListener::bind(any).value();
  }
  std::string url() const { return "http://" + listener_.address().to_string(); }
  const std::string& head() const { return head_; }

  Task<void> run() {
    auto near = co_await listener_.accept();
    while (!head_.ends_with("\r\n\r\n")) {
      char byte = 0;
      auto got = co_await near->read_exact(std::as_writable_bytes(std::span(&byte, 1)));
      if (!got) co_return;
      head_ += byte;
    }
    auto far = co_await engine::TcpStream::connect(target_);
    const std::string answer = "HTTP/1.1 200 Connection established\r\n\r\n";
    auto sent = co_await near->write_all(std::as_bytes(std::span(answer)));
    EXPECT_TRUE(sent);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(copy(*near, *far));
    scope.spawn(copy(*far, *near));
    auto joined = co_await scope.join();
    (void)joined;
  }

 private:
  static Task<void> copy(engine::TcpStream& from, engine::TcpStream& to) {
    std::vector<std::byte> piece(10'000);
    while (true) {
      auto count = co_await from.read_some(piece);
      if (!count || *count == 0) break;
      auto sent = co_await to.write_all(ConstBytes(piece).first(*count));
      if (!sent) break;
    }
    to.shutdown_write();
  }

  engine::SocketAddress target_;
  engine::TcpListener listener_;
  std::string head_;
};

class HttpsProxy : public testing::ServerTest {};

TEST_P(HttpsProxy, ShakesHandsWithTheOriginThroughTheTunnel) {
  static const auto authority = test::Certificate::self_signed(test::authority("test authority"));
  const auto leaf = authority.issue(test::server("DNS:origin.test"));
  static const test::TemporaryFile file(authority.pem());
  TlsServerOptions tls;
  tls.certificate_pem = leaf.pem();
  tls.key_pem = leaf.key_pem();
  bed.tls = tls;
  bed.run([](ServerBed& b) -> Task<void> {
    TunnelProxy proxy(b.address());
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(proxy.run());
    ClientOptions options;
    options.tls.ca_file = file.path();
    {
      ProxiedClient c(proxy.url(), options);
      for (int i = 0; i < 2; ++i) {
        auto text = co_await c.get("https://origin.test/hello");
        EXPECT_EQ(text.value(), "hello");
      }
      EXPECT_EQ(c.client->stats().connections_opened, 1u);
    }
    EXPECT_TRUE(proxy.head().starts_with("CONNECT origin.test:443 HTTP/1.1\r\n"));
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

RINGPULL_ON_EACH_BACKEND(HttpProxy);
RINGPULL_ON_EACH_BACKEND(HttpsProxy);

}  // namespace
}  // namespace ringpull::http
