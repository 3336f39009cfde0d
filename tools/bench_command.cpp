#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/signal_set.hpp>

#include "tools/bench/child_sandbox.hpp"
#include "tools/bench/floor_run.hpp"
#include "tools/bench/image.hpp"
#include "tools/bench/transfer_run.hpp"
#include "tools/command.hpp"
#include "tools/limits.hpp"
#include "tools/progress.hpp"
#include "tools/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;
constexpr std::uint64_t kSeed = 20'240'229;

struct BenchArguments {
  BenchArguments() = default;
  std::size_t layers = 8;
  std::string layer_size = "64MiB";
  std::string part_size = "8MiB";
  std::size_t concurrency = 16;
  int rounds = 3;
  bool tls = false;
  bool sign_payload = false;
  bool json = false;
};

/// The rounds of one direction, ours beside the floor's.
struct Direction {
  Direction() = default;
  std::vector<Measurement> ours;
  std::vector<bench::FloorResult> floor;
};

struct Report {
  Report() = default;
  Direction push;
  Direction pull;
  std::string backend;
  std::string backend_description;
  std::string floor_missing;  // why there is no floor to compare with
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values[std::min(rank, values.size() - 1)];
}

/// One direction in numbers: medians over the rounds; first-byte times over all requests.
struct Summary {
  double gib_per_s = 0;
  double cpu_s_per_gib = 0;
  std::optional<double> floor_cpu_s_per_gib;
  std::optional<double> floor_ratio;
  double first_byte_ms_p50 = 0;
  double first_byte_ms_p99 = 0;
  double enters_per_gib = 0;
};

Summary summarise(const Direction& direction, double gib) {
  std::vector<double> rates;
  std::vector<double> cpu;
  std::vector<double> enters;
  std::vector<double> first_byte;
  std::vector<double> floor_cpu;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < direction.ours.size(); ++i) {
    const Measurement& round = direction.ours[i];
    rates.push_back(gib / round.wall_s);
    cpu.push_back(round.cpu_s() / gib);
    enters.push_back(static_cast<double>(round.enters) / gib);
    first_byte.insert(first_byte.end(), round.first_byte_ms.begin(), round.first_byte_ms.end());
    if (i >= direction.floor.size()) continue;
    const bench::FloorResult& floor = direction.floor[i];
    double per_gib = (floor.user_s + floor.sys_s) / (static_cast<double>(floor.bytes) / kGiB);
    floor_cpu.push_back(per_gib);
    ratios.push_back(round.cpu_s() / gib / per_gib);
  }
  Summary summary;
  summary.gib_per_s = median(rates);
  summary.cpu_s_per_gib = median(cpu);
  summary.enters_per_gib = median(enters);
  summary.first_byte_ms_p50 = percentile(first_byte, 0.50);
  summary.first_byte_ms_p99 = percentile(first_byte, 0.99);
  if (!ratios.empty()) {
    summary.floor_cpu_s_per_gib = median(floor_cpu);
    summary.floor_ratio = median(ratios);
  }
  return summary;
}

