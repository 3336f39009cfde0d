#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tools/commands/listing.hpp"
#include "tools/console/output.hpp"
#include "tools/console/progress.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct StatArguments {
  StatArguments() = default;
  S3Arguments s3;
  std::string url;
  bool json = false;
};

std::string as_json(const S3Url& url, const s3::ObjectInfo& info) {
  nlohmann::json object = {{"bucket", url.bucket.str()},
                           {"key", url.key.str()},
                           {"size", info.size_bytes},
                           {"etag", info.etag.str()},
                           {"last_modified", time_text(info.last_modified)},
                           {"content_type", info.content_type},
                           {"storage_class", info.storage_class},
                           {"metadata", info.metadata}};
  object["checksums"] = nlohmann::json::object();
  for (const s3::ObjectChecksum& checksum : info.checksums) {
    object["checksums"][std::string(s3::to_string(checksum.algorithm))] = checksum.base64;
  }
  return json_line(object);
}

std::string as_text(const S3Url& url, const s3::ObjectInfo& info) {
  std::string text = fmt::format("{}\n", url.str());
  text += fmt::format("  size           {} ({})\n", info.size_bytes,
                      format_bytes(static_cast<double>(info.size_bytes)));
  text += fmt::format("  etag           {}\n", info.etag.str());
  text += fmt::format("  last modified  {}\n", time_text(info.last_modified));
  text += fmt::format("  content type   {}\n", info.content_type);
  if (!info.storage_class.empty()) {
    text += fmt::format("  storage class  {}\n", info.storage_class);
  }
  for (const auto& [name, value] : info.metadata) {
    text += fmt::format("  meta {}  {}\n", name, value);
  }
  for (const s3::ObjectChecksum& checksum : info.checksums) {
    text += fmt::format("  {:<13}  {}\n", s3::to_string(checksum.algorithm), checksum.base64);
  }
  return text;
}

Task<Result<void>> stat(Session& session, const StatArguments& arguments) {
  RINGPULL_CO_TRY(S3Url url, S3Url::parse(arguments.url));
  s3::HeadObjectOptions options(url.bucket, url.key);
  options.checksum_mode = true;
  RINGPULL_CO_TRY(s3::ObjectInfo info, co_await session.client().head_object(options));
  std::string text = arguments.json ? as_json(url, info) : as_text(url, info);
  auto written = co_await write_out(text);
  co_return written;
}

std::string as_text(const s3::FileInfo& info) {
  if (info.is_directory) return fmt::format("{}\n  directory\n", info.path);
  return fmt::format("{}\n  size           {} ({})\n  last modified  {}\n", info.path,
                     info.size_bytes, format_bytes(static_cast<double>(info.size_bytes)),
                     time_text(info.modified));
}

Task<Result<void>> stat_storage(cloudfront::OpenedRegistryStorage& storage,
                                const StatArguments& arguments) {
  RINGPULL_CO_TRY(s3::FileInfo info, co_await storage.driver().stat(arguments.url));
  std::string text = arguments.json ? file_line(info, true) : as_text(info);
  auto written = co_await write_out(text);
  co_return written;
}

}  // namespace

void add_stat(CLI::App& app, ExitCode& code) {
  auto arguments = std::make_shared<StatArguments>();
  CLI::App* command =
      app.add_subcommand("stat", "Show what S3 knows about one object, file or directory");
  command->add_option("url", arguments->url, "s3://bucket/key, or a path")->required();
  command->add_flag("--json", arguments->json, "One JSON object");
  add_s3_options(*command, arguments->s3, Transfers::no);
  command->callback([arguments, &code] {
    code = run_session(
        "stat", arguments->s3, [&](Session& session) { return stat(session, *arguments); },
        [&](auto& storage) { return stat_storage(storage, *arguments); });
  });
}

}  // namespace ringpull::tools
