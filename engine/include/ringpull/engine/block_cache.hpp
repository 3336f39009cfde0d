#pragma once
// The memory behind BufferPool: blocks mapped from the system, and free ones kept for reuse. Not
// for direct use; MemoryBudget has a cache and guards it by its lock.

#include <array>
#include <cstddef>
#include <utility>

namespace ringpull::inline v0::engine::detail {

constexpr std::size_t kPageBytes = 4096;

/// The size of the block that holds `bytes`: whole pages up to 16 KiB, then four steps to every
/// doubling (20, 24, 28, 32, 40 KiB ...), so that at most a fifth of a block is surplus. SIZE_MAX
/// when there is no such block.
std::size_t block_size(std::size_t bytes) noexcept;

/// Fresh zeroed memory, aligned to a page; null when the system has none.
void* map_block(std::size_t size) noexcept;
void unmap_block(void* block, std::size_t size) noexcept;

/// What a free block holds in its first bytes.
struct FreeBlock {
  FreeBlock* next;
  std::size_t size;
};

/// Free blocks on their way back to the system.
class BlockList {
 public:
  BlockList() noexcept = default;
  BlockList(const BlockList&) = delete;
  BlockList& operator=(const BlockList&) = delete;
  ~BlockList() { unmap_all(); }
  void push(FreeBlock* block) noexcept { block->next = std::exchange(head_, block); }
  void unmap_all() noexcept;

 private:
  FreeBlock* head_ = nullptr;
};

/// Free blocks kept for reuse, the last returned first. Not synchronised.
class BlockCache {
 public:
  /// Larger blocks are not kept: they are rare, and mapping them anew costs little beside filling
  /// them.
  static constexpr std::size_t kBlockBytesMax = std::size_t{64} << 20;

  BlockCache() noexcept = default;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  std::size_t bytes() const noexcept { return bytes_; }
  /// Null when there is none of that size.
  void* pop(std::size_t size) noexcept;
  /// False: too large to keep.
  bool push(void* block, std::size_t size) noexcept;
  /// Moves blocks to `victims`, from the size that holds most, until at most `bytes` are cached.
  void trim_to(std::size_t bytes, BlockList& victims) noexcept;

 private:
  struct SizeClass {
    FreeBlock* head = nullptr;
    std::size_t bytes = 0;
  };
  // 4, 8 and 12 KiB, then four to each of the twelve doublings from 16 KiB, and 64 MiB itself.
  static constexpr std::size_t kClasses = 3 + 4 * 12 + 1;
  static std::size_t index_of(std::size_t size) noexcept;
  void* take(SizeClass& size_class) noexcept;

  std::array<SizeClass, kClasses> classes_{};
  std::size_t bytes_ = 0;
};

}  // namespace ringpull::inline v0::engine::detail
