#pragma once
// The coroutine type of the whole library, and the promise behind it, whose fields Scope and
// Loop::run set themselves. CONTRIBUTING.md lists the ways of awaiting that g++ 12 miscompiles.

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/context.hpp>
#include <ringpull/engine/frame_pool.hpp>

namespace ringpull::inline v0::engine {

template <class T>
class Task;

namespace detail {

/// What every coroutine of the engine has: the context it runs under and who hears of its end.
class PromiseBase {
 public:
  using Finished = void (*)(void* owner, std::coroutine_handle<> frame) noexcept;

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }

  Context& context() const noexcept { return *context_; }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      PromiseBase& promise = self.promise();
      if (promise.starting_) {
        promise.finished_inline_ = true;
        return std::noop_coroutine();
      }
      if (promise.continuation_) return promise.continuation_;
      promise.finished_(promise.owner_, self);
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() const noexcept { return {}; }

  Context* context_ = nullptr;
  std::coroutine_handle<> continuation_;
  Finished finished_ = nullptr;
  void* owner_ = nullptr;
  std::exception_ptr exception_;
  bool started_ = false;
  bool starting_ = false;
  bool finished_inline_ = false;
};

template <class T>
class Promise final : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class U>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    if (exception_) std::rethrow_exception(exception_);
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (exception_) std::rethrow_exception(exception_);
  }
};

/// Starts the child in place and reports whether it must be waited for. A child that finishes
/// without suspending costs no suspension of its parent, so a loop of ready results does not grow
/// the stack, whatever the compiler does with tail calls. Sound because a suspended coroutine is
/// resumed by its loop only, never from inside another.
template <class T>
class TaskAwaiter {
 public:
  using Handle = std::coroutine_handle<Promise<T>>;
  explicit TaskAwaiter(Handle child) noexcept : child_(child) {}

  bool await_ready() const noexcept { return false; }
  template <class Parent>
  bool await_suspend(std::coroutine_handle<Parent> parent) noexcept {
    return start(parent, parent.promise().context());
  }
  bool start(std::coroutine_handle<> parent, Context& context) noexcept {
    Handle child = child_;
    PromiseBase& promise = child.promise();
    RINGPULL_ASSERT(!promise.started_, "a Task was awaited twice");
    promise.context_ = &context;
    promise.continuation_ = parent;
    promise.started_ = true;
    promise.starting_ = true;
    child.resume();
    if (promise.finished_inline_) return false;
    promise.starting_ = false;
    return true;
  }
  [[nodiscard]] T await_resume() { return child_.promise().take(); }

 private:
  Handle child_;
};

}  // namespace detail

/// A coroutine that has not started yet. Lazy; awaited exactly once, as an rvalue, on the loop
/// where it was made; its frame dies with the Task object. Dropping one that never started is fine;
/// dropping one that started and has not ended aborts, because the kernel may still write into it.
///
/// An exception that leaves the coroutine is rethrown where it is awaited; the library itself
/// returns Result instead.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using value_type = T;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { reset(); }

  detail::TaskAwaiter<T> operator co_await() && noexcept {
    RINGPULL_ASSERT(handle_, "an empty Task was awaited");
    return detail::TaskAwaiter<T>(handle_);
  }

  /// For the engine: gives the frame away to an owner that destroys it.
  std::coroutine_handle<promise_type> release() noexcept { return std::exchange(handle_, {}); }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  void reset() noexcept {
    if (!handle_) return;
    RINGPULL_ASSERT(!handle_.promise().started_ || handle_.done(),
                    "a Task was destroyed while it runs: await it, or join its Scope");
    handle_.destroy();
    handle_ = {};
  }

  std::coroutine_handle<promise_type> handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

/// `Context& context = co_await current_context();` never suspends.
struct CurrentContext {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    context = &self.promise().context();
    return false;
  }
  Context& await_resume() const noexcept { return *context; }
  Context* context = nullptr;
};
inline CurrentContext current_context() noexcept { return {}; }

}  // namespace ringpull::inline v0::engine
