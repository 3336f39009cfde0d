#pragma once
// A time limit, a stop switch or a shield around one awaitable. Several tasks at once: Scope,
// when_all and when_any in scope.hpp.

#include <concepts>
#include <coroutine>
#include <optional>
#include <utility>

#include <ringpull/engine/context.hpp>
#include <ringpull/engine/task.hpp>

namespace ringpull::inline v0::engine {

namespace detail {

/// What can be put under a context: a Task, or one of the engine's awaiters. Both start by
/// `start(waiter, context)`.
template <class A>
concept ContextAwaiter = requires(A& awaiter, std::coroutine_handle<> waiter, Context& context) {
  { awaiter.start(waiter, context) } -> std::same_as<bool>;
  awaiter.await_resume();
};

enum class Inherit : bool { no, yes };

/// Awaited as a temporary only, in the expression that made it: what it refers to dies with that
/// expression.
template <ContextAwaiter A>
class [[nodiscard]] UnderContext final {
 public:
  UnderContext(A&& awaiter, Inherit inherit, Deadline deadline, StopSource* source) noexcept
      : awaiter_(std::forward<A>(awaiter)),
        deadline_(deadline),
        source_(source),
        inherit_(inherit) {}
  UnderContext(const UnderContext&) = delete;
  UnderContext& operator=(const UnderContext&) = delete;

  // A reference in a value: g++ 12 copies an awaiter that operator co_await returns by reference.
  class Awaiter {
   public:
    explicit Awaiter(UnderContext& self) noexcept : self_(self) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
      return self_.start(waiter, waiter.promise().context());
    }
    [[nodiscard]] decltype(auto) await_resume() { return self_.await_resume(); }

   private:
    UnderContext& self_;
  };
  Awaiter operator co_await() && noexcept { return Awaiter(*this); }

  bool start(std::coroutine_handle<> waiter, Context& outer) noexcept {
    context_.attach(inherit_ == Inherit::yes ? &outer : nullptr, deadline_);
    if (source_ != nullptr) source_->link(source_link_);
    return awaiter_.start(waiter, context_);
  }
  [[nodiscard]] decltype(auto) await_resume() {
    StopList::remove(source_link_);
    context_.detach();  // of nested ones the outer dies first
    return awaiter_.await_resume();
  }

 private:
  struct SourceLink : StopHook {
    explicit SourceLink(Context& context) noexcept
        : StopHook(&SourceLink::on_stop), owner(&context) {}
    static void on_stop(StopHook& hook, StopReason reason) noexcept {
      static_cast<SourceLink&>(hook).owner->request_stop(reason);
    }
    Context* owner;
  };

  A awaiter_;
  Context context_;
  SourceLink source_link_{context_};
  Deadline deadline_;
  StopSource* source_;
  Inherit inherit_;
};

/// A Task together with its awaiter, so that a combinator can own both.
template <class T>
class OwnedTask {
 public:
  explicit OwnedTask(Task<T>&& task) noexcept : task_(std::move(task)) {}
  bool start(std::coroutine_handle<> waiter, Context& context) noexcept {
    awaiter_.emplace(std::move(task_).operator co_await());
    return awaiter_->start(waiter, context);
  }
  [[nodiscard]] T await_resume() { return awaiter_->await_resume(); }

 private:
  Task<T> task_;
  std::optional<TaskAwaiter<T>> awaiter_;
};

}  // namespace detail

/// `auto n = co_await with_deadline(Deadline::after(10s), stream.read_some(buffer));`
///
/// Requests a stop of the awaitable once the deadline passes; it then ends with `timed_out` unless
/// it had already finished. The await returns when the awaitable has ended, not at the deadline. An
/// outer stop, or a nearer outer deadline, reaches it too. The awaitable is a Task or an awaiter of
/// the engine; await the result in the same expression.
template <class T>
auto with_deadline(Deadline deadline, Task<T> task) noexcept {
  return detail::UnderContext<detail::OwnedTask<T>>(detail::OwnedTask<T>(std::move(task)),
                                                    detail::Inherit::yes, deadline, nullptr);
}
template <detail::ContextAwaiter A>
auto with_deadline(Deadline deadline, A&& awaiter) noexcept {
  return detail::UnderContext<A&&>(std::forward<A>(awaiter), detail::Inherit::yes, deadline,
                                   nullptr);
}

/// The same, stopped with `cancelled` by `source`, which outlives the await.
template <class T>
auto with_stop(StopSource& source, Task<T> task) noexcept {
  return detail::UnderContext<detail::OwnedTask<T>>(
      detail::OwnedTask<T>(std::move(task)), detail::Inherit::yes, Deadline::never(), &source);
}
template <detail::ContextAwaiter A>
auto with_stop(StopSource& source, A&& awaiter) noexcept {
  return detail::UnderContext<A&&>(std::forward<A>(awaiter), detail::Inherit::yes,
                                   Deadline::never(), &source);
}

/// For cleanup (abort, close): no outer stop or deadline reaches it; it has its own.
template <class T>
auto shielded(Deadline deadline, Task<T> task) noexcept {
  return detail::UnderContext<detail::OwnedTask<T>>(detail::OwnedTask<T>(std::move(task)),
                                                    detail::Inherit::no, deadline, nullptr);
}

}  // namespace ringpull::inline v0::engine
