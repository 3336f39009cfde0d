#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include <ringpull/engine/scope.hpp>

#include "tools/progress.hpp"
#include "tools/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct PutArguments {
  PutArguments() = default;
  S3Arguments s3;
  std::string file;
  std::string url;
  std::string content_type;
};

/// Parts need a size and offsets. Looked at before the open, which waits for a pipe's other end.
Result<void> check_source(const std::string& file) {
  namespace fs = std::filesystem;
  std::error_code code;
  fs::file_status status = fs::status(file, code);
  if (!fs::exists(status) || fs::is_regular_file(status)) return {};  // open() says what is wrong
  return fail(ErrorKind::invalid_argument,
              "'" + file +
                  "' is not a regular file: its size is not known beforehand; put it into "
                  "one first");
}

/// A file of more than kPartNumberMax parts takes larger ones, and fewer at a time: the memory that
/// was asked for stays the limit, but for a single part. Arguments that are wrong stay as they are.
void fit_parts(S3Arguments& arguments, const std::string& file) {
  std::error_code code;
  std::uint64_t size = std::filesystem::file_size(file, code);
  auto part_bytes = parse_size(arguments.part_size);
  if (code || !part_bytes || size / s3::kPartNumberMax < *part_bytes) return;
  std::uint64_t least = size / s3::kPartNumberMax + 1;
  std::uint64_t memory = *part_bytes * arguments.concurrency;
  arguments.part_size = std::to_string(least);
  arguments.concurrency = static_cast<std::size_t>(std::max<std::uint64_t>(memory / least, 1));
}

Task<Result<void>> put(Session& session, const PutArguments& arguments) {
  RINGPULL_CO_TRY(S3Url url, S3Url::parse(arguments.url));
  std::string name = std::filesystem::path(arguments.file).filename().string();
  if (url.key.empty() || url.key.str().ends_with('/'))
    url.key = s3::ObjectKey(url.key.str() + name);
  RINGPULL_CO_CHECK(check_source(arguments.file));
  engine::OpenOptions read(engine::FileMode::read);
  RINGPULL_CO_TRY(engine::File file, co_await engine::File::open(arguments.file, read));
  RINGPULL_CO_TRY(std::uint64_t size, file.size());
  s3::PutObjectOptions object(url.bucket, url.key);
  object.attributes.content_type = arguments.content_type;
  auto show = arguments.s3.quiet ? Progress::Show::no : Progress::on_terminal();
  Progress progress(name, size, show);
  s3::TransferOptions options = session.transfer_options();
  options.progress = [&progress](std::uint64_t bytes) { progress.add(bytes); };
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(progress.run());
  auto result = co_await s3::upload(session.client(), object, file, size, session.pool(), options);
  scope.request_stop();
  auto joined = co_await scope.join();
  (void)joined;
  progress.erase();
  if (!result) co_return fail(name_file(std::move(result).error(), arguments.file));
  co_return Result<void>();
}

}  // namespace

void add_put(CLI::App& app, ExitCode& code) {
  auto arguments = std::make_shared<PutArguments>();
  CLI::App* command = app.add_subcommand("put", "Upload a file, large ones by parallel multipart");
  command->add_option("file", arguments->file, "File")->type_name("FILE")->required();
  command->add_option("url", arguments->url, "s3://bucket/key, or s3://bucket/prefix/")->required();
  command->add_option("--content-type", arguments->content_type, "Content-Type of the object");
  add_s3_options(*command, arguments->s3, Transfers::yes);
  command->footer("A failure or Ctrl-C aborts the multipart upload before the command ends.");
  command->callback([arguments, &code] {
    fit_parts(arguments->s3, arguments->file);
    code = run_session("put", arguments->s3,
                       [&](Session& session) { return put(session, *arguments); });
  });
}

}  // namespace ringpull::tools
