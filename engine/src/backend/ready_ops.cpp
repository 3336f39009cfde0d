#include "engine/src/backend/ready_ops.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/src/backend/file_ops.hpp"

namespace ringpull::inline v0::engine {

namespace {

bool end(Op& op, std::int32_t result) noexcept {
  op.result = result;
  return true;
}

/// What io_uring reports for a transfer that ends by `outcome` (0 or -errno): the bytes moved
/// before, if any.
bool end_transfer(Op& op, std::int32_t outcome) noexcept {
  return end(op, op.result > 0 ? op.result : outcome);
}

bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

int call_flags(const Op& op) noexcept {
  return static_cast<int>((op.flags & ~std::uint32_t{MSG_WAITALL}) | MSG_DONTWAIT);
}

/// Adds up one call of recv or send. A short count means that the socket is drained (or full) for
/// now, so a transfer that must go on waits instead of asking a second time.
bool account(Op& op, ssize_t moved, std::size_t wanted) noexcept {
  if (moved < 0) {
    int error = errno;
    if (would_block(error) && (op.flags & MSG_DONTWAIT) == 0) return false;
    return end_transfer(op, -error);
  }
  op.result += static_cast<std::int32_t>(moved);
  if ((op.flags & MSG_WAITALL) == 0) return true;
  return moved == 0 || static_cast<std::size_t>(moved) == wanted;
}

bool try_recv(Op& op) noexcept {
  std::size_t wanted = op.length - static_cast<std::size_t>(op.result);
  auto* to = static_cast<std::byte*>(const_cast<void*>(op.address)) + op.result;
  return account(op, ::recv(op.fd, to, wanted, call_flags(op)), wanted);
}

// io_uring never raises SIGPIPE; neither do we.
bool try_send(Op& op) noexcept {
  std::size_t wanted = op.length - static_cast<std::size_t>(op.result);
  const auto* from = static_cast<const std::byte*>(op.address) + op.result;
  return account(op, ::send(op.fd, from, wanted, call_flags(op) | MSG_NOSIGNAL), wanted);
}

std::size_t total_of(const msghdr& message) noexcept {
  std::size_t total = 0;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) total += message.msg_iov[i].iov_len;
  return total;
}

constexpr std::size_t kPieces = 64;  // of the rest of a partly sent message, per call

/// The part of `message` from byte `done` on, at most kPieces pieces of it.
msghdr rest_of(const msghdr& message, std::size_t done,
               std::array<iovec, kPieces>& pieces) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < message.msg_iovlen && count < kPieces; ++i) {
    iovec piece = message.msg_iov[i];
    std::size_t skipped = std::min(done, piece.iov_len);
    done -= skipped;
    if (skipped == piece.iov_len) continue;
    piece.iov_base = static_cast<std::byte*>(piece.iov_base) + skipped;
    piece.iov_len -= skipped;
    pieces[count++] = piece;
  }
  msghdr rest{};
  rest.msg_iov = pieces.data();
  rest.msg_iovlen = count;
  return rest;
}

bool try_sendmsg(Op& op) noexcept {
  const auto& message = *static_cast<const msghdr*>(op.address);
  int flags = call_flags(op) | MSG_NOSIGNAL;
  std::size_t wanted = total_of(message) - static_cast<std::size_t>(op.result);
  if (op.result == 0) return account(op, ::sendmsg(op.fd, &message, flags), wanted);
  std::array<iovec, kPieces> pieces;
  msghdr rest = rest_of(message, static_cast<std::size_t>(op.result), pieces);
  return account(op, ::sendmsg(op.fd, &rest, flags), wanted);
}

bool try_accept(Op& op) noexcept {
  int descriptor = ::accept4(op.fd, nullptr, nullptr, static_cast<int>(op.flags));
  if (descriptor >= 0) return end(op, descriptor);
  if (would_block(errno)) return false;
  return end(op, -errno);
}

// Asked a second time, connect(2) tells how the attempt in progress has ended; unlike SO_ERROR it
// also tells one that has not.
bool try_connect(Op& op) noexcept {
  bool begun = op.result == -EINPROGRESS;
  int outcome = ::connect(op.fd, static_cast<const sockaddr*>(op.address), op.length);
  if (outcome == 0) return end(op, 0);
  int error = errno;
  if (begun && error == EISCONN) return end(op, 0);
  bool in_progress = error == EINPROGRESS || (begun && error == EALREADY);
  op.result = in_progress ? -EINPROGRESS : -error;
  return !in_progress;
}

/// The events that hold now, or -errno.
int events_now(int fd, short events) noexcept {
  if (fd < 0) return -EBADF;
  pollfd entry{fd, events, 0};
  if (::poll(&entry, 1, 0) < 0) return -errno;
  if ((entry.revents & POLLNVAL) != 0) return -EBADF;
  return entry.revents;
}

bool try_poll(Op& op) noexcept {
  int events = events_now(op.fd, static_cast<short>(op.flags));
  return events != 0 && end(op, events);
}

// The descriptor may be a blocking one, hence the question before each call. Room in a pipe means
// room for PIPE_BUF bytes (pipe(7)): more could block.
bool try_stream_transfer(Op& op, short event) noexcept {
  int events = events_now(op.fd, event);
  if (events < 0) return end(op, events);
  if (events == 0) return false;
  std::uint32_t length = op.length;
  if (op.code == OpCode::write && (::fcntl(op.fd, F_GETFL) & O_NONBLOCK) == 0) {
    length = std::min<std::uint32_t>(length, PIPE_BUF);
  }
  std::int32_t moved = transfer_file(op, length);
  return !would_block(-moved) && end(op, moved);
}

}  // namespace

bool try_ready_op(Op& op) noexcept {
  switch (op.code) {
    case OpCode::recv: return try_recv(op);
    case OpCode::send: return try_send(op);
    case OpCode::sendmsg: return try_sendmsg(op);
    case OpCode::accept: return try_accept(op);
    case OpCode::connect: return try_connect(op);
    case OpCode::poll: return try_poll(op);
    case OpCode::read: return try_stream_transfer(op, POLLIN);
    case OpCode::write: return try_stream_transfer(op, POLLOUT);
    default: return end(op, 0);  // nop
  }
}

std::uint32_t interest_of(const Op& op) noexcept {
  switch (op.code) {
    case OpCode::send:
    case OpCode::sendmsg:
    case OpCode::connect:
    case OpCode::write: return EPOLLOUT;
    case OpCode::poll: return op.flags & 0xFFFFU;  // POLL* and EPOLL* share their values
    default: return EPOLLIN | EPOLLRDHUP;
  }
}

bool is_file_transfer(const Op& op) noexcept {
  if (op.code != OpCode::read && op.code != OpCode::write) return false;
  struct stat status{};
  if (::fstat(op.fd, &status) != 0) return false;
  return S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) || S_ISDIR(status.st_mode);
}

}  // namespace ringpull::inline v0::engine
