#pragma once
// How one test runs on io_uring and on epoll: its suite derives from OnEachBackend and is named in
// RINGPULL_ON_EACH_BACKEND.

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ringpull/engine/loop.hpp>

namespace ringpull::testing {

/// The backends that a suite runs on: both, or the one that RINGPULL_BACKEND names.
std::vector<engine::BackendKind> backends_under_test();

/// Marks the running test as skipped where the kernel refuses this backend, unless RINGPULL_BACKEND
/// names it.
void skip_where_refused(engine::BackendKind kind);
std::unique_ptr<engine::Loop> make_loop_on(engine::BackendKind kind, engine::LoopOptions options);

/// A suite that runs on each backend, on a loop of its own per test.
class OnEachBackend : public ::testing::TestWithParam<engine::BackendKind> {
 protected:
  void SetUp() override { skip_where_refused(GetParam()); }
  std::unique_ptr<engine::Loop> make_loop(engine::LoopOptions options = engine::LoopOptions()) {
    return make_loop_on(GetParam(), options);
  }

  /// Runs `factory()` on a new loop.
  template <class Factory>
  auto run(Factory&& factory) {
    auto loop = make_loop();
    return loop->run(std::forward<Factory>(factory));
  }
};

inline std::string backend_name(const ::testing::TestParamInfo<engine::BackendKind>& info) {
  return std::string(engine::to_string(info.param));
}

}  // namespace ringpull::testing

#define RINGPULL_ON_EACH_BACKEND(suite)                                                     \
  INSTANTIATE_TEST_SUITE_P(On, suite,                                                       \
                           ::testing::ValuesIn(::ringpull::testing::backends_under_test()), \
                           ::ringpull::testing::backend_name)
