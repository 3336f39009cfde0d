// Handshakes that must fail, each with its own reason, before a byte of a request is sent; and
// those that must not.
#include <chrono>
#include <cstdlib>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/tls_pair.hpp"

namespace ringpull::http {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using test::authority;
using test::Certificate;
using test::CertificateRecipe;
using test::failure_of;
using test::gives;
using test::RawPeer;
using test::read_text;
using test::readable;
using test::shake;
using test::succeeds;
using test::TlsPair;
using test::writable;
using test::write_text;
using testing::HasSubstr;

// Certificates. The client trusts `authority()` of the pair and asks for `host`.

struct Refusal {
  Refusal(TlsFailure failure_wanted, std::string words_wanted)
      : failure(failure_wanted), words(std::move(words_wanted)) {}
  TlsFailure failure;
  std::string words;
};

Task<void> expect_refusal(const TlsPair& pair, const Refusal& refusal, std::string host) {
  auto ends = co_await shake(pair, host);
  EXPECT_FALSE(ends.client);
  EXPECT_FALSE(ends.server) << "the server hears of it in the handshake, so no request was sent";
  if (ends.client) co_return;
  const Error& error = ends.client.error();
  EXPECT_EQ(error.kind(), ErrorKind::tls) << error.message();
  EXPECT_EQ(failure_of(ends.client), refusal.failure) << error.message();
  EXPECT_THAT(error.message(), HasSubstr(refusal.words));
  EXPECT_THAT(error.message(), HasSubstr(host + ":443"));
  EXPECT_FALSE(error.is_retryable());
}

Task<void> expect_success(const TlsPair& pair, std::string host) {
  auto ends = co_await shake(pair, host);
  EXPECT_TRUE(succeeds(ends.client));
  EXPECT_TRUE(succeeds(ends.server));
}

Task<void> expect_untrusted(TlsPair& pair, const Refusal& refusal, std::string host = "localhost") {
  co_await expect_refusal(pair, refusal, host);
  pair.client_options.skip_verify = true;
  co_await expect_success(pair, host);
}

class TlsCertificate : public testing::Test {
 protected:
  void expect_refused(TlsFailure failure, std::string words, std::string host = "localhost") {
    const Refusal refusal(failure, std::move(words));
    RINGPULL_RUN([&] { return expect_untrusted(pair_, refusal, host); });
  }
  void expect_accepted(std::string host = "localhost") {
    RINGPULL_RUN([&] { return expect_success(pair_, host); });
  }
  void serve(const CertificateRecipe& recipe) { pair_.serve(pair_.authority().issue(recipe)); }

