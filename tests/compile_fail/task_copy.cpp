// A task owns its coroutine frame, so there cannot be two of it.
#include <ringpull/engine/task.hpp>

ringpull::engine::Task<int> one() { co_return 1; }

void use() {
  ringpull::engine::Task<int> task = one();
#ifdef MUST_NOT_COMPILE
  ringpull::engine::Task<int> other = task;
#else
  ringpull::engine::Task<int> other = std::move(task);
#endif
}
