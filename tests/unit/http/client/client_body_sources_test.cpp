// Request bodies from owned memory and from a file: sent, sent again, cut short, stopped, and with
// no memory left.
#include <array>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>

#include <ringpull/http/body_sources.hpp>

#include "tests/support/client_bed.hpp"
#include "tests/support/temp_dir.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Buffer;
using engine::BufferChain;
using engine::BufferPool;
using engine::Deadline;
using engine::File;
using engine::FileMode;
using engine::MemoryBudget;
using engine::OpenOptions;
using engine::Task;
using testing::ClientBed;
using testing::hold;
using testing::ok;
using testing::read_bytes;
using testing::read_head;
using testing::read_request;
using testing::read_to_end;
using testing::reset;
using testing::TempDir;
using testing::until;
using testing::write;

constexpr std::size_t kBlock = 16 * 1024;

std::string content(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761U) >> 9);
  return text;
}

engine::MemoryBudgetOptions budget_of(std::size_t bytes) {
  engine::MemoryBudgetOptions options;
  options.limit_bytes = bytes;
  return options;
}

// --- from owned memory ---

class HttpFromBuffers : public testing::ClientTest {};

BufferChain three_pieces() {
  BufferChain chain;
  for (const char* piece : {"abc", "defg", "hi"}) chain.append(Buffer::copy_of(piece));
  return chain;
}

TEST_P(HttpFromBuffers, SendsTheirPiecesInOrder) {
  bed.scripts = {{read_head(), read_bytes(9), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    BufferSource body(three_pieces());
    auto response = co_await b.put(body);
    EXPECT_TRUE(response);
    EXPECT_NE(b.peer->heads().at(0).find("Content-Length: 9\r\n"), std::string::npos);
    EXPECT_EQ(b.peer->bodies(), "abcdefghi");
  });
}

TEST_P(HttpFromBuffers, SendsASingleBufferAndASingleLease) {
  bed.scripts = {{read_head(), read_bytes(3), write(ok("")), read_head(), read_bytes(2),
                  write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    MemoryBudget budget;
    {
      BufferSource buffer(Buffer::copy_of("abc"));
      auto first = co_await b.put(buffer);
      EXPECT_TRUE(first);
    }
    {
      BufferPool pool(budget);
      auto lease = co_await pool.lease(2);
      lease->bytes()[0] = lease->bytes()[1] = std::byte{'x'};
      BufferSource leased(std::move(*lease));
      auto second = co_await b.put(leased);
      EXPECT_TRUE(second);
      EXPECT_GT(budget.stats().used_bytes, 0U);
    }
    EXPECT_EQ(budget.stats().used_bytes, 0U);
    EXPECT_EQ(b.peer->bodies(), "abcxx");
  });
}

TEST_P(HttpFromBuffers, AnEmptyChainIsAnEmptyBody) {
  bed.scripts = {{read_head(), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    BufferSource body{BufferChain()};
    auto response = co_await b.put(body);
    EXPECT_TRUE(response);
    EXPECT_NE(b.peer->heads().at(0).find("Content-Length: 0\r\n"), std::string::npos);
  });
}

