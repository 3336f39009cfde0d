#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>
#include <unistd.h>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/signal_set.hpp>

#include "tools/bench/child_sandbox.hpp"
#include "tools/bench/floor_run.hpp"
#include "tools/bench/image.hpp"
#include "tools/bench/report.hpp"
#include "tools/bench/transfer_run.hpp"
#include "tools/commands/commands.hpp"
#include "tools/console/advice.hpp"
#include "tools/console/limits.hpp"
#include "tools/console/output.hpp"
#include "tools/console/progress.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

constexpr std::uint64_t kSeed = 20'240'229;

/// The steps that a terminal shows while it waits.
class Steps {
 public:
  Steps(bool quiet, int total)
      : progress_("bench", static_cast<std::uint64_t>(total),
                  quiet ? Progress::Show::no : Progress::on_terminal()) {}
  void next(std::string_view what) {
    progress_.add(1);
    progress_.draw_step(what);
  }
  void finish() { progress_.erase(); }

 private:
  Progress progress_;
};

/// One object with the whole image, for the floor programs, and the URLs that let them in.
struct FloorTargets {
  FloorTargets() = default;
  std::string get;
  std::vector<std::string> put;
};

std::string target_of(const std::string& url) {
  std::size_t host = url.find("://") + 3;
  return url.substr(url.find('/', host));
}

Task<Result<FloorTargets>> prepare_floor(s3::Client& client, const ImagePlan& plan,
                                         const ImageMemory& source) {
  s3::PutObjectOptions whole(plan.bucket, s3::ObjectKey("floor"));
  s3::TransferOptions transfer;
  transfer.part_bytes = plan.part_bytes;
  transfer.concurrency = plan.concurrency;
  RINGPULL_CO_CHECK(co_await s3::upload(client, whole, source.bytes(), transfer));
  FloorTargets targets;
  s3::PresignOptions hour{std::chrono::hours(1)};
  s3::GetObjectOptions get(plan.bucket, whole.key);
  RINGPULL_CO_TRY(std::string get_url, co_await client.presign(get, hour));
  targets.get = target_of(get_url);
  std::uint64_t parts = (plan.total_bytes() + plan.part_bytes - 1) / plan.part_bytes;
  for (std::uint64_t i = 0; i < parts; ++i) {
    s3::PutObjectOptions put(plan.bucket, s3::ObjectKey("floor-part-" + std::to_string(i)));
    RINGPULL_CO_TRY(std::string put_url, co_await client.presign(put, hour));
    targets.put.push_back(target_of(put_url));
  }
  co_return targets;
}

void measure_floor(Direction& direction, std::string& missing, FloorKind kind,
                   const bench::FloorOptions& options) {
  if (!missing.empty()) return;
  auto result = run_floor(kind, options);
  if (result) {
    direction.floor.push_back(std::move(*result));
  } else {
    missing = result.error().message();
    direction.floor.clear();
  }
}

Task<Result<BenchReport>> measure(const BenchArguments& arguments, const ImagePlan& plan,
                                  const ChildSandbox& server, s3::Client& client) {
  BenchReport report;
  const engine::Backend& backend = engine::Loop::current().backend();
  report.backend = std::string(to_string(backend.kind()));
  report.backend_description = backend.description();
  RINGPULL_CO_TRY(ImageMemory source,
                  ImageMemory::create(static_cast<std::size_t>(plan.total_bytes())));
  RINGPULL_CO_TRY(ImageMemory destination,
                  ImageMemory::create(static_cast<std::size_t>(plan.total_bytes())));
  source.fill(kSeed);
  Steps steps(arguments.json, 4 * arguments.rounds + 1);
  steps.next("filling the server");
  RINGPULL_CO_TRY(FloorTargets targets, co_await prepare_floor(client, plan, source));
  bench::FloorOptions floor;
  floor.url = server.endpoint() + "/";
  floor.size = plan.total_bytes();
  floor.part_size = plan.part_bytes;
  floor.connections = static_cast<unsigned>(plan.concurrency);
  floor.ca_file = server.ca();
  bench::FloorOptions floor_get = floor;
  floor_get.targets = {targets.get};
  bench::FloorOptions floor_put = floor;
  floor_put.targets = targets.put;

  for (int round = 0; round < arguments.rounds; ++round) {
    steps.next("push");
    RINGPULL_CO_TRY(Measurement pushed, co_await push_image(client, plan, source));
    report.push.ours.push_back(std::move(pushed));
    steps.next("push, floor");
    measure_floor(report.push, report.floor_missing,
                  arguments.tls ? FloorKind::send_tls : FloorKind::send, floor_put);
    steps.next("pull");
    destination.spoil();
    RINGPULL_CO_TRY(Measurement pulled, co_await pull_image(client, plan, destination));
    bool same =
        std::memcmp(source.bytes().data(), destination.bytes().data(), source.bytes().size()) == 0;
    if (!same) co_return fail(ErrorKind::checksum_mismatch, "the image came back with other bytes");
    report.pull.ours.push_back(std::move(pulled));
    steps.next("pull, floor");
    measure_floor(report.pull, report.floor_missing,
                  arguments.tls ? FloorKind::receive_tls : FloorKind::receive, floor_get);
  }
  steps.finish();
  co_return report;
}

