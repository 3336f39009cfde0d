#include <cstdint>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include <ringpull/s3/checksum.hpp>

#include "s3/src/checksum/crc64nvme.hpp"

namespace ringpull::s3 {
namespace {

std::vector<std::byte> random_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> out(size);
  for (std::byte& b : out) b = static_cast<std::byte>(random());
  return out;
}

/// One bit at a time, straight from the definition.
template <class Word>
Word bitwise_crc(std::span<const std::byte> data, Word polynomial) {
  Word crc = ~Word(0);
  for (std::byte b : data) {
    crc ^= std::to_integer<Word>(b);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) ? crc >> 1 ^ polynomial : crc >> 1;
  }
  return ~crc;
}

constexpr std::string_view kCheckInput = "123456789";

TEST(Crc64Nvme, GivesTheCheckValueOfTheCatalogue) {
  EXPECT_EQ(Crc64Nvme::of(bytes_of(kCheckInput)), 0xAE8B14860A799888u);
  EXPECT_EQ(Crc64Nvme::of({}), 0u);
}

// NVM Express NVM Command Set Specification 1.0c, figure "64b CRC Test Cases".
TEST(Crc64Nvme, GivesTheTestVectorsOfTheNvmeSpecification) {
  std::vector<std::byte> zeros(4096, std::byte{0});
  EXPECT_EQ(Crc64Nvme::of(zeros), 0x6482D367EB22B64Eu);
  std::vector<std::byte> ones(4096, std::byte{0xff});
  EXPECT_EQ(Crc64Nvme::of(ones), 0xC0DDBA7302ECA3ACu);
}

TEST(Crc64Nvme, BothKernelsAgreeWithTheDefinitionAtEverySizeAndAlignment) {
  if (!crc64nvme_has_pclmul()) GTEST_SKIP() << "this processor has no PCLMULQDQ";
  std::vector<std::byte> data = random_bytes(1200, 1);
  for (std::size_t offset : {0u, 1u, 7u, 15u}) {
    for (std::size_t size = 0; size < 1100; ++size) {
      auto part = std::span(data).subspan(offset, size);
      std::uint64_t expected = bitwise_crc<std::uint64_t>(part, kCrc64NvmePolynomial);
      ASSERT_EQ(~crc64nvme_table(~std::uint64_t(0), part), expected) << offset << " " << size;
      ASSERT_EQ(~crc64nvme_pclmul(~std::uint64_t(0), part), expected) << offset << " " << size;
    }
  }
}

// RFC 3720 appendix B.4.
TEST(Crc32c, GivesTheVectorsOfRfc3720) {
  EXPECT_EQ(Crc32c::of(bytes_of(kCheckInput)), 0xE3069283u);
  EXPECT_EQ(Crc32c::of(std::vector<std::byte>(32, std::byte{0})), 0x8A9136AAu);
  EXPECT_EQ(Crc32c::of(std::vector<std::byte>(32, std::byte{0xff})), 0x62A8AB43u);
}

TEST(Crc32c, AgreesWithTheDefinition) {
  std::vector<std::byte> data = random_bytes(3000, 2);
  EXPECT_EQ(Crc32c::of(data), bitwise_crc<std::uint32_t>(data, 0x82F63B78u));
}

TEST(Crc, UpdatesInPiecesAndCombinedPartsEqualTheWhole) {
  std::vector<std::byte> data = random_bytes(5000, 3);
  std::span<const std::byte> whole(data);
  for (std::size_t cut : {0u, 1u, 63u, 64u, 130u, 2500u, 4999u, 5000u}) {
    auto left = whole.first(cut);
    auto right = whole.subspan(cut);
    Crc32c crc32c;
    crc32c.update(left);
    crc32c.update(right);
    EXPECT_EQ(crc32c.value(), Crc32c::of(whole)) << cut;
    EXPECT_EQ(Crc32c::combine(Crc32c::of(left), Crc32c::of(right), right.size()), Crc32c::of(whole))
        << cut;
    Crc64Nvme crc64;
    crc64.update(left);
    crc64.update(right);
    EXPECT_EQ(crc64.value(), Crc64Nvme::of(whole)) << cut;
    EXPECT_EQ(Crc64Nvme::combine(Crc64Nvme::of(left), Crc64Nvme::of(right), right.size()),
              Crc64Nvme::of(whole))
        << cut;
  }
}

// FIPS 180-4 example and RFC 1321 appendix A.5.
TEST(Digest, GivesThePublishedVectorsAndStartsOverAfterFinish) {
  constexpr std::string_view kAbcSha256 =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  Sha256 sha;
  for (int round = 0; round < 2; ++round) {
    sha.update(bytes_of("a"));
    sha.update(bytes_of("bc"));
    EXPECT_EQ(hex(sha.finish()), kAbcSha256);
  }
  EXPECT_EQ(hex(Md5::of(bytes_of("message digest"))), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(hex(Md5::of({})), "d41d8cd98f00b204e9800998ecf8427e");
}

TEST(Checksum, WritesTheBigEndianBase64OfTheHeaders) {
  Checksum crc32c(ChecksumAlgorithm::crc32c);
  crc32c.update(bytes_of(kCheckInput));
  EXPECT_EQ(crc32c.finish_base64(), "4waSgw==");
  EXPECT_EQ(crc32c.finish_base64(), "AAAAAA==");
  Checksum crc64(ChecksumAlgorithm::crc64nvme);
  crc64.update(bytes_of(kCheckInput));
  EXPECT_EQ(crc64.finish_base64(), "rosUhgp5mIg=");
  Checksum sha(ChecksumAlgorithm::sha256);
  sha.update(bytes_of("abc"));
  EXPECT_EQ(sha.finish_base64(), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

TEST(Checksum, AlgorithmNamesRoundTripInAnyCase) {
  for (auto algorithm :
       {ChecksumAlgorithm::crc32c, ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::sha256}) {
    EXPECT_EQ(parse_checksum_algorithm(to_string(algorithm)), algorithm);
  }
  EXPECT_EQ(parse_checksum_algorithm("crc64nvme"), ChecksumAlgorithm::crc64nvme);
  EXPECT_EQ(parse_checksum_algorithm("SHA1"), std::nullopt);
}

// RFC 4648 section 10.
TEST(Base64, GivesTheVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> kVectors[] = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (auto [plain, encoded] : kVectors) {
    EXPECT_EQ(base64(bytes_of(plain)), encoded);
    EXPECT_EQ(unbase64(encoded), plain);
  }
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (std::string_view text :
       {"Zg=", "Zg", "Zh==", "Z===", "Zm9v\n", "Zm 9", "====", "Zg==Zg=="}) {
    EXPECT_EQ(unbase64(text), std::nullopt) << text;
  }
}

TEST(Hex, RoundTripsAndRefusesOtherCharacters) {
  EXPECT_EQ(hex(bytes_of("\x01\xfe")), "01fe");
  EXPECT_EQ(unhex("01FE"), "\x01\xfe");
  EXPECT_EQ(unhex("0"), std::nullopt);
  EXPECT_EQ(unhex("0g"), std::nullopt);
}

}  // namespace
}  // namespace ringpull::s3
