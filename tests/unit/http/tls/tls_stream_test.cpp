// TLS streams between our own two ends, or against an end built straight on OpenSSL that does what
// ours never would.
#include <chrono>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/tls_pair.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::ConstBytes;
using engine::Deadline;
using engine::Liveness;
using engine::Task;
using test::gives;
using test::random_text;
using test::RawPeer;
using test::read_text;
using test::readable;
using test::shake;
using test::succeeds;
using test::TlsPair;
using test::writable;
using test::write_text;

Task<void> agree_on_the_best() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  EXPECT_TRUE(ends.client && ends.server);
  const TlsInfo info = ends.client->info();
  EXPECT_EQ(info.version, "TLSv1.3");
  EXPECT_EQ(info.cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(info.alpn, "http/1.1");
  EXPECT_FALSE(info.resumed);
  EXPECT_EQ(ends.server->info().alpn, "http/1.1");
}
TEST(TlsStream, AgreesOnTls13AndAes128AndHttp11) { RINGPULL_RUN(agree_on_the_best); }

Task<void> exchange(TlsStream& near, TlsStream& far, std::size_t size) {
  const std::string up = random_text(size, 1);
  const std::string down = random_text(size, 2);
  std::vector<Task<Result<std::string>>> reads;
  reads.push_back(read_text(near, size));
  reads.push_back(read_text(far, size));
  std::vector<Task<Result<void>>> writes;
  writes.push_back(write_text(near, up));
  writes.push_back(write_text(far, down));
  auto done = co_await engine::when_all(engine::when_all(std::move(reads)),
                                        engine::when_all(std::move(writes)));
  for (auto& written : done.second) EXPECT_TRUE(written) << written.error().message();
  EXPECT_TRUE(gives(done.first[0], down));
  EXPECT_TRUE(gives(done.first[1], up));
}

Task<void> both_directions_at_once() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  co_await exchange(*ends.client, *ends.server, 5'000'001);
}
TEST(TlsStream, CarriesBothDirectionsAtOnce) { RINGPULL_RUN(both_directions_at_once); }

Task<void> tls_1_2() {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair,
               [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); });
  auto ends = co_await shake(std::move(near), client, peer);
  EXPECT_TRUE(ends.client);
  EXPECT_EQ(ends.client->info().version, "TLSv1.2");
  EXPECT_EQ(ends.client->info().cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  EXPECT_EQ(ends.client->info().alpn, "");
  const std::string text = random_text(100'000, 3);
  auto moved =
      co_await engine::when_all(read_text(*ends.client, text.size()),
                                peer->write(readable(text), std::span<const engine::ConstBytes>()));
  EXPECT_TRUE(gives(moved.first, text));
}
TEST(TlsStream, FallsBackToTls12) { RINGPULL_RUN(tls_1_2); }

Task<Result<void>> through_relay(const TlsPair& pair, std::size_t piece) {
  auto [near, near_relay] = test::socket_pair();
  auto [far_relay, far] = test::socket_pair();
  auto client = pair.client();
  auto server = pair.server();
  engine::Context& context = co_await engine::current_context();
  engine::Scope relays(context);
  relays.spawn(test::relay(near_relay, far_relay, piece));
  relays.spawn(test::relay(far_relay, near_relay, piece));
  auto ends = co_await shake(std::move(near), std::move(far), client, server);
  EXPECT_TRUE(ends.client && ends.server);
  co_await exchange(*ends.client, *ends.server, 40'000);
  co_await ends.client->close();
  co_await ends.server->close();
  auto joined = co_await relays.join();
  co_return joined;
}

Task<void> cut_into_pieces(std::size_t piece) {
  const TlsPair pair;
  auto done = co_await through_relay(pair, piece);
  EXPECT_TRUE(done);
}
TEST(TlsStream, SurvivesRecordsCutAtEveryByte) {
  for (std::size_t piece : {1, 2, 3, 5, 7, 21, 22, 1000}) {
    SCOPED_TRACE(piece);
    RINGPULL_RUN([piece] { return cut_into_pieces(piece); });
  }
}

/// Some blocks' worth each, so that a read waits for half a block at a time until less is left,
/// with a record cut wherever the kernel cuts it.
Task<void> bodies_of_many_sizes() {
  TlsPair pair;
  pair.client_options.receive_buffer_bytes = 64 * 1024;
  auto ends = co_await test::shake_over_tcp(pair);
  for (std::size_t size = 100'000; size < 400'000; size += 2'999) {
    const std::string text = random_text(size, 5);
    auto limit = Deadline::after(10s);
    auto moved = co_await engine::with_deadline(
        limit, engine::when_all(write_text(*ends.server, text), read_text(*ends.client, size)));
    EXPECT_TRUE(gives(moved.second, text)) << size;
    if (!moved.second) co_return;
  }
  // Nothing of it is left: a single byte is noticed.
  const std::string text = "x";
  auto limit = Deadline::after(10s);
  auto moved = co_await engine::with_deadline(
      limit, engine::when_all(write_text(*ends.server, text), read_text(*ends.client, 1)));
  EXPECT_TRUE(gives(moved.second, text));
}
TEST(TlsStream, ReadsBodiesOfAnySizeToTheirLastByte) { RINGPULL_RUN(bodies_of_many_sizes); }

Task<Result<void>> write_byte_by_byte(TlsStream& stream, const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    RINGPULL_CO_CHECK(co_await stream.write_all(readable(text).subspan(i, 1)));
  }
  co_return Result<void>();
}

Task<void> one_byte_records() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  const std::string text = random_text(3000, 4);
  auto moved = co_await engine::when_all(write_byte_by_byte(*ends.server, text),
                                         read_text(*ends.client, text.size()));
  EXPECT_TRUE(gives(moved.second, text));
}
TEST(TlsStream, ReadsRecordsOfOneByte) { RINGPULL_RUN(one_byte_records); }

