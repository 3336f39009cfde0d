#pragma once
// What the commands that talk to S3 have in common: options, the clients that these describe, and a
// run in a loop of their own that signals stop. A command's file is left with what only it does.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <ringpull/cloudfront/open_registry_storage.hpp>
#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/signal_set.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/refreshing_credentials.hpp>
#include <ringpull/s3/transfer.hpp>

#include "tools/console/advice.hpp"
#include "tools/console/command_line.hpp"
#include "tools/console/exit_code.hpp"

namespace ringpull::tools {

/// What every command that talks to S3 takes.
struct S3Arguments {
  S3Arguments() = default;
  /// The registry's configuration file: what it describes, instead of all that follows.
  std::string config;
  std::string endpoint;
  std::string region;
  std::string profile;
  std::string ca;
  std::string signature = "v4";
  std::string part_size = "8MiB";
  std::size_t concurrency = 16;
  bool path_style = false;
  bool virtual_host = false;
  bool no_verify = false;
  bool no_sign_request = false;
  bool quiet = false;
  /// What signatures are made at; the time it is where absent.
  std::optional<std::chrono::sys_seconds> at;
};

/// Adds --config, which excludes what comes next; --endpoint, --region, --profile,
/// --no-sign-request, --path-style, --virtual-host,
/// --signature, --ca, --no-verify; with `transfers` also --part-size, --concurrency, --quiet.
enum class Transfers : bool { no, yes };
void add_s3_options(Command command, S3Arguments& arguments, Transfers transfers);

/// "8MiB", "8MB", "8388608" -> bytes.
Result<std::uint64_t> parse_size(const std::string& text);

/// s3://bucket/key; the key may be empty.
struct S3Url {
  S3Url() = default;
  static Result<S3Url> parse(const std::string& text);
  std::string str() const { return "s3://" + bucket.str() + "/" + key.str(); }
  s3::Bucket bucket;
  s3::ObjectKey key;
};

/// Names the file in an error of its reads or writes, which do not know it, and makes that one of
/// this machine. Errors of anything else stay as they are.
Error name_file(Error error, const std::string& path);

/// The clients of one command, in its loop.
class Session {
 public:
  static Result<std::unique_ptr<Session>> create(const S3Arguments& arguments);

  /// So that a command fails for want of credentials before it does anything else.
  engine::Task<Result<void>> load_credentials();
  /// Before it dies.
  engine::Task<void> close();

  s3::Client& client() noexcept { return *client_; }
  engine::BufferPool& pool() noexcept { return pool_; }
  s3::TransferOptions transfer_options() const { return transfer_; }

 private:
  void use_credentials_chain(const S3Arguments& arguments);
  s3::CredentialsProvider& credentials() noexcept;

  explicit Session(const engine::MemoryBudgetOptions& memory) noexcept
      : budget_(memory), pool_(budget_) {}

  engine::MemoryBudget budget_;
  engine::BufferPool pool_;
  s3::TransferOptions transfer_;
  std::unique_ptr<engine::Resolver> resolver_;
  std::unique_ptr<http::Client> http_;
  std::unique_ptr<http::Client> sts_http_;
  std::unique_ptr<http::Client> metadata_http_;
  /// Null with --no-sign-request.
  std::unique_ptr<s3::RefreshingCredentialsProvider> chain_;
  s3::StaticCredentialsProvider anonymous_{s3::Credentials()};
  std::unique_ptr<s3::Client> client_;
};

/// SIGINT, SIGTERM and SIGHUP, the last unless it is ignored: nohup(1) wants that to stay.
Result<engine::SignalSet> stop_signals();

/// Awaits `work`, which the first of `signals` stops. A second one ends the process at once, with a
/// line that says what `command` may leave behind.
engine::Task<Result<void>> until_signal(const std::string& command, engine::SignalSet& signals,
                                        engine::Task<Result<void>> work);

/// Runs a command in a loop of its own; stop_signals() stop it, as until_signal() has it, and its
/// cleanup is waited for.
///
/// With --config it is `on_storage` that runs, with what the file describes; else `on_s3`.
using Body = std::function<engine::Task<Result<void>>(Session&)>;
using StorageBody = std::function<engine::Task<Result<void>>(cloudfront::OpenedRegistryStorage&)>;
ExitCode run_session(const std::string& command, const S3Arguments& arguments, const Body& on_s3,
                     const StorageBody& on_storage);

}  // namespace ringpull::tools
