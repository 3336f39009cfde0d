#include "s3/src/driver/write/upload_record.hpp"

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

namespace ringpull::inline v0::s3::driver {

using nlohmann::json;

namespace {

constexpr std::string_view kMagic = "ringpull-upload 1 ";
constexpr std::size_t kSizeDigits = 8;
static_assert(kMagic.size() + kSizeDigits + 1 == kRecordPreambleBytes);

tl::unexpected<Error> malformed(std::string_view why) {
  return fail(ErrorKind::protocol, "not the record of an upload: " + std::string(why));
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string hex_of(std::uint64_t value) {
  char text[17];
  int size = std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return std::string(text, static_cast<std::size_t>(size));
}

template <class Number>
std::optional<Number> number_of(std::string_view text, int base) {
  Number value = 0;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// Absent and of another type are the same: nothing.
std::optional<std::string> text_member(const json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::uint64_t> number_member(const json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

json encode_part(const StoredPart& part) {
  json entry = json::array({part.size_bytes, part.etag.str()});
  if (part.crc) entry.push_back(hex_of(*part.crc));
  return entry;
}

std::optional<StoredPart> decode_part(const json& entry) {
  bool shape = entry.is_array() && (entry.size() == 2 || entry.size() == 3) &&
               entry[0].is_number_unsigned() && entry[1].is_string();
  if (!shape) return std::nullopt;
  StoredPart part(entry[0].get<std::uint64_t>(), ETag(entry[1].get<std::string>()));
  if (part.etag.empty() || part.size_bytes > kPartBytesMax) return std::nullopt;
  if (entry.size() == 2) return part;
  if (!entry[2].is_string()) return std::nullopt;
  part.crc = number_of<std::uint64_t>(entry[2].get<std::string>(), 16);
  if (!part.crc) return std::nullopt;
  return part;
}

Result<void> decode_tail(const json& document, UploadRecord& record) {
  auto tail = document.find("tail");
  if (tail == document.end()) return {};
  if (!tail->is_object()) return malformed("its tail is no object");
  auto bytes = number_member(*tail, "bytes");
  auto crc_text = text_member(*tail, "crc64nvme");
  if (!bytes || !crc_text) return malformed("its tail lacks size or checksum");
  auto crc = number_of<std::uint64_t>(*crc_text, 16);
  if (!crc) return malformed("the checksum of its tail");
  if (record.parts.empty() || record.parts.back().size_bytes != *bytes || *bytes == 0) {
    return malformed("its tail is not the last part");
  }
  record.tail_bytes = *bytes;
  record.tail_crc64nvme = *crc;
  return {};
}

}  // namespace

Result<std::string> encode_record(const UploadRecord& record) {
  json document;
  document["upload_id"] = record.upload_id.str();
  document["part_bytes"] = record.part_bytes;
  if (record.checksum) document["checksum"] = std::string(to_string(*record.checksum));
  json& parts = document["parts"] = json::array();
  for (const StoredPart& part : record.parts) parts.push_back(encode_part(part));
  if (record.tail_bytes > 0) {
    document["tail"]["bytes"] = record.tail_bytes;
    document["tail"]["crc64nvme"] = hex_of(record.tail_crc64nvme);
  }
  // ETags and ids are the server's: what is no UTF-8 must not throw, and fails when it is read.
  std::string text = document.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kRecordBytesMax - kRecordPreambleBytes) {
    return fail(ErrorKind::too_large, "the record of the upload has " +
                                          std::to_string(text.size()) + " bytes, 4 MiB at most");
  }
  std::string digits = std::to_string(text.size());
  std::string encoded(kMagic);
  encoded.append(kSizeDigits - digits.size(), '0').append(digits).append("\n").append(text);
  return encoded;
}

Result<std::size_t> record_bytes(std::span<const std::byte> preamble) {
  std::string_view text = text_of(preamble);
  if (text.size() < kRecordPreambleBytes) return malformed("too short");
  if (!text.starts_with(kMagic) || text[kRecordPreambleBytes - 1] != '\n') {
    return malformed("no known version");
  }
  auto size = number_of<std::uint32_t>(text.substr(kMagic.size(), kSizeDigits), 10);
  if (!size || *size > kRecordBytesMax - kRecordPreambleBytes) return malformed("its size");
  return kRecordPreambleBytes + *size;
}

Result<UploadRecord> decode_record(std::span<const std::byte> bytes) {
  RINGPULL_TRY(std::size_t size, record_bytes(bytes));
  if (size != bytes.size()) return malformed("cut");
  json document = json::parse(text_of(bytes.subspan(kRecordPreambleBytes)), nullptr, false);
  if (!document.is_object()) return malformed("no JSON object");

  UploadRecord record;
  auto id = text_member(document, "upload_id");
  auto part_bytes = number_member(document, "part_bytes");
  auto parts = document.find("parts");
  if (!id || id->empty() || !part_bytes || parts == document.end() || !parts->is_array()) {
    return malformed("a member is missing");
  }
  record.upload_id = UploadId(std::move(*id));
  record.part_bytes = *part_bytes;
  if (record.part_bytes < kPartBytesMin || record.part_bytes > kPartBytesMax) {
    return malformed("the size of its parts");
  }
  if (auto name = text_member(document, "checksum")) {
    record.checksum = parse_checksum_algorithm(*name);
    if (!record.checksum) return malformed("its checksum");
  }
  if (parts->size() > kPartNumberMax) return malformed("too many parts");
  for (const json& entry : *parts) {
    auto part = decode_part(entry);
    if (!part) return malformed("a part");
    record.parts.push_back(std::move(*part));
  }
  RINGPULL_CHECK(decode_tail(document, record));
  return record;
}

}  // namespace ringpull::inline v0::s3::driver
