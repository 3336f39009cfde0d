#include <memory>

#include "tools/commands/commands.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct MvArguments {
  MvArguments() = default;
  S3Arguments s3;
  std::string from;
  std::string to;
};

/// Where the object goes; a URL that ends in a slash gets its name.
Result<S3Url> target_url(const MvArguments& arguments, const S3Url& from) {
  RINGPULL_TRY(S3Url to, S3Url::parse(arguments.to));
  const std::string& key = from.key.str();
  bool is_prefix = to.key.empty() || to.key.str().ends_with('/');
  if (is_prefix) to.key = s3::ObjectKey(to.key.str() + key.substr(key.rfind('/') + 1));
  if (from.key.empty() || to.key.empty()) {
    return fail(ErrorKind::invalid_argument, "'" + arguments.from + "' names no object");
  }
  if (from.bucket == to.bucket && from.key == to.key) {
    return fail(ErrorKind::invalid_argument, "'" + arguments.from + "' is to move onto itself");
  }
  return to;
}

/// One CopyObject, of the version that is there now.
Task<Result<void>> move_object(Session& session, const MvArguments& arguments) {
  RINGPULL_CO_TRY(S3Url from, S3Url::parse(arguments.from));
  RINGPULL_CO_TRY(S3Url to, target_url(arguments, from));
  s3::HeadObjectOptions head(from.bucket, from.key);
  RINGPULL_CO_TRY(s3::ObjectInfo info, co_await session.client().head_object(head));
  if (info.size_bytes > s3::kCopyObjectBytesMax) {
    co_return fail(ErrorKind::too_large,
                   from.str() +
                       ": S3 copies up to 5 GiB in one request; get and put it, or use "
                       "mv --config, which copies in parts");
  }
  s3::CopyObjectOptions copy;
  copy.source_bucket = from.bucket;
  copy.source_key = from.key;
  copy.source_if_match = info.etag;
  copy.bucket = to.bucket;
  copy.key = to.key;
  copy.attributes.storage_class = info.storage_class;
  RINGPULL_CO_CHECK(co_await session.client().copy_object(copy));
  s3::DeleteObjectOptions remove(from.bucket, from.key);
  RINGPULL_CO_CHECK(co_await session.client().delete_object(remove));
  co_return Result<void>();
}

Task<Result<void>> move_file(cloudfront::OpenedRegistryStorage& storage,
                             const MvArguments& arguments) {
  auto moved = co_await storage.driver().move(arguments.from, arguments.to);
  co_return moved;
}

}  // namespace

void add_mv(CommandLine& line) {
  auto arguments = std::make_shared<MvArguments>();
  Command command = line.add("mv", "Move an object or a file; the server copies its bytes");
  command.option("from", arguments->from, "s3://bucket/key, or a path").required();
  command.option("to", arguments->to, "s3://bucket/key, s3://bucket/prefix/, or a path").required();
  add_s3_options(command, arguments->s3, Transfers::no);
  command.footer("What is at the target is replaced. The source goes once the copy is whole.");
  command.on_chosen([arguments] {
    return run_session(
        "mv", arguments->s3, [&](Session& session) { return move_object(session, *arguments); },
        [&](auto& storage) { return move_file(storage, *arguments); });
  });
}

}  // namespace ringpull::tools
