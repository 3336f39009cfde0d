#include "tests/unit/s3/client_bed.hpp"

#include <gtest/gtest.h>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>

#include "tests/support/patience.hpp"

namespace ringpull::s3::testing {

using engine::Task;
using ringpull::testing::ScriptedPeer;
using ringpull::testing::ShiftedClock;

ClientBed::ClientBed() : http_options(ringpull::testing::patient_client_options()) {}

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

Task<void> ClientBed::both(Body body) {
  peer = std::make_unique<ScriptedPeer>(ScriptedPeer::create(std::move(scripts)).value());
  http = http::Client::create(http_options, resolver).value();
  if (!credentials) {
    credentials = std::make_unique<StaticCredentialsProvider>(
        static_credentials("AKIDEXAMPLE", Secret("canary-secret")).value());
  }
  std::string url = "http://127.0.0.1:" + std::to_string(peer->port());
  ClientOptions options(Endpoint::create(url, Region("us-east-1")).value());
  options.retry.base_delay = std::chrono::milliseconds(0);
  options.retry.throttle_base_delay = std::chrono::milliseconds(0);
  options.clock = [this] { return now; };
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

std::string error_response(int status, const std::string& code, const std::string& headers) {
  return response(status, headers + "Content-Type: application/xml\r\n",
                  "<Error><Code>" + code + "</Code><Message>m</Message></Error>");
}

}  // namespace ringpull::s3::testing