Task<Result<BenchReport>> bench(const BenchArguments& arguments, const ImagePlan& plan,
                                const ChildSandbox& server) {
  RINGPULL_CO_TRY(auto resolver, engine::CaresResolver::create());
  http::ClientOptions http_options;
  http_options.tls.ca_file = server.ca();
  RINGPULL_CO_TRY(auto http, http::Client::create(http_options, *resolver));
  RINGPULL_CO_TRY(auto keys,
                  s3::static_credentials(server.access_key(), s3::Secret(server.secret_key())));
  s3::StaticCredentialsProvider credentials(std::move(keys));
  RINGPULL_CO_TRY(s3::Endpoint endpoint,
                  s3::Endpoint::create(server.endpoint(), s3::Region(server.region())));
  s3::ClientOptions options(std::move(endpoint));
  options.payload_signing =
      arguments.sign_payload ? s3::PayloadSigning::always : s3::PayloadSigning::never;
  s3::Client client(std::move(options), *http, credentials);
  auto report = co_await measure(arguments, plan, server, client);
  co_return report;
}

Task<void> stop_on_signal(engine::SignalSet& signals, engine::StopSource& source) {
  auto number = co_await signals.wait();
  if (number) source.request_stop();
}

Task<Result<void>> bench_until_signal(const BenchArguments& arguments, const ImagePlan& plan,
                                      const ChildSandbox& server, engine::SignalSet& signals) {
  engine::Context& context = co_await engine::current_context();
  engine::StopSource source;
  engine::Scope scope(context);
  scope.spawn(stop_on_signal(signals, source));
  Task<Result<BenchReport>> work = bench(arguments, plan, server);
  auto report = co_await engine::with_stop(source, std::move(work));
  scope.request_stop();
  auto joined = co_await scope.join();
  (void)joined;
  if (!report) co_return fail(std::move(report).error());
  std::string text =
      arguments.json ? bench_json(arguments, plan, *report) : bench_table(arguments, plan, *report);
  auto written = co_await write_out(text);
  co_return written;
}

Result<ImagePlan> plan_of(const BenchArguments& arguments) {
  ImagePlan plan;
  plan.layers = arguments.layers;
  plan.concurrency = arguments.concurrency;
  plan.bucket = s3::Bucket("bench");
  RINGPULL_TRY(plan.layer_bytes, parse_size(arguments.layer_size));
  RINGPULL_TRY(plan.part_bytes, parse_size(arguments.part_size));
  if (plan.layer_bytes == 0)
    return fail(ErrorKind::invalid_argument, "--layer-size must be above 0");
  bool one_part = plan.layer_bytes <= plan.part_bytes;
  if (plan.part_bytes < s3::kPartBytesMin && !one_part) {
    return fail(ErrorKind::invalid_argument, "--part-size: S3 takes parts from 5MiB");
  }
  return plan;
}

ExitCode run_bench(const BenchArguments& arguments) {
  raise_descriptor_limit();
  auto plan = plan_of(arguments);
  if (!plan) return report("bench", plan.error());
  bool two_cpus = std::thread::hardware_concurrency() >= 2;
  auto signals = stop_signals();
  if (!signals) return report("bench", signals.error());
  auto server = ChildSandbox::start(plan->bucket.str(), arguments.tls, two_cpus ? 1 : -1);
  if (!server) return report("bench", server.error());
  if (two_cpus) pin_to_cpu(0);
  auto loop = engine::Loop::create(engine::LoopOptions());
  if (!loop) return report("bench", loop.error());
  auto result =
      (*loop)->run([&] { return bench_until_signal(arguments, *plan, *server, *signals); });
  if (!result) return report("bench", result.error());
  return ExitCode::success;
}

}  // namespace

void add_bench(CommandLine& line) {
  auto arguments = std::make_shared<BenchArguments>();
  Command command = line.add("bench",
                             "Push a synthetic image to a sandbox on this machine, "
                             "pull it back, and compare with bare sockets");
  command.option("--layers", arguments->layers, "Number of layers").between(1, 1000).show_default();
  command.option("--layer-size", arguments->layer_size, "Size of each").show_default();
  command.option("--part-size", arguments->part_size, "Bytes per part").show_default();
  command.option("--concurrency", arguments->concurrency, "Parts under way at once")
      .between(1, 256)
      .show_default();
  command.option("--rounds", arguments->rounds, "Measured rounds of each")
      .between(1, 100)
      .show_default();
  command.flag("--tls", arguments->tls, "Over HTTPS");
  command.flag("--sign-payload", arguments->sign_payload,
               "Cover the bytes of the push by SigV4 (a SHA-256 of each)");
  command.flag("--json", arguments->json, "One JSON object instead of the table");
  command.footer(
      "The client runs on CPU 0, the server on CPU 1. The floor moves the same bytes from the same "
      "server without\n"
      "this library: the ratio compares CPU time per byte within this run, which noise of the "
      "machine hardly moves.");
  command.on_chosen([arguments] { return run_bench(*arguments); });
}

}  // namespace ringpull::tools
