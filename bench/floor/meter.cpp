#include "bench/floor/meter.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <system_error>

namespace ringpull::bench {

namespace {

double seconds(const timeval& value) {
  return static_cast<double>(value.tv_sec) + static_cast<double>(value.tv_usec) / 1e6;
}

rusage own_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

}  // namespace

PrefaultedMemory::PrefaultedMemory(std::size_t size) : data_(nullptr), size_(size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  madvise(memory, size, MADV_NOHUGEPAGE);
  data_ = static_cast<std::byte*>(memory);
  std::memset(data_, 0x5a, size);
}

PrefaultedMemory::~PrefaultedMemory() { munmap(data_, size_); }

void PrefaultedMemory::fill_with_noise() {
  std::uint64_t state = 0x9e3779b97f4a7c15u;
  for (std::size_t at = 0; at < size_; at += sizeof state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(data_ + at, &state, size_ - at < sizeof state ? size_ - at : sizeof state);
  }
}

Meter::Meter() : start_(std::chrono::steady_clock::now()), usage_(own_usage()) {}

Usage Meter::elapsed() const {
  const rusage now = own_usage();
  Usage usage;
  usage.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  usage.user_s = seconds(now.ru_utime) - seconds(usage_.ru_utime);
  usage.sys_s = seconds(now.ru_stime) - seconds(usage_.ru_stime);
  return usage;
}

std::uint64_t rss_peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key;) {
    std::uint64_t kibibytes = 0;
    if (key == "VmHWM:" && status >> kibibytes) return kibibytes << 10;
  }
  return 0;
}

void pin_to_cpu(int cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            "pinning to cpu " + std::to_string(cpu));
  }
}

}  // namespace ringpull::bench
