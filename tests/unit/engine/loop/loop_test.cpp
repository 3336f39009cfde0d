#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/tcp.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/on_each_backend.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;

Task<int> answer() { co_return 42; }

Task<int> twice() {
  int a = co_await answer();
  int b = co_await answer();
  co_return a + b;
}

Task<long> many(long count) {
  long sum = 0;
  for (long i = 0; i < count; ++i) {
    int value = co_await answer();
    sum += value;
  }
  co_return sum;
}

class Loops : public testing::OnEachBackend {};
RINGPULL_ON_EACH_BACKEND(Loops);

TEST_P(Loops, RunATaskToItsValue) {
  auto loop = make_loop();
  EXPECT_EQ(loop->run(twice), 84);
}

TEST_P(Loops, DoNotGrowTheStackByThreeMillionReadyAwaits) {
  auto loop = make_loop();
  EXPECT_EQ(loop->run([] { return many(3'000'000); }), 42L * 3'000'000);
}

Task<long> many_after_a_wait(long count) {
  co_await yield_now();
  long sum = 0;
  for (long i = 0; i < count; ++i) {
    int value = co_await answer();
    sum += value;
  }
  co_return sum;
}

Task<long> many_after_a_child_waited(long count) {
  long first = co_await many_after_a_wait(count);
  long second = co_await many(count);
  co_return first + second;
}

TEST_P(Loops, DoNotGrowTheStackByReadyAwaitsThatFollowAWait) {
  auto loop = make_loop();
  EXPECT_EQ(loop->run([] { return many_after_a_child_waited(1'500'000); }), 42L * 3'000'000);
}

Task<int> answer_later() {
  co_await yield_now();
  co_return 42;
}

Task<long> many_that_wait(long count) {
  long sum = 0;
  for (long i = 0; i < count; ++i) {
    int value = co_await answer_later();
    sum += value;
  }
  co_return sum;
}

