// Whole objects in parts, against the sandbox in the same loop.
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/http/server.hpp>
#include <ringpull/s3/transfer.hpp>

#include "tests/support/fixed_resolver.hpp"
#include "tests/support/patience.hpp"
#include "tools/sandbox/s3_handler.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using testing::FixedResolver;

constexpr std::size_t kPart = 5 * 1024 * 1024;
constexpr std::string_view kAbort = "DELETE /b/k?uploadId=";

/// Lets requests through to the sandbox, except those that a test wants to fail or hold.
class Gate final : public http::Handler {
 public:
  explicit Gate(http::Handler& inner) noexcept : inner_(inner) {}

  std::string refuse_containing;                         // of the target: answered 403
  std::string hold_containing;                           // answered never
  std::string wait_containing;                           // answered once `let_go`
  std::function<void(const std::string& line)> aborted;  // called when an upload was
  std::size_t running = 0;
  std::size_t most_running = 0;
  std::vector<std::string> lines;
  engine::Event held;
  engine::Event let_go;

  bool saw(const std::string& line_start) const {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.starts_with(line_start); });
  }

  Task<Result<void>> handle(http::Exchange& exchange) override {
    const http::RequestHead& head = exchange.request();
    const std::string line = head.method + " " + head.target;
    lines.push_back(line);
    if (matches(hold_containing, line)) {
      held.set();
      engine::Event never;
      auto waited = co_await never.wait();
      co_return waited;
    }
    if (matches(wait_containing, line)) {
      held.set();
      RINGPULL_CO_CHECK(co_await let_go.wait());
    }
    if (matches(refuse_containing, line)) {
      http::ResponseHead refusal(403);
      exchange.close();
      co_return co_await exchange.respond(refusal, "<Error><Code>AccessDenied</Code></Error>");
    }
    most_running = std::max(most_running, ++running);
    auto outcome = co_await inner_.handle(exchange);
    --running;
    if (aborted && line.starts_with(kAbort)) aborted(line);
    co_return outcome;
  }

 private:
  static bool matches(const std::string& pattern, const std::string& line) {
    return !pattern.empty() && line.find(pattern) != std::string::npos;
  }
  http::Handler& inner_;
};

class Bed {
 public:
  sandbox::Store store;
  std::unique_ptr<Gate> gate;
  std::unique_ptr<Client> client;
  std::uint64_t seed = 42;

  using Body = Task<void> (*)(Bed&);
  void run(Body body) {
    auto loop = engine::Loop::create(engine::LoopOptions()).value();
    loop->run([&] { return both(body); });
  }
  std::vector<std::byte> noise(std::size_t size) {
    std::mt19937_64 random(seed);
    std::vector<std::byte> bytes(size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    return bytes;
  }
  std::size_t uploads() { return store.find("b")->uploads.size(); }

 private:
  Task<void> both(Body body) {
    auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    EXPECT_TRUE(store.create_bucket("b", now));
    sandbox::SandboxOptions sandbox_options;
    sandbox_options.credentials = Credentials("id", Secret("secret"));
    sandbox_options.etags = sandbox::ETagStyle::opaque;
    sandbox::S3Handler handler(std::move(sandbox_options), store);
    gate = std::make_unique<Gate>(handler);
    auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
    engine::TcpListener listener = engine::TcpListener::bind(any).value();
    http::ServerOptions server_options = ringpull::testing::patient_server_options();
    http::Server server(listener, *gate, server_options);

    FixedResolver resolver;
    http::ClientOptions http_options = ringpull::testing::patient_client_options();
    auto http = http::Client::create(http_options, resolver).value();
    StaticCredentialsProvider credentials(Credentials("id", Secret("secret")));
    ClientOptions options(
        Endpoint::create("http://" + listener.address().to_string(), Region("us-east-1")).value());
    options.payload_signing = PayloadSigning::never;
    options.retry.attempts_max = 1;
    client = std::make_unique<Client>(std::move(options), *http, credentials);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(server.run());
    co_await body(*this);
    client.reset();
    http.reset();
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    gate.reset();
  }
};

TransferOptions small_parts() {
  TransferOptions options;
  options.part_bytes = kPart;
  options.concurrency = 4;
  options.stop_grace = 200ms;
  return options;
}

PutObjectOptions target() { return PutObjectOptions(Bucket("b"), ObjectKey("k")); }
GetObjectOptions source() { return GetObjectOptions(Bucket("b"), ObjectKey("k")); }

TEST(Transfer, MovesManyPartsThroughMemory) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(5 * kPart + 12'345);
    PutObjectOptions put = target();
    TransferOptions options = small_parts();
    auto sent = co_await upload(*b.client, put, bytes, options);
    EXPECT_TRUE(sent) << sent.error().message();
    EXPECT_EQ(sent->parts, 6u);
    EXPECT_EQ(b.uploads(), 0u);
    std::vector<std::byte> back(bytes.size() + 10);
    GetObjectOptions get = source();
    auto got = co_await download(*b.client, get, back, options);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->info.size_bytes, bytes.size());
    back.resize(bytes.size());
    EXPECT_TRUE(back == bytes);
    EXPECT_GE(b.gate->most_running, 2u);
    EXPECT_LE(b.gate->most_running, 4u);
  });
}