  TlsPair pair_;
};

TEST_F(TlsCertificate, OfATrustedAuthorityIsAccepted) {
  expect_accepted("localhost");
  expect_accepted("LocalHost");
  expect_accepted("localhost.");
  expect_accepted("127.0.0.1");
}

TEST_F(TlsCertificate, ThatExpiredIsRefused) {
  CertificateRecipe recipe = test::server("DNS:localhost");
  recipe.begins = -10;
  recipe.ends = -1;
  serve(recipe);
  expect_refused(TlsFailure::certificate_expired, "expired on ");
}

TEST_F(TlsCertificate, ThatIsNotValidYetIsRefused) {
  CertificateRecipe recipe = test::server("DNS:localhost");
  recipe.begins = 1;
  recipe.ends = 10;
  serve(recipe);
  expect_refused(TlsFailure::certificate_not_yet_valid, "is not valid before ");
}

TEST_F(TlsCertificate, ForAnotherHostIsRefused) {
  serve(test::server("DNS:a.example,DNS:b.example"));
  expect_refused(TlsFailure::wrong_host, "is for a.example, b.example");
}

TEST_F(TlsCertificate, WithTheHostAsCommonNameOnlyIsRefused) {
  CertificateRecipe recipe;
  recipe.common_name = "localhost";
  serve(recipe);
  expect_refused(TlsFailure::wrong_host, "no name (a common name alone does not count)");
}

TEST_F(TlsCertificate, WithAWildcardCoversOneLabelOnly) {
  serve(test::server("DNS:*.s3.example"));
  expect_accepted("a.s3.example");
  expect_refused(TlsFailure::wrong_host, "is for *.s3.example", "a.b.s3.example");
}

TEST_F(TlsCertificate, WithAWildcardDoesNotCoverTheNameAboveIt) {
  serve(test::server("DNS:*.s3.example"));
  expect_refused(TlsFailure::wrong_host, "is for *.s3.example", "s3.example");
}

TEST_F(TlsCertificate, WithAWildcardInsideALabelIsRefused) {
  serve(test::server("DNS:a*.s3.example"));
  expect_refused(TlsFailure::wrong_host, "is for a*.s3.example", "ab.s3.example");
}

TEST_F(TlsCertificate, WithoutTheAddressIsRefused) {
  serve(test::server("DNS:localhost,IP:127.0.0.2"));
  expect_refused(TlsFailure::wrong_host, "is for localhost, 127.0.0.2", "127.0.0.1");
}

TEST_F(TlsCertificate, WithTheAddressAsANameIsRefused) {
  serve(test::server("DNS:127.0.0.1"));
  expect_refused(TlsFailure::wrong_host, "is for 127.0.0.1", "127.0.0.1");
}

TEST_F(TlsCertificate, ForAnAddressOfVersion6IsAccepted) {
  serve(test::server("IP:::1"));
  expect_accepted("::1");
}

TEST_F(TlsCertificate, ThatSignedItselfIsRefused) {
  pair_.serve(Certificate::self_signed(test::server("DNS:localhost")));
  expect_refused(TlsFailure::self_signed, "is self-signed");
}

TEST_F(TlsCertificate, ThatSignedItselfIsAcceptedWhenItIsTheBundle) {
  const Certificate own = Certificate::self_signed(test::server("DNS:localhost"));
  const test::TemporaryFile bundle(own.pem());
  pair_.serve(own);
  pair_.client_options.ca_file = bundle.path();
  expect_accepted();
}

TEST_F(TlsCertificate, OfAnUnknownAuthorityIsRefused) {
  const Certificate stranger = Certificate::self_signed(authority("stranger"));
  pair_.serve(stranger.issue(test::server("DNS:localhost")));
  expect_refused(TlsFailure::issuer_missing, "was signed by CN=stranger");
}

TEST_F(TlsCertificate, OfAnUnknownAuthorityThatCameAlongIsRefused) {
  const Certificate stranger = Certificate::self_signed(authority("stranger"));
  pair_.serve(stranger.issue(test::server("DNS:localhost")), stranger.pem());
  expect_refused(TlsFailure::unknown_authority, "pass its authority with --ca FILE");
}

TEST_F(TlsCertificate, OfAnUnknownAuthorityBehindAnIntermediateIsRefused) {
  const Certificate stranger = Certificate::self_signed(authority("stranger"));
  const Certificate middle = stranger.issue(authority("middle"));
  pair_.serve(middle.issue(test::server("DNS:localhost")), middle.pem());
  expect_refused(TlsFailure::unknown_authority, "leads to an authority");
}

TEST_F(TlsCertificate, WithItsIntermediateIsAccepted) {
  const Certificate middle = pair_.authority().issue(authority("middle"));
  pair_.serve(middle.issue(test::server("DNS:localhost")), middle.pem());
  expect_accepted();
}

TEST_F(TlsCertificate, WithoutItsIntermediateIsRefused) {
  const Certificate middle = pair_.authority().issue(authority("middle"));
  pair_.serve(middle.issue(test::server("DNS:localhost")));
  expect_refused(TlsFailure::issuer_missing, "let the server send its intermediate certificate");
}

TEST_F(TlsCertificate, OfAnIntermediateThatIsTheBundleIsAccepted) {
  const Certificate middle = pair_.authority().issue(authority("middle"));
  const test::TemporaryFile bundle(middle.pem());
  pair_.serve(middle.issue(test::server("DNS:localhost")));
  pair_.client_options.ca_file = bundle.path();
  expect_accepted();
}

TEST_F(TlsCertificate, ForClientsOnlyIsRefused) {
  CertificateRecipe recipe = test::server("DNS:localhost");
  recipe.extended_usage = "clientAuth";
  serve(recipe);
  expect_refused(TlsFailure::certificate_rejected, "purpose");
}

TEST_F(TlsCertificate, SignedByWhatIsNoAuthorityIsRefused) {
  const Certificate leaf = pair_.authority().issue(test::server("DNS:leaf"));
  pair_.serve(leaf.issue(test::server("DNS:localhost")), leaf.pem());
  expect_refused(TlsFailure::certificate_rejected, "rejected: invalid CA certificate");
}

// Versions, ciphers, protocols.

class TlsPeer : public testing::Test {
 protected:
  using Adjust = std::function<void(SSL_CTX*)>;
  /// Our client against a raw server.
  void expect_refused(TlsFailure failure, std::string words, const Adjust& adjust) {
    const Refusal refusal(failure, std::move(words));
    RINGPULL_RUN([&] { return refuse(pair_, refusal, adjust); });
  }
  static Task<void> refuse(const TlsPair& pair, const Refusal& refusal, const Adjust& adjust) {
    auto [near, far] = test::socket_pair();
    auto client = pair.client();
    RawPeer peer(std::move(far), RawPeer::Side::server, pair, adjust);
    auto ends = co_await shake(std::move(near), client, peer);
    EXPECT_FALSE(ends.client);
    EXPECT_EQ(failure_of(ends.client), refusal.failure) << ends.client.error().message();
    EXPECT_THAT(ends.client.error().message(), HasSubstr(refusal.words));
    EXPECT_THAT(ends.client.error().message(), HasSubstr("localhost:443"));
  }
  TlsPair pair_;
};

void speak_only(SSL_CTX* context, int version) {
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
}

TEST_F(TlsPeer, ThatSpeaksTls10OnlyIsRefused) {
  expect_refused(TlsFailure::protocol_version, "1.2 is the oldest",
                 [](SSL_CTX* context) { speak_only(context, TLS1_VERSION); });
}

TEST_F(TlsPeer, ThatSpeaksTls11OnlyIsRefused) {
  expect_refused(TlsFailure::protocol_version, "1.2 is the oldest",
                 [](SSL_CTX* context) { speak_only(context, TLS1_1_VERSION); });
}

TEST_F(TlsPeer, ThatSpeaksTls12OnlyIsRefusedWhere13IsTheMinimum) {
  pair_.client_options.version_min = TlsVersion::tls_1_3;
  expect_refused(TlsFailure::protocol_version, "no TLS version in common",
                 [](SSL_CTX* context) { speak_only(context, TLS1_2_VERSION); });
}

TEST_F(TlsPeer, WithCbcCiphersOnlyIsRefused) {
  expect_refused(TlsFailure::no_shared_cipher, "in common", [](SSL_CTX* context) {
    speak_only(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384");
  });
}

int choose_http2(SSL*, const unsigned char** out, unsigned char* size, const unsigned char*,
                 unsigned, void*) {
  *out = reinterpret_cast<const unsigned char*>("h2");
  *size = 2;
  return SSL_TLSEXT_ERR_OK;
}

Task<void> unasked_http2() {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair, [](SSL_CTX* context) {
    SSL_CTX_set_alpn_select_cb(context, &choose_http2, nullptr);
  });
  auto ends = co_await shake(std::move(near), client, peer);
  EXPECT_FALSE(ends.client);
  EXPECT_EQ(ends.client.error().kind(), ErrorKind::tls);
  // Newer releases of OpenSSL see it before we do, and call it a bad extension.
  EXPECT_THAT(failure_of(ends.client), testing::AnyOf(TlsFailure::alpn, TlsFailure::handshake));
}
TEST_F(TlsPeer, ThatChoosesHttp2UnaskedIsRefused) { RINGPULL_RUN(unasked_http2); }

TEST_F(TlsPeer, ThatRefusesOurProtocolIsReported) {
  expect_refused(TlsFailure::alpn, "does not speak HTTP/1.1", [](SSL_CTX* context) {
    SSL_CTX_set_alpn_select_cb(
        context,
        [](SSL*, const unsigned char**, unsigned char*, const unsigned char*, unsigned, void*) {
          return SSL_TLSEXT_ERR_ALERT_FATAL;
        },
        nullptr);
  });
}

Task<void> client_offers(const TlsPair& pair, std::string protocols, bool accepted) {
  auto [near, far] = test::socket_pair();
  auto server = pair.server();
  RawPeer peer(std::move(near), RawPeer::Side::client, pair, [&](SSL_CTX* context) {
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
  });
  auto ends =
      co_await engine::when_all(peer.handshake(), TlsStream::accept(std::move(far), server));
  EXPECT_EQ(ends.second.has_value(), accepted);
  EXPECT_EQ(failure_of(ends.second), accepted ? TlsFailure{} : TlsFailure::alpn);
}
TEST(TlsServer, TakesHttp11OutOfAnOffer) {
  const TlsPair pair;
  RINGPULL_RUN([&] { return client_offers(pair, "\x02h2\x08http/1.1", true); });
}
TEST(TlsServer, RefusesAnOfferWithoutHttp11) {
  const TlsPair pair;
  RINGPULL_RUN([&] { return client_offers(pair, "\x02h2", false); });
}

Task<void> server_name(std::string host, std::string expected) {
  TlsPair pair;
  pair.client_options.skip_verify = true;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair, [](SSL_CTX*) {});
  auto ends = co_await engine::when_all(TlsStream::connect(std::move(near), client, host, 443),
                                        peer.handshake());
  EXPECT_TRUE(succeeds(ends.first));
  const char* name = SSL_get_servername(peer.ssl(), TLSEXT_NAMETYPE_host_name);
  EXPECT_EQ(std::string(name != nullptr ? name : "(none)"), expected);
}
TEST(TlsClient, SendsTheHostNameWithoutItsFinalDot) {
  RINGPULL_RUN([] { return server_name("s3.example", "s3.example"); });
  RINGPULL_RUN([] { return server_name("s3.example.", "s3.example"); });
}
TEST(TlsClient, SendsNoServerNameForAnAddress) {
  RINGPULL_RUN([] { return server_name("127.0.0.1", "(none)"); });
  RINGPULL_RUN([] { return server_name("::1", "(none)"); });
}

