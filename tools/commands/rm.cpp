#include <memory>

#include "tools/commands/commands.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct RmArguments {
  RmArguments() = default;
  S3Arguments s3;
  std::vector<std::string> urls;
  bool recursive = false;
};

Task<Result<void>> remove(Session& session, const RmArguments& arguments) {
  for (const std::string& text : arguments.urls) {
    RINGPULL_CO_TRY(S3Url url, S3Url::parse(text));
    if (url.key.empty()) {
      co_return fail(ErrorKind::invalid_argument,
                     "'" + text + "' names no key: rm takes s3://bucket/key");
    }
    s3::DeleteObjectOptions options(url.bucket, url.key);
    RINGPULL_CO_CHECK(co_await session.client().delete_object(options));
  }
  co_return Result<void>();
}

Task<Result<void>> remove_path(s3::StorageDriver& driver, const RmArguments& arguments,
                               const std::string& path) {
  RINGPULL_CO_TRY(s3::FileInfo info, co_await driver.stat(path));
  if (arguments.recursive) {
    auto removed = co_await driver.remove(path);
    co_return removed;
  }
  if (info.is_directory) {
    co_return fail(ErrorKind::invalid_argument,
                   path + " is a directory; -r removes it with everything below it");
  }
  // Not remove(): the name may be a directory as well.
  std::vector<std::string> files{path};
  RINGPULL_CO_TRY(auto failures, co_await driver.remove_files(files));
  if (!failures.empty()) co_return fail(std::move(failures.front().error));
  co_return Result<void>();
}

Task<Result<void>> remove_storage(cloudfront::OpenedRegistryStorage& storage,
                                  const RmArguments& arguments) {
  for (const std::string& path : arguments.urls) {
    RINGPULL_CO_CHECK(co_await remove_path(storage.driver(), arguments, path));
  }
  co_return Result<void>();
}

}  // namespace

void add_rm(CommandLine& line) {
  auto arguments = std::make_shared<RmArguments>();
  Command command =
      line.add("rm", "Delete objects; a key that is not there is no error, a path is");
  command.option("url", arguments->urls, "s3://bucket/key, or a path").required();
  Option recursive = command.flag("-r,--recursive", arguments->recursive,
                                  "Directories too, with everything below them");
  add_s3_options(command, arguments->s3, Transfers::no);
  recursive.needs(command.at("--config"));
  command.on_chosen([arguments] {
    return run_session(
        "rm", arguments->s3, [&](Session& session) { return remove(session, *arguments); },
        [&](auto& storage) { return remove_storage(storage, *arguments); });
  });
}

}  // namespace ringpull::tools
