#include <algorithm>
#include <array>
#include <bit>
#include <isa-l/crc.h>

#include <ringpull/s3/checksum.hpp>

#include "s3/src/checksum/crc64nvme.hpp"

namespace ringpull::inline v0::s3 {
namespace {

/// Multiplies two polynomials modulo the CRC's own, both bit-reflected: the top bit is x^0.
template <class Word>
constexpr Word multiply_modulo(Word a, Word b, Word polynomial) noexcept {
  Word product = 0;
  for (Word bit = Word(1) << (sizeof(Word) * 8 - 1); bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = (b & 1) ? (b >> 1) ^ polynomial : b >> 1;
  }
  return product;
}

/// x^(8 * bytes) modulo the polynomial, by squaring: appending `bytes` zero bytes multiplies by it.
template <class Word>
constexpr Word shift_factor(std::uint64_t bytes, Word polynomial) noexcept {
  constexpr Word kOne = Word(1) << (sizeof(Word) * 8 - 1);
  Word factor = kOne;
  Word power = kOne >> 8;
  for (; bytes != 0; bytes >>= 1) {
    if (bytes & 1) factor = multiply_modulo(factor, power, polynomial);
    power = multiply_modulo(power, power, polynomial);
  }
  return factor;
}

/// The initial and final inversions of both CRCs cancel out, so one product is all.
template <class Word>
constexpr Word combine_crc(Word left, Word right, std::uint64_t right_size,
                           Word polynomial) noexcept {
  return multiply_modulo(left, shift_factor(right_size, polynomial), polynomial) ^ right;
}

constexpr std::uint32_t kCrc32cPolynomial = 0x82F63B78;

}  // namespace

void Crc32c::update(std::span<const std::byte> data) noexcept {
  constexpr std::size_t kChunk = std::size_t(1) << 30;  // ISA-L's length is an int
  while (!data.empty()) {
    std::size_t size = std::min(data.size(), kChunk);
    // ISA-L's parameter lacks a const; it reads only.
    auto* octets = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(data.data()));
    value_ = ~crc32_iscsi(octets, static_cast<int>(size), ~value_);
    data = data.subspan(size);
  }
}

std::uint32_t Crc32c::of(std::span<const std::byte> data) noexcept {
  Crc32c crc;
  crc.update(data);
  return crc.value();
}

std::uint32_t Crc32c::combine(std::uint32_t left, std::uint32_t right,
                              std::uint64_t right_size) noexcept {
  return combine_crc(left, right, right_size, kCrc32cPolynomial);
}

void Crc64Nvme::update(std::span<const std::byte> data) noexcept {
  static const auto kernel = crc64nvme_has_pclmul() ? crc64nvme_pclmul : crc64nvme_table;
  value_ = ~kernel(~value_, data);
}

std::uint64_t Crc64Nvme::of(std::span<const std::byte> data) noexcept {
  Crc64Nvme crc;
  crc.update(data);
  return crc.value();
}

std::uint64_t Crc64Nvme::combine(std::uint64_t left, std::uint64_t right,
                                 std::uint64_t right_size) noexcept {
  return combine_crc(left, right, right_size, kCrc64NvmePolynomial);
}

}  // namespace ringpull::inline v0::s3
