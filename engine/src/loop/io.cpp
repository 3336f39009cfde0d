#include <cerrno>

#include <ringpull/engine/io.hpp>
#include <ringpull/engine/loop.hpp>

namespace ringpull::inline v0::engine {

IoAwaiter::IoAwaiter(OpCode operation, int descriptor) noexcept {
  code = operation;
  fd = descriptor;
  complete = &IoAwaiter::on_complete;
}

bool IoAwaiter::start(std::coroutine_handle<> waiter, Context& context) noexcept {
  context_ = &context;
  if (settled_ != 0) {
    result = settled_;
    return false;
  }
  if (context.stop_requested()) {
    result = -ECANCELED;
    return false;
  }
  waiter_ = waiter;
  context.add(hook_);
  Loop::current().submit(*this);
  return true;
}

void IoAwaiter::Hook::on_stop(StopHook& hook, StopReason) noexcept {
  Loop::current().backend().cancel(*static_cast<Hook&>(hook).owner);
}

void IoAwaiter::on_complete(Op& op) noexcept {
  auto& self = static_cast<IoAwaiter&>(op);
  Loop& loop = Loop::current();
  bool again = self.result == -EINTR;
  if (!again && self.continue_ != nullptr) again = self.continue_(self);
  if (again) {
    if (!self.stop_requested()) {
      loop.submit(self);
      return;
    }
    self.result = -ECANCELED;
  }
  StopList::remove(self.hook_);
  loop.resume_later(self.waiter_);
}

Error IoAwaiter::failure(std::string_view what, std::uint64_t bytes_done) const {
  if (result == -ECANCELED && stop_requested()) {
    return stop_error(context_->stop_reason(), what, bytes_done);
  }
  return Error::from_errno(-result, what).with_bytes_done(bytes_done);
}

}  // namespace ringpull::inline v0::engine