Task<void> bad_host(std::string host) {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  auto stream = co_await TlsStream::connect(std::move(near), client, host, 443);
  EXPECT_EQ(stream.error().kind(), ErrorKind::invalid_argument);
  std::string nothing(1, '\0');
  auto end = co_await far.read_some(writable(nothing));
  EXPECT_TRUE(gives(end, std::size_t{0})) << "not a byte was sent";
}
TEST(TlsClient, RefusesAHostThatCannotBeChecked) {
  RINGPULL_RUN([] { return bad_host(""); });
  RINGPULL_RUN([] { return bad_host("."); });
  RINGPULL_RUN([] { return bad_host(std::string("good.example\0.evil", 18)); });
}

// Client certificates.

struct ClientCertificate {
  ClientCertificate(TlsPair& pair, const Certificate& own)
      : certificate(own.pem()), key(own.key_pem()) {
    pair.client_options.certificate_file = certificate.path();
    pair.client_options.key_file = key.path();
  }
  test::TemporaryFile certificate;
  test::TemporaryFile key;
};

/// A server that insists on a certificate of the pair's authority.
void insist(SSL_CTX* context, const TlsPair& pair, int version) {
  SSL_CTX_set_max_proto_version(context, version);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_load_verify_locations(context, pair.client_options.ca_file.c_str(), nullptr);
}

