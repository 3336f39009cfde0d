#include <memory>

#include <ringpull/engine/file.hpp>

#include "tools/commands/commands.hpp"
#include "tools/console/output.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct CatArguments {
  CatArguments() = default;
  S3Arguments s3;
  std::vector<std::string> urls;
};

Task<Result<void>> cat(Session& session, const CatArguments& arguments) {
  constexpr std::size_t kStep = 1024 * 1024;
  RINGPULL_CO_TRY(engine::BufferLease block, co_await session.pool().lease(kStep));
  for (const std::string& text : arguments.urls) {
    RINGPULL_CO_TRY(S3Url url, S3Url::parse(text));
    s3::GetObjectOptions options(url.bucket, url.key);
    RINGPULL_CO_TRY(s3::GetObjectStream stream, co_await session.client().get_object(options));
    while (!stream.body.body_done()) {
      auto received = co_await stream.body.read_some(block.bytes());
      if (!received) co_return fail(std::move(received).error().context(url.str()));
      std::string_view bytes(reinterpret_cast<const char*>(block.bytes().data()), *received);
      RINGPULL_CO_CHECK(co_await write_out(bytes));
    }
  }
  co_return Result<void>();
}

Task<Result<void>> write_rest(s3::StorageReader& reader) {
  while (true) {
    RINGPULL_CO_TRY(engine::BufferLease piece, co_await reader.next());
    if (piece.bytes().empty()) co_return Result<void>();
    std::string_view bytes(reinterpret_cast<const char*>(piece.bytes().data()),
                           piece.bytes().size());
    RINGPULL_CO_CHECK(co_await write_out(bytes));
  }
}

Task<Result<void>> cat_storage(cloudfront::OpenedRegistryStorage& storage,
                               const CatArguments& arguments) {
  s3::ReaderOptions options;
  for (const std::string& path : arguments.urls) {
    RINGPULL_CO_TRY(auto reader, co_await storage.driver().reader(path, options));
    auto written = co_await write_rest(*reader);
    co_await reader->close();
    if (!written) co_return written;
  }
  co_return Result<void>();
}

}  // namespace

void add_cat(CommandLine& line) {
  auto arguments = std::make_shared<CatArguments>();
  Command command = line.add("cat", "Write objects or files to standard output");
  command.option("url", arguments->urls, "s3://bucket/key, or a path").required();
  add_s3_options(command, arguments->s3, Transfers::no);
  command.on_chosen([arguments] {
    return run_session(
        "cat", arguments->s3, [&](Session& session) { return cat(session, *arguments); },
        [&](auto& storage) { return cat_storage(storage, *arguments); });
  });
}

}  // namespace ringpull::tools
