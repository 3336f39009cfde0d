#include "tools/session/session.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/signal_set.hpp>
#include <ringpull/s3/credentials_chain.hpp>

#include "tools/console/limits.hpp"
#include "tools/console/output.hpp"
#include "tools/session/setup_signals.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

constexpr const char* kUserAgent = "ringpull/" RINGPULL_VERSION;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Result<s3::Endpoint> endpoint_of(const S3Arguments& arguments) {
  std::string url = arguments.endpoint;
  if (url.empty()) url = environment("AWS_ENDPOINT_URL_S3");
  if (url.empty()) url = environment("AWS_ENDPOINT_URL");
  std::string region = arguments.region;
  if (region.empty()) region = environment("AWS_REGION");
  if (region.empty()) region = environment("AWS_DEFAULT_REGION");
  if (region.empty()) region = "us-east-1";
  auto style = arguments.path_style     ? s3::Addressing::path
               : arguments.virtual_host ? s3::Addressing::virtual_host
                                        : s3::Addressing::automatic;
  if (url.empty()) return s3::Endpoint::aws(s3::Region(region), style);
  return s3::Endpoint::create(url, s3::Region(region), style);
}

/// Null, the system's, where none is asked for.
std::function<std::chrono::sys_seconds()> clock_of(const S3Arguments& arguments) {
  if (!arguments.at) return nullptr;
  return [at = *arguments.at] { return at; };
}

std::string_view left_behind(const std::string& command) {
  if (command == "get") return "; a file with .partial- in its name may be left behind";
  if (command == "put") return "; the parts of a multipart upload may be left behind";
  if (command == "check") return "; objects below ringpull-check- may be left behind";
  if (command == "mv") return "; the file may be at both places, or parts of an upload left behind";
  return {};
}

[[noreturn]] void end_at_once(const std::string& command) {
  std::string line =
      fmt::format("ringpull {}: ended by a second signal{}\n", command, left_behind(command));
  std::fputs(line.c_str(), stderr);
  std::_Exit(static_cast<int>(ExitCode::interrupted));
}

Task<void> stop_on_signal(engine::SignalSet& signals, engine::StopSource& source,
                          const std::string& command) {
  auto first = co_await signals.wait();
  if (!first) co_return;
  source.request_stop();
  auto second = co_await signals.wait();
  if (second) end_at_once(command);
}

Task<Result<void>> with_credentials(Session& session, const Body& body) {
  RINGPULL_CO_CHECK(co_await session.load_credentials());
  auto outcome = co_await body(session);
  co_return outcome;
}

/// Closes what the work stood on, however it ended.
template <class Opened>
Task<Result<void>> run_and_close(const std::string& command, engine::SignalSet& signals,
                                 Opened& opened, Task<Result<void>> work) {
  auto outcome = co_await until_signal(command, signals, std::move(work));
  co_await opened.close();
  co_return outcome;
}

Result<std::unique_ptr<Session>> create_session(const S3Arguments& arguments) {
  EndOnSignal nothing_is_begun;
  return Session::create(arguments);
}

Task<Result<std::unique_ptr<cloudfront::OpenedRegistryStorage>>> open_storage(
    const S3Arguments& arguments, const cloudfront::OpenRegistryStorageOptions& options) {
  EndOnSignal nothing_is_begun;
  auto storage = co_await cloudfront::open_registry_storage(arguments.config, options);
  co_return storage;
}

Task<Result<void>> run_on_s3(const std::string& command, const S3Arguments& arguments,
                             const Body& body, engine::SignalSet& signals) {
  RINGPULL_CO_TRY(auto session, create_session(arguments));
  Task<Result<void>> work = with_credentials(*session, body);
  auto outcome = co_await run_and_close(command, signals, *session, std::move(work));
  co_return outcome;
}

Task<Result<void>> run_on_storage(const std::string& command, const S3Arguments& arguments,
                                  const StorageBody& body, engine::SignalSet& signals) {
  cloudfront::OpenRegistryStorageOptions options;
  options.on_notice = [&command](std::string_view notice) {
    std::fputs(one_line(fmt::format("ringpull {}: {}", command, notice)).append("\n").c_str(),
               stderr);
  };
  options.clock = clock_of(arguments);
  RINGPULL_CO_TRY(auto storage, co_await open_storage(arguments, options));
  Task<Result<void>> work = body(*storage);
  auto outcome = co_await run_and_close(command, signals, *storage, std::move(work));
  co_return outcome;
}

