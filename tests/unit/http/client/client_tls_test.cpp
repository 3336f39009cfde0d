// The client over TLS, against our own server with certificates made for the test.
#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ringpull/http/tls_error.hpp>

#include "tests/support/certificates.hpp"
#include "tests/support/client_bed.hpp"
#include "tests/support/server_bed.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using testing::ServerBed;
using testing::until;

/// A certificate for localhost by an authority in a file.
class Identity {
 public:
  Identity()
      : authority_(test::Certificate::self_signed(test::authority("test authority"))),
        leaf_(authority_.issue(test::server("DNS:localhost"))),
        file_(authority_.pem()) {}
  TlsServerOptions server() const {
    TlsServerOptions options;
    options.certificate_pem = leaf_.pem();
    options.key_pem = leaf_.key_pem();
    return options;
  }
  const std::string& authority_file() const { return file_.path(); }

 private:
  test::Certificate authority_;
  test::Certificate leaf_;
  test::TemporaryFile file_;
};

const Identity& identity() {
  static const Identity made;
  return made;
}

class HttpsClient : public testing::ServerTest {
 protected:
  HttpsClient() { bed.tls = identity().server(); }
};

/// A client that trusts the authority, with a resolver that knows the server.
class TrustingClient {
 public:
  explicit TrustingClient(const ServerBed& bed, ClientOptions options = ClientOptions()) {
    for (const char* name : {"localhost", "other.test"}) resolver.add(name, {bed.address()});
    if (options.tls.ca_file.empty()) options.tls.ca_file = identity().authority_file();
    client = Client::create(options, resolver).value();
  }
  Task<Result<Response>> open(std::string target, std::string host = "localhost") {
    Url url = Url::parse("https://" + host + target).value();
    RequestHead head("GET", target);
    auto response = co_await client->send(url, head);
    co_return response;
  }
  Task<Result<std::string>> get(std::string target, std::string host = "localhost") {
    RINGPULL_CO_TRY(Response response, co_await open(std::move(target), std::move(host)));
    RINGPULL_CO_TRY(std::string text, co_await response.read_text(64 << 20));
    co_return text;
  }
  Task<Result<Response>> put(std::string target, BodySource& body) {
    Url url = Url::parse("https://localhost" + target).value();
    RequestHead head("PUT", target);
    auto response = co_await client->send(url, head, body);
    co_return response;
  }

  testing::FixedResolver resolver;
  std::unique_ptr<Client> client;
};

TEST_P(HttpsClient, GetsAndKeepsTheConnection) {
  bed.run([](ServerBed& b) -> Task<void> {
    TrustingClient c(b);
    for (int i = 0; i < 3; ++i) {
      auto text = co_await c.get("/hello");
      EXPECT_EQ(text.value(), "hello");
      EXPECT_EQ(c.client->idle_connections(), 1u);
    }
    EXPECT_EQ(c.client->stats().connections_opened, 1u)
        << "session tickets behind the first response are no surplus";
  });
}

TEST_P(HttpsClient, MovesLargeBodiesBothWays) {
  bed.run([](ServerBed& b) -> Task<void> {
    TrustingClient c(b);
    auto down = co_await c.get("/large");
    EXPECT_TRUE(down.value() == std::string(testing::DemoHandler::kLargeBytes, 'x'));
    std::vector<std::byte> bytes(5'000'000);
    SpanSource body{ConstBytes(bytes)};
    auto up = co_await c.put("/size", body);
    auto text = co_await up.value().read_text(99);
    EXPECT_EQ(text.value(), "5000000");
    EXPECT_EQ(c.client->stats().connections_opened, 1u);
  });
}

TEST_P(HttpsClient, MovesChunkedBodies) {
  bed.run([](ServerBed& b) -> Task<void> {
    TrustingClient c(b);
    auto down = co_await c.get("/chunks");
    EXPECT_EQ(down.value(), "onetwo");
    EXPECT_EQ(c.client->idle_connections(), 1u);
  });
}

TEST_P(HttpsClient, RefusesAServerWithAnotherName) {
  bed.run([](ServerBed& b) -> Task<void> {
    TrustingClient c(b);
    auto text = co_await c.get("/hello", "other.test");
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::tls);
    EXPECT_FALSE(text.error().maybe_applied());
    EXPECT_NE(text.error().message().find("other.test"), std::string::npos)
        << text.error().message();
    EXPECT_EQ(b.handler.handled, 0u);
  });
}

TEST_P(HttpsClient, RefusesAServerThatNobodyVouchesFor) {
  bed.run([](ServerBed& b) -> Task<void> {
    Identity stranger;
    ClientOptions options;
    options.tls.ca_file = stranger.authority_file();
    TrustingClient c(b, options);
    auto text = co_await c.get("/hello");
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::tls);
    EXPECT_EQ(b.handler.handled, 0u);
  });
}

