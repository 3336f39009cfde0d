// How long a request waits for the first byte of its answer, on a clock that the test puts forward.
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/http/client.hpp>

#include "tests/support/fixed_resolver.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/shifted_clock.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ringpull::testing::FixedResolver;
using ringpull::testing::hold;
using ringpull::testing::ok;
using ringpull::testing::read_bytes;
using ringpull::testing::read_head;
using ringpull::testing::ScriptedPeer;
using ringpull::testing::ShiftedClock;
using ringpull::testing::write;

/// Small bodies go out with the head; while a large one does, its answer is already listened for.
constexpr std::size_t kSmall = 3;
constexpr std::size_t kLarge = 1 << 20;

/// A client whose limit is a minute, and a peer that answers one request and then none.
class Silence {
 public:
  explicit Silence(std::size_t body_bytes) : body_(body_bytes, 'x') {}

  SendOptions answered;  // of the first request
  SendOptions silent;    // of the second, on the same connection

  /// How long the second request waits, to ten seconds.
  std::chrono::seconds wait() {
    auto shifted =
        std::make_unique<ShiftedClock>(engine::make_backend(engine::BackendOptions()).value());
    clock_ = shifted.get();
    auto loop = engine::Loop::create(std::move(shifted), engine::LoopOptions());
    loop->run([&] { return both(); });
    return waited_;
  }
  /// What it ended with.
  const Error& error() const { return *error_; }

 private:
  Task<void> both() {
    peer_.emplace(ScriptedPeer::create({{read_head(), read_bytes(body_.size()), write(ok("")),
                                         read_head(), read_bytes(body_.size()), hold()}})
                      .value());
    ClientOptions options;
    options.limits.first_byte = 60s;
    client_ = Client::create(options, resolver_).value();
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(peer_->run());
    auto first = co_await send(answered);
    EXPECT_TRUE(first);
    scope.spawn(send_and_note());
    while (peer_->bodies().size() < 2 * body_.size()) co_await turns();
    co_await turns();
    EXPECT_EQ(peer_->accepted(), 1u);
    while (!error_) {
      clock_->advance(10s);
      waited_ += 10s;
      co_await turns();
    }
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    client_.reset();
    peer_.reset();
  }

  /// Of the loop: whatever is ready happens, and a moved clock is seen.
  static Task<void> turns() {
    for (int i = 0; i < 4; ++i) {
      auto slept = co_await engine::sleep_for(1us);
      EXPECT_TRUE(slept);
    }
  }

  Task<Result<void>> send(const SendOptions& options) {
    Url url = Url::parse(peer_->url("/o")).value();
    RequestHead head("PUT", "/o");
    SpanSource body(std::as_bytes(std::span<const char>(body_)));
    auto response = co_await client_->send(url, head, body, options);
    if (!response) co_return fail(std::move(response).error());
    co_return Result<void>();
  }

  Task<void> send_and_note() {
    auto sent = co_await send(silent);
    EXPECT_FALSE(sent);
    error_ = std::move(sent).error();
  }

  std::string body_;
  FixedResolver resolver_;
  ShiftedClock* clock_ = nullptr;
  std::optional<ScriptedPeer> peer_;
  std::unique_ptr<Client> client_;
  std::optional<Error> error_;
  std::chrono::seconds waited_{0};
};

class HttpFirstByte : public ::testing::TestWithParam<std::size_t> {
 protected:
  Silence silence{GetParam()};
};

TEST_P(HttpFirstByte, IsWaitedForAsLongAsTheClientsLimitSays) {
  EXPECT_EQ(silence.wait(), 60s);
  EXPECT_EQ(silence.error().kind(), ErrorKind::timed_out);
  EXPECT_TRUE(silence.error().maybe_applied());
  EXPECT_NE(silence.error().message().find("no response within 60 s (TimeLimits::first_byte)"),
            std::string::npos)
      << silence.error().message();
}

TEST_P(HttpFirstByte, IsWaitedForAsLongAsTheRequestSaysWhereThatIsLonger) {
  silence.silent.first_byte = 10min;
  EXPECT_EQ(silence.wait(), 10min);
  EXPECT_EQ(silence.error().kind(), ErrorKind::timed_out);
  EXPECT_TRUE(silence.error().maybe_applied());
  EXPECT_NE(silence.error().message().find("no response within 600 s (SendOptions::first_byte)"),
            std::string::npos)
      << silence.error().message();
}

TEST_P(HttpFirstByte, IsWaitedForAsLongAsTheRequestSaysWhereThatIsShorter) {
  silence.silent.first_byte = 20s;
  EXPECT_EQ(silence.wait(), 20s);
}

TEST_P(HttpFirstByte, IsNotWaitedForAsLongAsTheRequestBeforeOnTheConnectionSaid) {
  silence.answered.first_byte = 10min;
  EXPECT_EQ(silence.wait(), 60s);
}

INSTANTIATE_TEST_SUITE_P(OfBodies, HttpFirstByte, ::testing::Values(kSmall, kLarge),
                         [](const auto& info) {
                           return std::string(info.param == kSmall ? "small" : "large");
                         });

}  // namespace
}  // namespace ringpull::http
