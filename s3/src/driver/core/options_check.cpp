#include "s3/src/driver/core/options_check.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <ringpull/s3/utf8.hpp>

namespace ringpull::inline v0::s3::driver {
namespace {

Error bad_option(std::string_view name, std::string_view what) {
  return Error(ErrorKind::invalid_argument,
               "s3aws: option " + std::string(name) + ": " + std::string(what));
}

Result<void> check_range(std::string_view name, std::uint64_t value, std::uint64_t least,
                         std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
  if (value >= least && value <= most) return {};
  std::string allowed = most == std::numeric_limits<std::uint64_t>::max()
                            ? std::to_string(least) + " at least"
                            : std::to_string(least) + " to " + std::to_string(most);
  return fail(bad_option(name, std::to_string(value) + " is out of range; allowed: " + allowed));
}

/// Half of what a key may have is left to paths.
Result<void> check_root_directory(std::string_view text) {
  constexpr std::size_t kBytesMax = kKeyBytesMax / 2;
  if (text.size() > kBytesMax) {
    return fail(bad_option("root_directory", std::to_string(text.size()) + " bytes; allowed: " +
                                                 std::to_string(kBytesMax) + " at most"));
  }
  bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (control) return fail(bad_option("root_directory", "it holds control characters"));
  if (!is_utf8(text)) return fail(bad_option("root_directory", "it is not UTF-8, as keys are"));
  return {};
}

}  // namespace

Result<void> check(const S3DriverOptions& options) {
  if (options.bucket.empty()) return fail(bad_option("bucket", "none is named"));
  RINGPULL_CHECK(check_root_directory(options.root_directory));
  RINGPULL_CHECK(check_range("chunk_bytes", options.chunk_bytes, kPartBytesMin, kPartBytesMax));
  RINGPULL_CHECK(check_range("upload_concurrency", options.upload_concurrency, 1));
  RINGPULL_CHECK(check_range("read_concurrency", options.read_concurrency, 1));
  RINGPULL_CHECK(check_range("read_first_bytes", options.read_first_bytes, 1));
  RINGPULL_CHECK(check_range("read_part_bytes", options.read_part_bytes, options.read_first_bytes));
  RINGPULL_CHECK(
      check_range("read_window_bytes", options.read_window_bytes, options.read_part_bytes));
  RINGPULL_CHECK(check_range("read_window_least_bytes", options.read_window_least_bytes, 1));
  RINGPULL_CHECK(
      check_range("copy_threshold_bytes", options.copy_threshold_bytes, 0, kCopyObjectBytesMax));
  RINGPULL_CHECK(
      check_range("copy_chunk_bytes", options.copy_chunk_bytes, kPartBytesMin, kPartBytesMax));
  RINGPULL_CHECK(check_range("copy_concurrency", options.copy_concurrency, 1));
  RINGPULL_CHECK(check_range("remove_concurrency", options.remove_concurrency, 1));
  if (options.redirect_endpoint) {
    auto address = options.redirect_endpoint->address(options.bucket);
    if (!address) return fail(bad_option("redirect_endpoint", address.error().message()));
  }
  return {};
}

}  // namespace ringpull::inline v0::s3::driver
