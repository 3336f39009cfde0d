#include <algorithm>
#include <openssl/crypto.h>
#include <utility>

#include <ringpull/s3/secret.hpp>

namespace ringpull::inline v0::s3 {

Secret::Secret(std::string_view text) : size_(text.size()) {
  if (text.empty()) return;
  bytes_ = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), bytes_.get());
}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  cleanse();
  bytes_ = std::move(other.bytes_);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

Secret::~Secret() { cleanse(); }

void Secret::cleanse() noexcept {
  if (bytes_) OPENSSL_cleanse(bytes_.get(), size_);
}

bool operator==(const Secret& left, const Secret& right) noexcept {
  return left.size_ == right.size_ &&
         (left.size_ == 0 || CRYPTO_memcmp(left.bytes_.get(), right.bytes_.get(), left.size_) == 0);
}

}  // namespace ringpull::inline v0::s3
