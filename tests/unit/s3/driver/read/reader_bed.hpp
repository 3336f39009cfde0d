#pragma once
// Readers against the sandbox in the same loop, behind a gate that counts, holds and breaks
// requests; and against scripted peers for what no sound server would send.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/http/server.hpp>

#include "s3/src/driver/read/reader.hpp"
#include "tests/support/fixed_resolver.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/turn.hpp"
#include "tools/sandbox/s3_handler.hpp"

namespace ringpull::s3::testing {

using engine::Task;
using Bytes = std::vector<std::byte>;
using ReaderPtr = std::unique_ptr<StorageReader>;

inline constexpr std::size_t kFirst = 4096;
inline constexpr std::size_t kPart = 8 * kFirst;
inline constexpr std::size_t kWindow = 4 * kPart;
inline constexpr std::string_view kPath = "/dir/file";

inline S3DriverOptions small_parts() {
  S3DriverOptions options;
  options.bucket = Bucket("b");
  options.root_directory = "root";
  options.read_first_bytes = kFirst;
  options.read_part_bytes = kPart;
  options.read_window_bytes = kWindow;
  options.read_concurrency = 4;
  return options;
}

inline Bytes noise(std::size_t size, std::uint64_t seed = 42) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// What the driver stands on, towards a server at `port`.
class ReaderStack {
 public:
  ReaderStack(std::uint16_t port, const S3DriverOptions& options, std::size_t budget_bytes)
      : budget(budget_options(budget_bytes)), pool(budget) {
    http::ClientOptions http_options = ringpull::testing::patient_client_options();
    http_options.connections_per_origin_max = 32;
    http = http::Client::create(http_options, resolver).value();
    std::string url = "http://127.0.0.1:" + std::to_string(port);
    ClientOptions client_options(Endpoint::create(url, Region("us-east-1")).value());
    client_options.retry.base_delay = std::chrono::milliseconds(0);
    client_options.retry.throttle_base_delay = std::chrono::milliseconds(0);
    client_options.retry.attempts_max = 3;
    client = std::make_unique<Client>(std::move(client_options), *http, credentials);
    core = std::make_unique<driver::Core>(options, *client, pool);
  }

  ringpull::testing::FixedResolver resolver;
  StaticCredentialsProvider credentials{Credentials("id", Secret("secret"))};
  std::unique_ptr<http::Client> http;
  std::unique_ptr<Client> client;
  engine::MemoryBudget budget;
  engine::BufferPool pool;
  std::unique_ptr<driver::Core> core;

 private:
  static engine::MemoryBudgetOptions budget_options(std::size_t bytes) {
    engine::MemoryBudgetOptions options;
    options.limit_bytes = bytes;
    return options;
  }
};

/// Notes requests as "GET 0-4095" or "HEAD", and lets them through to the sandbox except those that
/// a test wants to hold or refuse, named by their number.
class ReaderGate final : public http::Handler {
 public:
  explicit ReaderGate(http::Handler& inner) noexcept : inner_(inner) {}

  std::vector<std::string> lines;
  std::map<std::size_t, int> refuse;     // answered with this status
  std::optional<std::size_t> hold_from;  // this one and all later ones: not answered
  engine::Event held;
  engine::Event released;
  std::size_t running = 0;
  std::size_t most_running = 0;

  Task<Result<void>> handle(http::Exchange& exchange) override {
    const http::RequestHead& head = exchange.request();
    std::size_t number = lines.size();
    std::string range(head.headers.get("Range").value_or("").substr(0));
    std::size_t skip = std::string("bytes=").size();
    lines.push_back(range.empty() ? head.method : head.method + " " + range.substr(skip));
    most_running = std::max(most_running, ++running);
    auto outcome = co_await answer(exchange, number);
    --running;
    co_return outcome;
  }

 private:
  Task<Result<void>> answer(http::Exchange& exchange, std::size_t number) {
    if (hold_from && number >= *hold_from) {
      held.set();
      RINGPULL_CO_CHECK(co_await released.wait());
    }
    auto refused = refuse.find(number);
    if (refused != refuse.end()) {
      http::ResponseHead head(refused->second);
      std::string code = refused->second == 503 ? "SlowDown" : "AccessDenied";
      std::string body = "<Error><Code>" + code + "</Code></Error>";
      co_return co_await exchange.respond(head, std::string_view(body));
    }
    auto outcome = co_await inner_.handle(exchange);
    co_return outcome;
  }
  http::Handler& inner_;
};

/// The sandbox behind a gate.
class ReaderBed {
 public:
  S3DriverOptions options = small_parts();
  std::size_t budget_bytes = std::size_t{16} << 20;
  sandbox::Store store;
  std::unique_ptr<ReaderGate> gate;
  std::unique_ptr<ReaderStack> stack;

  using Body = Task<void> (*)(ReaderBed&);
  void run(Body body) {
    auto loop = engine::Loop::create(engine::LoopOptions()).value();
    loop->run([&] { return both(body); });
  }
  driver::Core& core() { return *stack->core; }

