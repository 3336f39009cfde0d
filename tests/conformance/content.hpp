#pragma once
// Bytes that are told by their place: what a test writes, and compares with what it reads, without
// keeping either.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ringpull::conformance {

using Bytes = std::vector<std::byte>;

class Content {
 public:
  /// Noise throughout.
  static Content noise(std::uint64_t seed) noexcept { return Content(seed, kMiB); }
  /// Zeros, but for a page of noise in each MiB: a server that drops pages of zeros keeps 1/256.
  static Content sparse(std::uint64_t seed) noexcept { return Content(seed, 4096); }

  /// The bytes from `offset` on.
  void fill(std::uint64_t offset, std::span<std::byte> out) const noexcept;
  Bytes bytes(std::size_t size, std::uint64_t offset = 0) const;
  bool matches(std::uint64_t offset, std::span<const std::byte> bytes) const;

 private:
  static constexpr std::uint64_t kMiB = std::uint64_t(1) << 20;
  Content(std::uint64_t seed, std::uint64_t dense) noexcept : seed_(seed), dense_(dense) {}
  std::uint64_t word(std::uint64_t index) const noexcept;

  std::uint64_t seed_;
  std::uint64_t dense_;  // bytes of noise at the beginning of each MiB
};

Bytes bytes_of(std::string_view text);

}  // namespace ringpull::conformance
