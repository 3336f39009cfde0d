#pragma once
// What sockets, files and signals are held by. Belongs to no loop: any thread may close it, once no
// operation on it is in flight.

#include <utility>

namespace ringpull::inline v0::engine {

/// Owns a file descriptor; closes it with close(2), which does not block for sockets and clean
/// files.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int descriptor) noexcept : descriptor_(descriptor) {}
  Fd(Fd&& other) noexcept : descriptor_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~Fd() { reset(); }

  int get() const noexcept { return descriptor_; }
  explicit operator bool() const noexcept { return descriptor_ >= 0; }
  int release() noexcept { return std::exchange(descriptor_, -1); }
  void reset(int descriptor = -1) noexcept;

 private:
  int descriptor_ = -1;
};

}  // namespace ringpull::inline v0::engine