  /// Replaces the file; not noted by the gate.
  Task<void> put(std::string path, const Bytes& bytes) {
    PutObjectOptions request(Bucket("b"), core().keys.key(path));
    http::SpanSource body(bytes);
    auto put = co_await stack->client->put_object(request, body);
    EXPECT_TRUE(put) << put.error().message();
    gate->lines.clear();
    gate->most_running = 0;
  }
  Task<void> put(const Bytes& bytes) { return put(std::string(kPath), bytes); }

 private:
  Task<void> both(Body body) {
    auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    EXPECT_TRUE(store.create_bucket("b", now));
    sandbox::SandboxOptions sandbox_options;
    sandbox_options.credentials = Credentials("id", Secret("secret"));
    sandbox::S3Handler handler(std::move(sandbox_options), store);
    gate = std::make_unique<ReaderGate>(handler);
    auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
    engine::TcpListener listener = engine::TcpListener::bind(any).value();
    http::ServerOptions server_options = ringpull::testing::patient_server_options();
    http::Server server(listener, *gate, server_options);
    stack = std::make_unique<ReaderStack>(listener.address().port(), options, budget_bytes);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(server.run());
    co_await body(*this);
    EXPECT_EQ(stack->budget.stats().used_bytes, 0u);
    stack.reset();
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    gate.reset();
  }
};

/// A peer that plays scripts.
class ScriptedReaderBed {
 public:
  std::vector<ringpull::testing::Script> scripts;
  S3DriverOptions options = small_parts();
  std::unique_ptr<ringpull::testing::ScriptedPeer> peer;
  std::unique_ptr<ReaderStack> stack;

  using Body = Task<void> (*)(ScriptedReaderBed&);
  void run(Body body) {
    auto loop = engine::Loop::create(engine::LoopOptions()).value();
    loop->run([&] { return both(body); });
  }
  driver::Core& core() { return *stack->core; }

 private:
  Task<void> both(Body body) {
    peer = std::make_unique<ringpull::testing::ScriptedPeer>(
        ringpull::testing::ScriptedPeer::create(std::move(scripts)).value());
    stack = std::make_unique<ReaderStack>(peer->port(), options, std::size_t{1} << 20);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(peer->run());
    co_await body(*this);
    EXPECT_EQ(stack->budget.stats().used_bytes, 0u);
    stack.reset();
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    peer.reset();
  }
};

// --- Answers that a peer plays.

inline constexpr std::size_t kTotal = 5 * kFirst;  // parts of 1, 2 and 2 units

/// The head of an answer that brings `length` bytes from `first` on of a file of kTotal.
inline std::string part_head(std::size_t first, std::size_t length, const std::string& etag = "e1",
                             std::size_t total = kTotal) {
  return "HTTP/1.1 206 x\r\nETag: \"" + etag + "\"\r\nContent-Range: bytes " +
         std::to_string(first) + "-" + std::to_string(first + length - 1) + "/" +
         std::to_string(total) + "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

/// Byte n of the file is n mod 251.
inline std::string text(std::size_t first, std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<char>((first + i) % 251);
  return bytes;
}

inline std::string part(std::size_t first, std::size_t length) {
  return part_head(first, length) + text(first, length);
}

inline Bytes as_bytes(const std::string& text) {
  Bytes bytes(text.size());
  std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

// --- What tests of readers do again and again.

inline Task<ReaderPtr> open(driver::Core& core, std::uint64_t offset = 0) {
  ReaderOptions options;
  options.offset = offset;
  auto reader = co_await driver::open_reader(core, kPath, options);
  EXPECT_TRUE(reader) << reader.error().message();
  co_return std::move(*reader);
}

inline void append(Bytes& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// Everything up to the end, by next().
inline Task<Bytes> drain(StorageReader& reader) {
  Bytes all;
  while (true) {
    auto piece = co_await reader.next();
    EXPECT_TRUE(piece) << piece.error().message();
    if (!piece || !*piece) break;
    append(all, piece->bytes());
  }
  co_return all;
}

/// The same by read_some() in pieces of random sizes.
inline Task<Bytes> drain_in_bits(StorageReader& reader, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes all;
  while (true) {
    Bytes bit(1 + random() % (2 * kFirst));
    auto size = co_await reader.read_some(bit);
    EXPECT_TRUE(size) << size.error().message();
    if (!size || *size == 0) break;
    append(all, std::span(bit).first(*size));
  }
  co_return all;
}

/// Lets everything else go on until the condition holds.
inline Task<void> until(const std::function<bool()>& condition) {
  engine::TimePoint limit = engine::Loop::current().now() + std::chrono::seconds(30);
  while (!condition() && engine::Loop::current().now() < limit) {
    co_await ringpull::testing::Turn();
    co_await engine::yield_now();
  }
  EXPECT_TRUE(condition());
}

inline Bytes tail(const Bytes& bytes, std::size_t offset) {
  return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(std::min(offset, bytes.size())),
               bytes.end());
}

}  // namespace ringpull::s3::testing
