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
#include "tests/support/patience.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/turn.hpp"
#include "tools/sandbox/s3_handler.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::BufferLease;
using engine::Deadline;
using engine::Task;
using testing::close;
using testing::FixedResolver;
using testing::hold;
using testing::read_head;
using testing::Script;
using testing::ScriptedPeer;
using testing::write;
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
    http::ClientOptions http_options = ringpull::testing::patient_client_options();
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
    http::ServerOptions server_options = ringpull::testing::patient_server_options();
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

/// A peer that plays scripts.
class ScriptedBed {
 public:
  std::vector<Script> scripts;
  S3DriverOptions options = small_parts();
  std::unique_ptr<ScriptedPeer> peer;
  std::unique_ptr<Stack> stack;

  using Body = Task<void> (*)(ScriptedBed&);
  void run(Body body) {
    auto loop = engine::Loop::create(engine::LoopOptions()).value();
    loop->run([&] { return both(body); });
  }
  driver::Core& core() { return *stack->core; }

 private:
  Task<void> both(Body body) {
    peer = std::make_unique<ScriptedPeer>(ScriptedPeer::create(std::move(scripts)).value());
    stack = std::make_unique<Stack>(peer->port(), options, std::size_t{1} << 20);
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

constexpr std::size_t kTotal = 5 * kFirst;  // parts of 1, 2 and 2 units

/// The head of an answer that brings `length` bytes from `first` on of a file of kTotal.
std::string part_head(std::size_t first, std::size_t length, const std::string& etag = "e1",
                      std::size_t total = kTotal) {
  return "HTTP/1.1 206 x\r\nETag: \"" + etag + "\"\r\nContent-Range: bytes " +
         std::to_string(first) + "-" + std::to_string(first + length - 1) + "/" +
         std::to_string(total) + "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

/// Byte n of the file is n mod 251.
std::string text(std::size_t first, std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<char>((first + i) % 251);
  return bytes;
}

std::string part(std::size_t first, std::size_t length) {
  return part_head(first, length) + text(first, length);
}

Bytes as_bytes(const std::string& text) {
  Bytes bytes(text.size());
  std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

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

TEST(DriverReader, ABrokenConnectionIsResumedFromItsLastByte) {
  ScriptedBed bed;
  bed.options.read_concurrency = 1;
  bed.scripts = {{read_head(), write(part(0, kFirst)), read_head(),
                  write(part_head(kFirst, 2 * kFirst) + text(kFirst, 100)), close()},
                 {read_head(), write(part(kFirst + 100, 2 * kFirst - 100)), read_head(),
                  write(part(3 * kFirst, 2 * kFirst)), hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderPtr reader = co_await open(b.core());
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all == as_bytes(text(0, kTotal)));
    co_await reader->close();
    EXPECT_EQ(reader->stats().bytes_received, kTotal);
    const std::string& resumed = b.peer->heads().at(2);
    EXPECT_NE(resumed.find("Range: bytes=4196-12287\r\n"), std::string::npos) << resumed;
    EXPECT_NE(resumed.find("If-Match: \"e1\"\r\n"), std::string::npos) << resumed;
  });
}

TEST(DriverReader, TheFirstPartIsResumedToo) {
  ScriptedBed bed;
  bed.scripts = {{read_head(), write(part_head(0, kFirst) + text(0, 1)), close()},
                 {read_head(), write(part(1, kFirst - 1)), hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderPtr reader = co_await open(b.core());
    Bytes head(kFirst);
    auto some = co_await reader->read_some(std::span(head).first(10));
    EXPECT_EQ(some.value(), 10u);
    EXPECT_TRUE(std::ranges::equal(std::span(head).first(10), as_bytes(text(0, 10))));
    co_await reader->close();
    EXPECT_EQ(reader->stats().bytes_received, kFirst);
  });
}

/// Reads a file whose second part is answered so; gives the failure.
Task<std::optional<Error>> fail_at_second_part(ScriptedBed& b) {
  ReaderPtr reader = co_await open(b.core());
  auto first = co_await reader->next();
  EXPECT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->size(), kFirst);
  auto second = co_await reader->next();
  EXPECT_FALSE(second);
  auto again = co_await reader->next();
  EXPECT_FALSE(again);  // it stays so
  std::optional<Error> failure;
  if (!second) failure = std::move(second).error();
  co_await reader->close();
  EXPECT_EQ(reader->stats().bytes_delivered, kFirst);
  co_return failure;
}

ScriptedBed with_second_answer(std::string answer) {
  ScriptedBed bed;
  bed.options.read_concurrency = 1;
  bed.scripts = {
      {read_head(), write(part(0, kFirst)), read_head(), write(std::move(answer)), hold()}};
  return bed;
}

TEST(DriverReader, NeverMixesTwoVersionsWhereTheServerIgnoresIfMatch) {
  ScriptedBed bed =
      with_second_answer(part_head(kFirst, 2 * kFirst, "e2") + text(kFirst, 2 * kFirst));
  bed.run([](ScriptedBed& b) -> Task<void> {
    auto failure = co_await fail_at_second_part(b);
    EXPECT_EQ(failure->kind(), ErrorKind::precondition_failed) << failure->message();
  });
}

TEST(DriverReader, RefusesAnotherRangeThanItAskedFor) {
  ScriptedBed bed = with_second_answer(part_head(kFirst + 1, 2 * kFirst));
  bed.run([](ScriptedBed& b) -> Task<void> {
    auto failure = co_await fail_at_second_part(b);
    EXPECT_EQ(failure->kind(), ErrorKind::protocol) << failure->message();
  });
}

TEST(DriverReader, RefusesAnAnswerWithoutContentRange) {
  ScriptedBed bed = with_second_answer(
      "HTTP/1.1 206 x\r\nETag: \"e1\"\r\nContent-Length: 8192\r\n\r\n" + text(kFirst, 8192));
  bed.run([](ScriptedBed& b) -> Task<void> {
    auto failure = co_await fail_at_second_part(b);
    EXPECT_EQ(failure->kind(), ErrorKind::protocol) << failure->message();
  });
}

TEST(DriverReader, RefusesTheWholeFileInsteadOfAPart) {
  ScriptedBed bed = with_second_answer(
      "HTTP/1.1 200 x\r\nETag: \"e1\"\r\nContent-Length: " + std::to_string(kTotal) + "\r\n\r\n");
  bed.run([](ScriptedBed& b) -> Task<void> {
    auto failure = co_await fail_at_second_part(b);
    EXPECT_EQ(failure->kind(), ErrorKind::protocol) << failure->message();
  });
}

TEST(DriverReader, TakesASmallFileFromAServerThatIgnoresRanges) {
  ScriptedBed bed;
  bed.scripts = {
      {read_head(),
       write("HTTP/1.1 200 x\r\nETag: \"e1\"\r\nContent-Length: 100\r\n\r\n" + text(0, 100)),
       hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderPtr reader = co_await open(b.core());
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all == as_bytes(text(0, 100)));
    co_await reader->close();
  });
}

TEST(DriverReader, RefusesALargeFileThatHasNoETag) {
  ScriptedBed bed;
  bed.scripts = {{read_head(),
                  write("HTTP/1.1 206 x\r\nContent-Range: bytes 0-4095/9999\r\nContent-Length: "
                        "4096\r\n\r\n" +
                        text(0, 4096)),
                  hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderOptions options;
    auto reader = co_await driver::open_reader(b.core(), kPath, options);
    EXPECT_FALSE(reader);
    EXPECT_EQ(reader.error().kind(), ErrorKind::protocol) << reader.error().message();
  });
}

TEST(DriverReader, GoesOnAfterTheServerThrottledIt) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst);
    co_await b.put(bytes);
    b.gate->refuse = {{0, 503}, {2, 503}, {3, 503}};
    ReaderPtr reader = co_await open(b.core());
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
    EXPECT_EQ(b.stack->client->stats().throttled, 3u);
  });
}

