#include <fmt/format.h>
#include <memory>

#include "tools/commands/commands.hpp"
#include "tools/commands/listing.hpp"
#include "tools/console/json.hpp"
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
  Json metadata = Json::object();
  for (const auto& [name, value] : info.metadata) metadata.set(name, value);
  Json checksums = Json::object();
  for (const s3::ObjectChecksum& checksum : info.checksums) {
    checksums.set(s3::to_string(checksum.algorithm), checksum.base64);
  }
  Json object;
  object.set("bucket", url.bucket.str());
  object.set("key", url.key.str());
  object.set("size", info.size_bytes);
  object.set("etag", info.etag.str());
  object.set("last_modified", time_text(info.last_modified));
  object.set("content_type", info.content_type);
  object.set("storage_class", info.storage_class);
  object.set("metadata", std::move(metadata));
  object.set("checksums", std::move(checksums));
  return object.line();
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

void add_stat(CommandLine& line) {
  auto arguments = std::make_shared<StatArguments>();
  Command command = line.add("stat", "Show what S3 knows about one object, file or directory");
  command.option("url", arguments->url, "s3://bucket/key, or a path").required();
  command.flag("--json", arguments->json, "One JSON object");
  add_s3_options(command, arguments->s3, Transfers::no);
  command.on_chosen([arguments] {
    return run_session(
        "stat", arguments->s3, [&](Session& session) { return stat(session, *arguments); },
        [&](auto& storage) { return stat_storage(storage, *arguments); });
  });
}

}  // namespace ringpull::tools
