#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>
#include <functional>
#include <memory>
#include <unistd.h>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>

#include "tools/commands/commands.hpp"
#include "tools/console/progress.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Deadline;
using engine::Task;

namespace {

constexpr auto kCleanupTime = std::chrono::seconds(10);

struct GetArguments {
  GetArguments() = default;
  S3Arguments s3;
  std::string url;
  std::string file;
};

/// The last part of `source`, a key or a path, where no file is named, or where a directory is.
/// What is no regular file is refused: the rename at the end would put one in its place.
Result<std::string> target_path(const GetArguments& arguments, const std::string& source) {
  namespace fs = std::filesystem;
  std::string name = source.substr(source.rfind('/') + 1);
  if (source.empty())
    return fail(ErrorKind::invalid_argument, "'" + arguments.url + "' names no object");
  std::error_code code;
  fs::file_status target = fs::status(arguments.file, code);
  bool by_key = arguments.file.empty() || fs::is_directory(target);
  if (by_key && (name.empty() || name == "." || name == "..")) {
    return fail(ErrorKind::invalid_argument,
                "the last part of '" + arguments.url + "' is no file name; name a file");
  }
  if (arguments.file.empty()) return name;
  if (fs::is_directory(target)) return (fs::path(arguments.file) / name).string();
  if (fs::exists(target) && !fs::is_regular_file(target)) {
    return fail(ErrorKind::invalid_argument, "'" + arguments.file +
                                                 "' is not a regular file; `ringpull cat` writes "
                                                 "to standard output, which may be anything");
  }
  return arguments.file;
}

/// Beside the target, so that a rename moves it there. Where the suffix leaves no room for the
/// whole name (NAME_MAX, which file systems have as their limit of bytes), the name's end gives
/// way, never by half a character.
std::string partial_path(const std::string& target) {
  std::filesystem::path path(target);
  std::string name = path.filename().string();
  std::string suffix = ".partial-" + std::to_string(::getpid());
  std::size_t size = std::min<std::size_t>(name.size(), NAME_MAX - suffix.size());
  auto is_inner = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  while (size > 0 && size < name.size() && is_inner(name[size])) --size;
  return path.replace_filename(name.substr(0, size) + suffix).string();
}

/// Fills a file, and says how far it is.
using Download = std::function<Task<Result<void>>(engine::File&, Progress&)>;

Task<Result<void>> download_to(const Download& download, const std::string& path,
                               Progress& progress) {
  engine::OpenOptions create(engine::FileMode::create);
  RINGPULL_CO_TRY(engine::File file, co_await engine::File::open(path, create));
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(progress.run());
  auto result = co_await download(file, progress);
  scope.request_stop();
  auto joined = co_await scope.join();
  (void)joined;
  progress.erase();
  if (!result) co_return fail(name_file(std::move(result).error(), path));
  co_return Result<void>();
}

/// Under its own name a file is never partial.
Task<Result<void>> get(const GetArguments& arguments, const std::string& source,
                       const Download& download) {
  RINGPULL_CO_TRY(std::string path, target_path(arguments, source));
  std::string partial = partial_path(path);
  auto show = arguments.s3.quiet ? Progress::Show::no : Progress::on_terminal();
  Progress progress(source.substr(source.rfind('/') + 1), 0, show);
  auto outcome = co_await download_to(download, partial, progress);
  if (outcome) outcome = co_await engine::rename_file(partial, path);
  if (!outcome) {
    // Shielded: Ctrl-C leaves no file behind.
    auto removed =
        co_await engine::shielded(Deadline::after(kCleanupTime), engine::remove_file(partial));
    (void)removed;  // it may never have been made
  }
  co_return outcome;
}

Task<Result<void>> download_object(Session& session, const S3Url& url, engine::File& file,
                                   Progress& progress) {
  s3::GetObjectOptions object(url.bucket, url.key);
  s3::TransferOptions options = session.transfer_options();
  options.progress = [&progress](std::uint64_t bytes) { progress.add(bytes); };
  options.on_size = [&progress](std::uint64_t bytes) { progress.set_total(bytes); };
  auto result = co_await s3::download(session.client(), object, file, session.pool(), options);
  if (!result) co_return fail(std::move(result).error());
  co_return Result<void>();
}

Task<Result<void>> get_object(Session& session, const GetArguments& arguments) {
  RINGPULL_CO_TRY(S3Url url, S3Url::parse(arguments.url));
  Download download = [&](engine::File& file, Progress& progress) {
    return download_object(session, url, file, progress);
  };
  auto outcome = co_await get(arguments, url.key.str(), download);
  co_return outcome;
}

Task<Result<void>> save_rest(s3::StorageReader& reader, engine::File& file, Progress& progress) {
  progress.set_total(reader.file_size_bytes());
  while (true) {
    RINGPULL_CO_TRY(engine::BufferLease piece, co_await reader.next());
    if (piece.bytes().empty()) co_return Result<void>();
    RINGPULL_CO_CHECK(co_await file.write_all_at(piece.bytes(), progress.done()));
    progress.add(piece.bytes().size());
  }
}

Task<Result<void>> download_file(s3::StorageDriver& driver, const std::string& path,
                                 engine::File& file, Progress& progress) {
  s3::ReaderOptions options;
  RINGPULL_CO_TRY(auto reader, co_await driver.reader(path, options));
  auto outcome = co_await save_rest(*reader, file, progress);
  co_await reader->close();
  co_return outcome;
}

Task<Result<void>> get_file(cloudfront::OpenedRegistryStorage& storage,
                            const GetArguments& arguments) {
  Download download = [&](engine::File& file, Progress& progress) {
    return download_file(storage.driver(), arguments.url, file, progress);
  };
  auto outcome = co_await get(arguments, arguments.url, download);
  co_return outcome;
}

}  // namespace

void add_get(CommandLine& line) {
  auto arguments = std::make_shared<GetArguments>();
  Command command = line.add("get", "Download an object or file by parallel ranged reads");
  command.option("url", arguments->url, "s3://bucket/key, or a path").required();
  command
      .option("file", arguments->file,
              "File or directory; default: the last part of the key or path, here")
      .value_name("FILE");
  add_s3_options(command, arguments->s3, Transfers::yes);
  command.footer("The file appears under its name only when it is complete.");
  command.on_chosen([arguments] {
    return run_session(
        "get", arguments->s3, [&](Session& session) { return get_object(session, *arguments); },
        [&](auto& storage) { return get_file(storage, *arguments); });
  });
}

}  // namespace ringpull::tools
