#pragma once
// What every bench measures with: memory that is resident before the clock starts, and CPU seconds
// from rusage. The library's benches use the same, so that both sides of a ratio are alike.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/resource.h>

namespace ringpull::bench {

/// Anonymous memory in 4 KiB pages, each touched. Huge pages are refused: whether the kernel finds
/// any depends on the machine's history, and the copy from the socket is cheaper with them.
class PrefaultedMemory {
 public:
  /// Throws std::system_error when the memory cannot be had.
  explicit PrefaultedMemory(std::size_t size);
  PrefaultedMemory(const PrefaultedMemory&) = delete;
  PrefaultedMemory& operator=(const PrefaultedMemory&) = delete;
  ~PrefaultedMemory();

  std::span<std::byte> bytes() const { return {data_, size_}; }
  /// Fills with bytes that no codec or page merger can shrink; the same in every run.
  void fill_with_noise();

 private:
  std::byte* data_;
  std::size_t size_;
};

struct Usage {
  Usage() = default;
  double wall_s = 0;
  double user_s = 0;
  double sys_s = 0;
};

/// Wall, user and system time of the whole process since construction.
class Meter {
 public:
  Meter();
  Usage elapsed() const;

 private:
  std::chrono::steady_clock::time_point start_;
  rusage usage_;
};

/// Peak resident set of this process (VmHWM: unlike ru_maxrss it does not remember the program
/// that forked us).
std::uint64_t rss_peak_bytes();

/// Throws std::system_error when the core does not exist or is not ours. -1: does nothing.
void pin_to_cpu(int cpu);

}  // namespace ringpull::bench
