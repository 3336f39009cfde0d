#include "engine/src/backend/file_ops.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringpull::inline v0::engine {

namespace {

std::int32_t result_of(ssize_t outcome) noexcept {
  return outcome < 0 ? -errno : static_cast<std::int32_t>(outcome);
}

}  // namespace

bool is_file_call(OpCode code) noexcept {
  switch (code) {
    case OpCode::open:
    case OpCode::close:
    case OpCode::fsync:
    case OpCode::fallocate:
    case OpCode::truncate:
    case OpCode::rename:
    case OpCode::unlink:
    case OpCode::stat: return true;
    default: return false;
  }
}

std::int32_t transfer_file(const Op& op, std::uint32_t length) noexcept {
  auto* address = const_cast<void*>(op.address);
  auto offset = static_cast<off_t>(op.offset);
  bool current = op.offset == kCurrentOffset;
  if (op.code == OpCode::write) {
    return result_of(current ? ::write(op.fd, address, length)
                             : ::pwrite(op.fd, address, length, offset));
  }
  return result_of(current ? ::read(op.fd, address, length)
                           : ::pread(op.fd, address, length, offset));
}

std::int32_t run_file_op(const Op& op) noexcept {
  const char* path = static_cast<const char*>(op.address);
  int flags = static_cast<int>(op.flags);
  auto extent = static_cast<off_t>(op.extent);
  switch (op.code) {
    case OpCode::read:
    case OpCode::write: return transfer_file(op, op.length);
    case OpCode::open: return result_of(::open(path, flags, static_cast<mode_t>(op.length)));
    case OpCode::close: return result_of(::close(op.fd));
    case OpCode::fsync:
      return result_of(op.flags == kFsyncDataOnly ? ::fdatasync(op.fd) : ::fsync(op.fd));
    case OpCode::fallocate:
      return result_of(::fallocate(op.fd, flags, static_cast<off_t>(op.offset), extent));
    case OpCode::truncate: return result_of(::ftruncate(op.fd, extent));
    case OpCode::rename:
      return result_of(
          ::renameat2(AT_FDCWD, path, AT_FDCWD, static_cast<const char*>(op.address2), op.flags));
    case OpCode::unlink: return result_of(::unlinkat(AT_FDCWD, path, flags));
    case OpCode::stat:
      return result_of(::statx(op.fd < 0 ? AT_FDCWD : op.fd, path, flags, op.length,
                               static_cast<struct statx*>(op.address2)));
    default: return -EINVAL;
  }
}

}  // namespace ringpull::inline v0::engine
