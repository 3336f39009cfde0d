#pragma once
// Where coroutine frames live: PromiseBase (task.hpp) calls these, and nobody else. A frame goes
// back to the lists of the thread that frees it.

#include <cstddef>

namespace ringpull::inline v0::engine::detail {

/// Memory for coroutine frames: free lists per thread in classes of 64 bytes up to 2 KiB, each list
/// bounded; larger frames and surplus ones go to the heap. Under AddressSanitizer every frame goes
/// to the heap, so that a use after free is seen.
void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

}  // namespace ringpull::inline v0::engine::detail
