#pragma once

// Request bodies that own what they send, or read it from a file.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <ringpull/engine/buffer.hpp>
#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/file.hpp>
#include <ringpull/http/body.hpp>

namespace ringpull::inline v0::http {

/// Owned memory, sent as it lies; leases count against their budget until the source dies.
class BufferSource final : public BodySource {
 public:
  explicit BufferSource(engine::BufferChain chain) noexcept : chain_(std::move(chain)) {}
  explicit BufferSource(engine::Buffer bytes) { chain_.append(std::move(bytes)); }
  explicit BufferSource(engine::BufferLease bytes) { chain_.append(std::move(bytes)); }

  std::optional<std::uint64_t> size() const noexcept override { return chain_.size(); }
  bool rewindable() const noexcept override { return true; }
  engine::Task<Result<void>> rewind() override;
  engine::Task<Result<ConstBytes>> next() override;

 private:
  engine::BufferChain chain_;
  std::size_t index_ = 0;
};

class FileSourceOptions {
 public:
  explicit FileSourceOptions(std::uint64_t size) noexcept : size_bytes(size) {}

  /// Of the body's first byte; a multiple of kDirectAlignment where the file was opened direct.
  std::uint64_t offset = 0;
  std::uint64_t size_bytes;
  /// Read at once, into the one block that is leased. 256 KiB: still in the processor's cache when
  /// it is sent, and few enough reads to not be seen beside the sending.
  std::size_t block_bytes = 256 * 1024;
};

/// A range of a file, read a block at a time through one lease, which a next() waits for and which
/// goes back at the end of the body, or with the source. Reading and sending take turns.
///
/// A file that does not hold the range is `invalid_argument`: before anything is sent where the
/// file is too short from the start, else the connection is closed before the end of the announced
/// length, so that no server takes the rest of one request for another. The file may grow; a body
/// of which bytes are overwritten meanwhile is sent half old, half new.
class FileSource final : public BodySource {
 public:
  FileSource(engine::File& file, engine::BufferPool& pool,
             const FileSourceOptions& options) noexcept
      : file_(file), pool_(pool), options_(options) {}
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  std::optional<std::uint64_t> size() const noexcept override { return options_.size_bytes; }
  bool rewindable() const noexcept override { return true; }
  engine::Task<Result<void>> rewind() override;
  engine::Task<Result<ConstBytes>> next() override;

 private:
  engine::Task<Result<void>> begin();
  Error too_short(std::uint64_t bytes) const;

  engine::File& file_;
  engine::BufferPool& pool_;
  const FileSourceOptions options_;
  engine::BufferLease block_;
  std::uint64_t done_ = 0;
};

}  // namespace ringpull::inline v0::http
