#pragma once
// For tests of the driver against the sandbox, in one loop. Most tests of writers take
// driver_bed.hpp, those of readers reader_bed.hpp.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/memory_budget.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/server.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/s3_driver.hpp>

#include "s3/src/driver/core/core.hpp"
#include "tools/sandbox/s3_handler.hpp"

namespace ringpull::testing {

/// An answer that a test writes itself.
struct CannedAnswer {
  CannedAnswer(int status_in, std::string body_in) : status(status_in), body(std::move(body_in)) {}
  int status;
  std::string body;
};
CannedAnswer error_answer(int status, std::string_view code);

/// Stands before the sandbox: notes every request, and answers those itself that a test wants
/// answered otherwise. Patterns are searched for in "METHOD target".
class Gate final : public http::Handler {
 public:
  Gate(http::Handler& inner, s3::Client& direct) noexcept : inner_(inner), direct_(direct) {}

  std::function<std::optional<CannedAnswer>(const http::RequestHead&)> script;
  std::string hold_containing;  // never answered
  std::string lose_containing;  // done, and the connection closed instead of an answer
  engine::Event held;
  std::string meet_containing;  // answered once `meet` of them are there
  std::size_t meet = 0;

  std::vector<http::RequestHead> requests;
  std::size_t most_running = 0;

  std::string line(std::size_t index) const;
  /// Requests that hold the pattern; all of them when it is empty.
  std::size_t count(std::string_view pattern = {}) const;
  /// The header of the first request that holds the pattern; "-" when it has none.
  std::string header(std::string_view pattern, std::string_view name) const;
  void forget() { requests.clear(); }

  engine::Task<Result<void>> handle(http::Exchange& exchange) override;

 private:
  engine::Task<void> perform(const http::RequestHead& head);
  engine::Task<Result<void>> answer(http::Exchange& exchange);

  http::Handler& inner_;
  s3::Client& direct_;
  std::size_t running_ = 0;
  std::size_t arrived_ = 0;
  engine::Event met_;
};

/// A driver's Core in one loop with the sandbox that it talks to; bucket "b".
class CoreBed {
 public:
  CoreBed() { options.bucket = s3::Bucket("b"); }

  using Body = engine::Task<void> (*)(CoreBed&);
  void run(Body body);

  /// Puts an object of that many bytes into the store, past the network. The bytes are shared, so
  /// that sizes beyond memory are fine.
  void add(const std::string& key, std::uint64_t size = 0);
  void add_all(const std::vector<std::string>& keys);
  bool has(const std::string& key);
  std::vector<std::string> keys();
  std::size_t uploads() { return store.find("b")->uploads.size(); }

  // Before run().
  s3::S3DriverOptions options;
  std::size_t attempts_max = 1;
  sandbox::ETagStyle etags = sandbox::ETagStyle::md5;

  // While it runs.
  sandbox::Store store;
  std::string url;
  std::unique_ptr<Gate> gate;
  std::unique_ptr<s3::Client> client;  // through the gate
  std::unique_ptr<s3::Client> direct;  // past it
  std::unique_ptr<engine::BufferPool> pool;
  std::unique_ptr<s3::driver::Core> core;

 private:
  engine::Task<void> serve_and_run(Body body);

  std::shared_ptr<sandbox::Segment> zeros_;
};

/// Stops once the gate holds a request.
engine::Task<Result<void>> stop_when_held(CoreBed& bed, engine::StopSource& source);

bool contains(std::string_view text, std::string_view part);

}  // namespace ringpull::testing
