#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>

#include "tools/commands/commands.hpp"
#include "tools/console/progress.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Deadline;
using engine::Task;

namespace {

constexpr std::size_t kBlockBytes = 1024 * 1024;
constexpr auto kCleanupTime = std::chrono::seconds(60);  // for the abort of an upload

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

/// What a URL or path that ends in a slash names is the file's to complete.
std::string with_name(const std::string& target, const std::string& file) {
  bool complete = !target.empty() && !target.ends_with('/');
  return complete ? target : target + std::filesystem::path(file).filename().string();
}

/// Sends the first bytes of a file, and says how far it is.
using Upload = std::function<Task<Result<void>>(engine::File&, std::uint64_t, Progress&)>;

Task<Result<void>> put(const PutArguments& arguments, const Upload& upload) {
  RINGPULL_CO_CHECK(check_source(arguments.file));
  engine::OpenOptions read(engine::FileMode::read);
  RINGPULL_CO_TRY(engine::File file, co_await engine::File::open(arguments.file, read));
  RINGPULL_CO_TRY(std::uint64_t size, file.size());
  auto show = arguments.s3.quiet ? Progress::Show::no : Progress::on_terminal();
  Progress progress(std::filesystem::path(arguments.file).filename().string(), size, show);
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(progress.run());
  auto result = co_await upload(file, size, progress);
  scope.request_stop();
  auto joined = co_await scope.join();
  (void)joined;
  progress.erase();
  if (!result) co_return fail(name_file(std::move(result).error(), arguments.file));
  co_return Result<void>();
}

Task<Result<void>> upload_object(Session& session, const s3::PutObjectOptions& object,
                                 engine::File& file, std::uint64_t size, Progress& progress) {
  s3::TransferOptions options = session.transfer_options();
  options.progress = [&progress](std::uint64_t bytes) { progress.add(bytes); };
  auto result = co_await s3::upload(session.client(), object, file, size, session.pool(), options);
  if (!result) co_return fail(std::move(result).error());
  co_return Result<void>();
}

Task<Result<void>> put_object(Session& session, const PutArguments& arguments) {
  RINGPULL_CO_TRY(S3Url url, S3Url::parse(arguments.url));
  s3::ObjectKey key(with_name(url.key.str(), arguments.file));
  s3::PutObjectOptions object(url.bucket, key);
  object.attributes.content_type = arguments.content_type;
  Upload upload = [&](engine::File& file, std::uint64_t size, Progress& progress) {
    return upload_object(session, object, file, size, progress);
  };
  auto outcome = co_await put(arguments, upload);
  co_return outcome;
}

Task<Result<void>> write_whole(s3::StorageWriter& writer, engine::File& file, std::uint64_t size,
                               Progress& progress) {
  std::vector<std::byte> block(kBlockBytes);
  while (progress.done() < size) {
    auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), size - progress.done()));
    std::span<std::byte> piece(block.data(), wanted);
    RINGPULL_CO_TRY(std::size_t got, co_await file.read_some_at(piece, progress.done()));
    if (got == 0)
      co_return fail(ErrorKind::truncated, "the local file became shorter while it was read");
    RINGPULL_CO_CHECK(co_await writer.write(piece.first(got)));
    progress.add(got);
  }
  co_return Result<void>();
}

Task<Result<void>> upload_file(s3::StorageDriver& driver, const std::string& path,
                               engine::File& file, std::uint64_t size, Progress& progress) {
  s3::WriterOptions options;
  options.size_hint = size;
  RINGPULL_CO_TRY(auto writer, co_await driver.writer(path, options));
  auto written = co_await write_whole(*writer, file, size, progress);
  if (written) {
    s3::CommitOptions commit;
    auto committed = co_await writer->commit(commit);
    co_return committed;
  }
  auto cancelled = co_await engine::shielded(Deadline::after(kCleanupTime), writer->cancel());
  (void)cancelled;  // what came first is what to tell
  co_return written;
}

Task<Result<void>> put_file(cloudfront::OpenedRegistryStorage& storage,
                            const PutArguments& arguments) {
  std::string path = with_name(arguments.url, arguments.file);
  Upload upload = [&](engine::File& file, std::uint64_t size, Progress& progress) {
    return upload_file(storage.driver(), path, file, size, progress);
  };
  auto outcome = co_await put(arguments, upload);
  co_return outcome;
}

}  // namespace

void add_put(CommandLine& line) {
  auto arguments = std::make_shared<PutArguments>();
  Command command = line.add("put", "Upload a file, large ones by parallel multipart");
  command.option("file", arguments->file, "File").value_name("FILE").required();
  command.option("url", arguments->url, "s3://bucket/key, s3://bucket/prefix/, or a path")
      .required();
  Option content_type =
      command.option("--content-type", arguments->content_type, "Content-Type of the object");
  add_s3_options(command, arguments->s3, Transfers::yes);
  command.at("--config").excludes(content_type);
  command.footer("A failure or Ctrl-C aborts the multipart upload before the command ends.");
  command.on_chosen([arguments] {
    fit_parts(arguments->s3, arguments->file);
    return run_session(
        "put", arguments->s3, [&](Session& session) { return put_object(session, *arguments); },
        [&](auto& storage) { return put_file(storage, *arguments); });
  });
}

}  // namespace ringpull::tools
