#include <array>
#include <cstdint>
#include <new>

#include <ringpull/engine/frame_pool.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define RINGPULL_FRAMES_FROM_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RINGPULL_FRAMES_FROM_HEAP 1
#endif
#endif

namespace ringpull::inline v0::engine::detail {

#ifdef RINGPULL_FRAMES_FROM_HEAP

void* allocate_frame(std::size_t size) { return ::operator new(size); }
void free_frame(void* frame, std::size_t) noexcept { ::operator delete(frame); }

#else

namespace {

constexpr std::size_t kGranule = 64;
constexpr std::size_t kClasses = 2048 / kGranule;
// Kept frames per class and thread: covers a loop with a thousand requests in flight; 65 MiB at the
// very most, in practice a few classes are used.
constexpr std::uint32_t kKept = 1024;

struct Free {
  Free* next;
};

struct Pool {
  struct Class {
    Free* head = nullptr;
    std::uint32_t count = 0;
  };
  std::array<Class, kClasses> classes;

  ~Pool() {
    for (Class& list : classes) {
      while (list.head != nullptr) {
        Free* frame = list.head;
        list.head = frame->next;
        ::operator delete(frame);
      }
    }
  }
};

thread_local Pool pool;

}  // namespace

void* allocate_frame(std::size_t size) {
  std::size_t index = (size - 1) / kGranule;
  if (index >= kClasses) return ::operator new(size);
  Pool::Class& list = pool.classes[index];
  if (list.head == nullptr) return ::operator new((index + 1) * kGranule);
  Free* frame = list.head;
  list.head = frame->next;
  --list.count;
  return frame;
}

void free_frame(void* memory, std::size_t size) noexcept {
  std::size_t index = (size - 1) / kGranule;
  if (index >= kClasses || pool.classes[index].count >= kKept) {
    ::operator delete(memory);
    return;
  }
  Pool::Class& list = pool.classes[index];
  Free* frame = static_cast<Free*>(memory);
  frame->next = list.head;
  list.head = frame;
  ++list.count;
}

#endif

}  // namespace ringpull::inline v0::engine::detail
