#pragma once
// What `ringpull bench` pushes, and where it pulls to: memory, so that no disk is measured.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <ringpull/engine/result.hpp>

namespace ringpull::tools {

/// Memory for a whole image, every page present before anything is measured.
class ImageMemory {
 public:
  static Result<ImageMemory> create(std::size_t size);
  ImageMemory(ImageMemory&& other) noexcept;
  ImageMemory& operator=(ImageMemory&&) = delete;
  ~ImageMemory();

  std::span<std::byte> bytes() const noexcept { return bytes_; }
  /// Noise that does not compress, the same for the same seed (xorshift64*).
  void fill(std::uint64_t seed) noexcept;
  /// Bytes that no image of fill() has in their place.
  void spoil() noexcept;

 private:
  explicit ImageMemory(std::span<std::byte> bytes) noexcept : bytes_(bytes) {}
  std::span<std::byte> bytes_;
};

}  // namespace ringpull::tools
