#include "s3/src/checksum/crc64nvme.hpp"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ringpull::inline v0::s3 {
namespace {

using Tables = std::array<std::array<std::uint64_t, 256>, 8>;

/// tables[k][b] is the register after byte b and k zero bytes ("slicing by eight").
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) ? crc >> 1 ^ kCrc64NvmePolynomial : crc >> 1;
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      std::uint64_t previous = tables[k - 1][byte];
      tables[k][byte] = previous >> 8 ^ tables[0][previous & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

std::uint64_t load_little_endian(const std::byte* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

std::uint64_t crc64nvme_table(std::uint64_t crc, std::span<const std::byte> data) noexcept {
  while (data.size() >= 8) {
    crc ^= load_little_endian(data.data());
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < 8; ++i) next ^= kTables[7 - i][crc >> (8 * i) & 0xff];
    crc = next;
    data = data.subspan(8);
  }
  for (std::byte byte : data) {
    crc = crc >> 8 ^ kTables[0][(crc ^ std::to_integer<std::uint64_t>(byte)) & 0xff];
  }
  return crc;
}

#if defined(__x86_64__)

// Folding as in V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
// Instruction" (Intel, 2009), in the bit-reflected form.
namespace {

/// x^exponent modulo the polynomial, bit-reflected (bit 63 is x^0).
constexpr std::uint64_t power_of_x(unsigned exponent) {
  std::uint64_t value = std::uint64_t(1) << 63;
  for (; exponent > 0; --exponent)
    value = (value & 1) ? value >> 1 ^ kCrc64NvmePolynomial : value >> 1;
  return value;
}

/// Constants that move a 128-bit remainder `distance` bits ahead. A carry-less product of two
/// reflected words comes out one bit low, hence the exponents less one.
struct FoldConstants {
  std::uint64_t low;   // for the half that is earlier in the message
  std::uint64_t high;  // for the later half
};
constexpr FoldConstants fold_by(unsigned distance) {
  return {power_of_x(distance + 64 - 1), power_of_x(distance - 1)};
}

constexpr FoldConstants kFold128 = fold_by(128);
constexpr FoldConstants kFold512 = fold_by(512);

#define RINGPULL_PCLMUL __attribute__((target("pclmul,sse4.1")))

RINGPULL_PCLMUL inline __m128i load(const std::byte* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

RINGPULL_PCLMUL inline __m128i fold(__m128i remainder, __m128i constants, __m128i next) {
  __m128i earlier = _mm_clmulepi64_si128(remainder, constants, 0x00);
  __m128i later = _mm_clmulepi64_si128(remainder, constants, 0x11);
  return _mm_xor_si128(_mm_xor_si128(earlier, later), next);
}

}  // namespace

bool crc64nvme_has_pclmul() noexcept {
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

RINGPULL_PCLMUL std::uint64_t crc64nvme_pclmul(std::uint64_t crc,
                                               std::span<const std::byte> data) noexcept {
  constexpr std::size_t kBlock = 64;
  if (data.size() < 2 * kBlock) return crc64nvme_table(crc, data);

  // Four independent remainders hide the latency of the multiplication.
  const std::byte* at = data.data();
  __m128i lane[4] = {load(at), load(at + 16), load(at + 32), load(at + 48)};
  lane[0] = _mm_xor_si128(lane[0], _mm_cvtsi64_si128(static_cast<long long>(crc)));
  data = data.subspan(kBlock);
  const __m128i by512 =
      _mm_set_epi64x(static_cast<long long>(kFold512.high), static_cast<long long>(kFold512.low));
  while (data.size() >= kBlock) {
    at = data.data();
    for (int i = 0; i < 4; ++i) lane[i] = fold(lane[i], by512, load(at + 16 * i));
    data = data.subspan(kBlock);
  }

  const __m128i by128 =
      _mm_set_epi64x(static_cast<long long>(kFold128.high), static_cast<long long>(kFold128.low));
  __m128i remainder = lane[0];
  for (int i = 1; i < 4; ++i) remainder = fold(remainder, by128, lane[i]);

  // What is left is a 16-byte message whose register starts at zero: the table finishes it.
  std::array<std::byte, 16> last;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last.data()), remainder);
  return crc64nvme_table(crc64nvme_table(0, last), data);
}

#undef RINGPULL_PCLMUL

#else

bool crc64nvme_has_pclmul() noexcept { return false; }

std::uint64_t crc64nvme_pclmul(std::uint64_t crc, std::span<const std::byte> data) noexcept {
  return crc64nvme_table(crc, data);
}

#endif

}  // namespace ringpull::inline v0::s3