/// The first answer to a client that shows what `pair` says: shakes hands, asks, reads.
Task<Result<std::string>> ask_insisting_server(const TlsPair& pair, int version) {
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair,
               [&](SSL_CTX* context) { insist(context, pair, version); });
  auto ends = co_await shake(std::move(near), client, peer);
  if (!ends.client) co_return fail(std::move(ends.client).error());
  if (ends.server) {
    auto answered = co_await peer->write(readable(std::string("answer")),
                                         std::span<const engine::ConstBytes>());
    EXPECT_TRUE(succeeds(answered));
  } else {
    peer->tcp().close();
  }
  auto answer = co_await read_text(*ends.client, 6);
  co_return answer;
}

Task<void> shows_certificate(int version, bool own, bool trusted, TlsFailure failure,
                             std::string words) {
  TlsPair pair;
  const Certificate stranger = Certificate::self_signed(authority("stranger"));
  const Certificate shown =
      (trusted ? pair.authority() : stranger).issue(test::server("DNS:client"));
  std::optional<ClientCertificate> files;
  if (own) files.emplace(pair, shown);
  auto answer = co_await ask_insisting_server(pair, version);
  if (failure == TlsFailure{}) {
    EXPECT_TRUE(gives(answer, std::string("answer")));
    co_return;
  }
  EXPECT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::tls);
  EXPECT_EQ(failure_of(answer), failure) << answer.error().message();
  EXPECT_THAT(answer.error().message(), HasSubstr(words));
}