TEST_P(Loops, DoNotGrowTheStackByChildrenThatWait) {
  auto loop = make_loop();
  EXPECT_EQ(loop->run([] { return many_that_wait(300'000); }), 42L * 300'000);
}

Task<int> throw_late() {
  co_await yield_now();
  throw std::runtime_error("late");
}

TEST_P(Loops, RethrowWhatLeavesTheTaskAndRunOn) {
  auto loop = make_loop();
  EXPECT_THROW(loop->run(throw_late), std::runtime_error);
  EXPECT_EQ(loop->run(twice), 84);
}

Task<std::uint16_t> port_of(TcpListener listener) { co_return listener.address().port(); }

TEST_P(Loops, RunTheFactoryAsPartOfTheLoop) {
  auto loop = make_loop();
  std::uint16_t port = loop->run([] {
    SocketAddress any = SocketAddress::from_ip("127.0.0.1", 0).value();
    return port_of(TcpListener::bind(any).value());
  });
  EXPECT_NE(port, 0);
  EXPECT_EQ(Loop::current_or_null(), nullptr);
}

Task<Result<std::string>> echo_once(TcpListener& listener) {
  RINGPULL_CO_TRY(TcpStream stream, co_await listener.accept());
  std::string text(5, '\0');
  RINGPULL_CO_CHECK(co_await stream.read_exact(std::as_writable_bytes(std::span(text))));
  RINGPULL_CO_CHECK(co_await stream.write_all(std::as_bytes(std::span(text))));
  co_return text;
}

Task<Result<std::string>> ask(SocketAddress address) {
  RINGPULL_CO_TRY(TcpStream stream, co_await TcpStream::connect(address));
  std::string text = "hello";
  RINGPULL_CO_CHECK(co_await stream.write_all(std::as_bytes(std::span(text))));
  std::string reply(5, '\0');
  RINGPULL_CO_CHECK(co_await stream.read_exact(std::as_writable_bytes(std::span(reply))));
  co_return reply;
}

Task<std::string> echo_both() {
  SocketAddress any = SocketAddress::from_ip("127.0.0.1", 0).value();
  TcpListener listener = TcpListener::bind(any).value();
  auto both = co_await when_all(echo_once(listener), ask(listener.address()));
  co_return both.first.value() + both.second.value();
}

TEST_P(Loops, CarryBytesBetweenTwoTasks) {
  auto loop = make_loop();
  EXPECT_EQ(loop->run(echo_both), "hellohello");
}

Task<ErrorKind> accept_until_deadline() {
  SocketAddress any = SocketAddress::from_ip("127.0.0.1", 0).value();
  TcpListener listener = TcpListener::bind(any).value();
  auto accepted = co_await with_deadline(Deadline::after(5ms), listener.accept());
  co_return accepted.error().kind();
}

TEST_P(Loops, EndAnOperationInTheKernelByADeadline) {
  auto loop = make_loop();
  EXPECT_EQ(loop->run(accept_until_deadline), ErrorKind::timed_out);
}

Task<void> wait_for(Event& event, std::atomic<Loop*>& self) {
  self.store(&Loop::current());
  auto waited = co_await event.wait();
  EXPECT_TRUE(waited.has_value());
}

Task<void> set_on(Loop& peer, Event& event) {
  peer.post([&event] { event.set(); });
  co_return;
}

TEST_P(Loops, SendWhatTheyPostedToAPeerAlthoughTheyReturnAtOnce) {
  Event event;
  std::atomic<Loop*> peer{nullptr};
  std::latch both_ran(2);  // a loop must not die while another thread posts to it
  std::thread other([this, &event, &peer, &both_ran] {
    auto loop = make_loop();
    loop->run([&] { return wait_for(event, peer); });
    both_ran.arrive_and_wait();
  });
  while (peer.load() == nullptr) std::this_thread::yield();
  auto loop = make_loop();
  loop->run([&] { return set_on(*peer, event); });
  both_ran.arrive_and_wait();
  other.join();
}

/// Counts what posters send, and checks that each poster's functions run in its order.
class Tally {
 public:
  Tally(int posters, int posts_each)
      : next_(static_cast<std::size_t>(posters)), left_(posters * posts_each) {}
  void count(int poster, int number) {
    int& next = next_[static_cast<std::size_t>(poster)];
    EXPECT_EQ(number, next);
    next = number + 1;
    if (--left_ == 0) done.set();
  }
  Event done;

 private:
  std::vector<int> next_;
  int left_;
};

Task<void> wait_until_done(Tally& tally) {
  auto waited = co_await tally.done.wait();
  EXPECT_TRUE(waited);
}

TEST_P(Loops, RunWhatEightThreadsPostInTheOrderOfEachThread) {
  constexpr int kPosters = 8;
  constexpr int kPostsEach = 5'000;
  auto loop = make_loop();
  Tally tally(kPosters, kPostsEach);
  std::vector<std::thread> posters;
  for (int poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&loop, &tally, poster] {
      for (int i = 0; i < kPostsEach; ++i) {
        loop->post([&tally, poster, i] { tally.count(poster, i); });
      }
    });
  }
  loop->run([&] { return wait_until_done(tally); });
  for (auto& poster : posters) poster.join();
}

Task<void> wait_for_each(Loop& loop, std::atomic<int>& asked, int count) {
  for (int i = 0; i < count; ++i) {
    Event event;
    std::thread poster([&loop, &event, &asked] {
      asked.fetch_add(1);
      loop.post([&event] { event.set(); });
    });
    auto waited = co_await event.wait();
    EXPECT_TRUE(waited);
    poster.join();
  }
}

TEST_P(Loops, WakeForEachPostWhenAsleep) {
  auto loop = make_loop();
  std::atomic<int> asked = 0;
  loop->run([&] { return wait_for_each(*loop, asked, 200); });
  EXPECT_EQ(asked.load(), 200);
}

TEST_P(Loops, DropWhatWasPostedAndNeverRun) {
  auto held = std::make_shared<int>(1);
  {
    auto loop = make_loop();
    loop->post([held] { FAIL() << "it ran"; });
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace ringpull::engine