TEST_P(HttpsClient, SaysAtOnceThatItsAuthoritiesCannotBeRead) {
  bed.run([](ServerBed& b) -> Task<void> {
    (void)b;
    testing::FixedResolver resolver;
    ClientOptions options;
    options.tls.ca_file = "/nowhere/ca.pem";
    auto client = Client::create(options, resolver);
    EXPECT_FALSE(client);
    EXPECT_EQ(client.error().kind(), ErrorKind::tls);
    co_return;
  });
}

TEST_P(HttpsClient, ReportsTheEarlyAnswerAndNotTheBrokenUpload) {
  bed.options.drain_bytes_max = 0;
  bed.run([](ServerBed& b) -> Task<void> {
    TrustingClient c(b);
    std::vector<std::byte> large(64 << 20);
    for (const char* target : {"/ignore", "/close"}) {
      SpanSource body{ConstBytes(large)};
      auto response = co_await c.put(target, body);
      EXPECT_TRUE(response) << response.error().message();
      auto text = co_await response->read_text(100);
      EXPECT_TRUE(text) << text.error().message();
    }
    EXPECT_EQ(c.client->idle_connections(), 0u);
  });
}

TEST_P(HttpsClient, ReportsABodyThatIsCut) {
  bed.run([](ServerBed& b) -> Task<void> {
    TrustingClient c(b);
    auto text = co_await c.get("/cut");
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::truncated);
  });
}

TEST_P(HttpsClient, OpensAFreshConnectionWhenTheKeptOneWasClosed) {
  bed.options.idle = 5ms;
  bed.run([](ServerBed& b) -> Task<void> {
    TrustingClient c(b);
    auto first = co_await c.get("/hello");
    EXPECT_EQ(first.value(), "hello");
    auto slept = co_await engine::sleep_for(20ms);  // close_notify arrives
    EXPECT_TRUE(slept);
    auto second = co_await c.get("/hello");
    EXPECT_EQ(second.value(), "hello");
    EXPECT_EQ(c.client->stats().connections_opened, 2u);
  });
}

TEST_P(HttpsClient, EndsWhenNoFirstByteComes) {
  bed.run([](ServerBed& b) -> Task<void> {
    ClientOptions options;
    options.limits.first_byte = 20ms;
    TrustingClient c(b, options);
    auto text = co_await c.get("/wait");
    EXPECT_EQ(text.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(text.error().message().find("TimeLimits::first_byte"), std::string::npos)
        << text.error().message();
  });
}

TEST_P(HttpsClient, AServerThatDoesNotReadEndsTheUploadAsAStall) {
  bed.run([](ServerBed& b) -> Task<void> {
    ClientOptions options;
    options.limits.stall = 30ms;
    TrustingClient c(b, options);
    std::vector<std::byte> large(64 << 20);
    SpanSource body{ConstBytes(large)};
    auto response = co_await c.put("/wait", body);
    EXPECT_FALSE(response);
    EXPECT_EQ(response.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(response.error().message().find("send: nothing moved"), std::string::npos)
        << response.error().message();
  });
}

TEST_P(HttpsClient, ACancelledBodyLeavesNothingBehind) {
  bed.run([](ServerBed& b) -> Task<void> {
    TrustingClient c(b);
    {
      auto response = co_await c.open("/large");
      std::array<std::byte, 1000> out;
      auto some = co_await response->read_exact(out);
      EXPECT_TRUE(some);
    }
    EXPECT_EQ(c.client->idle_connections(), 0u);
    auto again = co_await c.get("/hello");
    EXPECT_EQ(again.value(), "hello");
  });
}

class HttpsPlainPeer : public testing::ClientTest {};

TEST_P(HttpsPlainPeer, AHandshakeThatIsNotAnsweredCountsAsConnecting) {
  bed.options.limits.connect = 50ms;
  bed.options.tls.ca_file = identity().authority_file();
  bed.scripts = {{testing::hold()}};
  bed.run([](testing::ClientBed& b) -> Task<void> {
    Url url = Url::parse("https://127.0.0.1:" + std::to_string(b.peer->port()) + "/").value();
    auto text = co_await b.get(url);
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(text.error().message().find("the TLS handshake did not end within 50 ms"),
              std::string::npos)
        << text.error().message();
  });
}

TEST_P(HttpsPlainPeer, AStopInTheHandshakeEndsIt) {
  bed.options.tls.ca_file = identity().authority_file();
  bed.scripts = {{testing::read_bytes(1), testing::hold()}};
  bed.run([](testing::ClientBed& b) -> Task<void> {
    Url url = Url::parse("https://127.0.0.1:" + std::to_string(b.peer->port()) + "/").value();
    auto text = co_await engine::with_deadline(Deadline::after(30ms), b.get(url));
    EXPECT_FALSE(text);
    EXPECT_EQ(text.error().kind(), ErrorKind::timed_out);
    EXPECT_FALSE(text.error().maybe_applied());
  });
}

RINGPULL_ON_EACH_BACKEND(HttpsClient);
RINGPULL_ON_EACH_BACKEND(HttpsPlainPeer);

}  // namespace
}  // namespace ringpull::http
