#include <memory>
#include <string>

#include "tools/commands/commands.hpp"
#include "tools/commands/listing.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct WalkArguments {
  WalkArguments() = default;
  S3Arguments s3;
  std::string url;
  std::string start_after;
  std::string order = "bytes";
  bool json = false;
};

/// The keys below a prefix, in byte order, which is all that there is about a bucket as such.
Task<Result<void>> walk_objects(Session& session, const WalkArguments& arguments) {
  RINGPULL_CO_TRY(S3Url url, S3Url::parse(arguments.url));
  s3::ListObjectsV2Options options(url.bucket, url.key.str());
  options.start_after = arguments.start_after;
  FileLines lines(arguments.json, s3::WalkStep::go_on);
  while (true) {
    RINGPULL_CO_TRY(s3::ListObjectsV2Result page,
                    co_await session.client().list_objects_v2(options));
    for (const s3::ListedObject& object : page.objects) {
      s3::FileInfo info;
      info.path = object.key.str();
      info.size_bytes = object.size_bytes;
      info.modified = object.last_modified;
      lines.add(info);
    }
    RINGPULL_CO_CHECK(co_await lines.flush());
    if (!page.truncated) co_return Result<void>();
    options.continuation_token = page.next_continuation_token;
  }
}

Task<Result<void>> walk_storage(cloudfront::OpenedRegistryStorage& storage,
                                const WalkArguments& arguments) {
  s3::WalkOptions options;
  options.start_after = arguments.start_after;
  if (arguments.order == "components") options.order = s3::WalkOrder::components;
  FileLines lines(arguments.json, s3::WalkStep::go_on);
  auto walked = co_await storage.driver().walk(arguments.url, options, lines.visitor());
  auto written = co_await lines.flush();
  if (!walked) co_return walked;
  co_return written;
}

}  // namespace

void add_walk(CommandLine& line) {
  auto arguments = std::make_shared<WalkArguments>();
  Command command = line.add("walk", "List everything below a directory, as garbage collectors do");
  command.option("url", arguments->url, "s3://bucket/prefix, or a path").required();
  command.option("--start-after", arguments->start_after, "Only what comes after this key or path")
      .value_name("NAME");
  Option order =
      command
          .option("--order", arguments->order,
                  "bytes: as the store lists, one request per thousand files; components: "
                  "directory by directory")
          .one_of({"bytes", "components"})
          .show_default();
  command.flag("--json", arguments->json, "One JSON object a line");
  add_s3_options(command, arguments->s3, Transfers::no);
  order.needs(command.at("--config"));
  command.on_chosen([arguments] {
    return run_session(
        "walk", arguments->s3, [&](Session& session) { return walk_objects(session, *arguments); },
        [&](auto& storage) { return walk_storage(storage, *arguments); });
  });
}

}  // namespace ringpull::tools
