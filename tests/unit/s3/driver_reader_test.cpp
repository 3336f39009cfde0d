// Reading files through the driver: against the sandbox in the same loop, behind a gate that
// counts, holds and breaks requests; and against scripted peers for what no sound server would
// send.
#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/http/server.hpp>
#include <ringpull/s3/storage_error.hpp>

#include "s3/src/driver/reader.hpp"
#include "tests/support/fixed_resolver.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/turn.hpp"
#include "tools/sandbox/s3_handler.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::BufferLease;
using engine::Deadline;
using engine::Task;
using testing::FixedResolver;
using testing::Script;
using testing::ScriptedPeer;
using Bytes = std::vector<std::byte>;
using ReaderPtr = std::unique_ptr<StorageReader>;

constexpr std::size_t kFirst = 4096;
constexpr std::size_t kPart = 8 * kFirst;
constexpr std::size_t kWindow = 4 * kPart;
constexpr std::string_view kPath = "/dir/file";

S3DriverOptions small_parts() {
  S3DriverOptions options;
  options.bucket = Bucket("b");
  options.root_directory = "root";
  options.read_first_bytes = kFirst;
  options.read_part_bytes = kPart;
  options.read_window_bytes = kWindow;
  options.read_concurrency = 4;
  return options;
}

Bytes noise(std::size_t size, std::uint64_t seed = 42) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// What the driver stands on, towards a server at `port`.
class Stack {
 public:
  Stack(std::uint16_t port, const S3DriverOptions& options, std::size_t budget_bytes)
      : budget(budget_options(budget_bytes)), pool(budget) {
    http::ClientOptions http_options;
    http_options.connections_per_origin_max = 32;
    http = http::Client::create(http_options, resolver).value();
    std::string url = "http://127.0.0.1:" + std::to_string(port);
    ClientOptions client_options(Endpoint::create(url, Region("us-east-1")).value());
    client_options.retry.base_delay = 0ms;
    client_options.retry.throttle_base_delay = 0ms;
    client_options.retry.attempts_max = 3;
    client = std::make_unique<Client>(std::move(client_options), *http, credentials);
    core = std::make_unique<driver::Core>(options, *client, pool);
  }

  FixedResolver resolver;
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
class Gate final : public http::Handler {
 public:
  explicit Gate(http::Handler& inner) noexcept : inner_(inner) {}

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
class Bed {
 public:
  S3DriverOptions options = small_parts();
  std::size_t budget_bytes = std::size_t{16} << 20;
  sandbox::Store store;
  std::unique_ptr<Gate> gate;
  std::unique_ptr<Stack> stack;

  using Body = Task<void> (*)(Bed&);
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
    gate = std::make_unique<Gate>(handler);
    auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
    engine::TcpListener listener = engine::TcpListener::bind(any).value();
    http::ServerOptions server_options;
    http::Server server(listener, *gate, server_options);
    stack = std::make_unique<Stack>(listener.address().port(), options, budget_bytes);
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

Task<ReaderPtr> open(driver::Core& core, std::uint64_t offset = 0) {
  ReaderOptions options;
  options.offset = offset;
  auto reader = co_await driver::open_reader(core, kPath, options);
  EXPECT_TRUE(reader) << reader.error().message();
  co_return std::move(*reader);
}

void append(Bytes& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// Everything up to the end, by next().
Task<Bytes> drain(StorageReader& reader) {
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
Task<Bytes> drain_in_bits(StorageReader& reader, std::uint64_t seed) {
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
Task<void> until(const std::function<bool()>& condition) {
  engine::TimePoint limit = engine::Loop::current().now() + 30s;
  while (!condition() && engine::Loop::current().now() < limit) {
    co_await testing::Turn();
    co_await engine::yield_now();
  }
  EXPECT_TRUE(condition());
}

Bytes tail(const Bytes& bytes, std::size_t offset) {
  return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(std::min(offset, bytes.size())),
               bytes.end());
}

TEST(DriverReader, DeliversFilesOfManySizesFromManyOffsets) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    for (std::size_t size : {1, 4095, 4096, 4097, 3 * 4096, 100'000, 300'001}) {
      Bytes bytes = noise(size, size);
      co_await b.put(bytes);
      for (std::size_t offset : {std::size_t{0}, std::size_t{1}, size / 2, size - 1}) {
        ReaderPtr reader = co_await open(b.core(), offset);
        EXPECT_EQ(reader->file_size_bytes(), size);
        EXPECT_FALSE(reader->etag().empty());
        Bytes all = co_await drain(*reader);
        EXPECT_TRUE(all == tail(bytes, offset)) << size << " from " << offset;
        co_await reader->close();
        EXPECT_EQ(reader->stats().bytes_received, all.size());
        EXPECT_EQ(reader->stats().bytes_delivered, all.size());
        EXPECT_EQ(reader->stats().bytes_discarded, 0u);

        reader = co_await open(b.core(), offset);
        Bytes bits = co_await drain_in_bits(*reader, size + offset);
        EXPECT_TRUE(bits == tail(bytes, offset)) << size << " from " << offset;
        co_await reader->close();
      }
    }
  });
}

TEST(DriverReader, ReadsASmallFileInOneRequest) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(kFirst);
    co_await b.put(bytes);
    ReaderPtr reader = co_await open(b.core());
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
    EXPECT_EQ(b.gate->lines, std::vector<std::string>{"GET 0-4095"});
  });
}

