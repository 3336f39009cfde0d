#pragma once

// The blocks that ciphertext passes through on its way between a socket and OpenSSL, shared by the
// connections of a context so that they are few and stay warm in the cache.

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace ringpull::inline v0::http::detail {

class TlsBlocks {
 public:
  explicit TlsBlocks(std::size_t receive_bytes) : receive_bytes_(receive_bytes) {}

  std::size_t receive_bytes() const noexcept { return receive_bytes_; }
  /// The one block for receiving. Whoever fills it empties it before anything else of the loop
  /// runs.
  std::span<std::byte> receive_block() {
    if (!receive_block_) receive_block_ = allocate(receive_bytes_);
    return {receive_block_.get(), receive_bytes_};
  }

  /// A block for sending, held as long as the send takes; goes back when it dies, outlived by its
  /// TlsBlocks.
  class SendBlock {
   public:
    SendBlock() noexcept = default;
    SendBlock(TlsBlocks& home, std::byte* data) noexcept : home_(&home), data_(data) {}
    SendBlock(SendBlock&& other) noexcept
        : home_(other.home_), data_(std::exchange(other.data_, nullptr)) {}
    SendBlock& operator=(SendBlock&& other) noexcept {
      release();
      home_ = other.home_;
      data_ = std::exchange(other.data_, nullptr);
      return *this;
    }
    ~SendBlock() { release(); }
    explicit operator bool() const noexcept { return data_ != nullptr; }
    std::byte* data() const noexcept { return data_; }
    void release() noexcept {
      if (data_ != nullptr) home_->give_back(std::exchange(data_, nullptr));
    }

   private:
    TlsBlocks* home_ = nullptr;
    std::byte* data_ = nullptr;
  };

  /// Eight full records: enough that the cost of a send is not seen beside that of encryption.
  static constexpr std::size_t kSendBytes = 8 * (16 * 1024 + 256);

  SendBlock take_send_block() {
    if (free_.empty()) return SendBlock(*this, allocate(kSendBytes).release());
    std::byte* data = free_.back().release();
    free_.pop_back();
    return SendBlock(*this, data);
  }

 private:
  // As many as uploads run at a time on a busy loop; 2 MiB.
  static constexpr std::size_t kKeptMax = 16;
  static constexpr std::align_val_t kAlignment{4096};

  struct Delete {
    void operator()(std::byte* data) const noexcept { ::operator delete(data, kAlignment); }
  };
  using Memory = std::unique_ptr<std::byte, Delete>;

  static Memory allocate(std::size_t size) {
    return Memory(static_cast<std::byte*>(::operator new(size, kAlignment)));
  }
  void give_back(std::byte* data) noexcept {
    Memory memory(data);
    if (free_.size() < kKeptMax) free_.push_back(std::move(memory));
  }

  std::size_t receive_bytes_;
  Memory receive_block_;
  std::vector<Memory> free_;
};

}  // namespace ringpull::inline v0::http::detail
