#pragma once
// A sandbox server in the same loop, behind a gate that fails, drops and holds requests, and what a
// driver's parts need to run against it.

#include <algorithm>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/http/server.hpp>
#include <ringpull/s3/client.hpp>

#include "s3/src/driver/core/core.hpp"
#include "tests/support/fixed_resolver.hpp"
#include "tests/support/patience.hpp"
#include "tools/sandbox/s3_handler.hpp"

namespace ringpull::s3::testing {

using engine::Task;

/// Lets requests through to the sandbox, except those whose line ("PUT /b/a?partNumber=1&...")
/// holds a text.
class Gate final : public http::Handler {
 public:
  explicit Gate(http::Handler& inner) noexcept : inner_(inner) {}

  std::string refuse;   // answered 403
  std::string busy;     // answered 503
  std::string lose;     // the connection is closed in the middle of the answer
  std::string hold;     // never answered
  std::string silent;   // a completion, answered as radosgw does: without an ETag
  int times = 1 << 30;  // so often, then let through
  /// What a lost, held or silent request does all the same, or a busy one sets off.
  std::function<void()> effect;
  std::size_t running = 0;
  std::size_t most_running = 0;
  std::vector<std::string> lines;
  std::vector<http::RequestHead> heads;
  engine::Event held;

  std::size_t count(std::string_view text) const {
    auto matches = [&](const std::string& line) { return line.find(text) != std::string::npos; };
    return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), matches));
  }
  /// Of the first request whose line holds the text; empty when there is none, or no such header.
  std::string header(std::string_view text, std::string_view name) const {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].find(text) == std::string::npos) continue;
      return std::string(heads[i].headers.get(name).value_or(std::string_view()));
    }
    return "no request";
  }
  void forget() {
    lines.clear();
    heads.clear();
    most_running = 0;
  }

  Task<Result<void>> handle(http::Exchange& exchange) override {
    std::string line = exchange.request().method + " " + exchange.request().target;
    lines.push_back(line);
    heads.push_back(exchange.request());
    if (matches(hold, line)) co_return co_await hang();
    if (matches(lose, line)) {
      if (effect) effect();
      http::ResponseHead head(200);
      RINGPULL_CO_CHECK(co_await exchange.begin_chunked(head));
      co_return fail(ErrorKind::connection_closed, "the answer is to be lost");
    }
    if (matches(busy, line)) {
      if (effect) effect();
      http::ResponseHead head(503);
      exchange.close();
      co_return co_await exchange.respond(head, "<Error><Code>SlowDown</Code></Error>");
    }
    if (matches(refuse, line)) {
      http::ResponseHead refusal(403);
      exchange.close();
      co_return co_await exchange.respond(refusal, "<Error><Code>AccessDenied</Code></Error>");
    }
    if (matches(silent, line)) {
      if (effect) effect();
      http::ResponseHead head(200);
      co_return co_await exchange.respond(head,
                                          "<CompleteMultipartUploadResult><ETag></ETag>"
                                          "</CompleteMultipartUploadResult>");
    }
    most_running = std::max(most_running, ++running);
    auto outcome = co_await inner_.handle(exchange);
    --running;
    co_return outcome;
  }

 private:
  bool matches(const std::string& pattern, const std::string& line) {
    if (pattern.empty() || line.find(pattern) == std::string::npos) return false;
    return times-- > 0;
  }
  Task<Result<void>> hang() {
    if (effect) effect();
    held.set();
    engine::Event never;
    auto waited = co_await never.wait();
    co_return waited;
  }

  http::Handler& inner_;
};

class DriverBed {
 public:
  DriverBed() {
    options.bucket = Bucket("b");
    options.chunk_bytes = 5 << 20;
    budget_options.limit_bytes = std::size_t{64} << 20;
  }

  S3DriverOptions options;
  engine::MemoryBudgetOptions budget_options;
  sandbox::ETagStyle etags = sandbox::ETagStyle::opaque;
  int attempts_max = 1;
  sandbox::Store store;
  std::unique_ptr<Gate> gate;
  std::unique_ptr<Client> client;
  std::unique_ptr<engine::MemoryBudget> budget;
  std::unique_ptr<engine::BufferPool> pool;
  std::unique_ptr<driver::Core> core;

