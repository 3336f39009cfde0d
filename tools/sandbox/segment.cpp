#include "tools/sandbox/segment.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ringpull/engine/fd.hpp>

namespace ringpull::sandbox {

namespace {

Result<std::span<std::byte>> map(int fd, std::size_t size, const std::string& what) {
  if (size == 0) return std::span<std::byte>();
  int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (address == MAP_FAILED) return fail(Error::from_errno(errno, "map " + what));
  return std::span<std::byte>(static_cast<std::byte*>(address), size);
}

constexpr std::size_t kPage = 4096;
/// Below this a mapping of its own wastes memory, and its system calls cost more than the bytes: a
/// million files of one byte would take 4 GiB.
constexpr std::size_t kMappedMin = 16 * kPage;

bool is_zero(std::span<const std::byte> bytes) noexcept {
  return bytes.empty() || (bytes.front() == std::byte(0) &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace

Segment::Segment(std::size_t heap_bytes)
    : heap_(std::make_unique<std::byte[]>(heap_bytes)), bytes_(heap_.get(), heap_bytes) {}

Result<std::shared_ptr<Segment>> Segment::in_memory(std::size_t size) {
  if (size < kMappedMin) return std::shared_ptr<Segment>(new Segment(size));
  RINGPULL_TRY(auto bytes, map(-1, size, std::to_string(size) + " bytes of memory"));
  return std::shared_ptr<Segment>(new Segment(bytes, {}));
}

Result<std::shared_ptr<Segment>> Segment::create_file(const std::string& path, std::size_t size) {
  engine::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return fail(Error::from_errno(errno, "create " + path));
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return fail(Error::from_errno(errno, "grow " + path));
  }
  RINGPULL_TRY(auto bytes, map(fd.get(), size, path));
  return std::shared_ptr<Segment>(new Segment(bytes, path));
}

Result<std::shared_ptr<Segment>> Segment::open_file(const std::string& path) {
  engine::Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return fail(Error::from_errno(errno, "open " + path));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail(Error::from_errno(errno, "stat " + path));
  RINGPULL_TRY(auto bytes, map(fd.get(), static_cast<std::size_t>(status.st_size), path));
  return std::shared_ptr<Segment>(new Segment(bytes, path));
}

void Segment::release_zeros() noexcept {
  if (!path_.empty() || heap_) return;
  std::size_t zeros = 0;  // bytes of the run of pages that ends at `at`
  for (std::size_t at = 0; at < bytes_.size() || zeros > 0;) {
    auto page = bytes_.subspan(at, std::min(kPage, bytes_.size() - at));
    if (!page.empty() && is_zero(page)) {
      zeros += page.size();
      at += page.size();
      continue;
    }
    if (zeros > 0) ::madvise(bytes_.data() + at - zeros, zeros, MADV_DONTNEED);
    zeros = 0;
    at += page.size();
  }
}

Segment::~Segment() {
  if (!heap_ && !bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
  if (remove_ && !path_.empty()) ::unlink(path_.c_str());
}

}  // namespace ringpull::sandbox
