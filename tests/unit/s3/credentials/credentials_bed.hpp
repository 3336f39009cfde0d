#pragma once
// For tests of where credentials come from: all that a source reads is the test's own, and no
// message may hold a secret.

#include <chrono>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/s3/credentials_source.hpp>

#include "tests/support/fixed_resolver.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/temp_dir.hpp"

namespace ringpull::s3::testing {

using ringpull::testing::Script;

constexpr auto kNow = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
/// Stands in every secret of these tests, and must stand in no message.
constexpr std::string_view kCanary = "canary";

/// A source's world: its environment, one scripted service, files, a clock that stands still. The
/// test's body runs beside the service.
class CredentialsBed {
 public:
  std::map<std::string, std::string> environment;
  std::vector<Script> scripts;
  ringpull::testing::FixedResolver resolver;
  ringpull::testing::TempDir files;
  std::chrono::sys_seconds now = kNow;
  std::unique_ptr<ringpull::testing::ScriptedPeer> peer;
  std::unique_ptr<http::Client> http;

  using Body = engine::Task<void> (*)(CredentialsBed&);
  void run(Body body);

  CredentialsServices services();
  std::string url(const std::string& target = "") const { return peer->url(target); }
  /// Writes a file and gives its path.
  std::string file(const std::string& name, const std::string& text) const;
  /// The n-th request's head, whole; empty when there was none.
  std::string head(std::size_t index) const;
  /// And its first line.
  std::string line(std::size_t index) const;

 private:
  engine::Task<void> both(Body body);
};

std::string answer(int status, const std::string& body, const std::string& headers = {});
/// A document of the container and EC2 services, valid for an hour from kNow.
std::string service_document(const std::string& id = "AKIDTEST");

/// That a load failed so, with this in its text and no secret.
void expect_failure(const Result<Credentials>& loaded, ErrorKind kind, std::string_view text);
/// That it gave the keys of service_document().
void expect_keys(const Result<Credentials>& loaded, std::string_view id = "AKIDTEST");

}  // namespace ringpull::s3::testing
