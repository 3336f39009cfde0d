// AES-128-GCM alone: what the cipher takes of a TLS receive. Records of 16 KiB, each with the 5
// additional bytes and the tag that TLS 1.3 has, decrypted into the destination. The ciphertext is
// 256 KiB used over and over, warm in the cache as bytes fresh from a socket are.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <openssl/evp.h>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/floor/http.hpp"

namespace ringpull::bench {

namespace {

constexpr std::size_t kRecordSize = 16u << 10;
constexpr std::size_t kRecordCount = 16;

using Octet = unsigned char;
constexpr std::array<Octet, 16> kKey{1, 2, 3};
constexpr std::array<Octet, 5> kHeader{0x17, 3, 3, 0x40, 0x11};

struct Record {
  std::vector<Octet> cipher_text;
  std::array<Octet, 12> nonce{};
  std::array<Octet, 16> tag{};
};

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

void expect(int outcome, const char* what) {
  if (outcome <= 0) throw std::runtime_error(std::string(what) + " failed");
}

Record sealed_record(std::span<const std::byte> plain_text, Octet number) {
  const Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  Record record;
  record.cipher_text.resize(plain_text.size());
  record.nonce[0] = number;
  int count = 0;
  expect(EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, kKey.data(),
                            record.nonce.data()),
         "EVP_EncryptInit");
  expect(EVP_EncryptUpdate(context.get(), nullptr, &count, kHeader.data(), kHeader.size()),
         "EVP_EncryptUpdate");
  expect(EVP_EncryptUpdate(context.get(), record.cipher_text.data(), &count,
                           reinterpret_cast<const Octet*>(plain_text.data()),
                           static_cast<int>(plain_text.size())),
         "EVP_EncryptUpdate");
  expect(EVP_EncryptFinal_ex(context.get(), record.cipher_text.data(), &count), "EVP_EncryptFinal");
  expect(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, record.tag.size(),
                             record.tag.data()),
         "reading the tag");
  return record;
}

void open_record(EVP_CIPHER_CTX* context, Record& record, std::byte* into) {
  auto* plain_text = reinterpret_cast<Octet*>(into);
  int count = 0;
  expect(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, record.nonce.data()),
         "EVP_DecryptInit");
  expect(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, record.tag.size(), record.tag.data()),
         "setting the tag");
  expect(EVP_DecryptUpdate(context, nullptr, &count, kHeader.data(), kHeader.size()),
         "EVP_DecryptUpdate");
  expect(EVP_DecryptUpdate(context, plain_text, &count, record.cipher_text.data(),
                           static_cast<int>(record.cipher_text.size())),
         "EVP_DecryptUpdate");
  expect(EVP_DecryptFinal_ex(context, plain_text, &count), "the authentication of a record");
}

void floor_aes(const FloorOptions& options, FloorResult& result) {
  PrefaultedMemory destination(std::max<std::uint64_t>(options.size / kRecordSize, 1) *
                               kRecordSize);
  PrefaultedMemory plain_text(kRecordSize);
  plain_text.fill_with_noise();
  std::vector<Record> records;
  for (std::size_t i = 0; i < kRecordCount; ++i) {
    records.push_back(sealed_record(plain_text.bytes(), static_cast<Octet>(i)));
  }
  const Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  expect(EVP_DecryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, kKey.data(), nullptr),
         "EVP_DecryptInit");

  const std::size_t size = destination.bytes().size();
  const std::uint64_t total = options.total_bytes == 0 ? size : options.total_bytes;
  const Meter meter;
  std::uint64_t done = 0;
  for (; done < total; done += kRecordSize) {
    open_record(context.get(), records[done / kRecordSize % kRecordCount],
                destination.bytes().data() + done % size);
  }
  store_usage(meter, done, 0, result);
  if (std::memcmp(destination.bytes().data(), plain_text.bytes().data(), kRecordSize) != 0) {
    throw std::runtime_error("the decrypted bytes differ from the encrypted ones");
  }
}

}  // namespace

int run_floor_aes(const FloorOptions& options, FloorResult& result) {
  return report_errors(result, floor_aes, options);
}

}  // namespace ringpull::bench
