#include "bench/driver/content.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace ringpull::bench {

namespace {

// A prime: no part and no block is a multiple of it.
constexpr std::size_t kPeriodBytes = 1'048'583;

}  // namespace

Content::Content() : period_(kPeriodBytes) {
  std::uint64_t state = 0x9e3779b97f4a7c15u;
  for (std::byte& byte : period_) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<std::byte>(state);
  }
}

std::span<const std::byte> Content::from(std::uint64_t offset, std::uint64_t bytes_max) const {
  const auto at = static_cast<std::size_t>(offset % kPeriodBytes);
  const std::size_t together = kPeriodBytes - at;
  return std::span(period_).subspan(at, std::min<std::uint64_t>(together, bytes_max));
}

void Content::fill(std::span<std::byte> memory, std::uint64_t offset) const {
  for (std::size_t at = 0; at < memory.size();) {
    const std::span<const std::byte> piece = from(offset + at, memory.size() - at);
    std::memcpy(memory.data() + at, piece.data(), piece.size());
    at += piece.size();
  }
}

Result<void> Content::check(std::uint64_t offset, std::span<const std::byte> bytes) const {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::span<const std::byte> piece = from(offset + at, bytes.size() - at);
    if (std::memcmp(bytes.data() + at, piece.data(), piece.size()) != 0) {
      return fail(ErrorKind::internal,
                  fmt::format("the bytes read differ from those written, between {} and {}",
                              offset + at, offset + at + piece.size()));
    }
    at += piece.size();
  }
  return {};
}

}  // namespace ringpull::bench