TEST(DriverReader, DeliversWhatLiesBeforeAPartThatFailed) {
  Bed bed;
  bed.options.read_concurrency = 1;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst);
    co_await b.put(bytes);
    b.gate->refuse = {{2, 403}};
    ReaderPtr reader = co_await open(b.core());
    Bytes all;
    auto piece = co_await reader->next();
    while (piece) {
      append(all, piece->bytes());
      piece = co_await reader->next();
    }
    EXPECT_EQ(piece.error().kind(), ErrorKind::permission_denied);
    EXPECT_NE(piece.error().message().find("s3aws: read /dir/file"), std::string::npos);
    EXPECT_EQ(all.size(), 3 * kFirst);
    EXPECT_TRUE(std::ranges::equal(all, std::span(bytes).first(all.size())));
    co_await reader->close();
    EXPECT_EQ(b.gate->lines.size(), 3u);  // nothing was asked for behind the failure
  });
}

TEST(DriverReader, NoticesThatTheFileIsReplacedWhileItReads) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst, 1);
    co_await b.put(bytes);
    ReaderPtr reader = co_await open(b.core());
    co_await b.put(noise(31 * kFirst, 2));
    Bytes all;
    auto piece = co_await reader->next();
    while (piece) {
      append(all, piece->bytes());
      piece = co_await reader->next();
    }
    EXPECT_EQ(piece.error().kind(), ErrorKind::precondition_failed) << piece.error().message();
    EXPECT_TRUE(std::ranges::equal(all, std::span(bytes).first(kFirst)));
    co_await reader->close();
  });
}