TEST(TlsClientCertificate, IsShownToAServerThatInsists) {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RINGPULL_RUN([=] { return shows_certificate(version, true, true, TlsFailure{}, ""); });
  }
}
TEST(TlsClientCertificate, ThatIsMissingIsNamedAtTheHandshakeOfTls12) {
  RINGPULL_RUN([] {
    return shows_certificate(TLS1_2_VERSION, false, false, TlsFailure::client_certificate_required,
                             "localhost:443 asks for a client certificate");
  });
}
TEST(TlsClientCertificate, ThatIsMissingIsNamedAtTheFirstReadOfTls13) {
  RINGPULL_RUN([] {
    return shows_certificate(TLS1_3_VERSION, false, false, TlsFailure::client_certificate_required,
                             "localhost:443 asks for a client certificate");
  });
}
TEST(TlsClientCertificate, ThatIsRefusedIsNamed) {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RINGPULL_RUN([=] {
      return shows_certificate(version, true, false, TlsFailure::client_certificate_refused,
                               "localhost:443 refused our certificate");
    });
  }
}

// The server says why and hangs up while we still write.
Task<void> refused_while_writing() {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair,
               [&](SSL_CTX* context) { insist(context, pair, TLS1_3_VERSION); });
  auto ends = co_await shake(std::move(near), client, peer);
  EXPECT_TRUE(succeeds(ends.client));
  peer->tcp().close();
  const std::string request = test::random_text(1'000'000, 1);
  auto written = co_await write_text(*ends.client, request);
  EXPECT_EQ(failure_of(written), TlsFailure::client_certificate_required);
}
TEST(TlsClientCertificate, ThatIsMissingIsNamedByAWriteThatFails) {
  RINGPULL_RUN(refused_while_writing);
}

// Peers that do not go through with it.

Task<void> read_then_close(engine::TcpStream peer, std::size_t reads) {
  std::string hello(4096, '\0');
  for (std::size_t i = 0; i < reads; ++i) {
    auto read = co_await peer.read_some(writable(hello));
    EXPECT_TRUE(succeeds(read));
  }
}

Task<void> hang_up_after(std::size_t reads) {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(read_then_close(std::move(far), reads));
  auto stream = co_await TlsStream::connect(std::move(near), client, "localhost", 443);
  EXPECT_EQ(failure_of(stream), TlsFailure::hang_up);
  EXPECT_THAT(stream.error().message(), HasSubstr("localhost:443"));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}
