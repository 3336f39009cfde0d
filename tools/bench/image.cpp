#include "tools/bench/image.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>

namespace ringpull::tools {

Result<ImageMemory> ImageMemory::create(std::size_t size) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (address == MAP_FAILED) {
    return fail(Error::from_errno(errno, std::to_string(size) + " bytes of memory for the image"));
  }
  return ImageMemory(std::span<std::byte>(static_cast<std::byte*>(address), size));
}

ImageMemory::ImageMemory(ImageMemory&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

ImageMemory::~ImageMemory() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

void ImageMemory::fill(std::uint64_t seed) noexcept {
  std::uint64_t state = seed * 0x9E3779B97F4A7C15U | 1;
  for (std::size_t at = 0; at < bytes_.size(); at += sizeof state) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    std::uint64_t word = state * 0x2545F4914F6CDD1DU;
    std::memcpy(bytes_.data() + at, &word, std::min(sizeof word, bytes_.size() - at));
  }
}

void ImageMemory::spoil() noexcept { std::memset(bytes_.data(), 0x5A, bytes_.size()); }

}  // namespace ringpull::tools
