// How often a client allocates for a small GET on a kept connection. A program of its own, because
// it replaces operator new. The peer answers from the same loop with the engine's operations alone,
// which allocate nothing.

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>

#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/tcp.hpp>
#include <ringpull/http/client.hpp>

#include "tests/support/counting_allocator.hpp"
#include "tests/support/fixed_resolver.hpp"
#include "tests/support/on_each_backend.hpp"

namespace ringpull::http {
namespace {

using engine::Task;

constexpr int kWarmUp = 100;
constexpr int kMeasured = 1'000;
constexpr std::size_t kBodyBytes = 1024;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kFramesFromHeap = true;
#elif defined(__has_feature)
constexpr bool kFramesFromHeap = __has_feature(address_sanitizer);
#else
constexpr bool kFramesFromHeap = false;
#endif

// As S3 answers.
std::string response_wire() {
  return "HTTP/1.1 200 OK\r\n"
         "x-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran\r\n"
         "x-amz-request-id: 318BC8BC148832E5\r\n"
         "Date: Mon, 3 Oct 2016 22:32:00 GMT\r\n"
         "Last-Modified: Sun, 1 Jan 2006 12:00:00 GMT\r\n"
         "ETag: \"fba9dede5f27731c9771645a39863328\"\r\n"
         "Accept-Ranges: bytes\r\n"
         "Content-Type: application/octet-stream\r\n"
         "Content-Length: 1024\r\n"
         "Server: AmazonS3\r\n"
         "\r\n" +
         std::string(kBodyBytes, 'x');
}

/// Answers everything that comes, a request each, until the client closes.
Task<void> answer(engine::TcpListener& listener, std::string_view wire) {
  auto stream = co_await listener.accept();
  std::array<std::byte, 4096> request;
  while (true) {
    auto received = co_await stream->read_some(request);
    if (!received || *received == 0) co_return;
    auto sent = co_await stream->write_all(std::as_bytes(std::span(wire)));
    if (!sent) co_return;
  }
}

void ask(RequestHead& head) {
  head.method = "GET";
  head.target = "/bucket/a/rather/long/key/that/does/not/fit/inline";
  head.headers.add("Range", "bytes=0-1023");
}

Task<void> get(Client& client, const Url& url, RequestHead& head) {
  auto response = co_await client.send(url, head);
  std::array<std::byte, kBodyBytes> body;
  auto read = co_await response.value().read_exact(body);
  EXPECT_TRUE(read);
}

Task<void> get_with_new_head(Client& client, const Url& url, RequestHead&) {
  RequestHead head;
  ask(head);
  co_await get(client, url, head);
}

Task<void> get_with_same_head(Client& client, const Url& url, RequestHead& head) {
  head.clear();
  ask(head);
  co_await get(client, url, head);
}

using Get = Task<void> (*)(Client&, const Url&, RequestHead&);

Task<void> get_often(const Url& url, Get get_once, std::size_t& counted) {
  testing::FixedResolver resolver;
  auto client = Client::create(ClientOptions(), resolver);
  RequestHead head;
  for (int round = 0; round < kWarmUp; ++round) co_await get_once(**client, url, head);
  const std::size_t before = testing::allocations();
  for (int round = 0; round < kMeasured; ++round) co_await get_once(**client, url, head);
  counted = testing::allocations() - before;
  EXPECT_EQ((*client)->stats().connections_opened, 1U);
}

Task<void> client_and_peer(Get get_once, std::size_t& counted) {
  auto any = engine::SocketAddress::from_ip("127.0.0.1", 0);
  auto listener = engine::TcpListener::bind(*any);
  std::string port = std::to_string(listener->address().port());
  auto url = Url::parse("http://127.0.0.1:" + port + "/");
  const std::string wire = response_wire();
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(answer(*listener, wire));
  scope.spawn(get_often(*url, get_once, counted));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

class ClientAllocation : public testing::OnEachBackend {
 protected:
  void SetUp() override {
    if (kFramesFromHeap) GTEST_SKIP() << "under AddressSanitizer coroutine frames are the heap's";
    testing::OnEachBackend::SetUp();
  }
  std::size_t count(Get get_once) {
    std::size_t counted = 0;
    run([&] { return client_and_peer(get_once, counted); });
    return counted;
  }
};

TEST_P(ClientAllocation, AreCountedAtAll) {
  const std::size_t before = testing::allocations();
  auto loop = make_loop();
  EXPECT_GT(testing::allocations(), before);
}

// The target, and the two of its Headers.
TEST_P(ClientAllocation, AKeptGetTakesThreeForItsNewRequestHead) {
  EXPECT_EQ(count(get_with_new_head), 3U * kMeasured);
}

TEST_P(ClientAllocation, AKeptGetTakesNoneWhenItsRequestHeadIsUsedAgain) {
  EXPECT_EQ(count(get_with_same_head), 0U);
}

RINGPULL_ON_EACH_BACKEND(ClientAllocation);

}  // namespace
}  // namespace ringpull::http