TEST(TlsClient, ReportsAPeerThatHangsUpInTheHandshake) {
  RINGPULL_RUN([] { return hang_up_after(0); });
  RINGPULL_RUN([] { return hang_up_after(1); });
}

Task<void> plain_http_peer() {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  auto sent = co_await far.write_all(readable(std::string("HTTP/1.1 400 Bad Request\r\n\r\n")));
  EXPECT_TRUE(sent);
  auto stream = co_await TlsStream::connect(std::move(near), client, "localhost", 443);
  EXPECT_EQ(failure_of(stream), TlsFailure::not_tls);
  EXPECT_THAT(stream.error().message(), HasSubstr("localhost:443 does not speak TLS"));
}
TEST(TlsClient, RecognisesAPeerThatDoesNotSpeakTls) { RINGPULL_RUN(plain_http_peer); }

Task<void> plain_http_client() {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto server = pair.server();
  auto sent = co_await near.write_all(readable(std::string("GET / HTTP/1.1\r\n\r\n")));
  EXPECT_TRUE(sent);
  auto stream = co_await TlsStream::accept(std::move(far), server);
  EXPECT_EQ(failure_of(stream), TlsFailure::not_tls);
}
TEST(TlsServer, RecognisesAClientThatDoesNotSpeakTls) { RINGPULL_RUN(plain_http_client); }

Task<void> stall() {
  const TlsPair pair;
  auto [near, far] = test::socket_pair();
  auto client = pair.client();
  auto deadline = Deadline::after(10ms);
  auto stream = co_await engine::with_deadline(
      deadline, TlsStream::connect(std::move(near), client, "localhost", 443));
  EXPECT_EQ(stream.error().kind(), ErrorKind::timed_out);
  EXPECT_THAT(stream.error().message(), HasSubstr("TLS handshake with localhost:443"));
  std::string wire(4096, '\0');
  auto hello = co_await far.read_some(writable(wire));
  EXPECT_TRUE(succeeds(hello));
  auto end = co_await far.read_some(writable(wire));
  EXPECT_TRUE(gives(end, std::size_t{0})) << "the socket is closed";
}
TEST(TlsClient, EndsAHandshakeThatStallsAtTheDeadline) { RINGPULL_RUN(stall); }

// Resumption.

Task<bool> is_resumed(engine::TcpStream near, engine::TcpStream far, TlsClientContext& client,
                      TlsServerContext& server, std::string host, std::uint16_t port) {
  auto ends =
      co_await engine::when_all(TlsStream::connect(std::move(near), client, std::move(host), port),
                                TlsStream::accept(std::move(far), server));
  EXPECT_TRUE(succeeds(ends.first));
  EXPECT_TRUE(succeeds(ends.second));
  const bool resumed = ends.first->info().resumed;
  // What the tickets come with.
  auto sent = co_await write_text(*ends.second, "x");
  EXPECT_TRUE(sent);
  auto read = co_await read_text(*ends.first, 1);
  EXPECT_TRUE(read);
  co_return resumed;
}

Task<bool> is_resumed(TlsClientContext& client, TlsServerContext& server,
                      std::string host = "localhost", std::uint16_t port = 443) {
  auto [near, far] = test::socket_pair();
  auto resumed =
      co_await is_resumed(std::move(near), std::move(far), client, server, std::move(host), port);
  co_return resumed;
}

Task<void> tickets_are_used_once() {
  const TlsPair pair;
  auto client = pair.client();
  auto server = pair.server();
  bool resumed = co_await is_resumed(client, server);
  EXPECT_FALSE(resumed);
  EXPECT_EQ(client.sessions(), 2U) << "as many as the server hands out";
  for (int i = 0; i < 3; ++i) {
    resumed = co_await is_resumed(client, server);
    EXPECT_TRUE(resumed);
    EXPECT_EQ(client.sessions(), 2U) << "one used, one given for it";
  }
}
TEST(TlsResumption, UsesEachTicketOnce) { RINGPULL_RUN(tickets_are_used_once); }

