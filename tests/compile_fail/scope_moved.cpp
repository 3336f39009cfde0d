// Running children point at their scope.
#include <ringpull/engine/scope.hpp>

ringpull::engine::Task<void> use() {
  ringpull::engine::Context& context = co_await ringpull::engine::current_context();
  ringpull::engine::Scope scope(context);
#ifdef MUST_NOT_COMPILE
  ringpull::engine::Scope other = std::move(scope);
#endif
  auto outcome = co_await scope.join();
  static_cast<void>(outcome);
}
