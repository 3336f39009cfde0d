// The failure of an awaited operation is looked at, or dropped in so many words.
#include <ringpull/engine/result.hpp>
#include <ringpull/engine/task.hpp>

ringpull::engine::Task<ringpull::Result<int>> work() { co_return 1; }

ringpull::engine::Task<void> use() {
#ifdef MUST_NOT_COMPILE
  co_await work();
#else
  ringpull::Result<int> result = co_await work();
  static_cast<void>(result);
#endif
  co_return;
}
