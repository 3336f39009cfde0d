// Uploads that carry a checksum of their body, against the sandbox in the same loop.
#include <algorithm>
#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/http/server.hpp>
#include <ringpull/s3/aws_chunked.hpp>
#include <ringpull/s3/transfer.hpp>

#include "tests/support/certificates.hpp"
#include "tests/support/fixed_resolver.hpp"
#include "tests/support/patience.hpp"
#include "tools/sandbox/s3_handler.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using testing::FixedResolver;

constexpr std::string_view kTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// Notes the headers of requests on their way to the sandbox, and reads without an answer as many
/// as a test asks for.
class Gate final : public http::Handler {
 public:
  explicit Gate(http::Handler& inner) noexcept : inner_(inner) {}

  std::vector<http::Headers> seen;
  int answers_to_lose = 0;

  Task<Result<void>> handle(http::Exchange& exchange) override {
    seen.push_back(exchange.request().headers);
    if (answers_to_lose == 0) {
      auto outcome = co_await inner_.handle(exchange);
      co_return outcome;
    }
    --answers_to_lose;
    std::array<std::byte, 16 * 1024> bin;
    while (!exchange.body_done()) {
      RINGPULL_CO_CHECK(co_await exchange.read_some(bin));
    }
    exchange.close();
    co_return Result<void>();
  }

 private:
  http::Handler& inner_;
};

class Bed {
 public:
  explicit Bed(http::Scheme scheme_in) : scheme(scheme_in) {}

  http::Scheme scheme;
  PayloadSigning signing = PayloadSigning::automatic;
  sandbox::Store store;
  std::unique_ptr<Gate> gate;
  std::unique_ptr<http::Client> http;
  std::unique_ptr<Client> client;
  std::string origin;

  using Body = Task<void> (*)(Bed&);
  void run(Body body) {
    auto loop = engine::Loop::create(engine::LoopOptions()).value();
    loop->run([&] { return both(body); });
  }
  std::string_view header(std::size_t request, std::string_view name) const {
    return gate->seen.at(request).get(name).value_or("");
  }
  const sandbox::Object& object() { return store.find("b")->objects.at("k"); }

 private:
  Task<void> both(Body body) {
    auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    EXPECT_TRUE(store.create_bucket("b", now));
    sandbox::SandboxOptions sandbox_options;
    sandbox_options.credentials = Credentials("id", Secret("secret"));
    sandbox::S3Handler handler(std::move(sandbox_options), store);
    gate = std::make_unique<Gate>(handler);
    auto authority = test::Certificate::self_signed(test::authority("authority"));
    auto leaf = authority.issue(test::server("IP:127.0.0.1"));
    test::TemporaryFile ca_file(authority.pem());
    http::TlsServerOptions tls;
    tls.certificate_pem = leaf.pem();
    tls.key_pem = leaf.key_pem();
    auto tls_context = http::TlsServerContext::create(tls).value();
    http::ServerOptions server_options = ringpull::testing::patient_server_options();
    if (scheme == http::Scheme::https) server_options.tls = &tls_context;
    auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
    engine::TcpListener listener = engine::TcpListener::bind(any).value();
    http::Server server(listener, *gate, server_options);
    origin = std::string(http::to_string(scheme)) + "://" + listener.address().to_string();

    FixedResolver resolver;
    http::ClientOptions http_options = ringpull::testing::patient_client_options();
    http_options.tls.ca_file = ca_file.path();
    http = http::Client::create(http_options, resolver).value();
    StaticCredentialsProvider credentials(Credentials("id", Secret("secret")));
    ClientOptions options(Endpoint::create(origin, Region("us-east-1")).value());
    options.payload_signing = signing;
    options.retry.base_delay = 0ms;
    client = std::make_unique<Client>(std::move(options), *http, credentials);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(server.run());
    co_await body(*this);
    client.reset();
    http.reset();
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    gate.reset();
  }
};