Task<void> empty_spans() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  auto read = co_await ends.client->read_exact(engine::MutableBytes());
  EXPECT_TRUE(read);
  auto written = co_await ends.client->write_all(engine::ConstBytes());
  EXPECT_TRUE(written);
  std::vector<ConstBytes> none;
  auto none_written = co_await ends.client->write_vectors(none);
  EXPECT_TRUE(none_written);
  std::vector<ConstBytes> hollow(3);
  auto hollow_written = co_await ends.client->write_vectors(hollow);
  EXPECT_TRUE(hollow_written);
}
TEST(TlsStream, CompletesEmptyTransfersAtOnce) { RINGPULL_RUN(empty_spans); }

Task<void> small_pieces_share_a_record() {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair, [](SSL_CTX*) {});
  auto ends = co_await shake(std::move(near), client, peer);
  const std::string a = "head", b = "", c = "body", d = std::string(20'000, 'd');
  std::vector<ConstBytes> pieces{readable(a), readable(b), readable(c), readable(d)};
  auto written = co_await ends.client->write_vectors(pieces);
  EXPECT_TRUE(written);
  std::string first(1, '\0');
  auto read = co_await peer->read_exact(writable(first));
  EXPECT_TRUE(read);
  EXPECT_EQ(SSL_pending(peer.ssl()), 16 * 1024 - 1) << "the first record is full";
  std::string rest(a.size() + c.size() + d.size() - 1, '\0');
  auto read_rest = co_await peer->read_exact(writable(rest));
  EXPECT_TRUE(read_rest);
  EXPECT_EQ(first + rest, a + c + d);
}
TEST(TlsStream, PutsSmallPiecesIntoOneRecord) { RINGPULL_RUN(small_pieces_share_a_record); }

Task<void> pieces_of_any_size(unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<std::string> texts;
  std::string all;
  for (int i = 0; i < 40; ++i) {
    texts.push_back(random_text(generator() % (i % 4 == 0 ? 70'000 : 300), generator()));
    all += texts.back();
  }
  std::vector<ConstBytes> pieces;
  for (const std::string& text : texts) pieces.push_back(readable(text));
  const TlsPair pair;
  auto ends = co_await shake(pair);
  auto moved = co_await engine::when_all(ends.client->write_vectors(pieces),
                                         read_text(*ends.server, all.size()));
  EXPECT_TRUE(gives(moved.second, all));
}
TEST(TlsStream, WritesPiecesOfAnySizeInOrder) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE(seed);
    RINGPULL_RUN([seed] { return pieces_of_any_size(seed); });
  }
}

// The end of the stream, in its forms.

Task<void> clean_end() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  auto written = co_await write_text(*ends.server, "abc");
  EXPECT_TRUE(written);
  co_await ends.server->close();
  std::string text(10, '\0');
  auto short_read = co_await ends.client->read_exact(writable(text));
  EXPECT_EQ(short_read.error().kind(), ErrorKind::connection_closed);
  EXPECT_EQ(short_read.error().bytes_done(), 3U);
  EXPECT_EQ(text.substr(0, 3), "abc");
  for (int i = 0; i < 2; ++i) {
    auto end = co_await ends.client->read_some(writable(text));
    EXPECT_TRUE(gives(end, std::size_t{0}));
  }
}
TEST(TlsStream, TellsTheEndByCloseNotify) { RINGPULL_RUN(clean_end); }

