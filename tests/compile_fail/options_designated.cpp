// A public options type is no aggregate: otherwise `co_await listen({.backlog = 1})` would compile,
// and g++ 12 would destroy the temporary twice.
#include <ringpull/engine/tcp.hpp>

int backlog_of(ringpull::engine::ListenOptions options) { return options.backlog; }

int main() {
#ifdef MUST_NOT_COMPILE
  return backlog_of({.backlog = 1});
#else
  ringpull::engine::ListenOptions options;
  options.backlog = 1;
  return backlog_of(options);
#endif
}
