#pragma once
// The checksum of a part while it is being filled, kept as a number so that those of all parts can
// be combined into the object's.

#include <cstdint>
#include <optional>
#include <span>

#include <ringpull/s3/s3_driver_options.hpp>
#include <ringpull/s3/types.hpp>

namespace ringpull::inline v0::s3::driver {

/// The algorithm that uploads carry by these options; nothing for none.
std::optional<ChecksumAlgorithm> upload_checksum(ChecksumMode mode, const ServerTraits& server);

/// CRC32C or CRC64NVME. One without an algorithm computes nothing and has no value.
class RunningCrc {
 public:
  RunningCrc() = default;
  explicit RunningCrc(std::optional<ChecksumAlgorithm> algorithm) noexcept
      : algorithm_(algorithm) {}

  void update(std::span<const std::byte> bytes) noexcept;
  /// Behind the bytes so far.
  void append(std::uint64_t crc, std::uint64_t size) noexcept;
  void reset() noexcept { value_ = 0; }

  const std::optional<ChecksumAlgorithm>& algorithm() const noexcept { return algorithm_; }
  std::optional<std::uint64_t> value() const noexcept;
  /// As a request carries it.
  std::optional<ObjectChecksum> checksum() const;

 private:
  std::optional<ChecksumAlgorithm> algorithm_;
  std::uint64_t value_ = 0;
};

}  // namespace ringpull::inline v0::s3::driver