Task<void> truncated_end() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  auto written = co_await write_text(*ends.server, "abc");
  EXPECT_TRUE(written);
  ends.server->tcp().close();
  std::string text(10, '\0');
  auto short_read = co_await ends.client->read_exact(writable(text));
  EXPECT_EQ(short_read.error().kind(), ErrorKind::truncated);
  EXPECT_EQ(short_read.error().bytes_done(), 3U);
  for (int i = 0; i < 2; ++i) {
    auto end = co_await ends.client->read_some(writable(text));
    EXPECT_EQ(end.error().kind(), ErrorKind::truncated);
  }
}
TEST(TlsStream, TellsATruncatedStreamFromAnEnd) { RINGPULL_RUN(truncated_end); }

Task<void> cut_record() {
  const TlsPair pair;
  auto [near, near_relay] = test::socket_pair();
  auto [far_relay, far] = test::socket_pair();
  auto client = pair.client();
  auto server = pair.server();
  engine::Context& context = co_await engine::current_context();
  engine::Scope relays(context);
  relays.spawn(test::relay(near_relay, far_relay, 65536));
  relays.spawn(test::relay(far_relay, near_relay, 65536));
  auto ends = co_await shake(std::move(near), std::move(far), client, server);
  relays.request_stop();
  auto joined = co_await relays.join();
  EXPECT_TRUE(joined);
  auto written = co_await write_text(*ends.server, std::string(1000, 'x'));
  EXPECT_TRUE(written);
  std::string wire(65536, '\0');
  auto count = co_await far_relay.read_some(writable(wire));
  auto sent = co_await near_relay.write_all(readable(wire).first(*count - 1));
  EXPECT_TRUE(sent);
  near_relay.close();
  std::string text(1000, '\0');
  auto read = co_await ends.client->read_exact(writable(text));
  EXPECT_EQ(read.error().kind(), ErrorKind::truncated);
  EXPECT_EQ(read.error().bytes_done(), 0U) << "no byte of a record that was not authenticated";
}
TEST(TlsStream, GivesNoByteOfARecordThatIsCut) { RINGPULL_RUN(cut_record); }

Task<void> broken_record() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  const std::string junk = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'j');
  auto sent = co_await ends.server->tcp().write_all(readable(junk));
  EXPECT_TRUE(sent);
  std::string text(10, '\0');
  for (int i = 0; i < 2; ++i) {
    auto read = co_await ends.client->read_some(writable(text));
    EXPECT_EQ(test::failure_of(read), TlsFailure::record);
  }
  auto told = co_await ends.server->read_some(writable(text));
  EXPECT_EQ(test::failure_of(told), TlsFailure::record) << "the alert reaches the peer";
}
TEST(TlsStream, RefusesABrokenRecordForGood) { RINGPULL_RUN(broken_record); }

Task<void> reset() {
  const TlsPair pair;
  auto ends = co_await test::shake_over_tcp(pair);
  EXPECT_TRUE(ends.client && ends.server);
  linger abort{};
  abort.l_onoff = 1;
  ::setsockopt(ends.server->tcp().fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  ends.server->tcp().close();
  std::string text(10, '\0');
  for (int i = 0; i < 2; ++i) {
    auto read = co_await ends.client->read_some(writable(text));
    EXPECT_EQ(read.error().kind(), ErrorKind::connection_closed);
  }
}
TEST(TlsStream, ReportsAResetAsConnectionClosed) { RINGPULL_RUN(reset); }

Task<void> half_close() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  auto said = co_await ends.client->shutdown_write();
  EXPECT_TRUE(said);
  std::string text(10, '\0');
  auto end = co_await ends.server->read_some(writable(text));
  EXPECT_TRUE(gives(end, std::size_t{0}));
  const std::string answer = random_text(200'000, 5);
  auto moved = co_await engine::when_all(write_text(*ends.server, answer),
                                         read_text(*ends.client, answer.size()));
  EXPECT_TRUE(moved.first);
  EXPECT_TRUE(gives(moved.second, answer));
}
TEST(TlsStream, ReadsOnAfterItHasSaidClose) { RINGPULL_RUN(half_close); }

// What a pool looks at.

Task<void> probe_states() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  EXPECT_EQ(ends.client->probe(), Liveness::quiet) << "two tickets are no data";
  EXPECT_FALSE(ends.client->has_buffered());
  auto written = co_await write_text(*ends.server, "surplus");
  EXPECT_TRUE(written);
  EXPECT_EQ(ends.client->probe(), Liveness::has_data);
  EXPECT_TRUE(ends.client->has_buffered());
  auto read = co_await read_text(*ends.client, 4);
  EXPECT_TRUE(ends.client->has_buffered()) << "the rest of the record";
  auto rest = co_await read_text(*ends.client, 3);
  EXPECT_FALSE(ends.client->has_buffered());
  EXPECT_EQ(*read + *rest, "surplus");
  EXPECT_EQ(ends.client->probe(), Liveness::quiet);
  co_await ends.server->close();
  EXPECT_EQ(ends.client->probe(), Liveness::closed);
}
TEST(TlsStream, ProbesWithoutTakingTicketsForData) { RINGPULL_RUN(probe_states); }