TEST(DriverReader, AFileThatIsRemovedWhileItReadsIsPathNotFound) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(31 * kFirst));
    ReaderPtr reader = co_await open(b.core());
    b.store.remove("b", "root/dir/file");
    auto piece = co_await reader->next();
    EXPECT_TRUE(piece);
    piece->release();
    piece = co_await reader->next();
    EXPECT_FALSE(piece);
    EXPECT_EQ(piece.error().code(), StorageErrc::path_not_found);
    co_await reader->close();
  });
}

TEST(DriverReader, TheHookSeesExactlyWhatIsDelivered) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(100 * kFirst);
    co_await b.put(bytes);
    Bytes seen;
    ReaderOptions options;
    options.offset = 10;
    options.hook = [&seen](std::span<const std::byte> piece) { append(seen, piece); };
    auto opened = co_await driver::open_reader(b.core(), kPath, options);
    ReaderPtr reader = std::move(*opened);
    std::array<std::byte, 100> out;
    auto some = co_await reader->read_some(out);
    EXPECT_EQ(some.value(), 100u);
    EXPECT_EQ(seen.size(), 100u);
    auto piece = co_await reader->next();
    EXPECT_EQ(piece->size(), kFirst - 100);  // the rest of a block that was begun
    EXPECT_EQ(seen.size(), kFirst);
    piece->release();
    Bytes all = co_await drain(*reader);
    EXPECT_EQ(all.size(), bytes.size() - 10 - kFirst);
    EXPECT_TRUE(seen == tail(bytes, 10));
    co_await reader->close();
  });
}

Task<void> read_from(Bed& b, const Bytes& bytes, std::uint64_t offset, bool in_bits) {
  ReaderPtr reader = co_await open(b.core(), offset);
  Bytes all;
  if (in_bits) {
    all = co_await drain_in_bits(*reader, offset);
  } else {
    all = co_await drain(*reader);
  }
  EXPECT_TRUE(all == tail(bytes, static_cast<std::size_t>(offset)));
  co_await reader->close();
}

TEST(DriverReader, TenReadersAtRandomOffsetsDoNotDisturbEachOther) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(1'000'000);
    co_await b.put(bytes);
    std::mt19937_64 random(7);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    for (int i = 0; i < 10; ++i) {
      scope.spawn(read_from(b, bytes, random() % bytes.size(), i % 2 == 0));
    }
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

