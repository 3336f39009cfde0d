#pragma once
// Digests and checksums that S3 knows, incremental, and their text forms. Pure computation.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::s3 {

using Sha256Digest = std::array<std::byte, 32>;
using Md5Digest = std::array<std::byte, 16>;

inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// SHA-256 (FIPS 180-4). After `finish()` the object is ready for the next message.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::span<const std::byte> data);
  Sha256Digest finish();
  static Sha256Digest of(std::span<const std::byte> data);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// MD5 (RFC 1321), for Content-MD5 and for servers that use it as ETag; it proves nothing.
class Md5 {
 public:
  Md5();
  Md5(Md5&&) noexcept;
  Md5& operator=(Md5&&) noexcept;
  ~Md5();

  void update(std::span<const std::byte> data);
  Md5Digest finish();
  static Md5Digest of(std::span<const std::byte> data);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4). `value()` may be asked at any time.
class Crc32c {
 public:
  Crc32c() = default;
  explicit Crc32c(std::uint32_t value) noexcept : value_(value) {}

  void update(std::span<const std::byte> data) noexcept;
  std::uint32_t value() const noexcept { return value_; }
  static std::uint32_t of(std::span<const std::byte> data) noexcept;
  /// The checksum of A followed by B, where B is `right_size` bytes long. O(log right_size).
  static std::uint32_t combine(std::uint32_t left, std::uint32_t right,
                               std::uint64_t right_size) noexcept;

 private:
  std::uint32_t value_ = 0;
};

/// CRC-64/NVME (NVM Express Command Set Specification 1.0c, section 5.2.1.3.4): the checksum that
/// S3 keeps for a whole object by default. Folds with PCLMULQDQ where the CPU has it.
class Crc64Nvme {
 public:
  Crc64Nvme() = default;
  explicit Crc64Nvme(std::uint64_t value) noexcept : value_(value) {}

  void update(std::span<const std::byte> data) noexcept;
  std::uint64_t value() const noexcept { return value_; }
  static std::uint64_t of(std::span<const std::byte> data) noexcept;
  /// The checksum of A followed by B, where B is `right_size` bytes long. O(log right_size).
  static std::uint64_t combine(std::uint64_t left, std::uint64_t right,
                               std::uint64_t right_size) noexcept;

 private:
  std::uint64_t value_ = 0;
};

/// The algorithms of x-amz-checksum-* that this library computes.
enum class ChecksumAlgorithm : std::uint8_t { crc32c, crc64nvme, sha256 };

/// "CRC32C", "CRC64NVME", "SHA256": the value of x-amz-checksum-algorithm.
std::string_view to_string(ChecksumAlgorithm algorithm) noexcept;
/// Accepts any letter case; nullopt for algorithms this library does not compute.
std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view name) noexcept;
/// "x-amz-checksum-crc32c" and so on.
std::string_view checksum_header(ChecksumAlgorithm algorithm) noexcept;

/// One of the three, chosen at run time.
class Checksum {
 public:
  explicit Checksum(ChecksumAlgorithm algorithm);

  ChecksumAlgorithm algorithm() const noexcept { return algorithm_; }
  void update(std::span<const std::byte> data);
  /// The header's value: base64 of the big-endian checksum. The object starts over.
  std::string finish_base64();

 private:
  ChecksumAlgorithm algorithm_;
  Crc32c crc32c_;
  Crc64Nvme crc64nvme_;
  std::optional<Sha256> sha256_;
};

/// The header's value for a CRC that was combined from parts.
std::string checksum_base64(std::uint32_t crc32c);
std::string checksum_base64(std::uint64_t crc64nvme);

/// Lower case.
std::string hex(std::span<const std::byte> data);
/// Either case; nullopt for an odd length or any other character.
std::optional<std::string> unhex(std::string_view text);
/// RFC 4648 section 4, with padding.
std::string base64(std::span<const std::byte> data);
/// Strict: padding required, no white space, unused bits zero.
std::optional<std::string> unbase64(std::string_view text);

}  // namespace ringpull::inline v0::s3
