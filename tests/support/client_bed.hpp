#pragma once
// For tests of the HTTP client; S3's has a bed of its own in tests/unit/s3/client. until() and
// open_descriptors() serve other tests as well.

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/http/client.hpp>

#include "tests/support/fixed_resolver.hpp"
#include "tests/support/on_each_backend.hpp"
#include "tests/support/scripted_peer.hpp"

namespace ringpull::testing {

/// Descriptors that this process has open.
std::size_t open_descriptors();

/// An HTTP client and its scripted peer in one loop; the test's body runs beside the peer. At the
/// end no descriptor may be left.
class ClientBed {
 public:
  explicit ClientBed(engine::BackendKind backend) : backend_(backend) {}

  std::vector<Script> scripts;
  http::ClientOptions options;
  FixedResolver resolver;
  std::unique_ptr<ScriptedPeer> peer;
  std::unique_ptr<http::Client> client;

  using Body = engine::Task<void> (*)(ClientBed&);
  void run(Body body);

  http::Url url(const std::string& target = "/") const {
    return http::Url::parse(peer->url(target)).value();
  }
  /// GETs `target` and gives the whole body.
  engine::Task<Result<std::string>> get(std::string target);
  engine::Task<Result<std::string>> get(http::Url url);
  /// Only the head; the body is the caller's to read.
  engine::Task<Result<http::Response>> open(std::string target);
  engine::Task<Result<http::Response>> put(http::BodySource& body);
  engine::Task<Result<http::Response>> put(http::RequestHead& head, http::BodySource& body);

 private:
  engine::Task<void> both(Body body);
  engine::BackendKind backend_;
};

/// Waits until something that other tasks of the loop bring about has happened.
engine::Task<void> until(std::function<bool()> happened);

/// A suite of tests with a bed of their own, on each backend.
class ClientTest : public OnEachBackend {
 protected:
  ClientBed bed{GetParam()};
};

}  // namespace ringpull::testing
