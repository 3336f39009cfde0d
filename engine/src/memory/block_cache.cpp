#include <bit>
#include <cstdint>
#include <new>
#include <sys/mman.h>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/block_cache.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define RINGPULL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RINGPULL_ASAN 1
#endif
#endif
#ifdef RINGPULL_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace ringpull::inline v0::engine::detail {

namespace {

// A use of a block after its return is seen under AddressSanitizer, as for the heap.
void poison([[maybe_unused]] void* block, [[maybe_unused]] std::size_t size) noexcept {
#ifdef RINGPULL_ASAN
  auto* first = static_cast<std::byte*>(block) + sizeof(FreeBlock);
  __asan_poison_memory_region(first, size - sizeof(FreeBlock));
#endif
}

void unpoison([[maybe_unused]] void* block, [[maybe_unused]] std::size_t size) noexcept {
#ifdef RINGPULL_ASAN
  __asan_unpoison_memory_region(block, size);
#endif
}

constexpr std::size_t kFineSteps = 4 * kPageBytes;  // below, every page is a step

}  // namespace

std::size_t block_size(std::size_t bytes) noexcept {
  if (bytes > SIZE_MAX / 2) return SIZE_MAX;
  if (bytes == 0) bytes = 1;
  std::size_t step = kPageBytes;
  if (bytes > kFineSteps) step = std::bit_floor(bytes - 1) / 4;
  return (bytes + step - 1) / step * step;
}

void* map_block(std::size_t size) noexcept {
  void* block = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return block == MAP_FAILED ? nullptr : block;
}

void unmap_block(void* block, std::size_t size) noexcept {
  unpoison(block, size);
  ::munmap(block, size);
}

void BlockList::unmap_all() noexcept {
  while (head_ != nullptr) {
    FreeBlock* block = std::exchange(head_, head_->next);
    unmap_block(block, block->size);
  }
}

std::size_t BlockCache::index_of(std::size_t size) noexcept {
  if (size < kFineSteps) return size / kPageBytes - 1;
  std::size_t doubling = static_cast<std::size_t>(std::bit_width(size / kFineSteps)) - 1;
  std::size_t base = kFineSteps << doubling;
  return 3 + 4 * doubling + (size - base) / (base / 4);
}

void* BlockCache::take(SizeClass& size_class) noexcept {
  FreeBlock* block = size_class.head;
  size_class.head = block->next;
  size_class.bytes -= block->size;
  bytes_ -= block->size;
  return block;
}

void* BlockCache::pop(std::size_t size) noexcept {
  if (size > kBlockBytesMax) return nullptr;
  SizeClass& size_class = classes_[index_of(size)];
  if (size_class.head == nullptr) return nullptr;
  void* block = take(size_class);
  unpoison(block, size);
  return block;
}

bool BlockCache::push(void* block, std::size_t size) noexcept {
  if (size > kBlockBytesMax) return false;
  SizeClass& size_class = classes_[index_of(size)];
  size_class.head = new (block) FreeBlock{size_class.head, size};
  size_class.bytes += size;
  bytes_ += size;
  poison(block, size);
  return true;
}

void BlockCache::trim_to(std::size_t bytes, BlockList& victims) noexcept {
  while (bytes_ > bytes) {
    SizeClass* largest = &classes_[0];
    for (SizeClass& size_class : classes_) {
      if (size_class.bytes > largest->bytes) largest = &size_class;
    }
    victims.push(static_cast<FreeBlock*>(take(*largest)));
  }
}

}  // namespace ringpull::inline v0::engine::detail
