// A task that nobody awaits never runs, which is hardly ever meant.
#include <ringpull/engine/task.hpp>

ringpull::engine::Task<void> work() { co_return; }

ringpull::engine::Task<void> use() {
#ifdef MUST_NOT_COMPILE
  work();
#else
  co_await work();
#endif
  co_return;
}
