#include "s3/src/driver/write/upload_record.hpp"

#include <gtest/gtest.h>

namespace ringpull::s3::driver {
namespace {

std::span<const std::byte> as_bytes(const std::string& text) { return bytes_of(text); }

UploadRecord sample() {
  UploadRecord record;
  record.upload_id = UploadId("2~id/with\"quotes");
  record.part_bytes = 10 << 20;
  record.checksum = ChecksumAlgorithm::crc64nvme;
  record.parts.emplace_back(10 << 20, ETag("\"d41d8cd98f00b204e9800998ecf8427e\""));
  record.parts.back().crc = 0x0123456789abcdef;
  record.parts.emplace_back(4711, ETag("second"));
  record.parts.back().crc = 0;
  record.tail_bytes = 4711;
  record.tail_crc64nvme = 0xfedcba9876543210;
  return record;
}

/// The record around a JSON text.
std::string framed(std::string_view json) {
  std::string digits = std::to_string(json.size());
  return "ringpull-upload 1 " + std::string(8 - digits.size(), '0') + digits + "\n" +
         std::string(json);
}

TEST(UploadRecord, ComesBackAsItWasWritten) {
  UploadRecord record = sample();
  auto text = encode_record(record);
  ASSERT_TRUE(text);
  EXPECT_EQ(record_bytes(as_bytes(*text)).value(), text->size());
  auto back = decode_record(as_bytes(*text));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->upload_id, record.upload_id);
  EXPECT_EQ(back->part_bytes, record.part_bytes);
  EXPECT_EQ(back->checksum, record.checksum);
  EXPECT_EQ(back->parts, record.parts);
  EXPECT_EQ(back->tail_bytes, record.tail_bytes);
  EXPECT_EQ(back->tail_crc64nvme, record.tail_crc64nvme);
}

TEST(UploadRecord, NeedsNeitherPartsNorChecksumNorTail) {
  UploadRecord record;
  record.upload_id = UploadId("id");
  record.part_bytes = 5 << 20;
  auto text = encode_record(record);
  ASSERT_TRUE(text);
  auto back = decode_record(as_bytes(*text));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_TRUE(back->parts.empty());
  EXPECT_FALSE(back->checksum);
  EXPECT_EQ(back->tail_bytes, 0u);
}

TEST(UploadRecord, HoldsTenThousandParts) {
  UploadRecord record = sample();
  record.tail_bytes = 0;
  record.parts.resize(10'000, record.parts.front());
  auto text = encode_record(record);
  ASSERT_TRUE(text) << text.error().message();
  auto back = decode_record(as_bytes(*text));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->parts, record.parts);
}

TEST(UploadRecord, RefusesToGrowWithoutBound) {
  UploadRecord record = sample();
  record.parts.resize(10'000, StoredPart(1, ETag(std::string(500, 'e'))));
  auto text = encode_record(record);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind(), ErrorKind::too_large);
}

TEST(UploadRecord, OfAnotherVersionOrCutIsNone) {
  std::string text = encode_record(sample()).value();
  for (std::size_t size = 0; size < text.size(); ++size) {
    auto cut = decode_record(as_bytes(text).first(size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().kind(), ErrorKind::protocol);
  }
  text[16] = '2';
  EXPECT_FALSE(decode_record(as_bytes(text)));
}

TEST(UploadRecord, WithAnythingUnexpectedIsNone) {
  for (
      std::string_view json : {
          R"()",
          R"([])",
          R"({"upload_id":"i","part_bytes":5242880})",
          R"({"upload_id":"","part_bytes":5242880,"parts":[]})",
          R"({"upload_id":7,"part_bytes":5242880,"parts":[]})",
          R"({"upload_id":"i","part_bytes":5242879,"parts":[]})",
          R"({"upload_id":"i","part_bytes":-1,"parts":[]})",
          R"({"upload_id":"i","part_bytes":5368709121,"parts":[]})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":{}})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":[1]})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":[[1]]})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":[[1,""]]})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":[[-1,"e"]]})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":[[1,"e","xyz"]]})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":[[1,"e",7]]})",
          R"({"upload_id":"i","part_bytes":5242880,"checksum":"MD4","parts":[]})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":[],"tail":7})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":[],"tail":{"bytes":1,"crc64nvme":"0"}})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":[[2,"e"]],"tail":{"bytes":1,"crc64nvme":"0"}})",
          R"({"upload_id":"i","part_bytes":5242880,"parts":[[1,"e"]],"tail":{"bytes":1}})",
      }) {
    auto decoded = decode_record(as_bytes(framed(json)));
    ASSERT_FALSE(decoded) << json;
    EXPECT_EQ(decoded.error().kind(), ErrorKind::protocol) << json;
  }
  std::string good = framed(R"({"upload_id":"i","part_bytes":5242880,"parts":[[1,"e"]]})");
  EXPECT_TRUE(decode_record(as_bytes(good)));
}

}  // namespace
}  // namespace ringpull::s3::driver
