#include <algorithm>
#include <cstring>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/buffer.hpp>

namespace ringpull::inline v0::engine {

Buffer::Buffer(std::size_t size, std::size_t alignment)
    : data_(static_cast<std::byte*>(::operator new(size, std::align_val_t(alignment)))),
      size_(size),
      capacity_(size),
      alignment_(alignment) {}

Buffer Buffer::copy_of(std::span<const std::byte> bytes) {
  Buffer buffer(bytes.size());
  std::ranges::copy(bytes, buffer.data_);
  return buffer;
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  release();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  alignment_ = other.alignment_;
  return *this;
}

void Buffer::resize(std::size_t size) noexcept {
  RINGPULL_ASSERT(size <= capacity_, "a Buffer was resized beyond its capacity");
  size_ = size;
}

void Buffer::release() noexcept {
  if (data_ != nullptr) ::operator delete(data_, std::align_val_t(alignment_));
}

void BufferChain::append(Buffer piece) {
  if (piece.size() == 0) return;
  size_ += piece.size();
  pieces_.emplace_back(std::move(piece));
}

void BufferChain::append(BufferLease piece) {
  if (piece.size() == 0) return;
  size_ += piece.size();
  pieces_.emplace_back(std::move(piece));
}

void BufferChain::append(BufferChain&& other) {
  RINGPULL_ASSERT(this != &other, "a BufferChain was appended to itself");
  pieces_.reserve(pieces_.size() + other.pieces_.size());
  for (auto& piece : other.pieces_) pieces_.push_back(std::move(piece));
  size_ += other.size_;
  other.clear();
}

std::span<std::byte> BufferChain::piece(std::size_t index) noexcept {
  auto bytes_of = [](auto& piece) { return std::span<std::byte>(piece.bytes()); };
  return std::visit(bytes_of, pieces_[index]);
}

std::span<const std::byte> BufferChain::piece(std::size_t index) const noexcept {
  auto bytes_of = [](const auto& piece) { return std::span<const std::byte>(piece.bytes()); };
  return std::visit(bytes_of, pieces_[index]);
}

std::vector<std::span<const std::byte>> BufferChain::views() const {
  std::vector<std::span<const std::byte>> views;
  views.reserve(pieces_.size());
  for (std::size_t i = 0; i < pieces_.size(); ++i) views.push_back(piece(i));
  return views;
}

std::size_t BufferChain::copy_to(std::span<std::byte> out, std::size_t offset) const noexcept {
  std::size_t copied = 0;
  for (std::size_t i = 0; i < pieces_.size() && copied < out.size(); ++i) {
    std::span<const std::byte> from = piece(i);
    if (offset >= from.size()) {
      offset -= from.size();
      continue;
    }
    from = from.subspan(std::exchange(offset, 0));
    from = from.first(std::min(from.size(), out.size() - copied));
    std::ranges::copy(from, out.data() + copied);
    copied += from.size();
  }
  return copied;
}

void BufferChain::clear() noexcept {
  pieces_.clear();
  size_ = 0;
}

}  // namespace ringpull::inline v0::engine
