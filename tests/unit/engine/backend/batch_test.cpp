// Completions that wait for one another (BackendOptions::batch_wait): many large receives at once.
#include <chrono>
#include <cstddef>
#include <gtest/gtest.h>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/stream.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/on_each_backend.hpp"
#include "tests/support/socket_pair.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kTransfers = 16;
constexpr std::size_t kBytes = 64 * 1024;

class Batch : public testing::OnEachBackend {};
RINGPULL_ON_EACH_BACKEND(Batch);

/// Sixteen receives of kBytes each, and the ends that feed them.
class Transfers {
 public:
  Transfers() {
    for (std::size_t i = 0; i < kTransfers; ++i) {
      testing::SocketPair pair(Loop::current().backend());
      ours_.emplace_back(std::move(pair.ours));
      peers_.push_back(std::move(pair));
    }
    memory_.resize(kTransfers * kBytes);
  }
  Task<void> receive(std::size_t index) {
    auto received =
        co_await ours_[index].read_exact(std::span(memory_).subspan(index * kBytes, kBytes));
    EXPECT_TRUE(received) << received.error().message();
    one_ended.set();
  }
  void start(Scope& scope) {
    for (std::size_t i = 0; i < kTransfers; ++i) scope.spawn(receive(i));
  }
  void feed(std::size_t index) { peers_[index].put(std::string(kBytes, 'x')); }

  Event one_ended;

 private:
  std::vector<StreamSocket> ours_;
  std::vector<testing::SocketPair> peers_;
  std::vector<std::byte> memory_;
};

/// Each ends though none follows it: others are waited for only so long.
Task<void> one_after_the_other() {
  Transfers transfers;
  Context& context = co_await current_context();
  Scope scope(context);
  transfers.start(scope);
  for (std::size_t i = 0; i < kTransfers; ++i) {
    transfers.feed(i);
    auto ended = co_await transfers.one_ended.wait();
    EXPECT_TRUE(ended);
    transfers.one_ended.reset();
  }
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}
TEST_P(Batch, ATransferThatEndsAloneIsNotKept) {
  run([] { return one_after_the_other(); });
}

Task<void> beside_other_waits() {
  Transfers transfers;
  Context& context = co_await current_context();
  Scope scope(context);
  transfers.start(scope);
  auto slept = co_await sleep_for(1ms);
  EXPECT_TRUE(slept);

  Event posted;
  Loop& loop = Loop::current();
  std::thread other([&] { loop.post([&posted] { posted.set(); }); });
  auto heard = co_await posted.wait();
  EXPECT_TRUE(heard);
  other.join();

  for (std::size_t i = 0; i < kTransfers; ++i) transfers.feed(i);
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}
TEST_P(Batch, TimersAndPostsComeThroughBesideTransfersThatStandStill) {
  run([] { return beside_other_waits(); });
}

}  // namespace
}  // namespace ringpull::engine
