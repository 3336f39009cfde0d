#pragma once
// Where the bytes of the sandbox are; an Extent (store.hpp) is a part of one. Plain system calls,
// which block.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <ringpull/engine/result.hpp>

namespace ringpull::sandbox {

/// Bytes that one upload brought: private memory, or a mapped file. Objects share segments (copies,
/// multipart uploads), so that nothing is copied after it has been received.
class Segment {
 public:
  static Result<std::shared_ptr<Segment>> in_memory(std::size_t size);
  /// Creates the file with that size.
  static Result<std::shared_ptr<Segment>> create_file(const std::string& path, std::size_t size);
  static Result<std::shared_ptr<Segment>> open_file(const std::string& path);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  std::span<std::byte> bytes() const noexcept { return bytes_; }
  /// Empty for one in memory.
  const std::string& path() const noexcept { return path_; }
  /// Gives pages of memory that hold nothing but zeros back to the system; they still read as
  /// zeros. Without effect on a file, and on memory too small for pages of its own.
  void release_zeros() noexcept;
  /// The file goes away together with the last user of the segment.
  void remove_when_released(bool remove) noexcept { remove_ = remove; }

 private:
  explicit Segment(std::size_t heap_bytes);
  Segment(std::span<std::byte> mapped, std::string path) noexcept
      : bytes_(mapped), path_(std::move(path)) {}

  std::unique_ptr<std::byte[]> heap_;  // null: bytes_ is a mapping
  std::span<std::byte> bytes_;
  std::string path_;
  bool remove_ = false;
};

}  // namespace ringpull::sandbox
