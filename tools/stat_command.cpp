#include <cstdio>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tools/progress.hpp"
#include "tools/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct StatArguments {
  StatArguments() = default;
  S3Arguments s3;
  std::string url;
  bool json = false;
};

Task<Result<void>> print_stat(Session& session, const StatArguments& arguments) {
  RINGPULL_CO_TRY(S3Url url, S3Url::parse(arguments.url));
  s3::HeadObjectOptions options(url.bucket, url.key);
  options.checksum_mode = true;
  RINGPULL_CO_TRY(s3::ObjectInfo info, co_await session.client().head_object(options));
  std::string modified =
      info.last_modified ? fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", *info.last_modified) : "";
  if (arguments.json) {
    nlohmann::json line = {{"bucket", url.bucket.str()},
                           {"key", url.key.str()},
                           {"size", info.size_bytes},
                           {"etag", info.etag.str()},
                           {"last_modified", modified},
                           {"content_type", info.content_type},
                           {"storage_class", info.storage_class},
                           {"metadata", info.metadata}};
    line["checksums"] = nlohmann::json::object();
    for (const s3::ObjectChecksum& checksum : info.checksums) {
      line["checksums"][std::string(s3::to_string(checksum.algorithm))] = checksum.base64;
    }
    fmt::print("{}\n", line.dump());
    co_return Result<void>();
  }
  fmt::print("{}\n", url.str());
  fmt::print("  size           {} ({})\n", info.size_bytes,
             format_bytes(static_cast<double>(info.size_bytes)));
  fmt::print("  etag           {}\n", info.etag.str());
  fmt::print("  last modified  {}\n", modified);
  fmt::print("  content type   {}\n", info.content_type);
  if (!info.storage_class.empty()) fmt::print("  storage class  {}\n", info.storage_class);
  for (const auto& [name, value] : info.metadata) fmt::print("  meta {}  {}\n", name, value);
  for (const s3::ObjectChecksum& checksum : info.checksums) {
    fmt::print("  {:<13}  {}\n", s3::to_string(checksum.algorithm), checksum.base64);
  }
  co_return Result<void>();
}

}  // namespace

void add_stat(CLI::App& app, ExitCode& code) {
  auto arguments = std::make_shared<StatArguments>();
  CLI::App* command = app.add_subcommand("stat", "Show what S3 knows about one object");
  command->add_option("url", arguments->url, "s3://bucket/key")->required();
  command->add_flag("--json", arguments->json, "One JSON object");
  add_s3_options(*command, arguments->s3, Transfers::no);
  command->callback([arguments, &code] {
    code = run_session("stat", arguments->s3,
                       [&](Session& session) { return print_stat(session, *arguments); });
  });
}

}  // namespace ringpull::tools
