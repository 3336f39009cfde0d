#pragma once
// Where the suite runs: a driver under test, and the bucket behind it as its owner sees it.

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/storage_driver.hpp>

#include "tests/conformance/content.hpp"
#include "tests/conformance/gatekeeper.hpp"
#include "tools/sandbox/s3_handler.hpp"

namespace ringpull::conformance {

using engine::Task;

struct AccessKey {
  AccessKey() = default;
  AccessKey(std::string id_in, std::string secret_in)
      : id(std::move(id_in)), secret(std::move(secret_in)) {}

  s3::Credentials credentials() const { return s3::Credentials(id, s3::Secret(secret)); }

  std::string id = "sandbox";
  std::string secret = "a secret of the sandbox";
};

/// A server to run on, from the environment:
///
///     RINGPULL_CONFORMANCE_ENDPOINT              http://127.0.0.1:8000
///     RINGPULL_CONFORMANCE_BUCKET                exists, and is empty
///     RINGPULL_CONFORMANCE_KEY, _SECRET          of the driver under test
///     RINGPULL_CONFORMANCE_OWNER_KEY, _SECRET    may do anything to the bucket
///     RINGPULL_CONFORMANCE_SMALL_POLICY          present: the driver's key has small_actions()
///
/// Without it each test has a sandbox in its own loop, with a policy before it.
class ServerAddress {
 public:
  ServerAddress() = default;
  static std::optional<ServerAddress> from_environment();
  static bool has_small_policy();

  std::string url;
  s3::Bucket bucket = s3::Bucket("b");
  AccessKey driver;
  AccessKey owner;
};

/// What a driver is made of.
class DriverParts {
 public:
  DriverParts(s3::Client& client_in, engine::BufferPool& pool_in, s3::Bucket bucket_in,
              std::string root_directory_in)
      : client(client_in),
        pool(pool_in),
        bucket(std::move(bucket_in)),
        root_directory(std::move(root_directory_in)) {}

  s3::Client& client;
  engine::BufferPool& pool;
  s3::Bucket bucket;
  std::string root_directory;
};
using DriverFactory = std::function<Result<std::unique_ptr<s3::StorageDriver>>(const DriverParts&)>;

/// One driver to test: how it is made, and where its files lie.
class DriverCase {
 public:
  DriverCase(std::string name_in, std::string root_directory_in, DriverFactory make_in)
      : name(std::move(name_in)),
        root_directory(std::move(root_directory_in)),
        make(std::move(make_in)) {}

  std::string name;
  std::string root_directory;
  DriverFactory make;
};
void PrintTo(const DriverCase& value, std::ostream* out);

/// Runs one test. Afterwards what the test has left is removed by the driver, and then nothing may
/// be there: no file, no object, no upload, no memory of the budget.
class Bed {
 public:
  explicit Bed(DriverCase which) : case_(std::move(which)) {}

  // Before run().
  std::set<std::string> allowed = documented_actions();  // of the sandbox
  sandbox::ETagStyle etags = sandbox::ETagStyle::md5;
  bool keeps_zeros = true;  // the sandbox keeps pages that hold nothing but zeros

  using Body = Task<Result<void>> (*)(Bed&);
  void run(Body body);

  // While it runs.
  s3::StorageDriver& driver() { return *driver_; }
  /// A driver that knows nothing of what the first has done: as after a restart.
  std::unique_ptr<s3::StorageDriver> another_driver();
  /// Past driver and policy.
  s3::Client& owner() { return *owner_; }
  /// Past the driver, with its key: what it made may be closed to the bucket's owner.
  s3::Client& verbs() { return *client_; }
  http::Client& http() { return *http_; }
  const ServerAddress& server() const noexcept { return address_; }
  const std::string& root_directory() const noexcept { return case_.root_directory; }
  const s3::Bucket& bucket() const noexcept { return address_.bucket; }
  s3::ObjectKey key(const std::string& path) const;
  bool on_sandbox() const noexcept { return gatekeeper_ != nullptr; }
  /// Of the driver, since it was made: as many as have come to the sandbox; by the account of the
  /// driver's client on a server that does not count them.
  std::uint64_t requests() const noexcept {
    return on_sandbox() ? gatekeeper_->requests() : client_->stats().requests;
  }
  /// Everything in the bucket.
  Task<Result<std::vector<std::string>>> keys();
  Task<Result<std::vector<s3::ListedUpload>>> uploads();
  /// All of them, by the owner: after what the driver was not to do itself.
  Task<Result<void>> abort_uploads();

 private:
  Task<void> run_on_server(Body body);
  Task<void> run_on_sandbox(Body body);
  Task<void> run_with_driver(Body body);
  Task<Result<void>> clean();
  Task<Result<void>> sweep();
  std::unique_ptr<s3::Client> connect(const std::string& url, s3::CredentialsProvider& key);

  DriverCase case_;
  ServerAddress address_;
  std::string owner_url_;
  std::unique_ptr<Gatekeeper> gatekeeper_;
  std::unique_ptr<http::Client> http_;
  std::unique_ptr<s3::Client> client_;
  std::unique_ptr<s3::Client> owner_;
  std::unique_ptr<engine::BufferPool> pool_;
  std::unique_ptr<s3::StorageDriver> driver_;
};

/// The drivers that the suite is run with.
std::vector<DriverCase> driver_cases();
std::string case_name(const ::testing::TestParamInfo<DriverCase>& info);

class DriverTest : public ::testing::TestWithParam<DriverCase> {
 protected:
  Bed bed{GetParam()};
  void run(Bed::Body body) { bed.run(body); }
};

}  // namespace ringpull::conformance

#define RINGPULL_FOR_EACH_DRIVER(suite)                                                  \
  INSTANTIATE_TEST_SUITE_P(With, suite,                                                  \
                           ::testing::ValuesIn(::ringpull::conformance::driver_cases()), \
                           ::ringpull::conformance::case_name)