// Goal: readers share a budget far smaller than their windows, and all come to an end. Method: a
// budget of twelve pages, in which no part of full size fits beside another reader's.
TEST(DriverReader, AThousandReadersFinishUnderASmallBudget) {
  Bed bed;
  bed.budget_bytes = 12 * kFirst;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(4 * kFirst + 1);
    co_await b.put(bytes);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    for (int i = 0; i < 1000; ++i) scope.spawn(read_from(b, bytes, 0, i % 2 == 0));
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_LE(b.stack->budget.stats().used_bytes_peak, b.budget_bytes);
  });
}

TEST(DriverReader, ReadsWithABudgetSmallerThanItsFirstPart) {
  Bed bed;
  bed.options.read_first_bytes = 10 * kFirst;
  bed.budget_bytes = 2 * kFirst + 100;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(10 * kFirst);
    co_await b.put(bytes);
    co_await read_from(b, bytes, 0, false);
    EXPECT_EQ(b.gate->lines.at(0), "GET 0-8191");
  });
}

/// Runs `call` under `source` and says how it ended.
template <class T>
Task<Result<void>> run_until_stopped(Task<Result<T>> call, engine::StopSource& source,
                                     ErrorKind& kind) {
  auto outcome = co_await engine::with_stop(source, std::move(call));
  EXPECT_FALSE(outcome);
  if (!outcome) kind = outcome.error().kind();
  co_return Result<void>();
}

Task<Result<void>> stop_when_held(Gate& gate, engine::StopSource& source) {
  auto held = co_await gate.held.wait();
  source.request_stop();
  co_return held;
}

Task<Result<void>> stop_when_waiting_for_memory(Bed& b, engine::StopSource& source) {
  co_await until([&] { return b.stack->budget.stats().waiting > 0; });
  source.request_stop();
  co_return Result<void>();
}

TEST(DriverReader, AStopEndsTheOpeningWhileItWaitsForMemory) {
  Bed bed;
  bed.budget_bytes = kFirst;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(100));
    auto all_memory = co_await b.stack->pool.lease(kFirst);
    EXPECT_TRUE(all_memory);
    engine::StopSource source;
    ErrorKind kind{};
    ReaderOptions options;
    auto both = co_await engine::when_all(
        run_until_stopped(driver::open_reader(b.core(), kPath, options), source, kind),
        stop_when_waiting_for_memory(b, source));
    EXPECT_TRUE(both.second);
    EXPECT_EQ(kind, ErrorKind::cancelled);
    EXPECT_TRUE(b.gate->lines.empty());
  });
}

TEST(DriverReader, AStopEndsTheOpeningWhileItsRequestIsUnderWay) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(100));
    b.gate->hold_from = 0;
    engine::StopSource source;
    ErrorKind kind{};
    ReaderOptions options;
    auto both = co_await engine::when_all(
        run_until_stopped(driver::open_reader(b.core(), kPath, options), source, kind),
        stop_when_held(*b.gate, source));
    EXPECT_TRUE(both.second);
    EXPECT_EQ(kind, ErrorKind::cancelled);
  });
}

TEST(DriverReader, AStopEndsOneCallAndTheReaderGoesOn) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst);
    co_await b.put(bytes);
    b.gate->hold_from = 1;
    ReaderPtr reader = co_await open(b.core());
    auto first = co_await reader->next();
    Bytes all;
    append(all, first->bytes());
    engine::StopSource source;
    ErrorKind kind{};
    auto both = co_await engine::when_all(run_until_stopped(reader->next(), source, kind),
                                          stop_when_held(*b.gate, source));
    EXPECT_TRUE(both.second);
    EXPECT_EQ(kind, ErrorKind::cancelled);
    b.gate->released.set();
    Bytes rest = co_await drain(*reader);
    append(all, rest);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
    EXPECT_EQ(reader->stats().bytes_discarded, 0u);
  });
}

