// A stop that meets an operation at the moment when the kernel looks at it again.

#include <chrono>
#include <gtest/gtest.h>
#include <vector>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/tcp.hpp>

#include "tests/support/on_each_backend.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;

class StopRace : public ringpull::testing::OnEachBackend {};

Task<void> write_into(TcpStream& stream, ConstBytes bytes, Result<void>& outcome) {
  outcome = co_await stream.write_all(bytes);
}

/// The peer's FIN wakes the receive and the blocked send alike. The send finds no room; while the
/// kernel arms its poll again it is not to be found by a cancel, and the stop came just then.
Task<void> stop_a_blocked_send_at_the_end_of_the_peer() {
  auto any = SocketAddress::from_ip("127.0.0.1", 0).value();
  auto listener = TcpListener::bind(any).value();
  auto near = co_await TcpStream::connect(listener.address());
  auto far = co_await listener.accept();
  std::vector<std::byte> bytes(64 << 20);  // more than the sockets take in
  Result<void> outcome;
  Context& context = co_await current_context();
  Scope scope(context);
  scope.spawn(write_into(near.value(), bytes, outcome));
  std::byte first{};
  auto started = co_await far->read_exact(MutableBytes(&first, 1));
  EXPECT_TRUE(started);
  far->shutdown_write();
  std::byte byte{};
  auto end = co_await near->read_some(MutableBytes(&byte, 1));
  EXPECT_EQ(end.value(), 0u);
  scope.request_stop();
  auto begun = Clock::now();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  EXPECT_LT(Clock::now() - begun, 15s) << "ended by TCP_USER_TIMEOUT, not by the stop";
  EXPECT_EQ(outcome.error().kind(), ErrorKind::cancelled);
}

TEST_P(StopRace, AStopIsNotLostOnASendThatTheKernelIsTryingAgain) {
  run([] { return stop_a_blocked_send_at_the_end_of_the_peer(); });
}

RINGPULL_ON_EACH_BACKEND(StopRace);

}  // namespace
}  // namespace ringpull::engine
