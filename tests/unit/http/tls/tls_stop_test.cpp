// A stop or a deadline at every stage of a TLS connection: what it ends, what goes on, and that
// nothing leaks (under AddressSanitizer).
#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/tls_pair.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::StopSource;
using engine::Task;
using test::gives;
using test::random_text;
using test::read_text;
using test::readable;
using test::shake;
using test::succeeds;
using test::TlsPair;
using test::writable;
using test::write_text;

Task<Result<void>> stop_after_turns(StopSource& source, int turns) {
  const engine::BackendStats& stats = engine::Loop::current().backend().stats();
  for (int i = 0; i < turns; ++i) {
    const std::uint64_t enters = stats.enters;
    while (stats.enters == enters) co_await engine::yield_now();
  }
  source.request_stop();
  co_return Result<void>();
}

Task<Result<TlsStream>> stoppable_connect(StopSource& source, engine::TcpStream tcp,
                                          TlsClientContext& context) {
  std::string host = "localhost";
  auto stream = co_await engine::with_stop(
      source, TlsStream::connect(std::move(tcp), context, std::move(host), 443));
  co_return stream;
}

Task<Result<TlsStream>> stoppable_accept(StopSource& source, engine::TcpStream tcp,
                                         TlsServerContext& context) {
  auto stream = co_await engine::with_stop(source, TlsStream::accept(std::move(tcp), context));
  co_return stream;
}

/// Both ends shake hands while a stop of one of them comes after `turns`; true when it came too
/// late.
Task<bool> stop_in_handshake(const TlsPair& pair, bool at_client, int turns) {
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  auto server = pair.server();
  StopSource stop;
  StopSource never;
  StopSource& client_stop = at_client ? stop : never;
  StopSource& server_stop = at_client ? never : stop;
  auto ends = co_await engine::when_all(
      engine::when_all(stoppable_connect(client_stop, std::move(near), client),
                       stoppable_accept(server_stop, std::move(far), server)),
      stop_after_turns(stop, turns));
  const Result<TlsStream>& stopped = at_client ? ends.first.first : ends.first.second;
  if (stopped) co_return true;
  EXPECT_EQ(stopped.error().kind(), ErrorKind::cancelled) << stopped.error().message();
  co_return false;
}

TEST(TlsStop, EndsTheHandshakeAtAnyOfItsTurns) {
  const TlsPair pair;
  for (bool at_client : {true, false}) {
    int turns = 0;
    bool late = false;
    while (!late && turns < 100) {
      auto loop = test::make_loop();
      late = loop->run([&] { return stop_in_handshake(pair, at_client, turns); });
      ++turns;
    }
    EXPECT_GT(turns, 2) << "it was stopped at several stages";
    EXPECT_TRUE(late) << "and in the end it was not";
  }
}

Task<void> before_it_starts() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  StopSource stop;
  stop.request_stop();
  std::string text(1, '\0');
  auto read = co_await engine::with_stop(stop, ends.client->read_exact(writable(text)));
  EXPECT_EQ(read.error().kind(), ErrorKind::cancelled);
  auto written = co_await engine::with_stop(stop, write_text(*ends.client, text));
  EXPECT_EQ(written.error().kind(), ErrorKind::cancelled);
  EXPECT_EQ(written.error().bytes_done(), 0U);
}
TEST(TlsStop, BeforeATransferStartsEndsIt) { RINGPULL_RUN(before_it_starts); }