nlohmann::json to_json(const Summary& summary) {
  nlohmann::json object = {{"gib_per_s", summary.gib_per_s},
                           {"cpu_s_per_gib", summary.cpu_s_per_gib},
                           {"ttfb_ms_p50", summary.first_byte_ms_p50},
                           {"ttfb_ms_p99", summary.first_byte_ms_p99},
                           {"enters_per_gib", summary.enters_per_gib}};
  object["floor_ratio"] =
      summary.floor_ratio ? nlohmann::json(*summary.floor_ratio) : nlohmann::json();
  return object;
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::string ratio_text(const Summary& summary) {
  return summary.floor_ratio ? fmt::format("{:.2f}x", *summary.floor_ratio) : "-";
}

void print_table(const BenchArguments& arguments, const ImagePlan& plan, const Report& report) {
  double gib = static_cast<double>(plan.total_bytes()) / kGiB;
  Summary pull = summarise(report.pull, gib);
  Summary push = summarise(report.push, gib);
  fmt::print("\n{} layers x {}, parts of {}, {} at once, {}, payload {}, {} rounds (medians)\n",
             plan.layers, format_bytes(static_cast<double>(plan.layer_bytes)),
             format_bytes(static_cast<double>(plan.part_bytes)), plan.concurrency,
             arguments.tls ? "TLS" : "plain HTTP", arguments.sign_payload ? "signed" : "not signed",
             arguments.rounds);
  fmt::print("client: {}; server: ringpull sandbox on this machine\n\n",
             report.backend_description);
  fmt::print("{:<34}{:>12}{:>12}\n", "", "pull", "push");
  fmt::print("{:<34}{:>12.2f}{:>12.2f}\n", "GiB/s", pull.gib_per_s, push.gib_per_s);
  fmt::print("{:<34}{:>12.3f}{:>12.3f}\n", "client CPU-s/GiB", pull.cpu_s_per_gib,
             push.cpu_s_per_gib);
  if (pull.floor_cpu_s_per_gib && push.floor_cpu_s_per_gib) {
    fmt::print("{:<34}{:>12.3f}{:>12.3f}\n", "floor CPU-s/GiB (bare sockets)",
               *pull.floor_cpu_s_per_gib, *push.floor_cpu_s_per_gib);
  }
  fmt::print("{:<34}{:>12}{:>12}\n", "ratio to the floor, same run", ratio_text(pull),
             ratio_text(push));
  fmt::print("{:<34}{:>12.2f}{:>12.2f}\n", "time to first byte p50, ms", pull.first_byte_ms_p50,
             push.first_byte_ms_p50);
  fmt::print("{:<34}{:>12.2f}{:>12.2f}\n", "time to first byte p99, ms", pull.first_byte_ms_p99,
             push.first_byte_ms_p99);
  fmt::print("{:<34}{:>12.0f}{:>12.0f}\n", "system calls of the loop per GiB", pull.enters_per_gib,
             push.enters_per_gib);
  fmt::print("{:<34}{:>12}  of which 2 x {} are the image\n\n", "peak RSS",
             format_bytes(static_cast<double>(peak_rss_bytes())),
             format_bytes(static_cast<double>(plan.total_bytes())));
  fmt::print("Every byte pulled was compared with what was pushed, outside the measured time.\n");
  if (!report.floor_missing.empty()) fmt::print("No floor: {}\n", report.floor_missing);
}

void print_json(const BenchArguments& arguments, const ImagePlan& plan, const Report& report) {
  double gib = static_cast<double>(plan.total_bytes()) / kGiB;
  nlohmann::json object;
  object["pull"] = to_json(summarise(report.pull, gib));
  object["push"] = to_json(summarise(report.push, gib));
  object["rss_peak_bytes"] = peak_rss_bytes();
  object["tls"] = arguments.tls;
  object["payload_signed"] = arguments.sign_payload;
  object["backend"] = report.backend;
  object["layers"] = plan.layers;
  object["layer_bytes"] = plan.layer_bytes;
  object["part_bytes"] = plan.part_bytes;
  object["concurrency"] = plan.concurrency;
  object["rounds"] = arguments.rounds;
  fmt::print("{}\n", object.dump());
}

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

Task<Result<Report>> measure(const BenchArguments& arguments, const ImagePlan& plan,
                             const ChildSandbox& server, s3::Client& client) {
  Report report;
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

Task<Result<Report>> bench(const BenchArguments& arguments, const ImagePlan& plan,
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

Task<Result<Report>> bench_until_signal(const BenchArguments& arguments, const ImagePlan& plan,
                                        const ChildSandbox& server, engine::SignalSet& signals) {
  engine::Context& context = co_await engine::current_context();
  engine::StopSource source;
  engine::Scope scope(context);
  scope.spawn(stop_on_signal(signals, source));
  Task<Result<Report>> work = bench(arguments, plan, server);
  auto report = co_await engine::with_stop(source, std::move(work));
  scope.request_stop();
  auto joined = co_await scope.join();
  (void)joined;
  co_return report;
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
  if (arguments.json) {
    print_json(arguments, *plan, *result);
  } else {
    print_table(arguments, *plan, *result);
  }
  return ExitCode::success;
}

}  // namespace

void add_bench(CLI::App& app, ExitCode& code) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App* command = app.add_subcommand("bench",
                                         "Push a synthetic image to a sandbox on this machine, "
                                         "pull it back, and compare with bare sockets");
  command->add_option("--layers", arguments->layers, "Number of layers")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--layer-size", arguments->layer_size, "Size of each")->capture_default_str();
  command->add_option("--part-size", arguments->part_size, "Bytes per part")->capture_default_str();
  command->add_option("--concurrency", arguments->concurrency, "Parts under way at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--rounds", arguments->rounds, "Measured rounds of each")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_flag("--tls", arguments->tls, "Over HTTPS");
  command->add_flag("--sign-payload", arguments->sign_payload,
                    "Cover the bytes of the push by SigV4 (a SHA-256 of each)");
  command->add_flag("--json", arguments->json, "One JSON object instead of the table");
  command->footer(
      "The client runs on CPU 0, the server on CPU 1. The floor moves the same bytes from the same "
      "server without\n"
      "this library: the ratio compares CPU time per byte within this run, which noise of the "
      "machine hardly moves.");
  command->callback([arguments, &code] { code = run_bench(*arguments); });
}

}  // namespace ringpull::tools
