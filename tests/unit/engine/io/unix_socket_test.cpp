#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/unix_socket.hpp>

#include "tests/support/on_each_backend.hpp"
#include "tests/support/temp_dir.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;

class UnixSocketTest : public ringpull::testing::OnEachBackend {
 protected:
  std::string path(const std::string& name) const { return dir_.file(name); }

 private:
  ringpull::testing::TempDir dir_;
};
RINGPULL_ON_EACH_BACKEND(UnixSocketTest);

MutableBytes room_in(std::string& text) { return std::as_writable_bytes(std::span(text)); }

Task<Result<std::string>> echo_once(UnixListener& listener) {
  RINGPULL_CO_TRY(UnixStream stream, co_await listener.accept());
  std::string text(5, '\0');
  RINGPULL_CO_CHECK(co_await stream.read_exact(room_in(text)));
  RINGPULL_CO_CHECK(co_await stream.write_all(room_in(text)));
  co_return text;
}

Task<Result<std::string>> ask(std::string path) {
  RINGPULL_CO_TRY(SocketAddress address, SocketAddress::from_unix_path(path));
  RINGPULL_CO_TRY(UnixStream stream, co_await UnixStream::connect(address));
  std::string text = "hello";
  RINGPULL_CO_CHECK(co_await stream.write_all(room_in(text)));
  std::string reply(5, '\0');
  RINGPULL_CO_CHECK(co_await stream.read_exact(room_in(reply)));
  co_return reply;
}

Task<Result<std::string>> talk_over(std::string path) {
  RINGPULL_CO_TRY(UnixListener listener, UnixListener::bind(path));
  auto both = co_await when_all(echo_once(listener), ask(path));
  RINGPULL_CO_TRY(std::string served, std::move(both.first));
  RINGPULL_CO_TRY(std::string asked, std::move(both.second));
  co_return served + asked;
}

TEST_P(UnixSocketTest, ConnectsByAPathAndRemovesItAtTheEnd) {
  auto text = run([&] { return talk_over(path("s")); });
  EXPECT_EQ(text.value(), "hellohello");
  EXPECT_FALSE(std::filesystem::exists(path("s")));
}

TEST_P(UnixSocketTest, ConnectsByAnAbstractName) {
  std::string name = "@ringpull-test-" + std::to_string(::getpid());
  auto text = run([&] { return talk_over(name); });
  EXPECT_EQ(text.value(), "hellohello");
}

Task<Result<std::string>> talk_over_a_pair() {
  RINGPULL_CO_TRY(auto ends, UnixStream::pair());
  std::string text = "pair!";
  RINGPULL_CO_CHECK(co_await ends.first.write_all(room_in(text)));
  ends.first.shutdown_write();
  std::string got(5, '\0');
  RINGPULL_CO_CHECK(co_await ends.second.read_exact(room_in(got)));
  RINGPULL_CO_TRY(std::size_t end, co_await ends.second.read_some(room_in(text)));
  co_return got + std::to_string(end);
}

TEST_P(UnixSocketTest, APairIsConnected) { EXPECT_EQ(run(talk_over_a_pair).value(), "pair!0"); }

Task<Result<ErrorKind>> bind_twice(std::string path) {
  RINGPULL_CO_TRY(UnixListener first, UnixListener::bind(path));
  auto second = UnixListener::bind(path);
  co_return second ? ErrorKind::internal : second.error().kind();
}

TEST_P(UnixSocketTest, APathThatExistsIsRefused) {
  EXPECT_EQ(run([&] { return bind_twice(path("s")); }).value(), ErrorKind::already_exists);
}

TEST_P(UnixSocketTest, ConnectingToNothingIsNotFound) {
  auto refused = run([&] { return ask(path("none")); });
  EXPECT_EQ(refused.error().kind(), ErrorKind::not_found) << refused.error().message();
}

Task<Result<std::string>> ask_where_nobody_listens(std::string path) {
  RINGPULL_CO_TRY(SocketAddress address, SocketAddress::from_unix_path(path));
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(socket.get(), address.get(), address.length()) != 0) {
    co_return fail(ErrorKind::internal, "bind");
  }
  auto asked = co_await ask(path);
  co_return asked;
}

TEST_P(UnixSocketTest, ConnectingWhereNobodyListensIsUnavailable) {
  auto refused = run([&] { return ask_where_nobody_listens(path("s")); });
  EXPECT_EQ(refused.error().kind(), ErrorKind::unavailable) << refused.error().message();
}

Task<Result<ErrorKind>> accept_until_deadline(std::string path) {
  RINGPULL_CO_TRY(UnixListener listener, UnixListener::bind(path));
  auto accepted = co_await with_deadline(Deadline::after(1ms), listener.accept());
  co_return accepted ? ErrorKind::internal : accepted.error().kind();
}

TEST_P(UnixSocketTest, AcceptEndsAtItsDeadline) {
  EXPECT_EQ(run([&] { return accept_until_deadline(path("s")); }).value(), ErrorKind::timed_out);
}

Task<Result<bool>> move_a_listener(std::string path) {
  RINGPULL_CO_TRY(UnixListener first, UnixListener::bind(path));
  UnixListener second = std::move(first);
  first.close();  // NOLINT(bugprone-use-after-move)
  bool kept = std::filesystem::exists(path);
  first = std::move(second);
  kept = kept && std::filesystem::exists(path);
  first.close();
  co_return kept && !std::filesystem::exists(path);
}

TEST_P(UnixSocketTest, TheFileGoesWithTheListenerThatHoldsIt) {
  EXPECT_TRUE(run([&] { return move_a_listener(path("s")); }).value());
}

TEST_P(UnixSocketTest, APathTooLongIsRefused) {
  auto refused = run([] { return ask(std::string(108, 'x')); });
  EXPECT_EQ(refused.error().kind(), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace ringpull::engine
