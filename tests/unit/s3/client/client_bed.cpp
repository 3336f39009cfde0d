#include "tests/unit/s3/client/client_bed.hpp"

#include <gtest/gtest.h>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>

#include "tests/support/patience.hpp"

namespace ringpull::s3::testing {

using engine::Task;
using ringpull::testing::ScriptedPeer;
using ringpull::testing::ShiftedClock;

ClientBed::ClientBed() : http_options(ringpull::testing::patient_client_options()) {
  retry.base_delay = std::chrono::milliseconds(0);
  retry.throttle_base_delay = std::chrono::milliseconds(0);
}

void ClientBed::run(Body body) {
  auto shifted =
      std::make_unique<ShiftedClock>(engine::make_backend(engine::BackendOptions()).value());
  clock = shifted.get();
  auto loop = engine::Loop::create(std::move(shifted), engine::LoopOptions());
  loop->run([&] { return both(body); });
}

bool ClientBed::sent(std::size_t index, std::string_view text) const {
  return peer->heads().at(index).find(text) != std::string::npos;
}

std::string ClientBed::line(std::size_t index) const {
  const std::string& head = peer->heads().at(index);
  return head.substr(0, head.find("\r\n"));
}

Task<void> ClientBed::both(Body body) {
  peer = std::make_unique<ScriptedPeer>(ScriptedPeer::create(std::move(scripts)).value());
  http = http::Client::create(http_options, resolver).value();
  if (!credentials) {
    credentials = std::make_unique<StaticCredentialsProvider>(
        static_credentials("AKIDEXAMPLE", Secret("canary-secret")).value());
  }
  std::string url = "http://127.0.0.1:" + std::to_string(peer->port());
  ClientOptions options(Endpoint::create(url, Region("us-east-1")).value());
  options.retry = retry;
  options.signature_version = signature_version;
  options.clock = [this] { return now; };
  options.log.level = log_level;
  options.log.sink = [this](std::string_view record) { records.emplace_back(record); };
  if (configure) configure(options);
  client = std::make_unique<Client>(std::move(options), *http, *credentials);
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(peer->run());
  co_await body(*this);
  client.reset();
  http.reset();
  scope.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  peer.reset();
}

std::string response(int status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " x\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string error_response(int status, const std::string& code, const std::string& headers,
                           const std::string& elements) {
  return response(status, headers + "Content-Type: application/xml\r\n",
                  "<Error><Code>" + code + "</Code><Message>m</Message>" + elements + "</Error>");
}

std::string part_response(const std::string& bytes, std::size_t first, std::size_t total,
                          const std::string& etag) {
  return response(206,
                  "ETag: \"" + etag + "\"\r\nContent-Range: bytes " + std::to_string(first) + "-" +
                      std::to_string(first + bytes.size() - 1) + "/" + std::to_string(total) +
                      "\r\n",
                  bytes);
}

GetObjectOptions ranged_get(std::uint64_t first, std::uint64_t length) {
  GetObjectOptions options(Bucket("b"), ObjectKey("k"));
  options.range = http::ByteRange::of_length(first, length).value();
  return options;
}

std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace ringpull::s3::testing
