#pragma once
// For tests of what happens after minutes or hours. It moves the loop's clock only: a wall clock
// that the code under test asks for is the test's to move.

#include <memory>
#include <utility>

#include <ringpull/engine/backend.hpp>

namespace ringpull::testing {

/// A real backend whose clock a test puts forward: hours pass in no time, the rest is as it is.
class ShiftedClock final : public engine::Backend {
 public:
  explicit ShiftedClock(std::unique_ptr<engine::Backend> real) noexcept : real_(std::move(real)) {}

  /// Seen by the loop from its next turn on.
  void advance(engine::Duration by) noexcept { shift_ += by; }

  Result<void> start() override { return real_->start(); }
  void submit(engine::Op& op) noexcept override {
    real_->submit(op);
    copy_counts();
  }
  void cancel(engine::Op& op) noexcept override { real_->cancel(op); }
  void wait(engine::TimePoint until) noexcept override {
    bool moves = until != engine::TimePoint::max() && until != engine::TimePoint::min();
    real_->wait(moves ? until - shift_ : until);
    copy_counts();
  }
  void flush() noexcept override { real_->flush(); }
  void wake() noexcept override { real_->wake(); }
  engine::TimePoint now() const noexcept override { return real_->now() + shift_; }
  void random(std::span<std::byte> out) noexcept override { real_->random(out); }
  int descriptor() const noexcept override { return real_->descriptor(); }
  int socket_flags() const noexcept override { return real_->socket_flags(); }
  engine::BackendKind kind() const noexcept override { return real_->kind(); }
  std::string description() const override { return real_->description(); }

 private:
  void copy_counts() noexcept {
    stats_ = real_->stats();
    in_flight_ = real_->in_flight();
  }

  std::unique_ptr<engine::Backend> real_;
  engine::Duration shift_{};
};

}  // namespace ringpull::testing