  /// As another process would make it.
  std::unique_ptr<Client> new_client() {
    ClientOptions client_options(Endpoint::create(url_, Region("us-east-1")).value());
    client_options.payload_signing = PayloadSigning::never;
    client_options.retry.attempts_max = attempts_max;
    client_options.retry.base_delay = std::chrono::milliseconds(0);
    client_options.retry.throttle_base_delay = std::chrono::milliseconds(0);
    return std::make_unique<Client>(std::move(client_options), *http_, credentials_);
  }

  using Body = Task<void> (*)(DriverBed&);
  void run(Body body) {
    auto loop = engine::Loop::create(engine::LoopOptions()).value();
    loop->run([&] { return both(body); });
  }

  static std::vector<std::byte> noise(std::size_t size, std::uint64_t seed = 42) {
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> words(size / 8 + 1);
    for (std::uint64_t& word : words) word = random();
    std::vector<std::byte> bytes(size);
    std::copy_n(std::as_bytes(std::span(words)).begin(), size, bytes.begin());
    return bytes;
  }
  /// What Complete does, for answers that get lost.
  void complete_upload(const std::string& key) {
    auto& bucket = *store.find("b");
    auto found = std::find_if(bucket.uploads.begin(), bucket.uploads.end(),
                              [&](const auto& entry) { return entry.second.key == key; });
    sandbox::Object object;
    Md5 etags;
    for (const auto& [number, part] : found->second.parts) {
      object.extents.insert(object.extents.end(), part.extents.begin(), part.extents.end());
      object.size += part.size;
      etags.update(bytes_of(unhex(part.etag).value()));
    }
    Md5Digest digest = etags.finish();
    object.etag = hex(digest) + "-" + std::to_string(found->second.parts.size());
    bucket.uploads.erase(found);
    EXPECT_TRUE(store.put("b", key, std::move(object)));
  }
  std::size_t uploads() { return store.find("b")->uploads.size(); }
  sandbox::Object* object(const std::string& key) {
    auto found = store.find("b")->objects.find(key);
    return found == store.find("b")->objects.end() ? nullptr : &found->second;
  }
  std::vector<std::byte> content(const std::string& key) {
    std::vector<std::byte> bytes;
    if (object(key) == nullptr) return bytes;
    for (const sandbox::Extent& extent : object(key)->extents) {
      bytes.insert(bytes.end(), extent.bytes().begin(), extent.bytes().end());
    }
    return bytes;
  }
  /// Neither an upload nor a sidecar is left, and no memory is held.
  void expect_nothing_left() {
    EXPECT_EQ(uploads(), 0u);
    for (const auto& [key, value] : store.find("b")->objects) {
      EXPECT_EQ(key.find('~'), std::string::npos) << key << " is left behind";
    }
    EXPECT_EQ(budget->stats().used_bytes, 0u);
  }

 private:
  Task<void> both(Body body) {
    auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    EXPECT_TRUE(store.create_bucket("b", now));
    sandbox::SandboxOptions sandbox_options;
    sandbox_options.credentials = Credentials("id", Secret("secret"));
    sandbox_options.etags = etags;
    sandbox::S3Handler handler(std::move(sandbox_options), store);
    gate = std::make_unique<Gate>(handler);
    auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
    engine::TcpListener listener = engine::TcpListener::bind(any).value();
    http::ServerOptions server_options = ringpull::testing::patient_server_options();
    http::Server server(listener, *gate, server_options);

    ringpull::testing::FixedResolver resolver;
    http::ClientOptions http_options = ringpull::testing::patient_client_options();
    http_ = http::Client::create(http_options, resolver).value();
    url_ = "http://" + listener.address().to_string();
    client = new_client();
    budget = std::make_unique<engine::MemoryBudget>(budget_options);
    pool = std::make_unique<engine::BufferPool>(*budget);
    core = std::make_unique<driver::Core>(options, *client, *pool);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(server.run());
    co_await body(*this);
    core.reset();
    pool.reset();
    EXPECT_EQ(budget->stats().used_bytes, 0u);
    budget.reset();
    client.reset();
    http_.reset();
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    gate.reset();
  }

  std::unique_ptr<http::Client> http_;
  StaticCredentialsProvider credentials_{Credentials("id", Secret("secret"))};
  std::string url_;
};

}  // namespace ringpull::s3::testing
