// The body of a response into leased memory and into a file: complete, empty, cut off, too large,
// stopped, and with no memory left.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <memory>
#include <string>
#include <unistd.h>

#include <ringpull/http/body_sinks.hpp>

#include "tests/support/client_bed.hpp"
#include "tests/support/temp_dir.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::BufferChain;
using engine::BufferPool;
using engine::Deadline;
using engine::File;
using engine::FileMode;
using engine::MemoryBudget;
using engine::OpenOptions;
using engine::StopSource;
using engine::Task;
using testing::ClientBed;
using testing::hold;
using testing::ok;
using testing::read_head;
using testing::TempDir;
using testing::until;
using testing::write;

constexpr std::size_t kBlock = 16 * 1024;
const std::string kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string content(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761U) >> 9);
  return text;
}

std::string chunk(const std::string& data) {
  std::array<char, 24> line;
  int size = std::snprintf(line.data(), line.size(), "%zx\r\n", data.size());
  return std::string(line.data(), static_cast<std::size_t>(size)) + data + "\r\n";
}

std::string chunked(const std::string& body, std::size_t chunk_size) {
  std::string wire = kChunkedHead;
  for (std::size_t at = 0; at < body.size(); at += chunk_size)
    wire += chunk(body.substr(at, chunk_size));
  return wire + "0\r\n\r\n";
}

std::string announced(std::size_t size, const std::string& sent) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + sent;
}

engine::MemoryBudgetOptions budget_of(std::size_t bytes) {
  engine::MemoryBudgetOptions options;
  options.limit_bytes = bytes;
  return options;
}

std::string text_of(const BufferChain& chain) {
  std::string text(chain.size(), '\0');
  chain.copy_to(std::as_writable_bytes(std::span(text)));
  return text;
}

/// Stops `task` once `reached`, and gives what it ended with.
template <class T>
Task<Result<T>> stopped_when(std::function<bool()> reached, Task<Result<T>> task) {
  static auto stop_then = [](StopSource& source, std::function<bool()> condition) -> Task<void> {
    co_await until(std::move(condition));
    source.request_stop();
  };
  StopSource stop;
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(stop_then(stop, std::move(reached)));
  auto outcome = co_await engine::with_stop(stop, std::move(task));
  scope.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  co_return outcome;
}

// --- to a chain ---

class HttpToChain : public testing::ClientTest {
 protected:
  HttpToChain() { the_budget = &budget; }
  MemoryBudget budget{budget_of(8 << 20)};
  static inline MemoryBudget* the_budget = nullptr;
};

struct Chained {
  explicit Chained(Result<std::uint64_t> result_in) : result(std::move(result_in)) {}
  Result<std::uint64_t> result;
  BufferChain chain;
};

Task<Chained> get_chain(ClientBed& b, MemoryBudget& budget, std::size_t limit_bytes) {
  BufferPool pool(budget);
  Chained got{std::uint64_t{0}};
  auto response = co_await b.open("/o");
  EXPECT_TRUE(response);
  got.result = co_await read_to_chain(*response, got.chain, pool, limit_bytes);
  co_return got;
}

