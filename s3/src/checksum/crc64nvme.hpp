#pragma once
// The two kernels of CRC-64/NVME. Both take and give the raw register, without the inversions.

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringpull::inline v0::s3 {

/// 0xAD93D23594C93659, bit-reflected.
inline constexpr std::uint64_t kCrc64NvmePolynomial = 0x9A6C9329AC4BC9B5;

std::uint64_t crc64nvme_table(std::uint64_t crc, std::span<const std::byte> data) noexcept;

/// True when the processor has PCLMULQDQ and SSE4.1; always false elsewhere than on x86-64.
bool crc64nvme_has_pclmul() noexcept;
/// Call only when crc64nvme_has_pclmul().
std::uint64_t crc64nvme_pclmul(std::uint64_t crc, std::span<const std::byte> data) noexcept;

}  // namespace ringpull::inline v0::s3
