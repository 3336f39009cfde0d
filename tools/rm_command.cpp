#include "tools/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct RmArguments {
  RmArguments() = default;
  S3Arguments s3;
  std::vector<std::string> urls;
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

}  // namespace

void add_rm(CLI::App& app, ExitCode& code) {
  auto arguments = std::make_shared<RmArguments>();
  CLI::App* command =
      app.add_subcommand("rm", "Delete objects; a key that is not there is no error");
  command->add_option("url", arguments->urls, "s3://bucket/key")->required();
  add_s3_options(*command, arguments->s3, Transfers::no);
  command->callback([arguments, &code] {
    code = run_session("rm", arguments->s3,
                       [&](Session& session) { return remove(session, *arguments); });
  });
}

}  // namespace ringpull::tools