TEST(DriverReader, AFileWithoutBytesIsAnEmptyStream) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(Bytes());
    ReaderPtr reader = co_await open(b.core());
    EXPECT_EQ(reader->file_size_bytes(), 0u);
    EXPECT_FALSE(reader->etag().empty());
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all.empty());
    std::array<std::byte, 10> out;
    auto some = co_await reader->read_some(out);
    EXPECT_EQ(some.value(), 0u);
    co_await reader->close();
  });
}

TEST(DriverReader, AnOffsetAtOrBehindTheEndGivesAnEmptyStream) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(1000));
    for (std::uint64_t offset : {std::uint64_t{1000}, std::uint64_t{1} << 62}) {
      ReaderPtr reader = co_await open(b.core(), offset);
      EXPECT_EQ(reader->file_size_bytes(), 1000u);
      Bytes all = co_await drain(*reader);
      EXPECT_TRUE(all.empty());
      co_await reader->close();
    }
  });
}

TEST(DriverReader, RefusesAnOffsetThatServersCannotCount) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    ReaderOptions options;
    options.offset = static_cast<std::uint64_t>(-1);
    auto reader = co_await driver::open_reader(b.core(), kPath, options);
    EXPECT_FALSE(reader);
    EXPECT_EQ(reader.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(reader.error().code(), StorageErrc::invalid_offset);
    EXPECT_TRUE(b.gate->lines.empty());
  });
}

TEST(DriverReader, AMissingFileIsPathNotFound) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    for (std::uint64_t offset : {0, 64}) {
      ReaderOptions options;
      options.offset = offset;
      auto reader = co_await driver::open_reader(b.core(), kPath, options);
      EXPECT_FALSE(reader);
      EXPECT_EQ(reader.error().kind(), ErrorKind::not_found);
      EXPECT_EQ(reader.error().code(), StorageErrc::path_not_found);
      EXPECT_NE(reader.error().message().find("s3aws: read /dir/file"), std::string::npos);
    }
  });
}

TEST(DriverReader, RampsUpAsItsCallerGoesOn) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst);
    co_await b.put(bytes);
    ReaderPtr reader = co_await open(b.core());
    EXPECT_EQ(b.gate->lines.size(), 1u);
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
    std::vector<std::string> sorted = b.gate->lines;
    auto first_byte = [](const std::string& line) { return std::stoul(line.substr(4)); };
    std::ranges::sort(sorted, {}, first_byte);
    EXPECT_EQ(sorted,
              (std::vector<std::string>{"GET 0-4095", "GET 4096-12287", "GET 12288-28671",
                                        "GET 28672-61439", "GET 61440-94207", "GET 94208-126975"}));
  });
}

TEST(DriverReader, DoesNotReadAheadOfACallerThatWantsOnlyTheHead) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(31 * kFirst));
    ReaderPtr reader = co_await open(b.core());
    std::array<std::byte, 1000> out;
    auto some = co_await reader->read_some(out);
    EXPECT_EQ(some.value(), 1000u);
    co_await reader->close();
    EXPECT_EQ(b.gate->lines.size(), 1u);
    EXPECT_EQ(reader->stats().bytes_received, kFirst);
    EXPECT_EQ(reader->stats().bytes_delivered, 1000u);
    EXPECT_EQ(reader->stats().bytes_discarded, kFirst - 1000);
  });
}

TEST(DriverReader, HoldsNoMoreThanItsWindowWhileTheCallerSleeps) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(64 * kPart);
    co_await b.put(bytes);
    ReaderPtr reader = co_await open(b.core());
    Bytes all;
    while (all.size() < 8 * kPart) {
      auto piece = co_await reader->next();
      append(all, piece->bytes());
    }
    // The caller is away. Everything that was asked for arrives, and nothing more is.
    std::size_t taken = all.size();
    co_await until([&] { return reader->stats().bytes_received == taken + kWindow; });
    EXPECT_EQ(b.gate->running, 0u);
    EXPECT_EQ(b.stack->budget.stats().used_bytes, kWindow);
    EXPECT_LE(b.gate->most_running, 4u);
    EXPECT_GE(b.gate->most_running, 2u);
    Bytes rest = co_await drain(*reader);
    append(all, rest);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
  });
}

}  // namespace
}  // namespace ringpull::s3