std::vector<std::byte> noise(std::size_t size) {
  std::mt19937_64 random(42);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

std::string checksum_of(ChecksumAlgorithm algorithm, const std::vector<std::byte>& bytes) {
  Checksum checksum(algorithm);
  checksum.update(bytes);
  return checksum.finish_base64();
}

PutObjectOptions target(ChecksumAlgorithm algorithm) {
  PutObjectOptions options(Bucket("b"), ObjectKey("k"));
  options.compute_checksum = algorithm;
  return options;
}

/// Read back, since only the sandbox knows how it keeps objects.
Task<bool> holds(Bed& b, const std::vector<std::byte>& bytes) {
  GetObjectOptions options(Bucket("b"), ObjectKey("k"));
  std::vector<std::byte> back(bytes.size());
  auto got = co_await b.client->get_object_into(options, back);
  co_return got && got->bytes == bytes.size() && back == bytes;
}

/// Puts `size` bytes in pieces of `piece` bytes and looks at what arrived.
Task<void> expect_trailer(Bed& b, ChecksumAlgorithm algorithm, std::size_t size,
                          std::size_t piece_bytes) {
  std::vector<std::byte> bytes = noise(size);
  std::vector<http::ConstBytes> pieces;
  for (std::size_t at = 0; at < size; at += piece_bytes) {
    pieces.push_back(http::ConstBytes(bytes).subspan(at, std::min(piece_bytes, size - at)));
  }
  http::SpanSource body(pieces);
  PutObjectOptions options = target(algorithm);
  auto put = co_await b.client->put_object(options, body);
  EXPECT_TRUE(put) << size << ": " << put.error().message();
  if (!put) co_return;
  std::string expected = checksum_of(algorithm, bytes);
  std::size_t last = b.gate->seen.size() - 1;
  EXPECT_EQ(b.object().checksum->value, expected);
  EXPECT_EQ(put->checksums.size(), 1u);
  EXPECT_EQ(put->checksums.at(0).base64, expected);
  AwsChunkedEncoder encoder(size, algorithm);
  EXPECT_EQ(b.header(last, "x-amz-content-sha256"), kTrailer);
  EXPECT_EQ(b.header(last, "Content-Encoding"), "aws-chunked");
  EXPECT_EQ(b.header(last, "x-amz-decoded-content-length"), std::to_string(size));
  EXPECT_EQ(b.header(last, "x-amz-trailer"), checksum_header(algorithm));
  EXPECT_EQ(b.header(last, "Content-Length"), std::to_string(encoder.encoded_size_bytes()));
  EXPECT_FALSE(b.gate->seen.at(last).contains(checksum_header(algorithm)));
  bool stored = co_await holds(b, bytes);
  EXPECT_TRUE(stored) << size;
}

TEST(UploadChecksum, FollowsTheBodyOverTls) {
  Bed bed(http::Scheme::https);
  bed.run([](Bed& b) -> Task<void> {
    constexpr std::size_t kChunk = AwsChunkedEncoder::kChunkBytesDefault;
    for (auto algorithm :
         {ChecksumAlgorithm::crc32c, ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::sha256}) {
      for (std::size_t size : {std::size_t(0), std::size_t(1), kChunk, 2 * kChunk + 12'345}) {
        co_await expect_trailer(b, algorithm, size, 300'000);
      }
    }
  });
}

TEST(UploadChecksum, FollowsAPartOverTls) {
  Bed bed(http::Scheme::https);
  bed.run([](Bed& b) -> Task<void> {
    CreateMultipartUploadOptions create(Bucket("b"), ObjectKey("k"));
    create.checksum_algorithm = ChecksumAlgorithm::crc32c;
    auto upload = co_await b.client->create_multipart_upload(create);
    EXPECT_TRUE(upload);
    std::vector<std::byte> bytes = noise(70'000);
    http::SpanSource body{http::ConstBytes(bytes)};
    UploadPartOptions options(Bucket("b"), ObjectKey("k"), upload->upload_id, PartNumber(1));
    options.compute_checksum = ChecksumAlgorithm::crc32c;
    auto part = co_await b.client->upload_part(options, body);
    EXPECT_TRUE(part) << part.error().message();
    EXPECT_EQ(b.header(1, "x-amz-content-sha256"), kTrailer);
    EXPECT_EQ(part->checksums.at(0).base64, checksum_of(ChecksumAlgorithm::crc32c, bytes));
  });
}

TEST(UploadChecksum, GoesThroughAMultipartUploadOfAWholeObject) {
  Bed bed(http::Scheme::https);
  bed.run([](Bed& b) -> Task<void> {
    std::vector<std::byte> bytes = noise(11 * 1024 * 1024);
    TransferOptions transfer;
    transfer.part_bytes = 5 * 1024 * 1024;
    PutObjectOptions options = target(ChecksumAlgorithm::crc64nvme);
    auto sent = co_await upload(*b.client, options, bytes, transfer);
    EXPECT_TRUE(sent) << sent.error().message();
    HeadObjectOptions look(Bucket("b"), ObjectKey("k"));
    look.checksum_mode = true;
    auto found = co_await b.client->head_object(look);
    EXPECT_TRUE(found);
    EXPECT_EQ(found->checksums.at(0).base64, checksum_of(ChecksumAlgorithm::crc64nvme, bytes));
  });
}

TEST(UploadChecksum, IsSentOnceFromABodyThatCannotBeRewound) {
  Bed bed(http::Scheme::https);
  bed.run([](Bed& b) -> Task<void> {
    static bool given;
    given = false;
    struct Once {
      static Task<Result<http::ConstBytes>> next() {
        if (std::exchange(given, true)) co_return http::ConstBytes();
        co_return bytes_of("123456789");
      }
    };
    http::GeneratorSource body(&Once::next, 9);
    PutObjectOptions options = target(ChecksumAlgorithm::crc32c);
    auto put = co_await b.client->put_object(options, body);
    EXPECT_TRUE(put) << put.error().message();
    EXPECT_EQ(b.object().checksum->value, "4waSgw==");
  });
}

TEST(UploadChecksum, RefusesABodyOfAnotherLengthThanItSaid) {
  Bed bed(http::Scheme::https);
  bed.run([](Bed& b) -> Task<void> {
    static bool given;
    struct Once {
      static Task<Result<http::ConstBytes>> next() {
        if (std::exchange(given, true)) co_return http::ConstBytes();
        co_return bytes_of("123456789");
      }
    };
    for (std::uint64_t announced : {std::uint64_t(8), std::uint64_t(10)}) {
      given = false;
      http::GeneratorSource body(&Once::next, announced);
      PutObjectOptions options = target(ChecksumAlgorithm::crc32c);
      auto put = co_await b.client->put_object(options, body);
      EXPECT_FALSE(put);
      EXPECT_EQ(put.error().kind(), ErrorKind::invalid_argument) << put.error().message();
    }
    EXPECT_FALSE(b.store.find("b")->objects.contains("k"));
  });
}

TEST(UploadChecksum, IsMadeAnewWhenAnAnswerIsLost) {
  Bed bed(http::Scheme::https);
  bed.run([](Bed& b) -> Task<void> {
    b.gate->answers_to_lose = 2;
    std::vector<std::byte> bytes = noise(2'500'000);
    http::SpanSource body{http::ConstBytes(bytes)};
    PutObjectOptions options = target(ChecksumAlgorithm::sha256);
    auto put = co_await b.client->put_object(options, body);
    EXPECT_TRUE(put) << put.error().message();
    EXPECT_EQ(b.gate->seen.size(), 3u);
    bool stored = co_await holds(b, bytes);
    EXPECT_TRUE(stored);
  });
}

Task<void> expect_in_head(Bed& b, std::string_view payload) {
  std::vector<std::byte> bytes = noise(600'000);
  http::SpanSource body{http::ConstBytes(bytes)};
  PutObjectOptions options = target(ChecksumAlgorithm::crc32c);
  auto put = co_await b.client->put_object(options, body);
  EXPECT_TRUE(put) << put.error().message();
  std::string expected = checksum_of(ChecksumAlgorithm::crc32c, bytes);
  EXPECT_EQ(b.header(0, "x-amz-checksum-crc32c"), expected);
  EXPECT_EQ(b.header(0, "Content-Length"), "600000");
  EXPECT_EQ(b.header(0, "Content-Encoding"), "");
  std::string_view hash = b.header(0, "x-amz-content-sha256");
  if (payload.empty()) {
    EXPECT_EQ(hash, hex(Sha256::of(bytes)));
  } else {
    EXPECT_EQ(hash, payload);
  }
  bool stored = co_await holds(b, bytes);
  EXPECT_TRUE(stored);
  EXPECT_EQ(b.object().checksum->value, expected);
}

TEST(UploadChecksum, StandsInTheHeadOverPlainHttp) {
  Bed bed(http::Scheme::http);
  bed.run([](Bed& b) -> Task<void> { co_await expect_in_head(b, ""); });
}

TEST(UploadChecksum, StandsInTheHeadOverPlainHttpWithAnUnsignedPayload) {
  Bed bed(http::Scheme::http);
  bed.signing = PayloadSigning::never;
  bed.run([](Bed& b) -> Task<void> { co_await expect_in_head(b, "UNSIGNED-PAYLOAD"); });
}

TEST(UploadChecksum, StandsInTheHeadWhereThePayloadIsSignedAnyway) {
  Bed bed(http::Scheme::https);
  bed.signing = PayloadSigning::always;
  bed.run([](Bed& b) -> Task<void> { co_await expect_in_head(b, ""); });
}

TEST(UploadChecksum, OverPlainHttpNeedsABodyThatCanBeRewound) {
  Bed bed(http::Scheme::http);
  bed.signing = PayloadSigning::never;
  bed.run([](Bed& b) -> Task<void> {
    struct None {
      static Task<Result<http::ConstBytes>> next() { co_return http::ConstBytes(); }
    };
    http::GeneratorSource body(&None::next, 3);
    PutObjectOptions options = target(ChecksumAlgorithm::crc32c);
    auto put = co_await b.client->put_object(options, body);
    EXPECT_FALSE(put);
    EXPECT_EQ(put.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(b.gate->seen.size(), 0u);
  });
}

TEST(UploadChecksum, IsNotComputedBesideAGivenOneNorForAUrl) {
  Bed bed(http::Scheme::https);
  bed.run([](Bed& b) -> Task<void> {
    http::SpanSource body(bytes_of("123456789"));
    PutObjectOptions options = target(ChecksumAlgorithm::crc32c);
    PresignOptions presign;
    auto url = co_await b.client->presign(options, presign);
    EXPECT_FALSE(url);
    EXPECT_EQ(url.error().kind(), ErrorKind::invalid_argument);
    options.checksum.emplace(ChecksumAlgorithm::crc32c, "4waSgw==");
    auto put = co_await b.client->put_object(options, body);
    EXPECT_FALSE(put);
    EXPECT_EQ(put.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(b.gate->seen.size(), 0u);
  });
}

/// Signs and sends `wire` as the aws-chunked body of nine bytes, and gives the status of the
/// answer.
Task<int> put_wire(Bed& b, std::string wire) {
  auto url = http::Url::parse(b.origin + "/b/k").value();
  http::RequestHead head("PUT", "/b/k");
  head.headers.add("Host", url.authority());
  AwsChunkedEncoder encoder(9, ChecksumAlgorithm::crc32c);
  encoder.set_headers(head.headers);
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  SigningScope scope("us-east-1", now);
  Credentials credentials("id", Secret("secret"));
  Signer signer;
  auto signature = signer.sign(credentials, scope, head, PayloadHash::unsigned_trailer()).value();
  signature.apply(head.headers);
  http::SpanSource body(bytes_of(wire));
  auto response = co_await b.http->send(url, head, body);
  EXPECT_TRUE(response) << response.error().message();
  if (!response) co_return 0;
  auto text = co_await response->read_text(64 * 1024);
  EXPECT_TRUE(text);
  EXPECT_TRUE(response->status() == 200 || text->find("BadDigest") != std::string::npos) << *text;
  co_return response->status();
}

TEST(UploadChecksum, InACorruptedTrailerIsRefusedByTheSandbox) {
  Bed bed(http::Scheme::https);
  bed.run([](Bed& b) -> Task<void> {
    std::string head = "9\r\n123456789\r\n0\r\nx-amz-checksum-crc32c:";
    std::string corrupted = head + "4waSgv==\r\n\r\n";
    int status = co_await put_wire(b, corrupted);
    EXPECT_EQ(status, 400);
    EXPECT_FALSE(b.store.find("b")->objects.contains("k"));
    std::string good = head + "4waSgw==\r\n\r\n";
    status = co_await put_wire(b, good);
    EXPECT_EQ(status, 200);
  });
}

}  // namespace
}  // namespace ringpull::s3
