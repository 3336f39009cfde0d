// A loop inside a host's own loop: poll_once() driven by poll(2) on wakeup_fd().

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <thread>

#include <ringpull/engine/fd.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/tcp.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/on_each_backend.hpp"
#include "tests/support/socket_pair.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;

class PollOnce : public testing::OnEachBackend {
 protected:
  std::unique_ptr<Loop> make_hosted_loop() {
    LoopOptions options;
    options.backend.hosted = true;
    return make_loop(options);
  }
};
RINGPULL_ON_EACH_BACKEND(PollOnce);

/// Runs one task beside whatever a host does: its own scope and flag.
class Hosted {
 public:
  template <class Factory>
  Hosted(Loop& loop, Factory factory) {
    loop.post([this, &loop, factory] {
      root_.emplace(factory());
      root_->start(loop);
    });
  }
  bool done() const { return root_ && root_->done(); }

 private:
  std::optional<detail::Root<void>> root_;
};

void poll_until_idle(Loop& loop) {
  while (loop.poll_once(Deadline::at(TimePoint::min()))) {
  }
}

/// The host: sleeps in poll(2), and polls the loop when told to. False when nothing came in 10 s.
template <class Done>
bool drive(Loop& loop, int wakeup, Done done) {
  for (;;) {
    poll_until_idle(loop);
    if (done()) return true;
    pollfd entry{wakeup, POLLIN, 0};
    if (::poll(&entry, 1, 10'000) == 0) return false;
  }
}

TEST_P(PollOnce, SaysWhetherItDidAnything) {
  auto loop = make_loop();
  poll_until_idle(*loop);
  EXPECT_FALSE(loop->poll_once(Deadline::at(TimePoint::min())));
  int runs = 0;
  loop->post([&runs] { ++runs; });
  EXPECT_TRUE(loop->poll_once(Deadline::at(TimePoint::min())));
  EXPECT_EQ(runs, 1);
}

TEST_P(PollOnce, GivesNoDescriptorUnlessToldOfAHost) {
  auto loop = make_loop();
  EXPECT_EQ(loop->wakeup_fd().error().kind(), ErrorKind::invalid_argument);
}

TEST_P(PollOnce, WaitsUntilItsDeadlineAndNoLonger) {
  auto loop = make_loop();
  poll_until_idle(*loop);
  TimePoint before = Clock::now();
  EXPECT_FALSE(loop->poll_once(Deadline::at(before + 3ms)));
  EXPECT_GE(Clock::now() - before, 3ms);
}

TEST_P(PollOnce, FindsNothingReadableWhenIdle) {
  auto loop = make_hosted_loop();
  int wakeup = loop->wakeup_fd().value();
  poll_until_idle(*loop);
  pollfd entry{wakeup, POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 0), 0);
}

Task<void> nap_five_times(int& naps) {
  for (int i = 0; i < 5; ++i) {
    auto slept = co_await sleep_for(2ms);
    EXPECT_TRUE(slept);
    ++naps;
  }
}

TEST_P(PollOnce, IsToldOfTimers) {
  auto loop = make_hosted_loop();
  int wakeup = loop->wakeup_fd().value();
  int naps = 0;
  Hosted hosted(*loop, [&naps] { return nap_five_times(naps); });
  EXPECT_TRUE(drive(*loop, wakeup, [&] { return hosted.done(); }));
  EXPECT_EQ(naps, 5);
}

Task<void> receive(int fd, std::string& text) {
  TcpStream stream{Fd(fd)};
  auto received = co_await stream.read_exact(std::as_writable_bytes(std::span(text)));
  EXPECT_TRUE(received);
}

TEST_P(PollOnce, IsToldOfBytes) {
  auto loop = make_hosted_loop();
  int wakeup = loop->wakeup_fd().value();
  testing::SocketPair pair(loop->backend());
  std::string text(1000, '.');
  int fd = pair.ours.release();
  Hosted hosted(*loop, [fd, &text] { return receive(fd, text); });
  poll_until_idle(*loop);
  for (int i = 0; i < 10; ++i) {
    std::string piece(100, static_cast<char>('0' + i));
    pair.put(piece);
    EXPECT_TRUE(drive(*loop, wakeup, [&] { return i < 9 || hosted.done(); }));
  }
  EXPECT_EQ(text.substr(0, 101), std::string(100, '0') + "1");
}

TEST_P(PollOnce, IsToldOfEachPostFromAnotherThread) {
  constexpr int kPosts = 2'000;
  auto loop = make_hosted_loop();
  int wakeup = loop->wakeup_fd().value();
  poll_until_idle(*loop);
  std::atomic<int> seen = 0;
  std::thread poster([&] {
    for (int i = 0; i < kPosts; ++i) {
      loop->post([&seen] { seen.fetch_add(1); });
      // One at a time: each post finds a host that is about to sleep, or asleep.
      while (seen.load() <= i) std::this_thread::yield();
    }
  });
  EXPECT_TRUE(drive(*loop, wakeup, [&] { return seen.load() == kPosts; }));
  poster.join();
}

TEST_P(PollOnce, IsToldOfAWakeWithNothingElseToDo) {
  auto loop = make_hosted_loop();
  int wakeup = loop->wakeup_fd().value();
  poll_until_idle(*loop);
  for (int i = 0; i < 3; ++i) {
    loop->wake();
    pollfd entry{wakeup, POLLIN, 0};
    ASSERT_EQ(::poll(&entry, 1, 10'000), 1) << "wake " << i;
    poll_until_idle(*loop);
    EXPECT_EQ(::poll(&entry, 1, 0), 0) << "still readable after wake " << i;
  }
}

}  // namespace
}  // namespace ringpull::engine