TEST(DriverReader, AStopEndsACallThatWaitsForMemoryAndTheReaderGoesOn) {
  Bed bed;
  bed.budget_bytes = kFirst;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst);
    co_await b.put(bytes);
    ReaderPtr reader = co_await open(b.core());
    auto first = co_await reader->next();  // the only block there is
    Bytes all;
    append(all, first->bytes());
    engine::StopSource source;
    ErrorKind kind{};
    auto both = co_await engine::when_all(run_until_stopped(reader->next(), source, kind),
                                          stop_when_waiting_for_memory(b, source));
    EXPECT_TRUE(both.second);
    EXPECT_EQ(kind, ErrorKind::cancelled);
    first->release();
    Bytes rest = co_await drain(*reader);
    append(all, rest);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
  });
}

TEST(DriverReader, ClosingCutsWhatIsUnderWayAndCountsItsBytes) {
  ScriptedBed bed;
  bed.scripts = {{read_head(), write(part(0, kFirst)), read_head(),
                  write(part_head(kFirst, 2 * kFirst) + text(kFirst, 1234)), hold()}};
  bed.options.read_concurrency = 1;
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderPtr reader = co_await open(b.core());
    auto first = co_await reader->next();
    EXPECT_TRUE(first);
    first->release();
    co_await until([&] { return b.peer->heads().size() == 2; });
    for (int i = 0; i < 100; ++i) co_await testing::Turn();  // the answer, as far as it goes
    co_await reader->close();
    EXPECT_EQ(reader->stats().bytes_delivered, kFirst);
    EXPECT_EQ(reader->stats().bytes_received, kFirst + 1234);
    EXPECT_EQ(reader->stats().bytes_discarded, 1234u);
    co_await reader->close();  // again, without effect
    auto after = co_await reader->next();
    EXPECT_EQ(after.error().kind(), ErrorKind::invalid_argument);
  });
}

TEST(DriverReader, ClosingBeforeTheFirstByteDiscardsNothing) {
  ScriptedBed bed;
  bed.scripts = {{read_head(), write(part_head(0, kFirst)), hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderPtr reader = co_await open(b.core());
    co_await reader->close();
    EXPECT_EQ(reader->stats().bytes_received, 0u);
    EXPECT_EQ(reader->stats().bytes_discarded, 0u);
  });
}

// Goal: closing a reader whose server stalls takes less than 50 ms. Method: the median of nine, so
// that a machine that sleeps for a moment does not decide.
TEST(DriverReader, ClosesAtOnceWhileTheServerStalls) {
  ScriptedBed bed;
  bed.scripts =
      testing::repeated(9, {read_head(), write(part_head(0, kFirst) + text(0, 1000)), hold()});
  bed.run([](ScriptedBed& b) -> Task<void> {
    std::vector<engine::Duration> times;
    for (int i = 0; i < 9; ++i) {
      ReaderPtr reader = co_await open(b.core());
      auto begun = std::chrono::steady_clock::now();
      co_await reader->close();
      times.push_back(std::chrono::steady_clock::now() - begun);
    }
    std::ranges::sort(times);
    EXPECT_LT(times[4], 50ms);
  });
}

TEST(DriverReaderDeathTest, DestroyingAReaderThatWasNotClosedAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Bed bed;
  auto forget_to_close = [](Bed& b) -> Task<void> {
    co_await b.put(noise(100));
    ReaderPtr reader = co_await open(b.core());
  };
  EXPECT_DEATH(bed.run(forget_to_close), "destroyed before its close\\(\\) was awaited");
}

TEST(DriverReadRange, ReadsInOneRequestAndTellsSizeAndETag) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(10'000);
    co_await b.put(bytes);
    Bytes out(3000);
    RangedReadOptions options;
    options.offset = 500;
    auto read = co_await driver::read_range(b.core(), kPath, out, options);
    EXPECT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->bytes, 3000u);
    EXPECT_EQ(read->file_size_bytes, 10'000u);
    EXPECT_FALSE(read->etag.empty());
    EXPECT_TRUE(std::ranges::equal(out, std::span(bytes).subspan(500, 3000)));
    EXPECT_EQ(b.gate->lines, std::vector<std::string>{"GET 500-3499"});

    options.offset = 9'990;
    auto end = co_await driver::read_range(b.core(), kPath, out, options);
    EXPECT_EQ(end->bytes, 10u);
    EXPECT_TRUE(std::ranges::equal(std::span(out).first(10), std::span(bytes).last(10)));
    EXPECT_EQ(b.gate->lines.size(), 2u);
  });
}

