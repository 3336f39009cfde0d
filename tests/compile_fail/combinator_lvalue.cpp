// A combinator refers to temporaries of the expression that made it, so it is awaited there.
#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/timer.hpp>

using namespace ringpull::engine;

Task<void> use() {
#ifdef MUST_NOT_COMPILE
  auto stored = with_deadline(Deadline::never(), sleep_until(Deadline::never()));
  auto slept = co_await stored;
#else
  auto slept = co_await with_deadline(Deadline::never(), sleep_until(Deadline::never()));
#endif
  (void)slept;
}
