#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ringpull/engine/task.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/credentials_provider.hpp>

#include "tests/support/fixed_resolver.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/shifted_clock.hpp"

namespace ringpull::s3::testing {

constexpr auto kBedNow = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));

/// A client of one scripted peer. It repeats without delays, and its clocks are the test's.
class ClientBed {
 public:
  ClientBed();

  using Body = engine::Task<void> (*)(ClientBed&);
  /// The body runs beside the peer.
  void run(Body body);

  /// The n-th head that arrived has this in it.
  bool sent(std::size_t index, std::string_view text) const;
  std::size_t requests() const { return peer->heads().size(); }

  // Before run().
  std::vector<ringpull::testing::Script> scripts;
  http::ClientOptions http_options;
  /// More of the client's options.
  std::function<void(ClientOptions&)> configure;
  /// Unless the test gives others: "AKIDEXAMPLE", for ever.
  std::unique_ptr<CredentialsProvider> credentials;

  /// What the client signs by.
  std::chrono::sys_seconds now = kBedNow;

  // While it runs.
  ringpull::testing::FixedResolver resolver;
  ringpull::testing::ShiftedClock* clock = nullptr;  // the loop's
  std::unique_ptr<ringpull::testing::ScriptedPeer> peer;
  std::unique_ptr<http::Client> http;
  std::unique_ptr<Client> client;

 private:
  engine::Task<void> both(Body body);
};

/// A response with its Content-Length; `headers` are whole lines.
std::string response(int status, const std::string& headers = {}, const std::string& body = {});
/// One of S3's error documents.
std::string error_response(int status, const std::string& code, const std::string& headers = {});

}  // namespace ringpull::s3::testing