/// Adds --config instead of all options from `first` on.
void add_config_instead(Command command, S3Arguments& arguments, std::size_t first) {
  Option config =
      command
          .option("-c,--config", arguments.config,
                  "Configuration file of a registry: for paths of its storage instead of s3:// "
                  "URLs, and instead of all options about where and who")
          .value_name("FILE");
  command.replaces_from(first, config);
}

}  // namespace

Task<Result<void>> until_signal(const std::string& command, engine::SignalSet& signals,
                                Task<Result<void>> work) {
  engine::Context& context = co_await engine::current_context();
  engine::StopSource source;
  engine::Scope scope(context);
  scope.spawn(stop_on_signal(signals, source, command));
  auto outcome = co_await engine::with_stop(source, std::move(work));
  scope.request_stop();
  auto joined = co_await scope.join();
  (void)joined;
  co_return outcome;
}

void add_s3_options(Command command, S3Arguments& arguments, Transfers transfers) {
  std::size_t first = command.size();
  command
      .option("--endpoint", arguments.endpoint,
              "URL of the S3 service; default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or Amazon's")
      .value_name("URL");
  command.option("--region", arguments.region, "Region; default: AWS_REGION, else us-east-1")
      .value_name("NAME");
  command
      .option("--profile", arguments.profile,
              "Profile of ~/.aws/config and ~/.aws/credentials; default: AWS's chain "
              "(environment, web identity, AWS_PROFILE, container, EC2)")
      .value_name("NAME");
  command
      .flag("--no-sign-request", arguments.no_sign_request,
            "Look for no credentials and sign nothing: for what anyone may read")
      .excludes(command.at("--profile"));
  Option path_style = command.flag(
      "--path-style", arguments.path_style,
      "Address buckets as ENDPOINT/BUCKET always (done by itself for IP addresses and ports)");
  command
      .flag("--virtual-host", arguments.virtual_host,
            "Address buckets as BUCKET.ENDPOINT always, also where the endpoint has a port")
      .excludes(path_style);
  command
      .option("--signature", arguments.signature,
              "How requests are signed: v4, or v2 for old servers")
      .one_of({"v4", "v2"})
      .show_default();
  command
      .option("--ca", arguments.ca, "PEM file of the authorities to trust instead of the system's")
      .value_name("FILE");
  command.flag("--no-verify", arguments.no_verify, "Accept any certificate (insecure)");
  if (transfers == Transfers::yes) {
    command.option("--part-size", arguments.part_size, "Bytes per part, e.g. 8MiB")
        .show_default()
        .value_name("SIZE");
    command.option("--concurrency", arguments.concurrency, "Parts under way at once")
        .value_name("N")
        .between(std::uint64_t(1), std::uint64_t(256))
        .show_default();
  }
  add_config_instead(command, arguments, first);
  if (transfers == Transfers::no) return;
  command.flag("--quiet", arguments.quiet, "No progress bar on a terminal");
}

Result<std::uint64_t> parse_size(const std::string& text) {
  struct Unit {
    std::string_view name;
    std::uint64_t bytes;
  };
  static constexpr Unit kUnits[] = {{"", 1},
                                    {"B", 1},
                                    {"KiB", 1024},
                                    {"MiB", 1024 * 1024},
                                    {"GiB", 1024 * 1024 * 1024},
                                    {"K", 1024},
                                    {"M", 1024 * 1024},
                                    {"G", 1024 * 1024 * 1024},
                                    {"KB", 1000},
                                    {"MB", 1000 * 1000},
                                    {"GB", 1000 * 1000 * 1000}};
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, number);
  std::string_view unit(parsed.ptr, static_cast<std::size_t>(end - parsed.ptr));
  for (const Unit& known : kUnits) {
    bool fits = number <= UINT64_MAX / known.bytes;
    if (parsed.ec == std::errc() && unit == known.name && fits) return number * known.bytes;
  }
  return fail(ErrorKind::invalid_argument, "'" + text + "' is no size; 8MiB, 8MB and 8388608 are");
}

Result<S3Url> S3Url::parse(const std::string& text) {
  constexpr std::string_view kScheme = "s3://";
  std::string_view rest = text;
  if (!rest.starts_with(kScheme) || rest.size() == kScheme.size()) {
    return fail(ErrorKind::invalid_argument,
                "'" + text +
                    "' is no address of the form s3://bucket/key; a path of a registry's storage "
                    "goes with --config FILE");
  }
  rest.remove_prefix(kScheme.size());
  std::size_t slash = std::min(rest.find('/'), rest.size());
  S3Url url;
  url.bucket = s3::Bucket(rest.substr(0, slash));
  if (slash < rest.size()) url.key = s3::ObjectKey(rest.substr(slash + 1));
  return url;
}

