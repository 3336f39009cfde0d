#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>

#include <ringpull/engine/stream.hpp>

namespace ringpull::inline v0::engine {

namespace {

// The kernel takes the length of a socket operation as an int.
std::uint32_t clamp_length(std::size_t size) noexcept {
  return static_cast<std::uint32_t>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

ReadSome::ReadSome(int fd, MutableBytes out, ReadHint hint) noexcept : IoAwaiter(OpCode::recv, fd) {
  address = out.data();
  length = clamp_length(out.size());
  poll_first = hint == ReadHint::expect_empty;
}

Result<std::size_t> ReadSome::await_resume() const {
  if (result < 0) return fail(failure("receive"));
  return static_cast<std::size_t>(result);
}

WaitReadable::WaitReadable(int fd) noexcept : IoAwaiter(OpCode::poll, fd) { flags = POLLIN; }

Result<void> WaitReadable::await_resume() const {
  if (result < 0) return fail(failure("wait to receive"));
  return {};
}

ReadExact::ReadExact(int fd, MutableBytes out) noexcept : IoAwaiter(OpCode::recv, fd), out_(out) {
  if (out.empty()) code = OpCode::nop;
  flags = MSG_WAITALL;
  address = out.data();
  length = clamp_length(out.size());
  continue_ = &ReadExact::advance;
}

// A short count alone says nothing: a cancel, a reset and the end of the stream all look the same
// after partial progress. Add it up; then our own stop flag decides (in IoAwaiter), else one
// further receive tells.
bool ReadExact::advance(IoAwaiter& self) noexcept {
  auto& read = static_cast<ReadExact&>(self);
  if (read.result <= 0) return false;
  read.done_ += static_cast<std::size_t>(read.result);
  if (read.done_ == read.out_.size()) return false;
  MutableBytes rest = read.out_.subspan(read.done_);
  read.address = rest.data();
  read.length = clamp_length(rest.size());
  return true;
}

Result<void> ReadExact::await_resume() const {
  if (done_ == out_.size()) return {};
  if (result < 0) return fail(failure("receive", done_));
  return fail(
      Error(ErrorKind::connection_closed, "the peer closed the connection").with_bytes_done(done_));
}

WriteAll::WriteAll(int fd, ConstBytes bytes) noexcept : IoAwaiter(OpCode::send, fd), bytes_(bytes) {
  flags = MSG_NOSIGNAL | MSG_WAITALL;
  address = bytes.data();
  length = clamp_length(bytes.size());
  continue_ = &WriteAll::advance;
}

bool WriteAll::advance(IoAwaiter& self) noexcept {
  auto& write = static_cast<WriteAll&>(self);
  if (write.result <= 0) return false;
  write.done_ += static_cast<std::size_t>(write.result);
  if (write.done_ == write.bytes_.size()) return false;
  ConstBytes rest = write.bytes_.subspan(write.done_);
  write.address = rest.data();
  write.length = clamp_length(rest.size());
  return true;
}

Result<void> WriteAll::await_resume() const {
  if (done_ == bytes_.size()) return {};
  return fail(failure("send", done_));
}

WriteVectors::WriteVectors(int fd, std::span<const ConstBytes> pieces) noexcept
    : IoAwaiter(OpCode::sendmsg, fd) {
  if (pieces.size() > kVectorsMax) {
    settled_ = -EMSGSIZE;
    return;
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    vectors_[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
  }
  message_.msg_iov = vectors_.data();
  message_.msg_iovlen = pieces.size();
  flags = MSG_NOSIGNAL | MSG_WAITALL;
  address = &message_;
  continue_ = &WriteVectors::advance;
}

bool WriteVectors::advance(IoAwaiter& self) noexcept {
  auto& write = static_cast<WriteVectors&>(self);
  if (write.result < 0) return false;
  auto sent = static_cast<std::size_t>(write.result);
  write.done_ += sent;
  msghdr& message = write.message_;
  while (message.msg_iovlen > 0 && sent >= message.msg_iov->iov_len) {
    sent -= message.msg_iov->iov_len;
    ++message.msg_iov;
    --message.msg_iovlen;
  }
  if (message.msg_iovlen == 0) return false;
  message.msg_iov->iov_base = static_cast<std::byte*>(message.msg_iov->iov_base) + sent;
  message.msg_iov->iov_len -= sent;
  return true;
}

Result<void> WriteVectors::await_resume() const {
  if (result >= 0 && message_.msg_iovlen == 0) return {};
  return fail(failure("send", done_));
}

Result<std::optional<std::size_t>> StreamSocket::try_read(MutableBytes out) noexcept {
  ssize_t taken = 0;
  do {
    taken = ::recv(fd(), out.data(), out.size(), MSG_DONTWAIT);
  } while (taken < 0 && errno == EINTR);
  if (taken >= 0) return static_cast<std::size_t>(taken);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<std::size_t>();
  return fail(Error::from_errno(errno, "receive"));
}

Result<std::size_t> StreamSocket::try_write(ConstBytes bytes) noexcept {
  ssize_t sent = 0;
  do {
    sent = ::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
  return fail(Error::from_errno(errno, "send"));
}

Liveness StreamSocket::probe() const noexcept {
  std::byte byte{};
  ssize_t peeked = ::recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (peeked > 0) return Liveness::has_data;
  if (peeked < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Liveness::quiet;
  return Liveness::closed;
}

void StreamSocket::shutdown_write() noexcept { ::shutdown(fd(), SHUT_WR); }

void StreamSocket::shutdown_both() noexcept { ::shutdown(fd(), SHUT_RDWR); }

}  // namespace ringpull::inline v0::engine
