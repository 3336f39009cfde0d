#pragma once
// What a closed writer leaves in its sidecar object, beside the upload itself. Pure functions.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ringpull/engine/result.hpp>
#include <ringpull/s3/checksum.hpp>
#include <ringpull/s3/names.hpp>

#include "s3/src/driver/write/stored_part.hpp"

namespace ringpull::inline v0::s3::driver {

/// The object is
///
///     ringpull-upload 1 00000278\n     version; size of the JSON text in decimal
///     {"upload_id": "...", "part_bytes": 10485760, "checksum": "CRC64NVME",
///      "parts": [[10485760, "etag", "crc in hex"], ...],
///      "tail": {"bytes": 4711, "crc64nvme": "0123456789abcdef"}}
///     4711 bytes: those of the last part
///
/// with "checksum" and the parts' CRCs where the upload has any, and "tail" where the last part is
/// to be sent again, larger, by whoever appends.
struct UploadRecord {
  UploadRecord() = default;

  UploadId upload_id;
  /// Of the first parts (PartSizes::first).
  std::uint64_t part_bytes = 0;
  std::optional<ChecksumAlgorithm> checksum;
  std::vector<StoredPart> parts;
  /// 0, or the size of the last part.
  std::uint64_t tail_bytes = 0;
  std::uint64_t tail_crc64nvme = 0;
};

inline constexpr std::size_t kRecordPreambleBytes = 27;
/// Preamble and JSON text: 10,000 parts with ETags of 300 characters.
inline constexpr std::size_t kRecordBytesMax = std::size_t(4) << 20;

/// Everything before the tail. `too_large` beyond kRecordBytesMax.
Result<std::string> encode_record(const UploadRecord& record);

/// How long the record is that begins so; `protocol` when this is none, or one of another version.
Result<std::size_t> record_bytes(std::span<const std::byte> preamble);
/// A whole record. `protocol` for what encode_record cannot have written.
Result<UploadRecord> decode_record(std::span<const std::byte> bytes);

}  // namespace ringpull::inline v0::s3::driver
