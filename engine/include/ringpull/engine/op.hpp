#pragma once
// What awaiters ask of a Backend, in io_uring's terms: for who writes one of the two.
// op_matrix_test.cpp holds both backends to the same results.

#include <cstdint>

namespace ringpull::inline v0::engine {

/// The operations of the Backend seam. Each is one kernel operation with io_uring's meaning and
/// result convention
/// (>= 0 or -errno); a backend without the kernel's help gives the same results.
enum class OpCode : std::uint8_t {
  nop,      ///< completes with 0
  recv,     ///< fd, address, length, flags = MSG_*
  send,     ///< fd, address, length, flags = MSG_*
  sendmsg,  ///< fd, address = const msghdr*, flags = MSG_*
  accept,   ///< fd, flags = SOCK_*; result = descriptor
  connect,  ///< fd, address = const sockaddr*, length
  poll,     ///< fd, flags = POLLIN|POLLOUT...; one shot; result = returned events
  read,     ///< fd, address, length, offset (kCurrentOffset for streams)
  write,    ///< fd, address, length, offset
  open,   ///< address = const char* path (relative to the working directory), flags = O_*, length =
          ///< mode
  close,  ///< fd
  fsync,  ///< fd, flags: 0 or kFsyncDataOnly
  fallocate,  ///< fd, flags = FALLOC_FL_*, offset, extent = length in bytes
  truncate,   ///< fd, extent = length in bytes
  rename,     ///< address = from, address2 = to, flags = RENAME_*
  unlink,     ///< address = path, flags = AT_REMOVEDIR or 0
  stat,  ///< address = path or "", fd (AT_EMPTY_PATH in flags), length = STATX_* mask, address2 =
         ///< struct statx*
};

constexpr std::uint64_t kCurrentOffset = ~std::uint64_t{0};
constexpr std::uint32_t kFsyncDataOnly = 1;

/// One operation on its way through a backend; lives in the awaiter, so no allocation per
/// operation. From submit() until `complete` is called the kernel may use it and everything it
/// points to: it must not move or die.
struct Op {
  using Complete = void (*)(Op&) noexcept;

  OpCode code = OpCode::nop;
  /// recv only: do not try before polling (the socket is surely empty), kernel 5.19; a hint.
  bool poll_first = false;
  bool in_flight = false;
  int fd = -1;
  std::uint32_t flags = 0;
  std::uint32_t length = 0;
  const void* address = nullptr;
  void* address2 = nullptr;
  std::uint64_t offset = 0;
  std::uint64_t extent = 0;
  std::int32_t result = 0;
  /// Called once per submit, on the loop's thread, inside Backend::wait. Must not resume a
  /// coroutine; may submit.
  Complete complete = nullptr;

  // For the backend while the operation is in flight.
  bool cancel_sent = false;
  bool cancel_asked = false;  // its cancel is with the kernel
  bool queued = false;        // in a list of the backend, waiting for a submission slot
  bool settled = false;       // ended without the kernel, not delivered yet
  bool in_threads = false;    // with the threads for file operations
  Op* next = nullptr;
  Op* previous = nullptr;
};

}  // namespace ringpull::inline v0::engine
