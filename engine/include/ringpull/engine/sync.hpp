#pragma once
// How tasks of one loop wait for one another. Other threads may touch none of these: they post to
// the loop (Loop::post).

#include <coroutine>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include <ringpull/engine/wait_queue.hpp>

namespace ringpull::inline v0::engine {

/// A switch that tasks of one loop wait for. set() lets all waiters go, and later ones pass until
/// reset().
class Event {
 public:
  class [[nodiscard]] Wait : private Waiter {
   public:
    explicit Wait(Event& event) noexcept : event_(event) {}
    bool await_ready() const noexcept { return event_.set_; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return start(self, self.promise().context());
    }
    bool start(std::coroutine_handle<> waiter, Context& context) noexcept {
      return !event_.set_ && wait(event_.waiters_, waiter, context);
    }
    /// `cancelled` or `timed_out` when stopped first.
    [[nodiscard]] Result<void> await_resume() const;

   private:
    Event& event_;
  };

  bool is_set() const noexcept { return set_; }
  void set() noexcept {
    set_ = true;
    waiters_.grant_all();
  }
  void reset() noexcept { set_ = false; }
  Wait wait() noexcept { return Wait(*this); }

 private:
  WaitQueue waiters_;
  bool set_ = false;
};

/// Counts units of something bounded. Waiters are served strictly in order: a large request at the
/// front is not overtaken by small ones behind it. For one loop.
class Semaphore {
 public:
  explicit Semaphore(std::size_t units) noexcept : free_(units) {}

  /// Units held; given back by the destructor or release(). Outlived by its Semaphore.
  class Permit {
   public:
    Permit() noexcept = default;
    Permit(Semaphore& semaphore, std::size_t units) noexcept
        : semaphore_(&semaphore), units_(units) {}
    Permit(Permit&& other) noexcept
        : semaphore_(std::exchange(other.semaphore_, nullptr)),
          units_(std::exchange(other.units_, 0)) {}
    Permit& operator=(Permit&& other) noexcept {
      release();
      semaphore_ = std::exchange(other.semaphore_, nullptr);
      units_ = std::exchange(other.units_, 0);
      return *this;
    }
    ~Permit() { release(); }
    void release() noexcept;
    std::size_t units() const noexcept { return units_; }

   private:
    Semaphore* semaphore_ = nullptr;
    std::size_t units_ = 0;
  };

  class [[nodiscard]] Acquire : private Waiter {
   public:
    Acquire(Semaphore& semaphore, std::size_t units) noexcept
        : semaphore_(semaphore), units_(units) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return start(self, self.promise().context());
    }
    bool start(std::coroutine_handle<> waiter, Context& context) noexcept;
    [[nodiscard]] Result<Permit> await_resume();

   private:
    friend class Semaphore;
    Semaphore& semaphore_;
    std::size_t units_;
    bool waited_ = false;
  };

  std::size_t available() const noexcept { return free_; }
  std::size_t waiting() const noexcept { return waiters_.size(); }
  /// Waits until `units` are free and it is this caller's turn. `cancelled` or `timed_out` when
  /// stopped first.
  Acquire acquire(std::size_t units = 1) noexcept { return Acquire(*this, units); }
  /// At once or not at all; does not overtake waiters.
  std::optional<Permit> try_acquire(std::size_t units = 1) noexcept;

 private:
  void give_back(std::size_t units) noexcept;
  void serve() noexcept;

  WaitQueue waiters_;
  std::size_t free_;
};

/// A bounded queue between tasks of one loop: push waits while it is full, pop while it is empty.
/// close() lets the consumers drain what is left; pushes then fail with `connection_closed`, pops
/// give nullopt at the end.
template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) noexcept : capacity_(capacity) {}

  class [[nodiscard]] Push : private Waiter {
   public:
    Push(Channel& channel, T value) : channel_(channel), value_(std::move(value)) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return start(self, self.promise().context());
    }
    bool start(std::coroutine_handle<> waiter, Context& context) noexcept {
      if (channel_.closed_) return false;
      if (channel_.items_.size() + channel_.reserved_ < channel_.capacity_) {
        ++channel_.reserved_;
        return false;
      }
      return wait(channel_.producers_, waiter, context);
    }
    [[nodiscard]] Result<void> await_resume() {
      if (stopped() != StopReason::none) return fail(stop_error(stopped(), "push to a channel"));
      if (channel_.closed_) return fail(ErrorKind::connection_closed, "the channel is closed");
      --channel_.reserved_;
      channel_.items_.push_back(std::move(value_));
      channel_.offer_item();
      return {};
    }

   private:
    Channel& channel_;
    T value_;
  };

  class [[nodiscard]] Pop : private Waiter {
   public:
    explicit Pop(Channel& channel) noexcept : channel_(channel) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return start(self, self.promise().context());
    }
    bool start(std::coroutine_handle<> waiter, Context& context) noexcept {
      if (channel_.items_.size() > channel_.promised_) {
        ++channel_.promised_;
        return false;
      }
      if (channel_.closed_) {
        ended_ = true;
        return false;
      }
      return wait(channel_.consumers_, waiter, context);
    }
    [[nodiscard]] Result<std::optional<T>> await_resume() {
      if (stopped() != StopReason::none) return fail(stop_error(stopped(), "pop from a channel"));
      if (ended_ || channel_.items_.empty()) return std::optional<T>();
      --channel_.promised_;
      std::optional<T> item(std::move(channel_.items_.front()));
      channel_.items_.pop_front();
      channel_.offer_slot();
      return item;
    }

   private:
    Channel& channel_;
    bool ended_ = false;
  };

  Push push(T value) { return Push(*this, std::move(value)); }
  Pop pop() noexcept { return Pop(*this); }
  void close() noexcept {
    closed_ = true;
    producers_.grant_all();
    consumers_.grant_all();
  }
  std::size_t size() const noexcept { return items_.size(); }
  bool closed() const noexcept { return closed_; }

 private:
  // A consumer that is let go owns one item (`promised_`), a producer that is let go owns one slot
  // (`reserved_`), so that nobody takes it from under them before they run.
  void offer_item() noexcept {
    if (items_.size() > promised_ && consumers_.grant_one()) ++promised_;
  }
  void offer_slot() noexcept {
    if (items_.size() + reserved_ < capacity_ && producers_.grant_one()) ++reserved_;
  }

  std::deque<T> items_;
  WaitQueue producers_;
  WaitQueue consumers_;
  std::size_t capacity_;
  std::size_t promised_ = 0;
  std::size_t reserved_ = 0;
  bool closed_ = false;
};

}  // namespace ringpull::inline v0::engine
