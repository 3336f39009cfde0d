#pragma once
// The bytes that the benches of the driver write and expect to read back. bench/go_driver makes the
// same ones: either program can check what the other has left.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <ringpull/engine/result.hpp>

namespace ringpull::bench {

/// What the files hold: each byte follows from its offset. The period is no multiple of any part,
/// so that parts which change places are noticed.
class Content {
 public:
  Content();

  /// The bytes from `offset` on, as many as lie together: at least one, `bytes_max` at most.
  std::span<const std::byte> from(std::uint64_t offset, std::uint64_t bytes_max) const;
  /// Makes `memory` what is at `offset`.
  void fill(std::span<std::byte> memory, std::uint64_t offset = 0) const;
  Result<void> check(std::uint64_t offset, std::span<const std::byte> bytes) const;

 private:
  std::vector<std::byte> period_;
};

}  // namespace ringpull::bench
