#include "tests/support/on_each_backend.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace ringpull::testing {

using engine::BackendKind;

namespace {

std::string_view wanted_backend() {
  const char* name = std::getenv("RINGPULL_BACKEND");
  return name != nullptr ? name : "";
}

}  // namespace

std::vector<BackendKind> backends_under_test() {
  if (wanted_backend() == "uring") return {BackendKind::uring};
  if (wanted_backend() == "epoll") return {BackendKind::epoll};
  return {BackendKind::uring, BackendKind::epoll};
}

void skip_where_refused(BackendKind kind) {
  if (wanted_backend() == engine::to_string(kind)) return;
  engine::BackendOptions options;
  options.kind = kind;
  auto backend = engine::make_backend(options);
  if (!backend && backend.error().is(ErrorKind::unsupported))
    GTEST_SKIP() << backend.error().message();
}

std::unique_ptr<engine::Loop> make_loop_on(BackendKind kind, engine::LoopOptions options) {
  options.backend.kind = kind;
  auto loop = engine::Loop::create(options);
  if (!loop) throw std::runtime_error(loop.error().message());
  return std::move(*loop);
}

}  // namespace ringpull::testing