TEST_P(HttpFromBuffers, AreSentAgainWhenAKeptConnectionIsDead) {
  bed.scripts = {{read_head(), write(ok("a")), read_head(), read_bytes(1), reset()},
                 {read_head(), read_bytes(9), write(ok("b")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    BufferSource body(three_pieces());
    auto second = co_await b.put(body);
    EXPECT_TRUE(second) << second.error().message();
    EXPECT_EQ(b.client->stats().stale_retries, 1U);
    EXPECT_EQ(b.peer->bodies(), "aabcdefghi");
  });
}

RINGPULL_ON_EACH_BACKEND(HttpFromBuffers);

// --- from a file ---

/// What the tests share with their bodies, which capture nothing.
struct Place {
  TempDir dir;
  MemoryBudget budget{budget_of(1 << 20)};
  BufferPool pool{budget};
  OpenOptions open;
  Place() : open(FileMode::read) {}

  std::string path() const { return dir.file("body"); }
  void put(const std::string& bytes) const { std::ofstream(path(), std::ios::binary) << bytes; }
};

FileSourceOptions range(std::uint64_t offset, std::uint64_t size) {
  FileSourceOptions options(size);
  options.offset = offset;
  options.block_bytes = kBlock;
  return options;
}

class HttpFromFile : public testing::ClientTest {
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

Task<Result<int>> put_file(ClientBed& b, Place& place, FileSourceOptions options) {
  RINGPULL_CO_TRY(File file, co_await File::open(place.path(), place.open));
  FileSource body(file, place.pool, options);
  RINGPULL_CO_TRY(Response response, co_await b.put(body));
  co_return response.status();
}

TEST_P(HttpFromFile, SendsRangesOfEverySizeAroundABlock) {
  static const std::string all = content(12 * kBlock);
  static std::size_t size;
  place->put(all);
  for (std::size_t next : {std::size_t{1}, kBlock - 1, kBlock, kBlock + 1, 2 * kBlock, 10 * kBlock,
                           10 * kBlock + 77}) {
    size = next;
    bed.scripts = {{read_request(), write(ok("")), hold()}};
    bed.run([](ClientBed& b) -> Task<void> {
      auto status = co_await put_file(b, *place, range(33, size));
      EXPECT_EQ(status.value(), 200);
      EXPECT_TRUE(b.peer->bodies() == all.substr(33, size)) << size;
      EXPECT_EQ(b.client->idle_connections(), 1U);
    });
  }
  EXPECT_EQ(place->budget.stats().used_bytes_peak, kBlock);
}

TEST_P(HttpFromFile, AnEmptyRangeTakesNoMemory) {
  place->put("abc");
  bed.scripts = {{read_head(), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto status = co_await put_file(b, *place, range(3, 0));
    EXPECT_EQ(status.value(), 200);
    EXPECT_NE(b.peer->heads().at(0).find("Content-Length: 0\r\n"), std::string::npos);
  });
  EXPECT_EQ(place->budget.stats().used_bytes_peak, 0U);
}

TEST_P(HttpFromFile, AFileThatIsTooShortIsRefusedBeforeAnythingIsSent) {
  bed.scripts = testing::repeated(3, {read_to_end()});
  bed.run([](ClientBed& b) -> Task<void> {
    const std::array<std::uint64_t, 3> held = {99'999, 3, 0};
    for (std::uint64_t bytes : held) {
      place->put(content(bytes));
      auto status = co_await put_file(b, *place, range(10, 99'990));
      EXPECT_EQ(status.error().kind(), ErrorKind::invalid_argument);
      EXPECT_FALSE(status.error().maybe_applied());
      std::string says = "the file holds " + std::to_string(bytes < 10 ? 0 : bytes - 10) +
                         " bytes from offset 10 on, the request body was to be 99990";
      EXPECT_NE(status.error().message().find(says), std::string::npos) << status.error().message();
    }
    co_await until([&b] { return b.peer->ended() == b.peer->accepted(); });
    EXPECT_EQ(b.peer->bodies(), "");
  });
}

/// A FileSource before whose second piece something happens.
class InterruptedSource final : public BodySource {
 public:
  InterruptedSource(FileSource& inner, std::function<void()> event)
      : inner_(inner), event_(std::move(event)) {}
  std::optional<std::uint64_t> size() const noexcept override { return inner_.size(); }
  bool rewindable() const noexcept override { return inner_.rewindable(); }
  Task<Result<void>> rewind() override { return inner_.rewind(); }
  Task<Result<ConstBytes>> next() override {
    if (asked_++ == 1) event_();
    return inner_.next();
  }

 private:
  FileSource& inner_;
  std::function<void()> event_;
  int asked_ = 0;
};

TEST_P(HttpFromFile, AFileThatShrinksMeanwhileEndsTheConnectionEarly) {
  static const std::string all = content(4 * kBlock);
  place->put(all);
  bed.scripts = {{read_head(), read_to_end()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto file = co_await File::open(place->path(), place->open);
    {
      FileSource source(*file, place->pool, range(0, all.size()));
      InterruptedSource body(source,
                             [] { std::filesystem::resize_file(place->path(), kBlock + 5); });
      auto response = co_await b.put(body);
      EXPECT_EQ(response.error().kind(), ErrorKind::invalid_argument);
      EXPECT_TRUE(response.error().maybe_applied());
    }
    EXPECT_EQ(b.client->idle_connections(), 0U);
    co_await until([&b] { return b.peer->ended() == 1; });
    EXPECT_TRUE(b.peer->bodies() == all.substr(0, kBlock));
  });
}

TEST_P(HttpFromFile, IsSentAgainWhenAKeptConnectionIsDead) {
  static const std::string all = content(5 * kBlock);
  place->put(all);
  bed.scripts = {{read_head(), write(ok("a")), read_head(), read_bytes(kBlock + 1), reset()},
                 {read_request(), write(ok("b")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto first = co_await b.get("/1");
    EXPECT_EQ(first.value(), "a");
    auto status = co_await put_file(b, *place, range(0, all.size()));
    EXPECT_EQ(status.value(), 200) << status.error().message();
    EXPECT_EQ(b.client->stats().stale_retries, 1U);
    EXPECT_TRUE(b.peer->bodies() == all.substr(0, kBlock + 1) + all);
  });
}

TEST_P(HttpFromFile, AStopInTheBodyEndsIt) {
  place->put("");
  std::filesystem::resize_file(place->path(), 64 << 20);
  bed.scripts = {{read_head(), read_bytes(1), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    static auto stop_in_the_body = [](ClientBed& bed_in, engine::StopSource& source) -> Task<void> {
      co_await until([&bed_in] { return !bed_in.peer->bodies().empty(); });
      source.request_stop();
    };
    engine::StopSource stop;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(stop_in_the_body(b, stop));
    FileSourceOptions options = range(0, 64 << 20);
    auto status = co_await engine::with_stop(stop, put_file(b, *place, options));
    EXPECT_EQ(status.error().kind(), ErrorKind::cancelled);
    EXPECT_TRUE(status.error().maybe_applied());
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(b.client->idle_connections(), 0U);
  });
}

TEST_P(HttpFromFile, WaitsForMemory) {
  static const std::string all = content(3 * kBlock);
  place->put(all);
  bed.scripts = {{read_request(), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    static auto give_back_when_awaited = [](engine::BufferLease lease) -> Task<void> {
      co_await until([] { return place->budget.stats().waiting == 1; });
      lease.release();
    };
    auto everything = co_await place->pool.lease(1 << 20);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(give_back_when_awaited(std::move(*everything)));
    auto status = co_await put_file(b, *place, range(0, all.size()));
    EXPECT_EQ(status.value(), 200);
    EXPECT_TRUE(b.peer->bodies() == all);
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

TEST_P(HttpFromFile, WaitsForMemoryNoLongerThanTheDeadline) {
  place->put("abc");
  bed.scripts = {{read_to_end()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto everything = co_await place->pool.lease(1 << 20);
    EXPECT_TRUE(everything);
    FileSourceOptions options = range(0, 3);
    auto status =
        co_await engine::with_deadline(Deadline::after(20ms), put_file(b, *place, options));
    EXPECT_EQ(status.error().kind(), ErrorKind::timed_out);
    EXPECT_FALSE(status.error().maybe_applied());
  });
}

TEST_P(HttpFromFile, ADirectFileIsReadByWholePages) {
  static const std::string all = content(3 * kBlock + 777);
  place->put(all);
  int direct = ::open(place->path().c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (direct < 0) GTEST_SKIP() << "the file system of " << place->path() << " refuses O_DIRECT";
  ::close(direct);
  place->open.direct = true;
  bed.scripts = {{read_request(), write(ok("")), read_request(), write(ok("")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto to_the_end = co_await put_file(b, *place, range(8192, all.size() - 8192));
    EXPECT_EQ(to_the_end.value(), 200);
    auto inside = co_await put_file(b, *place, range(4096, kBlock + 5));
    EXPECT_EQ(inside.value(), 200);
    EXPECT_TRUE(b.peer->bodies() == all.substr(8192) + all.substr(4096, kBlock + 5));
  });
}

RINGPULL_ON_EACH_BACKEND(HttpFromFile);

}  // namespace
}  // namespace ringpull::http
