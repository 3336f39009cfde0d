#pragma once
// Room for a key file while it is read: by PrivateKey in one go, by KeyRing piece by piece without
// blocking.

#include <cstddef>
#include <memory>
#include <openssl/crypto.h>
#include <span>
#include <string_view>

namespace ringpull::inline v0::cloudfront::detail {

/// A key file's text, wiped on every way out. One byte more than a key may have, so that a longer
/// file shows.
class SecretText {
 public:
  static constexpr std::size_t kBytesMax = 64 * 1024;

  SecretText() : bytes_(std::make_unique<char[]>(kBytesMax + 1)) {}
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() { OPENSSL_cleanse(bytes_.get(), kBytesMax + 1); }

  /// What is free; fill() says how much of it was used.
  std::span<char> room() noexcept { return {bytes_.get() + size_, kBytesMax + 1 - size_}; }
  void fill(std::size_t bytes) noexcept { size_ += bytes; }
  std::string_view view() const noexcept { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

}  // namespace ringpull::inline v0::cloudfront::detail
