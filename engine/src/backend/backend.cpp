#include <charconv>
#include <cstdlib>
#include <sys/random.h>

#include <ringpull/engine/backend.hpp>

#include "engine/src/backend/epoll_backend.hpp"
#include "engine/src/backend/uring_backend.hpp"

namespace ringpull::inline v0::engine {

std::string_view to_string(BackendKind kind) noexcept {
  switch (kind) {
    case BackendKind::automatic: return "auto";
    case BackendKind::uring: return "uring";
    case BackendKind::epoll: return "epoll";
  }
  return "unknown";
}

bool Backend::wake_peer(Backend&) noexcept { return false; }

TimePoint Backend::now() const noexcept { return Clock::now(); }

void Backend::random(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
  }
}

namespace {

Result<BackendKind> kind_from_environment() {
  const char* text = std::getenv("RINGPULL_BACKEND");
  std::string_view name = text != nullptr ? text : "";
  if (name.empty() || name == "auto") return BackendKind::automatic;
  if (name == "uring") return BackendKind::uring;
  if (name == "epoll") return BackendKind::epoll;
  return fail(ErrorKind::invalid_argument,
              "RINGPULL_BACKEND is '" + std::string(name) + "'; allowed are uring, epoll and auto");
}

/// "6.1" -> 601; 0 when unset.
Result<int> ceiling_from_environment() {
  const char* text = std::getenv("RINGPULL_KERNEL_CEILING");
  if (text == nullptr || *text == '\0') return 0;
  std::string_view version = text;
  int major = 0;
  int minor = 0;
  auto first = std::from_chars(version.data(), version.data() + version.size(), major);
  bool good =
      first.ec == std::errc() && first.ptr != version.data() + version.size() && *first.ptr == '.';
  if (good) {
    auto second = std::from_chars(first.ptr + 1, version.data() + version.size(), minor);
    good = second.ec == std::errc() && second.ptr == version.data() + version.size() && major > 0 &&
           major < 100 && minor >= 0 && minor < 100;
  }
  if (!good) {
    return fail(ErrorKind::invalid_argument, "RINGPULL_KERNEL_CEILING is '" + std::string(version) +
                                                 "'; a kernel version like 6.1 is allowed");
  }
  return major * 100 + minor;
}

}  // namespace

Result<std::unique_ptr<Backend>> make_backend(const BackendOptions& given) {
  BackendOptions options = given;
  if (options.kind == BackendKind::automatic) {
    RINGPULL_TRY(options.kind, kind_from_environment());
  }
  if (options.kernel_ceiling == 0) {
    RINGPULL_TRY(options.kernel_ceiling, ceiling_from_environment());
  }
  if (options.kind == BackendKind::epoll) return EpollBackend::create(options, "asked for");
  auto uring = UringBackend::create(options);
  if (uring || options.kind == BackendKind::uring) return uring;
  return EpollBackend::create(options, uring.error().message());
}

}  // namespace ringpull::inline v0::engine
