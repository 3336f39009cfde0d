#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <optional>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/signal_set.hpp>
#include <ringpull/http/server.hpp>
#include <ringpull/http/tls.hpp>
#include <ringpull/http/tls_identity.hpp>

#include "tools/commands/commands.hpp"
#include "tools/console/advice.hpp"
#include "tools/console/json.hpp"
#include "tools/console/limits.hpp"
#include "tools/console/output.hpp"
#include "tools/sandbox/s3_handler.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct SandboxArguments {
  SandboxArguments() = default;
  std::string host = "127.0.0.1";
  std::uint16_t port = 9000;
  std::string directory;
  std::vector<std::string> buckets;
  std::string access_key = "RINGPULLSANDBOX00001";
  std::string secret_key = "sandbox-secret-for-tests-only";
  std::string region = "us-east-1";
  std::string domain = "s3.localhost";
  int cpu = -1;
  bool tls = false;
  bool json = false;
  bool opaque_etags = false;
};

/// The CA of a TLS sandbox, in a file that goes away with it.
class CaFile {
 public:
  static Result<CaFile> write(const std::string& pem) {
    std::string path = "/tmp/ringpull-sandbox-XXXXXX";
    if (const char* directory = std::getenv("TMPDIR"); directory != nullptr && *directory != '\0') {
      path = std::string(directory) + "/ringpull-sandbox-XXXXXX";
    }
    engine::Fd fd(::mkstemp(path.data()));
    if (!fd) return fail(Error::from_errno(errno, "create " + path));
    ssize_t written = ::write(fd.get(), pem.data(), pem.size());
    if (written != static_cast<ssize_t>(pem.size())) {
      return fail(Error::from_errno(errno, "write " + path));
    }
    return CaFile(std::move(path));
  }
  CaFile(CaFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  CaFile& operator=(CaFile&&) = delete;
  ~CaFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const std::string& path() const noexcept { return path_; }

 private:
  explicit CaFile(std::string path) noexcept : path_(std::move(path)) {}
  std::string path_;
};

std::string ready_text(const SandboxArguments& arguments, const std::string& endpoint,
                       const std::string& ca, const std::string& backend) {
  if (arguments.json) {
    Json line;
    line.set("endpoint", endpoint);
    line.set("access_key", arguments.access_key);
    line.set("secret_key", arguments.secret_key);
    line.set("region", arguments.region);
    line.set("backend", backend);
    line.set("ca", ca.empty() ? Json() : Json(ca));
    return line.line();
  }
  std::string text;
  text += fmt::format("An S3 server for tests listens at {}\n\n", endpoint);
  text += fmt::format("  export AWS_ACCESS_KEY_ID={}\n", arguments.access_key);
  text += fmt::format("  export AWS_SECRET_ACCESS_KEY={}\n", arguments.secret_key);
  text += fmt::format("  export AWS_REGION={}\n", arguments.region);
  if (!ca.empty()) text += fmt::format("\nIts certificate is signed by {}\n", ca);
  std::string trust = ca.empty() ? std::string() : " --ca " + ca;
  text += fmt::format("\n  ringpull ls --endpoint {}{} s3://{}/\n\nCtrl-C ends it.\n", endpoint,
                      trust, arguments.buckets.empty() ? "BUCKET" : arguments.buckets.front());
  return text;
}

Task<Result<void>> stop_on_signal(engine::SignalSet& signals) {
  RINGPULL_CO_TRY(int number, co_await signals.wait());
  (void)number;
  co_return fail(ErrorKind::cancelled, "asked to stop");
}

Task<Result<void>> serve(SandboxArguments& arguments, engine::SignalSet& signals) {
  std::unique_ptr<sandbox::Store> store = std::make_unique<sandbox::Store>();
  if (!arguments.directory.empty()) {
    RINGPULL_CO_TRY(store, sandbox::Store::open(arguments.directory));
  }
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  for (const std::string& bucket : arguments.buckets) {
    if (store->find(bucket) == nullptr) RINGPULL_CO_CHECK(store->create_bucket(bucket, now));
  }
  sandbox::SandboxOptions options;
  options.credentials = s3::Credentials(arguments.access_key, s3::Secret(arguments.secret_key));
  options.region = arguments.region;
  options.domain = arguments.domain;
  if (arguments.opaque_etags) options.etags = sandbox::ETagStyle::opaque;
  sandbox::S3Handler handler(std::move(options), *store);

  RINGPULL_CO_TRY(auto resolver, engine::CaresResolver::create());
  RINGPULL_CO_TRY(auto addresses, co_await resolver->resolve(arguments.host, arguments.port));
  engine::SocketAddress address = addresses.front();
  RINGPULL_CO_TRY(engine::TcpListener listener, engine::TcpListener::bind(address));
  http::ServerOptions server_options;
  std::optional<http::TlsServerContext> tls;
  std::optional<CaFile> ca;
  if (arguments.tls) {
    std::vector<std::string> names = {arguments.host, "localhost", arguments.domain,
                                      "*." + arguments.domain};
    RINGPULL_CO_TRY(http::TlsIdentity identity, http::make_tls_identity(names));
    RINGPULL_CO_TRY(CaFile file, CaFile::write(identity.ca_pem));
    ca.emplace(std::move(file));
    http::TlsServerOptions tls_options;
    tls_options.certificate_pem = identity.certificate_pem;
    tls_options.key_pem = identity.key_pem;
    RINGPULL_CO_TRY(http::TlsServerContext made, http::TlsServerContext::create(tls_options));
    tls.emplace(std::move(made));
    server_options.tls = &*tls;
  }
  std::string endpoint = (arguments.tls ? "https://" : "http://") + listener.address().to_string();
  std::string ready = ready_text(arguments, endpoint, ca ? ca->path() : std::string(),
                                 std::string(to_string(engine::Loop::current().backend().kind())));
  RINGPULL_CO_CHECK(co_await write_out(ready));

  http::Server server(listener, handler, server_options);
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(server.run());
  scope.spawn(stop_on_signal(signals));
  auto outcome = co_await scope.join();
  if (!outcome && outcome.error().is(ErrorKind::cancelled)) co_return Result<void>();
  co_return outcome;
}

ExitCode run_sandbox(SandboxArguments& arguments) {
  raise_descriptor_limit();
  if (arguments.cpu >= 0) pin_to_cpu(arguments.cpu);
  auto signals = stop_signals();
  if (!signals) return report("sandbox", signals.error());
  auto loop = engine::Loop::create(engine::LoopOptions());
  if (!loop) return report("sandbox", loop.error());
  auto outcome = (*loop)->run([&] { return serve(arguments, *signals); });
  if (!outcome) return report("sandbox", outcome.error());
  return ExitCode::success;
}

}  // namespace

