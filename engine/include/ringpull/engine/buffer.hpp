#pragma once
// Bytes with an owner, and chains of them. A Buffer is had at once from the heap; for large or many
// ones lease from buffer_pool.hpp, which keeps a limit. A chain takes both.

#include <cstddef>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <ringpull/engine/buffer_pool.hpp>

namespace ringpull::inline v0::engine {

/// Owned bytes from the heap, not counted by any budget: for heads, error bodies and other small
/// things. Uninitialised when made. Throws std::bad_alloc like every allocation of its kind.
class Buffer {
 public:
  /// A cache line; pass 4096 for direct I/O.
  static constexpr std::size_t kAlignment = 64;

  Buffer() noexcept = default;
  /// `alignment` is a power of two.
  explicit Buffer(std::size_t size, std::size_t alignment = kAlignment);
  static Buffer copy_of(std::span<const std::byte> bytes);
  static Buffer copy_of(std::string_view text) { return copy_of(std::as_bytes(std::span(text))); }

  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)),
        alignment_(other.alignment_) {}
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { release(); }

  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  std::span<std::byte> bytes() noexcept { return {data_, size_}; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }
  /// Changes what size() and bytes() say, up to the capacity; moves nothing.
  void resize(std::size_t size) noexcept;

 private:
  void release() noexcept;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t alignment_ = kAlignment;
};

/// Owned pieces that together are one run of bytes: what a body becomes when it need not be in one
/// place. The bytes of a piece never move, so spans into the chain live as long as the chain.
class BufferChain {
 public:
  /// Empty pieces are dropped.
  void append(Buffer piece);
  void append(BufferLease piece);
  /// Takes the pieces of `other`, which is empty afterwards.
  void append(BufferChain&& other);

  /// Bytes in all pieces.
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t pieces() const noexcept { return pieces_.size(); }
  std::span<std::byte> piece(std::size_t index) noexcept;
  std::span<const std::byte> piece(std::size_t index) const noexcept;
  /// For StreamSocket::write_vectors.
  std::vector<std::span<const std::byte>> views() const;
  /// Copies from `offset` on until `out` is full or the chain ends; gives the number of bytes
  /// copied.
  std::size_t copy_to(std::span<std::byte> out, std::size_t offset = 0) const noexcept;
  void clear() noexcept;

 private:
  std::vector<std::variant<Buffer, BufferLease>> pieces_;
  std::size_t size_ = 0;
};

}  // namespace ringpull::inline v0::engine
