#pragma once
// A part of an upload, as the server has it.

#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <ringpull/s3/names.hpp>

namespace ringpull::inline v0::s3::driver {

/// Part 1 is the first of a list.
struct StoredPart {
  StoredPart() = default;
  StoredPart(std::uint64_t size_bytes_in, ETag etag_in)
      : size_bytes(size_bytes_in), etag(std::move(etag_in)) {}

  std::uint64_t size_bytes = 0;
  ETag etag;
  /// By the upload's algorithm, where known.
  std::optional<std::uint64_t> crc;

  friend bool operator==(const StoredPart&, const StoredPart&) = default;
};

inline std::uint64_t total_bytes(const std::vector<StoredPart>& parts) noexcept {
  auto add = [](std::uint64_t sum, const StoredPart& part) { return sum + part.size_bytes; };
  return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0}, add);
}

}  // namespace ringpull::inline v0::s3::driver
