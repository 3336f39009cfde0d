// `check`: does the storage of a registry's configuration work, and if not, what is to be changed?

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <variant>
#include <vector>

#include <ringpull/cloudfront/open_registry_storage.hpp>
#include <ringpull/cloudfront/registry_configuration.hpp>
#include <ringpull/engine/loop.hpp>

#include "tools/check/policy.hpp"
#include "tools/check/runner.hpp"
#include "tools/check/steps.hpp"
#include "tools/commands/commands.hpp"
#include "tools/console/advice.hpp"
#include "tools/console/limits.hpp"
#include "tools/console/output.hpp"
#include "tools/session/session.hpp"
#include "tools/session/setup_signals.hpp"

namespace ringpull::tools {

using cloudfront::RegistryConfiguration;
using engine::Task;

namespace {

struct CheckArguments {
  CheckArguments() = default;
  std::string config;
  /// For one step. 60 s: the five MiB of the largest need 0.7 Mbit/s.
  unsigned timeout_seconds = 60;
  bool read_only = false;
  bool fetch_redirect = false;
  bool json = false;
  bool print_policy = false;
};

constexpr std::string_view kKeysAdvice =
    "correct privatekey, or take the file and its id out of privatekey and keypairid";
constexpr std::string_view kNetworksAdvice =
    "correct iprangesurl, or let this machine reach what it names (firewall, HTTPS_PROXY)";
constexpr std::string_view kMiddlewareAdvice =
    "correct the middleware's options, or what answers at its baseurl";
constexpr std::string_view kCloudFrontAdvice =
    "correct baseurl if nobody answers there; else the distribution's key group must know the "
    "public key of keypairid and privatekey, its origin access control must be allowed "
    "s3:GetObject, and its Origin Path must be empty (docs/cloudfront.md)";

bool has_cloudfront(const RegistryConfiguration& configuration) {
  auto is_it = [](const cloudfront::MiddlewareConfiguration& middleware) {
    return std::holds_alternative<cloudfront::CloudFrontOptions>(middleware.options);
  };
  return std::ranges::any_of(configuration.middlewares, is_it);
}

bool has_ip_filter(const RegistryConfiguration& configuration) {
  auto filters = [](const cloudfront::MiddlewareConfiguration& middleware) {
    auto* options = std::get_if<cloudfront::CloudFrontOptions>(&middleware.options);
    return options != nullptr && options->ip_filter != cloudfront::IpFilter::none;
  };
  return std::ranges::any_of(configuration.middlewares, filters);
}

/// What the middlewares stand on, apart from the storage.
void add_steps_of_middlewares(std::vector<Step>& steps,
                              const RegistryConfiguration& configuration) {
  std::array need_nothing{Fact::none, Fact::none};
  if (has_cloudfront(configuration)) {
    steps.emplace_back("signing keys", examine_keys, need_nothing, kKeysAdvice);
  }
  if (has_ip_filter(configuration)) {
    steps.emplace_back("client networks", find_networks, need_nothing, kNetworksAdvice);
  }
}

void add_steps_that_write(std::vector<Step>& steps) {
  steps.emplace_back("put object", put_object, std::array{Fact::bucket, Fact::none});
  steps.emplace_back("list objects", list_objects, std::array{Fact::object, Fact::listing});
}

void add_steps_that_read(std::vector<Step>& steps, const RegistryConfiguration& configuration,
                         bool fetch_redirect) {
  std::array need_object{Fact::object, Fact::none};
  std::array need_reading{Fact::reading, Fact::none};
  steps.emplace_back("head object", head_object, need_object);
  steps.emplace_back("ranged get", read_range, need_object);
  steps.emplace_back("missing object", read_missing, need_reading);
  if (configuration.redirect_disabled) return;
  steps.emplace_back("presigned GET", presigned_get, need_reading);
  steps.emplace_back("presigned HEAD", presigned_head, need_reading);
  add_steps_of_middlewares(steps, configuration);
  if (configuration.middlewares.empty()) return;
  steps.emplace_back("middleware URL", sign_for_middleware, need_reading);
  if (!fetch_redirect) return;
  steps.emplace_back("middleware GET", fetch_from_middleware, need_reading,
                     has_cloudfront(configuration) ? kCloudFrontAdvice : kMiddlewareAdvice);
}

void add_steps_that_change(std::vector<Step>& steps) {
  std::array need_upload{Fact::upload, Fact::none};
  steps.emplace_back("copy object", copy_object, std::array{Fact::reading, Fact::none});
  steps.emplace_back("delete objects", delete_objects, std::array{Fact::object, Fact::none});
  steps.emplace_back("upload two parts", begin_upload, std::array{Fact::removal, Fact::none});
  steps.emplace_back("list uploads", list_uploads, need_upload);
  steps.emplace_back("list parts", list_parts, need_upload);
  steps.emplace_back("complete upload", complete_upload, need_upload);
  steps.emplace_back("copy two parts", copy_parts, std::array{Fact::two_parts, Fact::reading});
  steps.emplace_back("abort upload", abort_upload, std::array{Fact::removal, Fact::none});
}

std::vector<Step> steps_of(const CheckArguments& arguments,
                           const RegistryConfiguration& configuration) {
  std::vector<Step> steps;
  steps.emplace_back("credentials", find_credentials, std::array{Fact::none, Fact::none});
  steps.emplace_back("address", find_address, std::array{Fact::none, Fact::none});
  steps.emplace_back("connection", connect, std::array{Fact::address, Fact::none});
  steps.emplace_back("bucket", find_bucket, std::array{Fact::credentials, Fact::connection});
  steps.emplace_back("region", compare_region, std::array{Fact::bucket, Fact::none});
  if (arguments.read_only) {
    steps.emplace_back("find object", find_object, std::array{Fact::bucket, Fact::listing});
  } else {
    add_steps_that_write(steps);
  }
  add_steps_that_read(steps, configuration, arguments.fetch_redirect);
  if (!arguments.read_only) add_steps_that_change(steps);
  return steps;
}

Task<Result<void>> run_all(StepRunner& runner, const std::vector<Step>& steps) {
  for (const Step& step : steps) RINGPULL_CO_CHECK(co_await runner.run(step));
  co_return Result<void>();
}

/// Also after a stop, which then ends it.
Task<Result<void>> leave_nothing(StepRunner& runner, bool stopped) {
  Step cleanup("clean up", clean_up, {Fact::bucket, Fact::none});
  Step verification("nothing left", verify_nothing_left, {Fact::cleanup, Fact::listing});
  RINGPULL_CO_CHECK(co_await runner.run(cleanup));
  if (stopped) co_return Result<void>();
  auto verified = co_await runner.run(verification);
  co_return verified;
}

Task<Result<void>> check_storage(const CheckArguments& arguments,
                                 const RegistryConfiguration& configuration,
                                 cloudfront::OpenedRegistryStorage& storage, CheckReport& report) {
  RINGPULL_CO_TRY(std::unique_ptr<Probe> probe, Probe::create(configuration, storage));
  report.bucket = probe->bucket().str();
  if (!arguments.read_only) report.prefix = probe->key_prefix();
  StepRunner runner(report, *probe, std::chrono::seconds(arguments.timeout_seconds),
                    arguments.json ? PrintLines::no : PrintLines::yes);
  std::vector<Step> steps = steps_of(arguments, configuration);
  auto outcome = co_await run_all(runner, steps);
  if (arguments.read_only) co_return outcome;
  auto left = co_await leave_nothing(runner, !outcome);
  co_return outcome ? left : outcome;
}

void print_notice(std::string_view notice) {
  std::string line = one_line(fmt::format("ringpull check: {}", notice)) + '\n';
  std::fputs(line.c_str(), stderr);
}

/// The configuration is kept by the caller: the probe refers to it. So is the report, to which
/// notices go as long as the storage is open.
Task<Result<std::unique_ptr<cloudfront::OpenedRegistryStorage>>> open_storage(
    const std::string& path, RegistryConfiguration& configuration, CheckReport& report) {
  EndOnSignal nothing_is_begun;
  RINGPULL_CO_TRY(configuration, cloudfront::read_registry_configuration(
                                     path, cloudfront::process_environment_variables()));
  auto take_notice = [&report](std::string_view notice) {
    print_notice(notice);
    report.warnings.emplace_back(notice);
  };
  for (const std::string& warning : configuration.warnings) take_notice(warning);
  cloudfront::OpenRegistryStorageOptions options;
  options.on_notice = take_notice;
  auto storage = co_await cloudfront::open_registry_storage(configuration, options);
  co_return storage;
}

/// The first step, which gives the others something to work on.
Task<Result<void>> check(const CheckArguments& arguments, CheckReport& report) {
  RegistryConfiguration configuration;
  StepReport first;
  first.name = "configuration";
  auto begin = std::chrono::steady_clock::now();
  auto storage = co_await open_storage(arguments.config, configuration, report);
  first.time = std::chrono::steady_clock::now() - begin;
  if (storage) {
    first.detail = fmt::format("bucket {}, middlewares: {}", configuration.s3.bucket.str(),
                               configuration.middlewares.size());
  } else {
    first.state = StepState::failed;
    first.error = storage.error();
  }
  report.configuration = arguments.config;
  report.steps.push_back(std::move(first));
  Result<void> outcome;
  if (!arguments.json) {
    std::string line = line_of(report.steps.back());
    outcome = co_await write_out(line);
  }
  if (!storage) co_return outcome;
  if (outcome) outcome = co_await check_storage(arguments, configuration, **storage, report);
  co_await (*storage)->close();
  co_return outcome;
}

Task<Result<void>> check_until_signal(const CheckArguments& arguments, engine::SignalSet& signals,
                                      CheckReport& report) {
  std::string command = "check";
  Task<Result<void>> work = check(arguments, report);
  auto outcome = co_await until_signal(command, signals, std::move(work));
  if (arguments.json) {
    std::string text = json_of(report);
    RINGPULL_CO_CHECK(co_await write_out(text));
  }
  co_return outcome;
}

ExitCode summarise(const CheckReport& report) {
  std::size_t failed = 0;
  for (const StepReport& step : report.steps) failed += step.state == StepState::failed;
  if (failed == 0) return ExitCode::success;
  std::string line =
      one_line(fmt::format("ringpull check: {} of {} steps failed, first: {}", failed,
                           report.steps.size(), report.first_failure()->name));
  line += '\n';
  std::fputs(line.c_str(), stderr);
  return report.code();
}

ExitCode run_check(const CheckArguments& arguments) {
  raise_descriptor_limit();
  auto signals = stop_signals();
  if (!signals) return report("check", signals.error());
  auto loop = engine::Loop::create(engine::LoopOptions());
  if (!loop) return report("check", loop.error());
  CheckReport found;
  auto outcome = (*loop)->run([&] { return check_until_signal(arguments, *signals, found); });
  if (!outcome) return report("check", outcome.error(), Settings::configuration_file);
  return summarise(found);
}

ExitCode print_policy(const CheckArguments& arguments) {
  auto configuration = cloudfront::read_registry_configuration(
      arguments.config, cloudfront::process_environment_variables());
  if (!configuration) {
    return report("check", configuration.error(), Settings::configuration_file);
  }
  for (const std::string& warning : configuration->warnings) print_notice(warning);
  auto access = arguments.read_only ? PolicyAccess::read_only : PolicyAccess::read_write;
  std::string text = least_policy(configuration->s3, access);
  auto loop = engine::Loop::create(engine::LoopOptions());
  if (!loop) return report("check", loop.error());
  auto written = (*loop)->run([&text] { return write_out(text); });
  return written ? ExitCode::success : report("check", written.error());
}

}  // namespace

void add_check(CommandLine& line) {
  auto arguments = std::make_shared<CheckArguments>();
  Command command = line.add(
      "check",
      "Try the storage of a registry's configuration, and say what to change where it fails");
  command.option("-c,--config", arguments->config, "Configuration file of the registry")
      .value_name("FILE")
      .required();
  command.flag("--read-only", arguments->read_only,
               "Write nothing: read what is there, as a mirror's reader may");
  command.flag("--fetch-redirect", arguments->fetch_redirect,
               "Also fetch the URL that the middlewares give, from CloudFront for instance");
  command.option("--timeout", arguments->timeout_seconds, "Time of one step")
      .value_name("SECONDS")
      .between(std::uint64_t(1), std::uint64_t(3600))
      .show_default();
  command.flag("--json", arguments->json, "One JSON object instead of a line per step");
  command.flag("--print-policy", arguments->print_policy,
               "Try nothing: print the least IAM policy for this configuration");
  command.footer(
      "Writes below a random name in rootdirectory, at most 10 MiB, and deletes it again, also "
      "after Ctrl-C. The exit code is that of the first step that failed.");
  command.on_chosen([arguments] {
    return arguments->print_policy ? print_policy(*arguments) : run_check(*arguments);
  });
}

}  // namespace ringpull::tools
