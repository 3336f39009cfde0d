#include <ringpull/engine/scope.hpp>

namespace ringpull::inline v0::engine {

void Scope::child_failed(Error error) noexcept {
  if (first_error_ || exception_) return;
  first_error_.emplace(std::move(error));
  request_stop();
}

void Scope::child_threw(std::exception_ptr exception) noexcept {
  if (first_error_ || exception_) return;
  exception_ = std::move(exception);
  request_stop();
}

void Scope::child_ended(std::coroutine_handle<> frame) noexcept {
  Loop& loop = Loop::current();
  loop.destroy_later(frame);
  if (--active_ == 0 && joiner_) loop.resume_later(std::exchange(joiner_, {}));
}

Result<void> Scope::outcome() {
  if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
  if (!first_error_) return {};
  Error error = std::move(*first_error_);
  first_error_.reset();
  return fail(std::move(error));
}

}  // namespace ringpull::inline v0::engine
