#include "tools/commands/listing.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "tools/console/json.hpp"
#include "tools/console/output.hpp"

namespace ringpull::tools {

std::string time_text(const std::optional<std::chrono::sys_seconds>& time) {
  return time ? fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", *time) : "";
}

std::string listing_row(std::string_view time, std::string_view size, std::string_view name) {
  return fmt::format("{:>20}  {:>14}  {}\n", time, size, name);
}

std::string file_line(const s3::FileInfo& info, bool as_json) {
  std::string modified = time_text(info.modified);
  if (!as_json) {
    std::string size = info.is_directory ? "DIR" : std::to_string(info.size_bytes);
    return listing_row(modified, size, info.path);
  }
  Json line;
  line.set("path", info.path);
  line.set("directory", info.is_directory);
  if (!info.is_directory) {
    line.set("size", info.size_bytes);
    line.set("last_modified", modified);
  }
  return line.line();
}

s3::WalkVisitor FileLines::visitor() {
  return [this](const s3::FileInfo& info) { return visit(info); };
}

engine::Task<Result<s3::WalkStep>> FileLines::visit(const s3::FileInfo& info) {
  constexpr std::size_t kWriteBytes = 64 * 1024;
  add(info);
  if (text_.size() >= kWriteBytes) RINGPULL_CO_CHECK(co_await flush());
  co_return step_;
}

engine::Task<Result<void>> FileLines::flush() {
  auto written = co_await write_out(text_);
  text_.clear();
  co_return written;
}

}  // namespace ringpull::tools