TEST(Transfer, SendsASmallObjectInOneRequest) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(1000);
    PutObjectOptions put = target();
    TransferOptions options = small_parts();
    auto sent = co_await upload(*b.client, put, bytes, options);
    EXPECT_TRUE(sent);
    EXPECT_EQ(sent->parts, 0u);
    EXPECT_EQ(b.gate->lines.size(), 1u);
    std::vector<std::byte> back(1000);
    GetObjectOptions get = source();
    auto got = co_await download(*b.client, get, back, options);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_TRUE(back == bytes);
    EXPECT_EQ(b.gate->lines.size(), 2u);
  });
}

TEST(Transfer, MovesAnEmptyObject) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    PutObjectOptions put = target();
    TransferOptions options = small_parts();
    auto sent = co_await upload(*b.client, put, http::ConstBytes(), options);
    EXPECT_TRUE(sent) << sent.error().message();
    std::vector<std::byte> back(10);
    GetObjectOptions get = source();
    auto got = co_await download(*b.client, get, back, options);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->info.size_bytes, 0u);
  });
}

TEST(Transfer, RefusesAnObjectThatDoesNotFit) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(100);
    PutObjectOptions put = target();
    TransferOptions options = small_parts();
    auto sent = co_await upload(*b.client, put, bytes, options);
    EXPECT_TRUE(sent);
    std::vector<std::byte> back(99);
    GetObjectOptions get = source();
    auto got = co_await download(*b.client, get, back, options);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::too_large);
  });
}

TEST(Transfer, AbortsTheUploadWhenAPartFails) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.gate->refuse_containing = "partNumber=3";
    std::vector<std::byte> bytes = b.noise(5 * kPart);
    PutObjectOptions put = target();
    TransferOptions options = small_parts();
    auto sent = co_await upload(*b.client, put, bytes, options);
    EXPECT_FALSE(sent);
    EXPECT_EQ(sent.error().kind(), ErrorKind::permission_denied);
    EXPECT_EQ(b.uploads(), 0u);
    EXPECT_FALSE(b.store.find("b")->objects.contains("k"));
  });
}

Task<Result<void>> cancel_when_held(Gate& gate, engine::StopSource& source) {
  auto waited = co_await gate.held.wait();
  source.request_stop();
  co_return waited;
}

Task<Result<void>> upload_until_stopped(Bed& b, engine::StopSource& stop,
                                        const std::vector<std::byte>& bytes) {
  PutObjectOptions put = target();
  TransferOptions options = small_parts();
  auto sent = co_await engine::with_stop(stop, upload(*b.client, put, bytes, options));
  EXPECT_FALSE(sent);
  if (!sent) {
    EXPECT_EQ(sent.error().kind(), ErrorKind::cancelled) << sent.error().message();
  }
  co_return Result<void>();
}

/// The stop comes while the answer is on its way: the upload exists, and nobody knows its id yet.
Task<Result<void>> stop_and_let_go(Gate& gate, engine::StopSource& stop) {
  RINGPULL_CO_CHECK(co_await gate.held.wait());
  stop.request_stop();
  co_await engine::yield_now();
  gate.let_go.set();
  co_return Result<void>();
}

