#include <memory>

#include "tools/commands/commands.hpp"
#include "tools/commands/listing.hpp"
#include "tools/console/json.hpp"
#include "tools/console/output.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct LsArguments {
  LsArguments() = default;
  S3Arguments s3;
  std::string url;
  bool recursive = false;
  bool json = false;
};

std::string object_line(const s3::ListedObject& object, bool as_json) {
  std::string modified = time_text(object.last_modified);
  if (as_json) {
    Json line;
    line.set("key", object.key.str());
    line.set("size", object.size_bytes);
    line.set("etag", object.etag.str());
    line.set("last_modified", modified);
    return line.line();
  }
  return listing_row(modified, std::to_string(object.size_bytes), object.key.str());
}

std::string prefix_line(const std::string& prefix, bool as_json) {
  if (as_json) {
    Json line;
    line.set("prefix", prefix);
    return line.line();
  }
  return listing_row("", "DIR", prefix);
}

Task<Result<void>> list(Session& session, const LsArguments& arguments) {
  RINGPULL_CO_TRY(S3Url url, S3Url::parse(arguments.url));
  s3::ListObjectsV2Options options(url.bucket, url.key.str());
  if (!arguments.recursive) options.delimiter = "/";
  while (true) {
    RINGPULL_CO_TRY(s3::ListObjectsV2Result page,
                    co_await session.client().list_objects_v2(options));
    std::string text;
    for (const std::string& prefix : page.common_prefixes) {
      text += prefix_line(prefix, arguments.json);
    }
    for (const s3::ListedObject& object : page.objects) text += object_line(object, arguments.json);
    RINGPULL_CO_CHECK(co_await write_out(text));
    if (!page.truncated) co_return Result<void>();
    options.continuation_token = page.next_continuation_token;
  }
}

/// One level of a directory, sizes included: a walk that enters nothing. A file is its own list.
Task<Result<void>> list_storage(cloudfront::OpenedRegistryStorage& storage,
                                const LsArguments& arguments) {
  s3::WalkOptions options;
  options.order = arguments.recursive ? s3::WalkOrder::bytes : s3::WalkOrder::components;
  auto step = arguments.recursive ? s3::WalkStep::go_on : s3::WalkStep::skip_directory;
  FileLines lines(arguments.json, step);
  auto walked = co_await storage.driver().walk(arguments.url, options, lines.visitor());
  if (!walked && walked.error().is(ErrorKind::not_found)) {
    RINGPULL_CO_TRY(s3::FileInfo file, co_await storage.driver().stat(arguments.url));
    lines.add(file);
    walked = Result<void>();
  }
  if (!walked) co_return walked;
  auto written = co_await lines.flush();
  co_return written;
}

}  // namespace

void add_ls(CommandLine& line) {
  auto arguments = std::make_shared<LsArguments>();
  Command command = line.add("ls", "List the keys below a prefix, or a directory");
  command.option("url", arguments->url, "s3://bucket/prefix, or a path").required();
  command.flag("-r,--recursive", arguments->recursive, "All keys, not only one level");
  command.flag("--json", arguments->json, "One JSON object a line");
  add_s3_options(command, arguments->s3, Transfers::no);
  command.on_chosen([arguments] {
    return run_session(
        "ls", arguments->s3, [&](Session& session) { return list(session, *arguments); },
        [&](auto& storage) { return list_storage(storage, *arguments); });
  });
}

}  // namespace ringpull::tools
