#pragma once
// Signals for the program that owns the process: no part of the library makes a SignalSet by
// itself.

#include <initializer_list>

#include <ringpull/engine/fd.hpp>
#include <ringpull/engine/io.hpp>

namespace ringpull::inline v0::engine {

class [[nodiscard]] SignalWait final : public IoAwaiter {
 public:
  explicit SignalWait(int fd) noexcept;
  [[nodiscard]] Result<int> await_resume() const;

 private:
  static bool take(IoAwaiter& self) noexcept;
  int signal_ = 0;
};

/// Signals of the process as something to await (signalfd(2)). Blocks them for the calling thread
/// and the threads it makes later: create it before any other thread runs (before a Runtime too),
/// or a signal may still end the process there. They stay blocked when the set dies, and programs
/// started by fork and exec inherit that.
class SignalSet {
 public:
  static Result<SignalSet> create(std::initializer_list<int> signals);

  /// The number of the next signal; signals that come while nobody waits are kept, one of each
  /// number. One wait at a time; one that is stopped takes no signal.
  SignalWait wait() noexcept { return SignalWait(fd_.get()); }

 private:
  explicit SignalSet(Fd fd) noexcept : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace ringpull::inline v0::engine
