#pragma once
// For tests of s3::Client against answers that are written by hand. HTTP's time limits are out of
// the way (patience.hpp) unless a test sets http_options.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
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
  /// The request line of that head.
  std::string line(std::size_t index) const;
  std::size_t requests() const { return peer->heads().size(); }

  // Before run().
  std::vector<ringpull::testing::Script> scripts;
  http::ClientOptions http_options;
  RetryOptions retry;
  SignatureVersion signature_version = SignatureVersion::v4;
  S3LogLevel log_level = S3LogLevel::off;
  /// More of the client's options.
  std::function<void(ClientOptions&)> configure;
  /// Unless the test gives others: "AKIDEXAMPLE", for ever.
  std::unique_ptr<CredentialsProvider> credentials;

  std::vector<std::string> records;  // of the request log

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
/// One of S3's error documents, with more elements.
std::string error_response(int status, const std::string& code, const std::string& headers = {},
                           const std::string& elements = {});
/// The part of an object of `total` bytes that begins at `first`.
std::string part_response(const std::string& bytes, std::size_t first, std::size_t total,
                          const std::string& etag);

/// Of object "k" in bucket "b".
GetObjectOptions ranged_get(std::uint64_t first, std::uint64_t length);

std::string text_of(std::span<const std::byte> bytes);

}  // namespace ringpull::s3::testing