Task<void> read_continues() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  const std::string text = random_text(50'000, 1);
  auto sent = co_await write_text(*ends.server, text.substr(0, 20'000));
  EXPECT_TRUE(succeeds(sent));
  std::string got(text.size(), '\0');
  auto read =
      co_await engine::with_deadline(Deadline::after(5ms), ends.client->read_exact(writable(got)));
  EXPECT_EQ(read.error().kind(), ErrorKind::timed_out);
  EXPECT_EQ(read.error().bytes_done(), 20'000U);
  const std::string rest = text.substr(20'000);
  auto moved = co_await engine::when_all(
      write_text(*ends.server, rest),
      ends.client->read_exact(writable(got).subspan(read.error().bytes_done())));
  EXPECT_TRUE(succeeds(moved.second));
  EXPECT_TRUE(got == text);
}
TEST(TlsStop, OfAReadLosesNothingAndTheNextGoesOn) { RINGPULL_RUN(read_continues); }

Task<void> read_some_continues() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  std::string got(10, '\0');
  auto read =
      co_await engine::with_deadline(Deadline::after(5ms), ends.client->read_some(writable(got)));
  EXPECT_EQ(read.error().kind(), ErrorKind::timed_out);
  auto sent = co_await write_text(*ends.server, "late");
  EXPECT_TRUE(succeeds(sent));
  auto again = co_await ends.client->read_some(writable(got));
  EXPECT_TRUE(gives(again, std::size_t{4}));
}
TEST(TlsStop, OfAReadOfSomeLosesNothing) { RINGPULL_RUN(read_some_continues); }

Task<void> write_is_final() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  const std::string text = random_text(4'000'000, 2);
  auto written =
      co_await engine::with_deadline(Deadline::after(5ms), write_text(*ends.client, text));
  EXPECT_EQ(written.error().kind(), ErrorKind::timed_out);
  EXPECT_LT(written.error().bytes_done(), text.size());
  const std::uint64_t sent = written.error().bytes_done();
  auto again = co_await write_text(*ends.client, text);
  EXPECT_EQ(again.error().kind(), ErrorKind::connection_closed);
  EXPECT_EQ(again.error().bytes_done(), 0U);
  co_await ends.client->close();

  std::string got(text.size(), '\0');
  auto read = co_await ends.server->read_exact(writable(got));
  EXPECT_EQ(read.error().kind(), ErrorKind::truncated) << "no close_notify inside a cut record";
  EXPECT_GE(read.error().bytes_done(), sent) << "what was counted has arrived";
  EXPECT_EQ(got.substr(0, sent), text.substr(0, sent));
}
TEST(TlsStop, OfAWriteEndsAllWritingAndCountsOnlyWhatWasSent) { RINGPULL_RUN(write_is_final); }

Task<void> reading_after_a_stopped_write() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  const std::string text = random_text(4'000'000, 3);
  auto written =
      co_await engine::with_deadline(Deadline::after(5ms), write_text(*ends.client, text));
  EXPECT_EQ(written.error().kind(), ErrorKind::timed_out);
  auto answered = co_await write_text(*ends.server, "413 too large");
  EXPECT_TRUE(succeeds(answered));
  auto read = co_await read_text(*ends.client, 13);
  EXPECT_TRUE(gives(read, std::string("413 too large")));
}
TEST(TlsStop, OfAWriteLeavesReadingAlone) { RINGPULL_RUN(reading_after_a_stopped_write); }

Task<void> close_under_a_stop() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  StopSource stop;
  stop.request_stop();
  co_await engine::with_stop(stop, ends.client->close());
  std::string text(1, '\0');
  auto end = co_await ends.server->read_some(writable(text));
  EXPECT_TRUE(gives(end, std::size_t{0})) << "close_notify was sent all the same";
}
TEST(TlsStop, DoesNotReachClose) { RINGPULL_RUN(close_under_a_stop); }

Task<void> close_behind_a_full_buffer() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  std::string filler(65536, 'x');
  for (;;) {  // fills the kernel's buffer with what is no TLS at all
    auto sent = ends.client->tcp().try_write(readable(filler));
    if (!sent || *sent == 0) break;
  }
  const auto begin = engine::Clock::now();
  co_await ends.client->close();
  EXPECT_LT(engine::Clock::now() - begin, TlsStream::kCloseTimeMax + 2s);
  EXPECT_FALSE(ends.client->tcp().is_open());
}
TEST(TlsStop, CloseIsBoundedWhereThePeerDoesNotRead) { RINGPULL_RUN(close_behind_a_full_buffer); }

}  // namespace
}  // namespace ringpull::http