Task<void> sessions_stay_apart() {
  TlsPair pair;
  auto client = pair.client();
  auto other_client = pair.client();
  auto server = pair.server();
  bool resumed = co_await is_resumed(client, server);
  resumed = co_await is_resumed(client, server, "127.0.0.1");
  EXPECT_FALSE(resumed) << "another host";
  resumed = co_await is_resumed(client, server, "localhost", 444);
  EXPECT_FALSE(resumed) << "another port";
  resumed = co_await is_resumed(other_client, server);
  EXPECT_FALSE(resumed) << "another context";
  EXPECT_EQ(client.sessions(), 6U);
}
TEST(TlsResumption, NeverCrossesHostsPortsOrContexts) { RINGPULL_RUN(sessions_stay_apart); }

Task<void> bounded_sessions() {
  TlsPair pair;
  pair.client_options.sessions_per_origin_max = 3;
  pair.client_options.session_origins_max = 2;
  auto client = pair.client();
  auto server = pair.server();
  for (std::uint16_t port : {1, 2, 3}) {
    for (int i = 0; i < 4; ++i) {
      auto [near, far] = test::socket_pair();
      auto ends =
          co_await engine::when_all(TlsStream::connect(std::move(near), client, "localhost", port),
                                    TlsStream::accept(std::move(far), server));
      EXPECT_EQ(ends.first->probe(), engine::Liveness::quiet);  // takes the tickets in
    }
  }
  EXPECT_LE(client.sessions(), 6U);
  bool resumed = co_await is_resumed(client, server, "localhost", 1);
  EXPECT_FALSE(resumed) << "the origin that was not used for longest went first";
}
TEST(TlsResumption, KeepsABoundedNumberOfSessions) { RINGPULL_RUN(bounded_sessions); }

Task<void> without_close_notify() {
  const TlsPair pair;
  auto client = pair.client();
  auto server = pair.server();
  {
    auto [near, far] = test::socket_pair();
    auto ends = co_await shake(std::move(near), std::move(far), client, server);
    EXPECT_EQ(ends.client->probe(), engine::Liveness::quiet);
  }
  for (int i = 0; i < 2; ++i) {
    bool resumed = co_await is_resumed(client, server);
    EXPECT_TRUE(resumed) << "a connection that was dropped spoils no ticket";
  }
}
TEST(TlsResumption, OutlivesAConnectionThatWasDropped) { RINGPULL_RUN(without_close_notify); }

Task<void> forgotten_by_the_server() {
  const TlsPair pair;
  auto client = pair.client();
  auto server = pair.server();
  auto restarted = pair.server();
  bool resumed = co_await is_resumed(client, server);
  resumed = co_await is_resumed(client, restarted);
  EXPECT_FALSE(resumed);
}
TEST(TlsResumption, FallsBackToAFullHandshake) { RINGPULL_RUN(forgotten_by_the_server); }

Task<void> resumption_of_tls_1_2() {
  const TlsPair pair;
  auto client = pair.client();
  auto [near, far] = test::socket_pair();
  auto [near2, far2] = test::socket_pair();
  RawPeer peer(std::move(far), RawPeer::Side::server, pair,
               [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); });
  auto first = co_await shake(std::move(near), client, peer);
  EXPECT_EQ(client.sessions(), 1U);
  RawPeer again(std::move(far2), peer);
  auto second = co_await shake(std::move(near2), client, again);
  EXPECT_TRUE(succeeds(second.client));
  EXPECT_TRUE(second.client->info().resumed);
  EXPECT_GE(client.sessions(), 1U) << "such a session may be used again";
}
TEST(TlsResumption, WorksInTls12) { RINGPULL_RUN(resumption_of_tls_1_2); }

}  // namespace
}  // namespace ringpull::http
