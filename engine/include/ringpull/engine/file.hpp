#pragma once
// Files, opened, read and written without blocking the loop: by io_uring itself, on epoll by a few
// threads (BackendOptions::file_threads). truncate() blocks on io_uring below kernel 6.9.

#include <cstddef>
#include <cstdint>
#include <string>

#include <ringpull/engine/fd.hpp>
#include <ringpull/engine/io.hpp>
#include <ringpull/engine/stream.hpp>
#include <ringpull/engine/task.hpp>

namespace ringpull::inline v0::engine {

enum class FileMode : std::uint8_t {
  read,        ///< existing, read only
  write,       ///< created or emptied, write only
  create,      ///< must not exist, read and write
  read_write,  ///< existing, read and write
};

class OpenOptions {
 public:
  OpenOptions() = default;
  explicit OpenOptions(FileMode mode_in) noexcept : mode(mode_in) {}

  FileMode mode = FileMode::read;
  /// O_DIRECT: past the page cache. Offset, length and address of every transfer are then multiples
  /// of kDirectAlignment; anything else is `invalid_argument`, or slow where the file system puts
  /// up with it. The end of a file that is no multiple is read by a whole block that comes back
  /// short, and written padded, then cut by truncate(). tmpfs takes it from kernel 6.6.
  bool direct = false;
  /// Of a created file, before the umask.
  std::uint32_t permissions = 0666;
};

/// What every file system accepts; BufferPool's blocks have it.
inline constexpr std::size_t kDirectAlignment = 4096;
/// The next multiple of it.
constexpr std::size_t direct_size(std::size_t bytes) noexcept {
  return (bytes + kDirectAlignment - 1) / kDirectAlignment * kDirectAlignment;
}

class [[nodiscard]] ReadAt final : public IoAwaiter {
 public:
  ReadAt(int fd, MutableBytes out, std::uint64_t offset) noexcept;
  [[nodiscard]] Result<std::size_t> await_resume() const;
};

class [[nodiscard]] ReadExactAt final : public IoAwaiter {
 public:
  ReadExactAt(int fd, MutableBytes out, std::uint64_t offset) noexcept;
  [[nodiscard]] Result<void> await_resume() const;

 private:
  static bool advance(IoAwaiter& self) noexcept;
  MutableBytes out_;
  std::size_t done_ = 0;
};

class [[nodiscard]] WriteAllAt final : public IoAwaiter {
 public:
  WriteAllAt(int fd, ConstBytes bytes, std::uint64_t offset) noexcept;
  [[nodiscard]] Result<void> await_resume() const;

 private:
  static bool advance(IoAwaiter& self) noexcept;
  ConstBytes bytes_;
  std::size_t done_ = 0;
};

/// fsync, fallocate, ftruncate: no value but success.
class [[nodiscard]] FileControl final : public IoAwaiter {
 public:
  FileControl(OpCode operation, int fd, std::uint64_t size, const char* what,
              std::uint32_t control_flags = 0) noexcept;
  [[nodiscard]] Result<void> await_resume() const;

 private:
  const char* what_;
};

/// An open file. Transfers name their offset and may run side by side. Moved and closed only while
/// none is in flight. A transfer that is stopped may still have happened, in part or whole: one
/// that the kernel has begun is waited for.
class File {
 public:
  File() noexcept = default;
  explicit File(Fd fd) noexcept : fd_(std::move(fd)) {}

  /// `not_found`, `already_exists`, `permission_denied`, ... with the path in the message.
  static Task<Result<File>> open(std::string path, OpenOptions options);

  /// Up to the span; 0 at the end of the file.
  ReadAt read_some_at(MutableBytes out, std::uint64_t offset) noexcept {
    return ReadAt(fd(), out, offset);
  }
  /// Fills the span; `truncated` with bytes_done() when the file ends before.
  ReadExactAt read_exact_at(MutableBytes out, std::uint64_t offset) noexcept {
    return ReadExactAt(fd(), out, offset);
  }
  /// All bytes are with the kernel, not yet on the disk, when it completes.
  WriteAllAt write_all_at(ConstBytes bytes, std::uint64_t offset) noexcept {
    return WriteAllAt(fd(), bytes, offset);
  }
  /// Reserves blocks and grows the file to `size` bytes. `unsupported` on file systems without it.
  FileControl allocate(std::uint64_t size) noexcept;
  FileControl truncate(std::uint64_t size) noexcept;
  /// The data (and what is needed to find it) is on the disk when it completes.
  FileControl sync_data() noexcept;
  FileControl sync_all() noexcept;

  /// In bytes, by fstat(2), which does not block.
  Result<std::uint64_t> size() const;
  /// Whether transfers go past the page cache (OpenOptions::direct), by fcntl(2).
  bool is_direct() const noexcept;
  int fd() const noexcept { return fd_.get(); }
  bool is_open() const noexcept { return static_cast<bool>(fd_); }
  void close() noexcept { fd_.reset(); }

 private:
  Fd fd_;
};

/// Replaces `to` in one step when it exists (rename(2)).
Task<Result<void>> rename_file(std::string from, std::string to);
/// `not_found` when there is none.
Task<Result<void>> remove_file(std::string path);

}  // namespace ringpull::inline v0::engine