TEST(Transfer, AbortsAnUploadThatIsCreatedWhileItStops) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.gate->wait_containing = "POST /b/k?uploads";
    std::vector<std::byte> bytes = b.noise(5 * kPart);
    engine::StopSource stop;
    auto both = co_await engine::when_all(upload_until_stopped(b, stop, bytes),
                                          stop_and_let_go(*b.gate, stop));
    EXPECT_TRUE(both.first);
    EXPECT_TRUE(b.gate->saw("DELETE /b/k?uploadId="));
    EXPECT_EQ(b.uploads(), 0u);
  });
}

Task<void> expect_abort_when_stopped_at(Bed& b, std::string stage) {
  b.gate->hold_containing = std::move(stage);
  std::vector<std::byte> bytes = b.noise(5 * kPart);
  engine::StopSource stop;
  auto both = co_await engine::when_all(upload_until_stopped(b, stop, bytes),
                                        cancel_when_held(*b.gate, stop));
  EXPECT_TRUE(both.first);
  EXPECT_EQ(b.uploads(), 0u);
}

TEST(Transfer, AbortsTheUploadWhenStoppedAtItsFirstPart) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> { co_await expect_abort_when_stopped_at(b, "partNumber=1&"); });
}

TEST(Transfer, AbortsTheUploadWhenStoppedAtItsLastPart) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> { co_await expect_abort_when_stopped_at(b, "partNumber=5&"); });
}

TEST(Transfer, AbortsAgainWhenALatePartBringsTheUploadBack) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::pair<std::string, std::string> name("k", "late");
    std::size_t aborts = 0;
    b.gate->aborted = [&](const std::string& line) {
      if (++aborts > 1) return;
      name.second = line.substr(kAbort.size());
      sandbox::Upload late;
      late.key = name.first;
      late.id = name.second;
      b.store.find("b")->uploads.emplace(name, late);
    };
    co_await expect_abort_when_stopped_at(b, "partNumber=1&");
    EXPECT_EQ(aborts, 2u);
  });
}

TEST(Transfer, LeavesNothingWhenStoppedBeforeTheUploadExists) {
  Bed bed;
  bed.run(
      [](Bed& b) -> Task<void> { co_await expect_abort_when_stopped_at(b, "POST /b/k?uploads"); });
}

TEST(Transfer, MovesFilesWithinTheMemoryBudget) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    namespace fs = std::filesystem;
    std::string base =
        fs::temp_directory_path() / ("ringpull-transfer-" + std::to_string(::getpid()));
    engine::OpenOptions create(engine::FileMode::create);
    auto opened_in = co_await engine::File::open(base + ".in", create);
    engine::File in = std::move(opened_in).value();
    std::vector<std::byte> bytes = b.noise(6 * kPart + 1);
    auto written = co_await in.write_all_at(bytes, 0);
    EXPECT_TRUE(written);
    engine::MemoryBudgetOptions two_parts;
    two_parts.limit_bytes = 2 * kPart;
    engine::MemoryBudget budget(two_parts);
    engine::BufferPool pool(budget);
    PutObjectOptions put = target();
    TransferOptions options = small_parts();
    options.concurrency = 8;
    auto sent = co_await upload(*b.client, put, in, bytes.size(), pool, options);
    EXPECT_TRUE(sent) << sent.error().message();
    EXPECT_LE(b.gate->most_running, 2u);  // the budget holds two parts
    auto opened_out = co_await engine::File::open(base + ".out", create);
    engine::File out = std::move(opened_out).value();
    GetObjectOptions get = source();
    auto got = co_await download(*b.client, get, out, pool, options);
    EXPECT_TRUE(got) << got.error().message();
    std::vector<std::byte> back(bytes.size());
    auto read = co_await out.read_exact_at(back, 0);
    EXPECT_TRUE(read);
    EXPECT_TRUE(back == bytes);
    auto gone = co_await engine::remove_file(base + ".in");
    EXPECT_TRUE(gone);
    gone = co_await engine::remove_file(base + ".out");
    EXPECT_TRUE(gone);
  });
}

}  // namespace
}  // namespace ringpull::s3
