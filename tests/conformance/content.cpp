#include "tests/conformance/content.hpp"

#include <algorithm>
#include <cstring>

namespace ringpull::conformance {

/// splitmix64, by index.
std::uint64_t Content::word(std::uint64_t index) const noexcept {
  std::uint64_t z = seed_ + (index + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void Content::fill(std::uint64_t offset, std::span<std::byte> out) const noexcept {
  while (!out.empty()) {
    std::uint64_t in_mib = offset % kMiB;
    std::size_t size = 0;
    if (in_mib >= dense_) {
      size = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), kMiB - in_mib));
      std::memset(out.data(), 0, size);
    } else {
      std::uint64_t value = word(offset / sizeof value);
      std::size_t skip = offset % sizeof value;
      size = std::min(out.size(), sizeof value - skip);
      std::memcpy(out.data(), reinterpret_cast<const std::byte*>(&value) + skip, size);
    }
    offset += size;
    out = out.subspan(size);
  }
}

Bytes Content::bytes(std::size_t size, std::uint64_t offset) const {
  Bytes result(size);
  fill(offset, result);
  return result;
}

bool Content::matches(std::uint64_t offset, std::span<const std::byte> bytes) const {
  Bytes expected(std::min<std::size_t>(bytes.size(), kMiB));
  while (!bytes.empty()) {
    auto piece = bytes.first(std::min(bytes.size(), expected.size()));
    fill(offset, std::span(expected).first(piece.size()));
    if (std::memcmp(expected.data(), piece.data(), piece.size()) != 0) return false;
    offset += piece.size();
    bytes = bytes.subspan(piece.size());
  }
  return true;
}

Bytes bytes_of(std::string_view text) {
  auto view = std::as_bytes(std::span(text));
  return Bytes(view.begin(), view.end());
}

}  // namespace ringpull::conformance
