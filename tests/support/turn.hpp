#pragma once
// For tests that must know an operation to be in the kernel before they stop or feed it, without
// sleeping for it.

#include <ringpull/engine/io.hpp>

namespace ringpull::testing {

/// A nop goes the way of every operation, in order: when it is back, whatever was submitted before
/// it is in the kernel.
class Turn final : public engine::IoAwaiter {
 public:
  Turn() noexcept : IoAwaiter(engine::OpCode::nop, -1) {}
  void await_resume() const noexcept {}
};

}  // namespace ringpull::testing
