#pragma once
// What the awaitable operations have in common. For writers of awaiters: programs await what the
// functions of stream.hpp, tcp.hpp, unix_socket.hpp, file.hpp and signal_set.hpp return.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/context.hpp>
#include <ringpull/engine/op.hpp>
#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::engine {

/// The awaiter under every I/O operation: submits, links the stop hook, and resumes its task
/// through the loop's run queue once the kernel has let go. No coroutine of its own and no
/// allocation.
///
/// The outcome: what the kernel reached wins over a stop that came late; a stop before submission
/// is answered without a system call; an await never returns while the kernel may touch the buffer.
/// EINTR is retried inside.
class IoAwaiter : public Op {
 public:
  IoAwaiter(const IoAwaiter&) = delete;
  IoAwaiter& operator=(const IoAwaiter&) = delete;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    return start(self, self.promise().context());
  }
  /// False: not submitted (a stop was already requested, or `result` was settled by prepare);
  /// resume at once.
  bool start(std::coroutine_handle<> waiter, Context& context) noexcept;

 protected:
  /// Called when the kernel has answered; true submits the (adjusted) operation again. Null: never.
  using Continue = bool (*)(IoAwaiter&) noexcept;

  IoAwaiter(OpCode operation, int descriptor) noexcept;
  ~IoAwaiter() { RINGPULL_ASSERT(!in_flight, "an I/O awaiter was destroyed while in flight"); }

  bool stop_requested() const noexcept { return context_->stop_requested(); }
  /// The Error for a negative `result`: a stop if one was requested and the kernel says ECANCELED,
  /// else errno's.
  Error failure(std::string_view what, std::uint64_t bytes_done = 0) const;

  Continue continue_ = nullptr;
  /// Set by prepare code that could not even submit (socket(2) failed): start() answers with it.
  std::int32_t settled_ = 0;

 private:
  struct Hook : StopHook {
    explicit Hook(IoAwaiter& awaiter) noexcept : StopHook(&Hook::on_stop), owner(&awaiter) {}
    static void on_stop(StopHook& hook, StopReason reason) noexcept;
    IoAwaiter* owner;
  };
  static void on_complete(Op& op) noexcept;

  Hook hook_{*this};
  Context* context_ = nullptr;
  std::coroutine_handle<> waiter_;
};

}  // namespace ringpull::inline v0::engine
