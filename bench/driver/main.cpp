// The storage driver against what it stands on, and under a small memory budget.
//
//   driver put|put-memory|get|writers|fill|walk --endpoint URL --bucket NAME [options]
//
// Credentials come from the environment, as everywhere (AWS_ACCESS_KEY_ID, ...). Prints one line of
// JSON.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include <ringpull/engine/loop.hpp>

#include "bench/driver/bench.hpp"

namespace ringpull::bench {

namespace {

using engine::Task;

using Case = Task<Result<void>> (*)(DriverBench&);

s3::S3DriverParameters make_parameters(const DriverOptions& options) {
  s3::S3DriverParameters parameters;
  parameters.region_endpoint = options.endpoint;
  parameters.region = s3::Region("us-east-1");
  parameters.bucket = s3::Bucket(options.bucket);
  // As over TLS: a SHA-256 of every byte, on both sides of a ratio, would hide what is compared.
  parameters.payload_signing = s3::PayloadSigning::never;
  parameters.chunk_bytes = options.part_bytes;
  parameters.upload_concurrency = options.concurrency;
  parameters.read_concurrency = options.concurrency;
  parameters.read_window_bytes = options.concurrency * options.part_bytes;
  // Twice the window: the small parts that a reader begins with then stay mapped for the next one.
  const std::uint64_t room = 2 * options.concurrency * options.part_bytes;
  parameters.memory_budget_bytes = options.budget_bytes == 0 ? room : options.budget_bytes;
  return parameters;
}

Task<Result<void>> run_case(const DriverOptions& options, Case work, DriverFigures& figures) {
  const s3::S3DriverParameters parameters = make_parameters(options);
  RINGPULL_CO_TRY(auto opened, s3::open_s3_driver(parameters));
  DriverBench bench(options, *opened, figures);
  auto outcome = co_await work(bench);
  co_await opened->close();
  co_return outcome;
}

std::string to_json(const std::string& name, const DriverFigures& figures) {
  const nlohmann::json line = {
      {"program", "driver " + name},    {"bytes", figures.bytes},
      {"keys", figures.keys},           {"wall_s", figures.usage.wall_s},
      {"user_s", figures.usage.user_s}, {"sys_s", figures.usage.sys_s},
      {"enters", figures.enters},       {"requests", figures.requests},
      {"retries", figures.retries},     {"rss_peak_bytes", figures.rss_peak_bytes}};
  return line.dump();
}

Result<DriverFigures> run_on_a_loop(const DriverOptions& options, Case work) {
  RINGPULL_TRY(auto loop, engine::Loop::create(engine::LoopOptions()));
  DriverFigures figures;
  RINGPULL_CHECK(loop->run([&] { return run_case(options, work, figures); }));
  if (figures.rss_peak_bytes == 0) figures.rss_peak_bytes = rss_peak_bytes();
  return figures;
}

void add_options(CLI::App& command, DriverOptions& options) {
  const CLI::AsSizeValue bytes(false);  // K, M and G are powers of 1024
  command.add_option("--endpoint", options.endpoint, "URL of the S3 server")->required();
  command.add_option("--bucket", options.bucket, "An existing bucket")->required();
  command.add_flag("--verbs", options.verbs,
                   "put, put-memory, get: the verbs in place of the driver");
  command.add_option("--size", options.size_bytes, "Bytes of each file")
      ->transform(bytes)
      ->check(CLI::PositiveNumber);
  command
      .add_option("--total-bytes", options.total_bytes,
                  "put, put-memory, get: move the file until so many bytes went by (default: once)")
      ->transform(bytes);
  command.add_option("--part-size", options.part_bytes, "Bytes of each part")->transform(bytes);
  command.add_option("--concurrency", options.concurrency, "Parts under way at once")
      ->check(CLI::PositiveNumber);
  command
      .add_option("--budget", options.budget_bytes,
                  "Memory for all parts (default: twice those of one writer)")
      ->transform(bytes);
  command.add_option("--writers", options.writers, "writers: how many at once")
      ->check(CLI::PositiveNumber);
  command.add_option("--keys", options.keys, "fill, walk: how many files")
      ->check(CLI::PositiveNumber);
  command.add_option("--rounds", options.rounds, "walk: how often")->check(CLI::PositiveNumber);
}

struct NamedCase {
  const char* name;
  const char* what;
  Case work;
};

constexpr NamedCase kCases[] = {
    {"put", "one large file through a writer, received into its memory", put},
    {"put-memory", "one large file that lies in memory, through a writer", put_memory},
    {"get", "what put has left, through a reader", get},
    {"writers", "many files side by side", writers},
    {"fill", "many files of one byte", fill},
    {"walk", "over what fill has left", walk},
};

int run(int argc, char** argv) {
  CLI::App app("Measures the S3 storage driver; bench/run.py runs this in pairs");
  app.require_subcommand(1);
  DriverOptions options;
  for (const NamedCase& known : kCases)
    add_options(*app.add_subcommand(known.name, known.what), options);
  CLI11_PARSE(app, argc, argv);
  for (const NamedCase& known : kCases) {
    if (!app.got_subcommand(known.name)) continue;
    const Result<DriverFigures> figures = run_on_a_loop(options, known.work);
    if (!figures) {
      fmt::print(stderr, "driver {}: {}\n", known.name, figures.error().message());
      return 1;
    }
    fmt::print("{}\n", to_json(known.name, *figures));
  }
  return 0;
}

}  // namespace

}  // namespace ringpull::bench

int main(int argc, char** argv) {
  try {
    return ringpull::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "driver: {}\n", error.what());
    return 1;
  }
}