Error name_file(Error error, const std::string& path) {
  // No socket fails with these.
  constexpr int kOfFiles[] = {EFBIG, ENOSPC, EDQUOT, EIO, EROFS, ESTALE};
  bool of_file = error.code().category() == std::system_category() &&
                 std::ranges::find(kOfFiles, error.code().value()) != std::end(kOfFiles);
  if (!of_file) return error;
  return std::move(error).context(path).with_kind(ErrorKind::io);
}

Result<std::unique_ptr<Session>> Session::create(const S3Arguments& arguments) {
  RINGPULL_TRY(std::uint64_t part_bytes, parse_size(arguments.part_size));
  if (part_bytes < s3::kPartBytesMin || part_bytes > s3::kPartBytesMax) {
    return fail(ErrorKind::invalid_argument,
                "--part-size " + arguments.part_size + ": S3 takes parts from 5MiB to 5GiB");
  }
  RINGPULL_TRY(s3::Endpoint endpoint, endpoint_of(arguments));
  engine::MemoryBudgetOptions memory;
  std::size_t block = engine::BufferPool::block_bytes(static_cast<std::size_t>(part_bytes));
  memory.limit_bytes = block * arguments.concurrency;
  std::unique_ptr<Session> session(new Session(memory));
  session->transfer_.part_bytes = part_bytes;
  session->transfer_.concurrency = arguments.concurrency;

  RINGPULL_TRY(session->resolver_, engine::CaresResolver::create());
  http::ClientOptions http_options;
  http_options.tls.ca_file = arguments.ca;
  http_options.tls.skip_verify = arguments.no_verify;
  RINGPULL_TRY(http_options.proxies, http::ProxySettings::from_environment());
  RINGPULL_TRY(session->http_, http::Client::create(http_options, *session->resolver_));

  // The token service is trusted like the S3 service, but never unseen: what it is sent would give
  // away more than an object.
  http_options.tls.skip_verify = false;
  RINGPULL_TRY(session->sts_http_, http::Client::create(http_options, *session->resolver_));
  http::ClientOptions metadata_options;
  RINGPULL_TRY(session->metadata_http_,
               http::Client::create(metadata_options, *session->resolver_));
  if (!arguments.no_sign_request) session->use_credentials_chain(arguments);

  s3::ClientOptions options(std::move(endpoint));
  options.user_agent = kUserAgent;
  options.clock = clock_of(arguments);
  if (arguments.signature == "v2") options.signature_version = s3::SignatureVersion::v2;
  session->client_ =
      std::make_unique<s3::Client>(std::move(options), *session->http_, session->credentials());
  return session;
}

s3::CredentialsProvider& Session::credentials() noexcept {
  if (chain_) return *chain_;
  return anonymous_;
}

void Session::use_credentials_chain(const S3Arguments& arguments) {
  s3::CredentialsServices services(*sts_http_, *metadata_http_, *resolver_);
  services.user_agent = kUserAgent;
  s3::ProfileOptions profile;
  profile.name = arguments.profile;
  profile.sts.region = arguments.region;
  chain_ = std::make_unique<s3::RefreshingCredentialsProvider>(
      s3::default_credentials_chain(services, profile));
}

Task<Result<void>> Session::load_credentials() {
  RINGPULL_CO_TRY(const s3::Credentials* loaded, co_await credentials().credentials());
  (void)loaded;
  co_return Result<void>();
}

Task<void> Session::close() {
  if (chain_) co_await chain_->close();
}

Result<engine::SignalSet> stop_signals() {
  struct sigaction hangup{};
  bool ignored = ::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
  if (ignored) return engine::SignalSet::create({SIGINT, SIGTERM});
  return engine::SignalSet::create({SIGINT, SIGTERM, SIGHUP});
}

ExitCode run_session(const std::string& command, const S3Arguments& arguments, const Body& on_s3,
                     const StorageBody& on_storage) {
  raise_descriptor_limit();
  auto signals = stop_signals();
  if (!signals) return report(command, signals.error());
  auto loop = engine::Loop::create(engine::LoopOptions());
  if (!loop) return report(command, loop.error());
  auto outcome = (*loop)->run([&] {
    return arguments.config.empty() ? run_on_s3(command, arguments, on_s3, *signals)
                                    : run_on_storage(command, arguments, on_storage, *signals);
  });
  if (outcome) return ExitCode::success;
  return report(command, outcome.error(),
                arguments.config.empty() ? Settings::options : Settings::configuration_file);
}

}  // namespace ringpull::tools