TEST(DriverReadRange, GivesNothingBehindTheEnd) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(100));
    Bytes out(10);
    RangedReadOptions options;
    options.offset = 100;
    auto read = co_await driver::read_range(b.core(), kPath, out, options);
    EXPECT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->bytes, 0u);
    EXPECT_EQ(read->file_size_bytes, 100u);
    EXPECT_FALSE(read->etag.empty());
  });
}

TEST(DriverReadRange, IntoNoMemoryTellsSizeAndETag) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(100));
    RangedReadOptions options;
    std::span<std::byte> nowhere;
    auto read = co_await driver::read_range(b.core(), kPath, nowhere, options);
    EXPECT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->file_size_bytes, 100u);
    EXPECT_EQ(b.gate->lines, std::vector<std::string>{"HEAD"});
  });
}

TEST(DriverReadRange, ReadsOnlyTheVersionThatWasAskedFor) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(100, 1));
    Bytes out(10);
    RangedReadOptions options;
    auto read = co_await driver::read_range(b.core(), kPath, out, options);
    options.if_match = read->etag;
    co_await b.put(noise(100, 2));
    auto again = co_await driver::read_range(b.core(), kPath, out, options);
    EXPECT_FALSE(again);
    EXPECT_EQ(again.error().kind(), ErrorKind::precondition_failed);
    options.if_match = ETag();
    options.offset = static_cast<std::uint64_t>(-8);
    auto negative = co_await driver::read_range(b.core(), kPath, out, options);
    EXPECT_EQ(negative.error().code(), StorageErrc::invalid_offset);
    options.offset = 0;
    auto missing = co_await driver::read_range(b.core(), "/none", out, options);
    EXPECT_EQ(missing.error().code(), StorageErrc::path_not_found);
  });
}

TEST(DriverGetContent, ReadsAFileInOneRequest) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    for (std::size_t size : {0, 1, 100'000}) {
      Bytes bytes = noise(size);
      co_await b.put(bytes);
      auto content = co_await driver::get_content(b.core(), kPath, 100'000);
      EXPECT_TRUE(content) << content.error().message();
      EXPECT_TRUE(std::ranges::equal(content->bytes(), bytes));
      EXPECT_EQ(b.gate->lines, std::vector<std::string>{"GET"});
    }
  });
}

TEST(DriverGetContent, RefusesALargeFileBeforeItsBytesCome) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(1001));
    auto content = co_await driver::get_content(b.core(), kPath, 1000);
    EXPECT_FALSE(content);
    EXPECT_EQ(content.error().kind(), ErrorKind::too_large);
    EXPECT_NE(content.error().message().find("1001 bytes, more than the 1000 allowed"),
              std::string::npos)
        << content.error().message();
    EXPECT_EQ(b.stack->http->stats().bytes_received, 0u);
    auto missing = co_await driver::get_content(b.core(), "/none", 1000);
    EXPECT_EQ(missing.error().code(), StorageErrc::path_not_found);
  });
}

TEST(DriverGetContent, ResumesABrokenConnection) {
  ScriptedBed bed;
  bed.scripts = {
      {read_head(),
       write("HTTP/1.1 200 x\r\nETag: \"e1\"\r\nContent-Length: 100\r\n\r\n" + text(0, 40)),
       close()},
      {read_head(), write(part_head(40, 60, "e1", 100) + text(40, 60)), hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    auto content = co_await driver::get_content(b.core(), kPath, 1000);
    EXPECT_TRUE(content) << content.error().message();
    EXPECT_TRUE(std::ranges::equal(content->bytes(), as_bytes(text(0, 100))));
  });
}

}  // namespace
}  // namespace ringpull::s3