void add_sandbox(CommandLine& line) {
  auto arguments = std::make_shared<SandboxArguments>();
  Command command = line.add(
      "sandbox",
      "Run an S3 server on this machine for tests and benches, in memory or in a directory");
  command.option("--host", arguments->host, "Address or name to listen on").show_default();
  command.option("--port", arguments->port, "Port; 0 takes a free one").show_default();
  command
      .option("--dir", arguments->directory, "Keep objects in this directory instead of in memory")
      .value_name("DIR");
  command.option("--bucket", arguments->buckets, "Create this bucket; may be repeated");
  command.option("--access-key", arguments->access_key, "Access key id that it accepts")
      .show_default();
  command.option("--secret-key", arguments->secret_key, "Its secret").show_default();
  command.option("--region", arguments->region, "Region that signatures must name").show_default();
  command.option("--domain", arguments->domain, "Hosts BUCKET.DOMAIN address a bucket")
      .show_default();
  command.option("--cpu", arguments->cpu, "Run on this CPU only");
  command.flag("--tls", arguments->tls,
               "Speak HTTPS with a certificate made now; the CA's path is printed");
  command.flag("--json", arguments->json, "Print one line of JSON when ready");
  command.flag(
      "--opaque-etags", arguments->opaque_etags,
      "Do not compute MD5s for ETags: faster, and S3 clients that compare them will object");
  command.on_chosen([arguments] { return run_sandbox(*arguments); });
}

}  // namespace ringpull::tools
