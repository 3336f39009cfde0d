#pragma once
// How a request to stop travels, from owners and deadlines down to operations in flight. Programs
// hold a StopSource and await under combinators.hpp; awaiters link hooks. All of it belongs to one
// loop.

#include <cstdint>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/result.hpp>
#include <ringpull/engine/timer_queue.hpp>

namespace ringpull::inline v0::engine {

enum class StopReason : std::uint8_t { none, cancelled, timed_out };

/// The Error for an operation that ended because of a stop: `cancelled` or `timed_out`, with the
/// bytes done.
Error stop_error(StopReason reason, std::string_view what, std::uint64_t bytes_done = 0);

/// What wants to hear of a stop: an operation in flight, a waiter in a queue, a child context.
/// Intrusive, owned by whoever waits, unlinked before its function is called. The function must not
/// resume a coroutine.
class StopHook {
 public:
  using Function = void (*)(StopHook&, StopReason) noexcept;
  explicit StopHook(Function function) noexcept : function_(function) {}
  StopHook(const StopHook&) = delete;
  StopHook& operator=(const StopHook&) = delete;

  bool linked() const noexcept { return previous_ != nullptr; }

 private:
  friend class StopList;
  StopHook() noexcept = default;
  Function function_ = nullptr;
  StopHook* previous_ = nullptr;
  StopHook* next_ = nullptr;
};

/// A circular list of hooks; fires each at most once. Not synchronised: it belongs to one loop.
class StopList {
 public:
  StopList() noexcept { anchor_.previous_ = anchor_.next_ = &anchor_; }
  StopList(const StopList&) = delete;
  StopList& operator=(const StopList&) = delete;
  ~StopList();

  bool empty() const noexcept { return anchor_.next_ == &anchor_; }
  void add(StopHook& hook) noexcept {
    hook.previous_ = anchor_.previous_;
    hook.next_ = &anchor_;
    anchor_.previous_->next_ = &hook;
    anchor_.previous_ = &hook;
  }
  /// No effect on a hook that is not linked.
  static void remove(StopHook& hook) noexcept {
    if (hook.previous_ == nullptr) return;
    hook.previous_->next_ = hook.next_;
    hook.next_->previous_ = hook.previous_;
    hook.previous_ = hook.next_ = nullptr;
  }
  void fire(StopReason reason) noexcept;

 private:
  StopHook anchor_;
};

/// What a task inherits from the task that awaits it: whether to stop, why, and by when to be done.
///
/// Contexts form a tree; a stop of a parent stops its children, never the reverse. Operations link
/// a StopHook while they wait. Lives on one loop; an address is handed down, so it must outlive
/// every task that runs under it (the combinators and Scope guarantee that).
class Context {
 public:
  /// A root: nobody stops it but its owner or its deadline.
  Context() noexcept;
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Puts this context under `parent` (may be null: shielded from any outer stop) with its own
  /// deadline. Called once, on the loop's thread, before any task runs under it. A deadline already
  /// past stops it at once.
  void attach(Context* parent, Deadline deadline) noexcept;

  /// Leaves the parent and the deadline; nothing under it runs any more. What it knows stays.
  void detach() noexcept;

  StopReason stop_reason() const noexcept { return reason_; }
  bool stop_requested() const noexcept { return reason_ != StopReason::none; }
  /// The nearest deadline of this context and those above it.
  Deadline deadline() const noexcept { return deadline_; }

  /// The first reason stays; later calls have no effect.
  void request_stop(StopReason reason) noexcept;

  /// Only while no stop is requested.
  void add(StopHook& hook) noexcept { hooks_.add(hook); }
  static void remove(StopHook& hook) noexcept { StopList::remove(hook); }

 private:
  struct Link : StopHook {
    explicit Link(Context& context) noexcept : StopHook(&Link::on_stop), owner(&context) {}
    static void on_stop(StopHook& hook, StopReason reason) noexcept;
    Context* owner;
  };
  struct DeadlineTimer : TimerEntry {
    explicit DeadlineTimer(Context& context) noexcept
        : TimerEntry(&DeadlineTimer::on_fire), owner(&context) {}
    static void on_fire(TimerEntry& entry) noexcept;
    Context* owner;
  };

  StopList hooks_;
  Link parent_link_;
  DeadlineTimer timer_;
  Deadline deadline_ = Deadline::never();
  StopReason reason_ = StopReason::none;
};

/// A stop switch that the caller holds: with_stop(source, awaitable) ends as `cancelled` once it is
/// pulled. For the thread of one loop; Runtime::submit gives a handle that other threads may use.
class StopSource {
 public:
  StopSource() = default;
  bool stop_requested() const noexcept { return requested_; }
  void request_stop() noexcept {
    requested_ = true;
    hooks_.fire(StopReason::cancelled);
  }
  /// Links the hook, or calls it at once when a stop was already requested.
  void link(StopHook& hook) noexcept;

 private:
  StopList hooks_;
  bool requested_ = false;
};

}  // namespace ringpull::inline v0::engine
