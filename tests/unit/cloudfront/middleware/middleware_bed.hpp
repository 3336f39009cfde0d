#pragma once
// For tests of the cloudfront middleware with all that it does in the background: key files that
// change, a list that is fetched, times that pass.

#include <chrono>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include <ringpull/cloudfront/cloudfront_middleware.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/http/client.hpp>

#include "tests/support/fixed_resolver.hpp"
#include "tests/support/recording_driver.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/shifted_clock.hpp"
#include "tests/support/temp_dir.hpp"

namespace ringpull::cloudfront::testing {

using ringpull::testing::Script;

/// A golden key or list, by its file's name.
std::string golden(const std::string& name);

/// A middleware over a RecordingDriver, with a scripted server for the list of networks, on a loop
/// whose clock the test puts forward together with the wall clock.
class MiddlewareBed {
 public:
  MiddlewareBed();

  // Set before run().
  std::vector<Script> scripts;
  CloudFrontOptions options;

  ringpull::testing::RecordingDriver driver;
  ringpull::testing::TempDir files;
  WallTime now = WallTime(std::chrono::seconds(1'767'323'045));
  std::vector<std::string> notices;
  std::unique_ptr<ringpull::testing::ScriptedPeer> peer;
  std::unique_ptr<CloudFrontMiddleware> middleware;

  using Body = engine::Task<void> (*)(MiddlewareBed&);
  void run(Body body);

  /// Both clocks; seen by the loop from its next turn on.
  engine::Task<void> advance(std::chrono::seconds by);
  /// The redirect of `path`; a failure's kind in brackets, "none" for none.
  engine::Task<std::string> redirect(std::string path, std::string client = {});
  engine::Task<std::string> redirect(std::string path, const s3::RedirectOptions& redirect);
  engine::Task<void> ready();

  /// Copies a golden key to a file of the bed.
  void put_key(const std::string& name, const std::string& golden_key);
  void put_file(const std::string& name, const std::string& text);
  /// What the options' first key signs `url` with by the canned policy.
  std::string signed_url(const std::string& url, std::chrono::seconds expiry) const;

 private:
  engine::Task<void> both(Body body);

  ringpull::testing::ShiftedClock* clock_ = nullptr;
  ringpull::testing::FixedResolver resolver_;
  std::unique_ptr<http::Client> http_;
};

/// A server's answer; `headers` with a CRLF each.
std::string answer(int status, const std::string& body, const std::string& headers = {});
/// A list in the form of ip-ranges.json of one network of us-east-1.
std::string list_of(const std::string& network);
/// The query parameter's value.
std::string parameter(const std::string& url, const std::string& name);

}  // namespace ringpull::cloudfront::testing
