#include "s3/src/driver/write/running_crc.hpp"

namespace ringpull::inline v0::s3::driver {

std::optional<ChecksumAlgorithm> upload_checksum(ChecksumMode mode, const ServerTraits& server) {
  switch (mode) {
    case ChecksumMode::automatic:
      if (server.checksum_headers) return ChecksumAlgorithm::crc64nvme;
      return std::nullopt;
    case ChecksumMode::off: return std::nullopt;
    case ChecksumMode::crc32c: return ChecksumAlgorithm::crc32c;
    case ChecksumMode::crc64nvme: return ChecksumAlgorithm::crc64nvme;
  }
  return std::nullopt;
}

void RunningCrc::update(std::span<const std::byte> bytes) noexcept {
  if (algorithm_ == ChecksumAlgorithm::crc64nvme) {
    Crc64Nvme crc(value_);
    crc.update(bytes);
    value_ = crc.value();
  } else if (algorithm_ == ChecksumAlgorithm::crc32c) {
    Crc32c crc(static_cast<std::uint32_t>(value_));
    crc.update(bytes);
    value_ = crc.value();
  }
}

void RunningCrc::append(std::uint64_t crc, std::uint64_t size) noexcept {
  if (algorithm_ == ChecksumAlgorithm::crc64nvme) {
    value_ = Crc64Nvme::combine(value_, crc, size);
  } else if (algorithm_ == ChecksumAlgorithm::crc32c) {
    value_ =
        Crc32c::combine(static_cast<std::uint32_t>(value_), static_cast<std::uint32_t>(crc), size);
  }
}

std::optional<std::uint64_t> RunningCrc::value() const noexcept {
  if (!algorithm_) return std::nullopt;
  return value_;
}

std::optional<ObjectChecksum> RunningCrc::checksum() const {
  if (!algorithm_) return std::nullopt;
  std::string text = *algorithm_ == ChecksumAlgorithm::crc32c
                         ? checksum_base64(static_cast<std::uint32_t>(value_))
                         : checksum_base64(value_);
  return ObjectChecksum(*algorithm_, std::move(text));
}

}  // namespace ringpull::inline v0::s3::driver
