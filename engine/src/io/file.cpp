#include <algorithm>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <sys/stat.h>

#include <ringpull/engine/file.hpp>

namespace ringpull::inline v0::engine {

namespace {

// Below 2^31, and aligned so that O_DIRECT takes it.
constexpr std::size_t kTransferMax = std::size_t{INT_MAX} & ~(kDirectAlignment - 1);

std::uint32_t clamp_length(std::size_t size) noexcept {
  return static_cast<std::uint32_t>(std::min(size, kTransferMax));
}

std::uint32_t open_flags(const OpenOptions& options) noexcept {
  std::uint32_t flags = O_CLOEXEC;
  switch (options.mode) {
    case FileMode::read: flags |= O_RDONLY; break;
    case FileMode::write: flags |= O_WRONLY | O_CREAT | O_TRUNC; break;
    case FileMode::create: flags |= O_RDWR | O_CREAT | O_EXCL; break;
    case FileMode::read_write: flags |= O_RDWR; break;
  }
  if (options.direct) flags |= O_DIRECT;
  return flags;
}

/// open, rename, unlink: an operation on paths that outlive it.
class PathOperation final : public IoAwaiter {
 public:
  PathOperation(OpCode operation, const std::string& path) noexcept : IoAwaiter(operation, -1) {
    address = path.c_str();
  }
  Result<int> await_resume() const {
    if (result < 0) return fail(failure("the operation"));
    return result;
  }
  /// "open /x: No such file or directory".
  Error describe(const std::string& what) const { return failure(what); }
};

}  // namespace

ReadAt::ReadAt(int file, MutableBytes out, std::uint64_t at) noexcept
    : IoAwaiter(OpCode::read, file) {
  address = out.data();
  length = clamp_length(out.size());
  offset = at;
}

Result<std::size_t> ReadAt::await_resume() const {
  if (result < 0) return fail(failure("read a file"));
  return static_cast<std::size_t>(result);
}

ReadExactAt::ReadExactAt(int file, MutableBytes out, std::uint64_t at) noexcept
    : IoAwaiter(OpCode::read, file), out_(out) {
  if (out.empty()) code = OpCode::nop;
  address = out.data();
  length = clamp_length(out.size());
  offset = at;
  continue_ = &ReadExactAt::advance;
}

bool ReadExactAt::advance(IoAwaiter& self) noexcept {
  auto& read = static_cast<ReadExactAt&>(self);
  if (read.result <= 0) return false;
  auto count = static_cast<std::size_t>(read.result);
  read.done_ += count;
  read.offset += count;
  if (read.done_ == read.out_.size()) return false;
  MutableBytes rest = read.out_.subspan(read.done_);
  read.address = rest.data();
  read.length = clamp_length(rest.size());
  return true;
}

Result<void> ReadExactAt::await_resume() const {
  if (done_ == out_.size()) return {};
  // O_DIRECT: the file ended off alignment, and asking on from there is refused.
  bool direct_end = result == -EINVAL && done_ % kDirectAlignment != 0;
  if (result < 0 && !direct_end) return fail(failure("read a file", done_));
  return fail(Error(ErrorKind::truncated, "the file ends early").with_bytes_done(done_));
}

WriteAllAt::WriteAllAt(int file, ConstBytes bytes, std::uint64_t at) noexcept
    : IoAwaiter(OpCode::write, file), bytes_(bytes) {
  if (bytes.empty()) code = OpCode::nop;
  address = bytes.data();
  length = clamp_length(bytes.size());
  offset = at;
  continue_ = &WriteAllAt::advance;
}

bool WriteAllAt::advance(IoAwaiter& self) noexcept {
  auto& write = static_cast<WriteAllAt&>(self);
  if (write.result <= 0) return false;
  auto count = static_cast<std::size_t>(write.result);
  write.done_ += count;
  write.offset += count;
  if (write.done_ == write.bytes_.size()) return false;
  ConstBytes rest = write.bytes_.subspan(write.done_);
  write.address = rest.data();
  write.length = clamp_length(rest.size());
  return true;
}

Result<void> WriteAllAt::await_resume() const {
  if (done_ == bytes_.size()) return {};
  if (result == 0)
    return fail(Error(ErrorKind::io, "the file takes no more bytes").with_bytes_done(done_));
  return fail(failure("write a file", done_));
}

FileControl::FileControl(OpCode operation, int file, std::uint64_t size, const char* what,
                         std::uint32_t control_flags) noexcept
    : IoAwaiter(operation, file), what_(what) {
  extent = size;
  flags = control_flags;
}

Result<void> FileControl::await_resume() const {
  if (result < 0) return fail(failure(what_));
  return {};
}

Task<Result<File>> File::open(std::string path, OpenOptions options) {
  PathOperation operation(OpCode::open, path);
  operation.flags = open_flags(options);
  operation.length = options.permissions;
  auto opened = co_await operation;
  if (!opened) co_return fail(operation.describe("open " + path));
  co_return File(Fd(*opened));
}

FileControl File::allocate(std::uint64_t size) noexcept {
  return FileControl(OpCode::fallocate, fd(), size, "allocate a file");
}

FileControl File::truncate(std::uint64_t size) noexcept {
  return FileControl(OpCode::truncate, fd(), size, "truncate a file");
}

FileControl File::sync_data() noexcept {
  return FileControl(OpCode::fsync, fd(), 0, "write a file to disk", kFsyncDataOnly);
}

FileControl File::sync_all() noexcept {
  return FileControl(OpCode::fsync, fd(), 0, "write a file to disk");
}

Result<std::uint64_t> File::size() const {
  struct stat status{};
  if (::fstat(fd(), &status) != 0) return fail(Error::from_errno(errno, "size of a file"));
  return static_cast<std::uint64_t>(status.st_size);
}

bool File::is_direct() const noexcept {
  int flags = ::fcntl(fd(), F_GETFL);
  return flags >= 0 && (flags & O_DIRECT) != 0;
}

Task<Result<void>> rename_file(std::string from, std::string to) {
  PathOperation operation(OpCode::rename, from);
  operation.address2 = to.data();
  auto renamed = co_await operation;
  if (!renamed) co_return fail(operation.describe("rename " + from + " to " + to));
  co_return Result<void>();
}

Task<Result<void>> remove_file(std::string path) {
  PathOperation operation(OpCode::unlink, path);
  auto removed = co_await operation;
  if (!removed) co_return fail(operation.describe("remove " + path));
  co_return Result<void>();
}

}  // namespace ringpull::inline v0::engine
