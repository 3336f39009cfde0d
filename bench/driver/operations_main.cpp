// The S3 storage driver doing what bench/go_driver has docker distribution's driver do, each with
// the parameters that a configuration has which says nothing.
//
//   driver_operations --operation NAME --endpoint URL --bucket NAME [options]
//
// Credentials come from the environment. Prints one line of JSON.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <ringpull/engine/loop.hpp>
#include <ringpull/s3/open_s3_driver.hpp>

#include "bench/driver/operations.hpp"
#include "bench/floor/meter.hpp"

namespace ringpull::bench {

namespace {

using engine::Task;

/// Of the operation, but for the peak, which is of the whole process.
struct OperationFigures {
  OperationFigures() = default;
  std::uint64_t bytes = 0;
  std::uint64_t requests = 0;
  Usage usage;
  std::uint64_t rss_peak_bytes = 0;
};

Task<Result<void>> measure(const OperationOptions& options, const NamedOperation& operation,
                           OperationFigures& figures) {
  s3::S3DriverParameters parameters;
  parameters.region_endpoint = options.endpoint;
  parameters.region = s3::Region("us-east-1");
  parameters.bucket = s3::Bucket(options.bucket);
  parameters.chunk_bytes = options.chunk_bytes;
  RINGPULL_CO_TRY(auto opened, s3::open_s3_driver(parameters));
  Operation run(opened->driver(), options);
  const Meter meter;
  auto outcome = co_await operation.work(run);
  figures.usage = meter.elapsed();
  figures.rss_peak_bytes = rss_peak_bytes();
  figures.bytes = run.bytes;
  figures.requests = opened->client().stats().requests;
  co_await opened->close();
  co_return outcome;
}

Result<OperationFigures> run_on_a_loop(const OperationOptions& options,
                                       const NamedOperation& operation) {
  RINGPULL_TRY(auto loop, engine::Loop::create(engine::LoopOptions()));
  OperationFigures figures;
  RINGPULL_CHECK(loop->run([&] { return measure(options, operation, figures); }));
  return figures;
}

std::string to_json(const NamedOperation& operation, const OperationFigures& figures) {
  const nlohmann::json line = {{"program", std::string("driver_operations ") + operation.name},
                               {"bytes", figures.bytes},
                               {"requests", figures.requests},
                               {"wall_s", figures.usage.wall_s},
                               {"user_s", figures.usage.user_s},
                               {"sys_s", figures.usage.sys_s},
                               {"rss_peak_bytes", figures.rss_peak_bytes}};
  return line.dump();
}

int run(int argc, char** argv) {
  CLI::App app("Measures one operation of the S3 storage driver; bench/run.py runs it");
  OperationOptions options;
  std::vector<std::string> names;
  for (const NamedOperation& known : named_operations()) names.emplace_back(known.name);
  std::string name;
  const CLI::AsSizeValue bytes(false);  // K, M and G are powers of 1024
  app.add_option("--operation", name, "What to do")->required()->check(CLI::IsMember(names));
  app.add_option("--endpoint", options.endpoint, "URL of the S3 server")->required();
  app.add_option("--bucket", options.bucket, "An existing bucket")->required();
  app.add_option("--chunk-size", options.chunk_bytes, "Bytes of each part")->transform(bytes);
  app.add_option("--size", options.size_bytes, "Bytes of each file")->transform(bytes);
  app.add_option("--count", options.count,
                 "How often; put_content, get_content, stat: on how many files");
  app.add_option("--files", options.files, "fill, list, delete: how many there are");
  app.add_flag("--verify", options.verify, "Compare what is read with what should be there");
  CLI11_PARSE(app, argc, argv);
  for (const NamedOperation& operation : named_operations()) {
    if (operation.name != name) continue;
    const Result<OperationFigures> figures = run_on_a_loop(options, operation);
    if (!figures) {
      fmt::print(stderr, "driver_operations {}: {}\n", name, figures.error().message());
      return 1;
    }
    fmt::print("{}\n", to_json(operation, *figures));
  }
  return 0;
}

}  // namespace

}  // namespace ringpull::bench

int main(int argc, char** argv) {
  try {
    return ringpull::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "driver_operations: {}\n", error.what());
    return 1;
  }
}
