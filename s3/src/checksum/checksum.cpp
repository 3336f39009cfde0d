#include <bit>

#include <ringpull/http/headers.hpp>
#include <ringpull/s3/checksum.hpp>

namespace ringpull::inline v0::s3 {
namespace {

template <class Word>
std::string base64_big_endian(Word value) {
  std::array<std::byte, sizeof(Word)> octets;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<std::byte>(value >> (8 * (octets.size() - 1 - i)) & 0xff);
  }
  return base64(octets);
}

}  // namespace

std::string_view to_string(ChecksumAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case ChecksumAlgorithm::crc32c: return "CRC32C";
    case ChecksumAlgorithm::crc64nvme: return "CRC64NVME";
    case ChecksumAlgorithm::sha256: return "SHA256";
  }
  return "unknown";
}

std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view name) noexcept {
  for (auto algorithm :
       {ChecksumAlgorithm::crc32c, ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::sha256}) {
    if (http::equal_ignoring_case(name, to_string(algorithm))) return algorithm;
  }
  return std::nullopt;
}

std::string_view checksum_header(ChecksumAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case ChecksumAlgorithm::crc32c: return "x-amz-checksum-crc32c";
    case ChecksumAlgorithm::crc64nvme: return "x-amz-checksum-crc64nvme";
    case ChecksumAlgorithm::sha256: return "x-amz-checksum-sha256";
  }
  return "unknown";
}

Checksum::Checksum(ChecksumAlgorithm algorithm) : algorithm_(algorithm) {
  if (algorithm == ChecksumAlgorithm::sha256) sha256_.emplace();
}

void Checksum::update(std::span<const std::byte> data) {
  switch (algorithm_) {
    case ChecksumAlgorithm::crc32c: crc32c_.update(data); break;
    case ChecksumAlgorithm::crc64nvme: crc64nvme_.update(data); break;
    case ChecksumAlgorithm::sha256: sha256_->update(data); break;
  }
}

std::string Checksum::finish_base64() {
  if (algorithm_ == ChecksumAlgorithm::sha256) return base64(sha256_->finish());
  std::string out = algorithm_ == ChecksumAlgorithm::crc32c ? checksum_base64(crc32c_.value())
                                                            : checksum_base64(crc64nvme_.value());
  crc32c_ = Crc32c();
  crc64nvme_ = Crc64Nvme();
  return out;
}

std::string checksum_base64(std::uint32_t crc32c) { return base64_big_endian(crc32c); }
std::string checksum_base64(std::uint64_t crc64nvme) { return base64_big_endian(crc64nvme); }

}  // namespace ringpull::inline v0::s3