Task<void> probe_truncated() {
  const TlsPair pair;
  auto ends = co_await shake(pair);
  ends.server->tcp().close();
  EXPECT_EQ(ends.client->probe(), Liveness::closed);
  EXPECT_EQ(ends.client->probe(), Liveness::closed);
}
TEST(TlsStream, ProbesAsClosedWhenTheTcpStreamEnded) { RINGPULL_RUN(probe_truncated); }

// KeyUpdate, and messages that one direction needs of the other.

Task<Result<void>> write_with_key_updates(RawPeer& peer, const std::string& text, int kind) {
  ConstBytes rest = readable(text);
  while (!rest.empty()) {
    const ConstBytes next = rest.first(std::min<std::size_t>(10'000, rest.size()));
    EXPECT_EQ(SSL_key_update(peer.ssl(), kind), 1);
    RINGPULL_CO_CHECK(co_await peer->write(next, std::span<const engine::ConstBytes>()));
    rest = rest.subspan(next.size());
  }
  co_return Result<void>();
}

Task<void> key_updates(int kind) {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair, [](SSL_CTX*) {});
  auto ends = co_await shake(std::move(near), client, peer);
  const std::string down = random_text(500'000, 6);
  const std::string up = random_text(3'000'000, 7);
  auto moved = co_await engine::when_all(
      engine::when_all(write_with_key_updates(peer, down, kind), read_text(peer, up.size())),
      engine::when_all(write_text(*ends.client, up), read_text(*ends.client, down.size())));
  EXPECT_TRUE(moved.first.first);
  EXPECT_TRUE(moved.second.first);
  EXPECT_TRUE(gives(moved.first.second, up));
  EXPECT_TRUE(gives(moved.second.second, down));
}
TEST(TlsStream, FollowsKeyUpdatesWhileBothDirectionsRun) {
  RINGPULL_RUN([] { return key_updates(SSL_KEY_UPDATE_NOT_REQUESTED); });
}
TEST(TlsStream, AnswersKeyUpdatesWhileBothDirectionsRun) {
  RINGPULL_RUN([] { return key_updates(SSL_KEY_UPDATE_REQUESTED); });
}

// A reader that waited until its answer to a KeyUpdate is sent would wait for the peer to read,
// which here reads only after it has been read from.
Task<void> key_update_behind_a_blocked_write() {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair, [](SSL_CTX*) {});
  auto ends = co_await shake(std::move(near), client, peer);
  const std::string up = random_text(4'000'000, 8);
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(write_text(*ends.client, up));
  const std::string down = random_text(100'000, 9);
  auto moved =
      co_await engine::when_all(write_with_key_updates(peer, down, SSL_KEY_UPDATE_REQUESTED),
                                read_text(*ends.client, down.size()));
  EXPECT_EQ(scope.active(), 1U) << "the write is still blocked";
  EXPECT_TRUE(gives(moved.second, down));
  auto received = co_await read_text(peer, up.size());
  EXPECT_TRUE(gives(received, up));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}
TEST(TlsStream, ReadsOnWhileItsAnswerToAKeyUpdateWaitsBehindABlockedWrite) {
  RINGPULL_RUN(key_update_behind_a_blocked_write);
}

Task<void> idle_key_update() {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair, [](SSL_CTX*) {});
  auto ends = co_await shake(std::move(near), client, peer);
  EXPECT_EQ(SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  auto asked = co_await peer.handshake();
  EXPECT_TRUE(asked);
  EXPECT_EQ(ends.client->probe(), Liveness::quiet);
  auto written = co_await write_text(*ends.client, "after");
  EXPECT_TRUE(written);
  auto read = co_await read_text(peer, 5);
  EXPECT_TRUE(gives(read, std::string("after")));
}
TEST(TlsStream, AnswersAKeyUpdateThatFindsItIdle) { RINGPULL_RUN(idle_key_update); }

// A NewSessionTicket longer than a record of this peer, whose end comes late: OpenSSL then refuses
// to write until it has read the rest.
struct LateTicket {
  LateTicket() {
    const auto own = pair.authority().issue(test::server("DNS:client"));
    certificate = std::make_unique<test::TemporaryFile>(own.pem());
    key = std::make_unique<test::TemporaryFile>(own.key_pem());
    pair.client_options.certificate_file = certificate->path();
    pair.client_options.key_file = key->path();
  }
  static void prepare(SSL_CTX* context) {
    // The client's certificate makes the ticket long.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("t"), 1);
    SSL_CTX_set_max_send_fragment(context, 512);
    SSL_CTX_set_num_tickets(context, 0);
  }
  /// The records of a ticket, as they would stand on the wire.
  static std::string make(RawPeer& peer) {
    EXPECT_EQ(SSL_new_session_ticket(peer.ssl()), 1);
    EXPECT_EQ(peer->codec().handshake(), detail::TlsStep::done);
    const ConstBytes wire = peer->codec().output()[0];
    std::string text(reinterpret_cast<const char*>(wire.data()), wire.size());
    peer->codec().output_sent();
    return text;
  }
  static std::size_t first_record(const std::string& wire) {
    return 5 + static_cast<unsigned char>(wire[3]) * 256U + static_cast<unsigned char>(wire[4]);
  }

  TlsPair pair;
  std::unique_ptr<test::TemporaryFile> certificate;
  std::unique_ptr<test::TemporaryFile> key;
};

Task<void> let_others_run() {
  for (int i = 0; i < 20; ++i) co_await engine::yield_now();
}

Task<void> write_in_the_middle_of_a_ticket(bool with_reader) {
  LateTicket late;
  auto [near, far] = test::socket_pair();
  auto client = late.pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, late.pair, &LateTicket::prepare);
  auto ends = co_await shake(std::move(near), client, peer);
  EXPECT_TRUE(ends.client && ends.server);
  const std::string ticket = LateTicket::make(peer);
  const std::size_t cut = LateTicket::first_record(ticket);
  EXPECT_LT(cut, ticket.size()) << "the ticket takes more than one record";
  auto begun = co_await peer->tcp().write_all(readable(ticket).first(cut));
  EXPECT_TRUE(begun);

  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  std::string answer(6, '\0');
  if (with_reader) {
    scope.spawn(ends.client->read_exact(writable(answer)));
    co_await let_others_run();
  } else {
    EXPECT_EQ(ends.client->probe(), Liveness::quiet) << "takes the first part in";
  }
  const std::string request = random_text(100'000, 10);
  scope.spawn(write_text(*ends.client, request));
  co_await let_others_run();
  EXPECT_EQ(peer->tcp().probe(), Liveness::quiet) << "nothing can be written yet";
  EXPECT_EQ(client.sessions(), 0U);

  auto ended = co_await peer->tcp().write_all(readable(ticket).subspan(cut));
  EXPECT_TRUE(ended);
  auto received = co_await read_text(peer, request.size());
  EXPECT_TRUE(gives(received, request));
  EXPECT_EQ(client.sessions(), 1U);
  auto answered =
      co_await peer->write(readable(std::string("answer")), std::span<const engine::ConstBytes>());
  EXPECT_TRUE(answered);
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined) << joined.error().message();
  EXPECT_EQ(answer, with_reader ? "answer" : std::string(6, '\0'));
}
TEST(TlsStream, WritesInTheMiddleOfATicketAfterReadingItsRest) {
  RINGPULL_RUN([] { return write_in_the_middle_of_a_ticket(false); });
}
TEST(TlsStream, WritesInTheMiddleOfATicketThatAReaderIsWaitingFor) {
  RINGPULL_RUN([] { return write_in_the_middle_of_a_ticket(true); });
}

Task<void> renegotiation() {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair,
               [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); });
  auto ends = co_await shake(std::move(near), client, peer);
  EXPECT_EQ(SSL_renegotiate(peer.ssl()), 1);
  auto asked = co_await peer.handshake();
  EXPECT_TRUE(asked);
  auto sent =
      co_await peer->write(readable(std::string("data")), std::span<const engine::ConstBytes>());
  EXPECT_TRUE(sent) << sent.error().message();
  auto read = co_await read_text(*ends.client, 4);
  EXPECT_TRUE(gives(read, std::string("data"))) << "a HelloRequest is refused and survived";
}
TEST(TlsStream, RefusesRenegotiationAndGoesOn) { RINGPULL_RUN(renegotiation); }

}  // namespace
}  // namespace ringpull::http
