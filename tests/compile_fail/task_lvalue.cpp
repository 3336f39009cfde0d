// A task is awaited once, and the rvalue says so.
#include <ringpull/engine/task.hpp>

ringpull::engine::Task<int> one() { co_return 1; }

ringpull::engine::Task<int> use() {
  ringpull::engine::Task<int> task = one();
#ifdef MUST_NOT_COMPILE
  int value = co_await task;
#else
  int value = co_await std::move(task);
#endif
  co_return value;
}