TEST_P(HttpToChain, ABodyOfKnownLengthIsOnePiece) {
  static const std::string body = content(300'000);
  bed.scripts = {{read_head(), write(ok(body)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    Chained got = co_await get_chain(b, *the_budget, 300'000);
    EXPECT_EQ(got.result.value(), 300'000U);
    EXPECT_EQ(got.chain.pieces(), 1U);
    EXPECT_TRUE(text_of(got.chain) == body);
    EXPECT_EQ(b.client->idle_connections(), 1U);
  });
  EXPECT_EQ(budget.stats().used_bytes, 0U);
}

TEST_P(HttpToChain, AChunkedBodyGrowsPieceByPiece) {
  static const std::string body = content(1'000'000);
  bed.scripts = {{read_head(), write(chunked(body, 7'777)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    Chained got = co_await get_chain(b, *the_budget, 1'000'000);
    EXPECT_EQ(got.result.value(), 1'000'000U);
    EXPECT_GT(got.chain.pieces(), 1U);
    EXPECT_TRUE(text_of(got.chain) == body);
    EXPECT_EQ(b.client->idle_connections(), 1U);
  });
  EXPECT_EQ(budget.stats().used_bytes, 0U);
}

TEST_P(HttpToChain, ABodyUntilTheEndOfTheConnectionIsTakenWhole) {
  static const std::string body = content(100'000);
  bed.scripts = {{read_head(), write("HTTP/1.1 200 OK\r\n\r\n" + body)}};
  bed.run([](ClientBed& b) -> Task<void> {
    Chained got = co_await get_chain(b, *the_budget, 200'000);
    EXPECT_EQ(got.result.value(), 100'000U);
    EXPECT_TRUE(text_of(got.chain) == body);
  });
}

TEST_P(HttpToChain, EmptyBodiesTakeNoMemory) {
  bed.scripts = {{read_head(), write(ok("")), read_head(), write(chunked("", 1)), read_head(),
                  write("HTTP/1.1 204 No Content\r\n\r\n"), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      Chained got = co_await get_chain(b, *the_budget, 0);
      EXPECT_EQ(got.result.value(), 0U);
      EXPECT_TRUE(got.chain.empty());
    }
    EXPECT_EQ(b.client->stats().connections_opened, 1U);
  });
  EXPECT_EQ(budget.stats().used_bytes_peak, 0U);
}

TEST_P(HttpToChain, AppendsToWhatIsThere) {
  bed.scripts = {{read_head(), write(ok("def")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    BufferPool pool(*the_budget);
    BufferChain chain;
    chain.append(engine::Buffer::copy_of("abc"));
    auto response = co_await b.open("/o");
    auto read = co_await read_to_chain(*response, chain, pool, 3);
    EXPECT_EQ(read.value(), 3U);
    EXPECT_EQ(text_of(chain), "abcdef");
  });
}

TEST_P(HttpToChain, TakesUpWhereAnotherReadStopped) {
  bed.scripts = {{read_head(), write(ok("abcdef")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    BufferPool pool(*the_budget);
    BufferChain chain;
    auto response = co_await b.open("/o");
    std::array<std::byte, 2> first;
    auto begun = co_await response->read_exact(first);
    EXPECT_TRUE(begun);
    EXPECT_EQ(response->body_left(), 4U);
    auto read = co_await read_to_chain(*response, chain, pool, 4);
    EXPECT_EQ(read.value(), 4U);
    EXPECT_EQ(text_of(chain), "cdef");
  });
}

TEST_P(HttpToChain, RefusesATooLargeBodyOfKnownLengthAtOnce) {
  bed.scripts = {{read_head(), write(announced(1000, "")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    Chained got = co_await get_chain(b, *the_budget, 999);
    EXPECT_EQ(got.result.error().kind(), ErrorKind::too_large);
    EXPECT_EQ(got.result.error().bytes_done(), 0U);
  });
  EXPECT_EQ(budget.stats().used_bytes_peak, 0U);
}

TEST_P(HttpToChain, KeepsWhatFitOfATooLargeChunkedBody) {
  static const std::string body = content(70'001);
  bed.scripts = {{read_head(), write(chunked(body, 1000)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    Chained got = co_await get_chain(b, *the_budget, 70'000);
    EXPECT_EQ(got.result.error().kind(), ErrorKind::too_large);
    EXPECT_EQ(got.result.error().bytes_done(), 70'000U);
    EXPECT_TRUE(text_of(got.chain) == body.substr(0, 70'000));
    EXPECT_EQ(b.client->idle_connections(), 0U);
  });
}

TEST_P(HttpToChain, KeepsWhatCameOfATruncatedBody) {
  static const std::string body = content(100'000);
  bed.scripts = {{read_head(), write(announced(100'001, body))},
                 {read_head(), write(kChunkedHead + chunk(body))}};
  bed.run([](ClientBed& b) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      Chained got = co_await get_chain(b, *the_budget, 200'000);
      EXPECT_EQ(got.result.error().kind(), ErrorKind::truncated) << i;
      EXPECT_EQ(got.result.error().bytes_done(), 100'000U) << i;
      EXPECT_TRUE(text_of(got.chain) == body) << i;
    }
  });
  EXPECT_EQ(budget.stats().used_bytes, 0U);
}

TEST_P(HttpToChain, AStopInTheBodyKeepsWhatCame) {
  bed.scripts = {{read_head(), write(announced(10, "abc")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    BufferPool pool(*the_budget);
    BufferChain chain;
    {
      auto response = co_await b.open("/o");
      auto read = co_await stopped_when<std::uint64_t>(
          [&b] { return b.client->stats().bytes_received > 0; },
          read_to_chain(*response, chain, pool, 10));
      EXPECT_EQ(read.error().kind(), ErrorKind::cancelled);
      EXPECT_EQ(read.error().bytes_done(), 3U);
    }
    EXPECT_EQ(text_of(chain), "abc");
    EXPECT_EQ(b.client->idle_connections(), 0U);
  });
}

TEST_P(HttpToChain, ADeadlineInTheBodyKeepsWhatCame) {
  bed.scripts = {{read_head(), write(kChunkedHead + chunk("abc")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    BufferPool pool(*the_budget);
    BufferChain chain;
    auto response = co_await b.open("/o");
    auto read = co_await engine::with_deadline(Deadline::after(20ms),
                                               read_to_chain(*response, chain, pool, 10));
    EXPECT_EQ(read.error().kind(), ErrorKind::timed_out);
    EXPECT_EQ(read.error().bytes_done(), 3U);
    EXPECT_EQ(text_of(chain), "abc");
  });
}

TEST_P(HttpToChain, AStallEndsIt) {
  bed.options.limits.stall = 20ms;
  bed.scripts = {{read_head(), write(announced(10, "abc")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    Chained got = co_await get_chain(b, *the_budget, 10);
    EXPECT_EQ(got.result.error().kind(), ErrorKind::timed_out);
    EXPECT_EQ(got.result.error().bytes_done(), 3U);
  });
}

TEST_P(HttpToChain, WaitsForMemory) {
  static const std::string body = content(6 << 20);
  bed.scripts = {{read_head(), write(ok(body)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    static auto give_back_when_awaited = [](engine::BufferLease lease) -> Task<void> {
      co_await until([] { return the_budget->stats().waiting == 1; });
      lease.release();
    };
    BufferPool pool(*the_budget);
    auto taken = co_await pool.lease(4 << 20);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(give_back_when_awaited(std::move(*taken)));
    Chained got = co_await get_chain(b, *the_budget, body.size());
    EXPECT_TRUE(got.result);
    EXPECT_TRUE(text_of(got.chain) == body);
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

TEST_P(HttpToChain, WaitsForMemoryNoLongerThanTheDeadline) {
  bed.scripts = {{read_head(), write(ok("abc")), hold()},
                 {read_head(), write(chunked("abc", 3)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    BufferPool pool(*the_budget);
    auto all = co_await pool.lease(8 << 20);
    EXPECT_TRUE(all);
    for (int i = 0; i < 2; ++i) {
      BufferChain chain;
      auto response = co_await b.open("/o");
      auto read = co_await engine::with_deadline(Deadline::after(10ms),
                                                 read_to_chain(*response, chain, pool, 10));
      EXPECT_EQ(read.error().kind(), ErrorKind::timed_out) << i;
      EXPECT_EQ(read.error().bytes_done(), 0U) << i;
    }
  });
}

TEST_P(HttpToChain, RefusesABodyThatTheBudgetCanNeverHold) {
  bed.scripts = {{read_head(), write(announced(16 << 20, "")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    Chained got = co_await get_chain(b, *the_budget, 16 << 20);
    EXPECT_EQ(got.result.error().kind(), ErrorKind::resource_exhausted);
  });
}

TEST_P(HttpToChain, ABodyOfUnknownLengthDoesNotWaitForMoreWhileItHoldsMemory) {
  bed.scripts = {{read_head(), write(chunked(content(200'000), 10'000)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    BufferPool pool(*the_budget);
    auto nearly_all = co_await pool.lease(7 << 20);
    EXPECT_TRUE(nearly_all);
    auto more = co_await pool.lease(896 * 1024);  // 128 KiB are left: one block of 64, one more
    EXPECT_TRUE(more);
    Chained got = co_await get_chain(b, *the_budget, 200'000);
    EXPECT_EQ(got.result.error().kind(), ErrorKind::resource_exhausted);
    EXPECT_EQ(got.result.error().bytes_done(), 128U * 1024);
    EXPECT_EQ(got.chain.size(), 128U * 1024);
  });
}

RINGPULL_ON_EACH_BACKEND(HttpToChain);

// --- to a file ---

/// What the tests share with their bodies, which capture nothing.
struct Place {
  TempDir dir;
  MemoryBudget budget{budget_of(2 << 20)};
  BufferPool pool{budget};
  OpenOptions open;
  ReadToFileOptions options;
  Place() : open(FileMode::create) { options.block_bytes = kBlock; }

  std::string path() const { return dir.file("body"); }
  std::string text() const {
    std::ifstream in(path(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  void put(const std::string& bytes) const { std::ofstream(path(), std::ios::binary) << bytes; }
};

class HttpToFile : public testing::ClientTest {
 protected:
  void SetUp() override {
    testing::ClientTest::SetUp();
    place = std::make_unique<Place>();
  }
  void TearDown() override {
    if (place) {
      EXPECT_EQ(place->budget.stats().used_bytes, 0U);
    }
    place.reset();
  }
  static inline std::unique_ptr<Place> place;
};

Task<Result<std::uint64_t>> get_file(ClientBed& b, Place& place) {
  RINGPULL_CO_TRY(File file, co_await File::open(place.path(), place.open));
  RINGPULL_CO_TRY(Response response, co_await b.open("/o"));
  auto read = co_await read_to_file(response, file, place.pool, place.options);
  co_return read;
}

TEST_P(HttpToFile, WritesBodiesOfEverySizeAroundABlock) {
  for (std::size_t size : {std::size_t{1}, kBlock - 1, kBlock, kBlock + 1, 2 * kBlock,
                           2 * kBlock + 1, 10 * kBlock, 10 * kBlock + 77}) {
    static std::string body;
    body = content(size);
    bed.scripts = {
        {read_head(), write(ok(body)), read_head(), write(chunked(body, 5'000)), hold()}};
    bed.run([](ClientBed& b) -> Task<void> {
      for (int i = 0; i < 2; ++i) {
        auto read = co_await get_file(b, *place);
        EXPECT_EQ(read.value(), body.size());
        EXPECT_TRUE(place->text() == body) << body.size();
        std::filesystem::remove(place->path());
      }
      EXPECT_EQ(b.client->idle_connections(), 1U);
    });
  }
}

TEST_P(HttpToFile, EmptyBodiesLeaveTheFileAlone) {
  bed.scripts = {{read_head(), write(ok("")), read_head(), write(chunked("", 1)), read_head(),
                  write("HTTP/1.1 204 No Content\r\n\r\n"), hold()}};
  place->put("before");
  place->open.mode = FileMode::read_write;
  place->options.limit_bytes = 0;
  bed.run([](ClientBed& b) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      auto read = co_await get_file(b, *place);
      EXPECT_EQ(read.value(), 0U);
    }
    EXPECT_EQ(b.client->stats().connections_opened, 1U);
  });
  EXPECT_EQ(place->text(), "before");
}

TEST_P(HttpToFile, WritesFromTheOffsetOnAndNothingElse) {
  bed.scripts = {{read_head(), write(ok("XYZ")), hold()}};
  place->put("0123456789");
  place->open.mode = FileMode::read_write;
  place->options.offset = 4;
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await get_file(b, *place);
    EXPECT_EQ(read.value(), 3U);
  });
  EXPECT_EQ(place->text(), "0123XYZ789");
}

TEST_P(HttpToFile, HoldsTwoBlocksAtMost) {
  bed.scripts = {{read_head(), write(ok(content(20 * kBlock))), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await get_file(b, *place);
    EXPECT_TRUE(read);
  });
  EXPECT_EQ(place->budget.stats().used_bytes_peak, 2 * kBlock);
}

TEST_P(HttpToFile, RefusesATooLargeBodyOfKnownLengthAtOnce) {
  bed.scripts = {{read_head(), write(announced(1000, content(1000))), hold()}};
  place->options.limit_bytes = 999;
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await get_file(b, *place);
    EXPECT_EQ(read.error().kind(), ErrorKind::too_large);
    EXPECT_EQ(read.error().bytes_done(), 0U);
  });
  EXPECT_EQ(place->text(), "");
}

TEST_P(HttpToFile, WritesWholeBlocksOfAChunkedBodyUpToTheLimit) {
  static const std::string body = content(3 * kBlock);
  bed.scripts = {{read_head(), write(chunked(body, 1000)), hold()}};
  place->options.limit_bytes = 3 * kBlock - 1;
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await get_file(b, *place);
    EXPECT_EQ(read.error().kind(), ErrorKind::too_large);
    EXPECT_EQ(read.error().bytes_done(), 2 * kBlock);
  });
  EXPECT_TRUE(place->text() == body.substr(0, 2 * kBlock));
}

TEST_P(HttpToFile, KeepsTheWholeBlocksOfATruncatedBody) {
  static const std::string body = content(3 * kBlock + 5);
  bed.scripts = {{read_head(), write(announced(4 * kBlock, body))},
                 {read_head(), write(kChunkedHead + chunk(body))}};
  bed.run([](ClientBed& b) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      auto read = co_await get_file(b, *place);
      EXPECT_EQ(read.error().kind(), ErrorKind::truncated);
      EXPECT_EQ(read.error().bytes_done(), 3 * kBlock);
      EXPECT_TRUE(place->text() == body.substr(0, 3 * kBlock));
      std::filesystem::remove(place->path());
    }
  });
}

TEST_P(HttpToFile, AStopInTheBodyKeepsTheWholeBlocks) {
  static const std::string body = content(2 * kBlock + 5);
  bed.scripts = {{read_head(), write(announced(4 * kBlock, body)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await stopped_when<std::uint64_t>(
        [] {
          std::error_code none;
          return std::filesystem::file_size(place->path(), none) == 2 * kBlock;
        },
        get_file(b, *place));
    EXPECT_EQ(read.error().kind(), ErrorKind::cancelled);
    EXPECT_EQ(read.error().bytes_done() % kBlock, 0U);
    EXPECT_LE(read.error().bytes_done(), 2 * kBlock);
    EXPECT_GE(read.error().bytes_done(), kBlock);
    EXPECT_EQ(b.client->idle_connections(), 0U);
  });
  EXPECT_TRUE(place->text() == body.substr(0, 2 * kBlock));
}

TEST_P(HttpToFile, ADeadlineInTheBodySaysSo) {
  bed.scripts = {{read_head(), write(announced(4 * kBlock, content(kBlock + 5))), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await engine::with_deadline(Deadline::after(50ms), get_file(b, *place));
    EXPECT_EQ(read.error().kind(), ErrorKind::timed_out);
    EXPECT_NE(read.error().message().find("the deadline passed"), std::string::npos)
        << read.error().message();
  });
}

TEST_P(HttpToFile, WaitsForMemory) {
  static const std::string body = content(3 * kBlock);
  bed.scripts = {{read_head(), write(ok(body)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    static auto give_back_when_awaited = [](engine::BufferLease lease) -> Task<void> {
      co_await until([] { return place->budget.stats().waiting == 1; });
      lease.release();
    };
    auto all = co_await place->pool.lease(2 << 20);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(give_back_when_awaited(std::move(*all)));
    auto read = co_await get_file(b, *place);
    EXPECT_EQ(read.value(), body.size());
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
  EXPECT_TRUE(place->text() == body);
}

TEST_P(HttpToFile, WaitsForMemoryNoLongerThanTheDeadline) {
  bed.scripts = {{read_head(), write(ok("abc")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto all = co_await place->pool.lease(2 << 20);
    EXPECT_TRUE(all);
    auto read = co_await engine::with_deadline(Deadline::after(20ms), get_file(b, *place));
    EXPECT_EQ(read.error().kind(), ErrorKind::timed_out);
    EXPECT_EQ(read.error().bytes_done(), 0U);
  });
}

TEST_P(HttpToFile, AWriteThatFailsEndsTheReceivingAtOnce) {
  bed.scripts = {{read_head(), write(announced(9 * kBlock, content(kBlock + 5))), hold()}};
  bed.options.limits.stall = 60s;
  place->put("");
  place->open.mode = FileMode::read;
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await get_file(b, *place);
    EXPECT_EQ(read.error().code().value(), EBADF) << read.error().message();
    EXPECT_EQ(read.error().bytes_done(), 0U);
    EXPECT_EQ(b.client->idle_connections(), 0U);
  });
}

class HttpToDirectFile : public HttpToFile {
 protected:
  void SetUp() override {
    HttpToFile::SetUp();
    if (IsSkipped()) return;
    place->put("");
    int fd = ::open(place->path().c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (fd < 0) GTEST_SKIP() << "the file system of " << place->path() << " refuses O_DIRECT";
    ::close(fd);
    place->open = OpenOptions(FileMode::read_write);
    place->open.direct = true;
  }
};

TEST_P(HttpToDirectFile, CutsOffThePaddingOfTheLastPage) {
  static const std::string body = content(3 * kBlock + 77);
  bed.scripts = {{read_head(), write(ok(body)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await get_file(b, *place);
    EXPECT_EQ(read.value(), body.size());
  });
  EXPECT_TRUE(place->text() == body);
}

TEST_P(HttpToDirectFile, TakesAChunkedBodyAtAnOffset) {
  static const std::string body = content(kBlock + 4096);
  bed.scripts = {{read_head(), write(chunked(body, 1000)), hold()}};
  place->put(std::string(3 * kBlock, 'x'));
  place->options.offset = 8192;
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await get_file(b, *place);
    EXPECT_EQ(read.value(), body.size());
  });
  std::string expected(3 * kBlock, 'x');
  EXPECT_TRUE(place->text() == expected.replace(8192, body.size(), body));
}

TEST_P(HttpToDirectFile, RefusesToOverwriteWhatLiesBehindTheBody) {
  bed.scripts = {{read_head(), write(ok("abc")), hold()}};
  place->put("0123456789");
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await get_file(b, *place);
    EXPECT_EQ(read.error().kind(), ErrorKind::invalid_argument);
  });
  EXPECT_EQ(place->text(), "0123456789");
}

TEST_P(HttpToDirectFile, RefusesAnOffsetInsideAPage) {
  bed.scripts = {{read_head(), write(ok(content(4096))), hold()}};
  place->options.offset = 100;
  bed.run([](ClientBed& b) -> Task<void> {
    auto read = co_await get_file(b, *place);
    EXPECT_EQ(read.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(read.error().bytes_done(), 0U);
  });
}

RINGPULL_ON_EACH_BACKEND(HttpToFile);
RINGPULL_ON_EACH_BACKEND(HttpToDirectFile);

}  // namespace
}  // namespace ringpull::http
