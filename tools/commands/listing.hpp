#pragma once
// Lines about files as ls, walk and stat print them, for people and with --json.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/s3/storage_driver.hpp>

namespace ringpull::tools {

/// "2026-11-21T13:21:25Z"; empty where the server does not say.
std::string time_text(const std::optional<std::chrono::sys_seconds>& time);

/// A row of a listing: time, size and name. A directory or prefix has the size "DIR".
std::string listing_row(std::string_view time, std::string_view size, std::string_view name);

/// A file or directory of a driver as a row, or as a JSON object on a line of its own.
std::string file_line(const s3::FileInfo& info, bool as_json);

/// Collects the lines of a walk, and writes them some thousands at a time.
class FileLines {
 public:
  /// `step` is what the walk does after each.
  FileLines(bool as_json, s3::WalkStep step) noexcept : as_json_(as_json), step_(step) {}

  /// Used while this lives.
  s3::WalkVisitor visitor();
  void add(const s3::FileInfo& info) { text_ += file_line(info, as_json_); }
  engine::Task<Result<void>> flush();

 private:
  engine::Task<Result<s3::WalkStep>> visit(const s3::FileInfo& info);

  bool as_json_;
  s3::WalkStep step_;
  std::string text_;
};

}  // namespace ringpull::tools
