#pragma once
// What a request sends, and the bodies that copy nothing. Those that own their bytes or read a file
// are in body_sources.hpp; where a response's body can go is in body_sinks.hpp.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include <ringpull/engine/result.hpp>
#include <ringpull/engine/stream.hpp>
#include <ringpull/engine/task.hpp>

namespace ringpull::inline v0::http {

using engine::ConstBytes;
using engine::MutableBytes;

/// Where a request's body comes from. Outlives the request; read by one request at a time.
class BodySource {
 public:
  virtual ~BodySource() = default;

  /// Total bytes when known (Content-Length); unknown means chunked, which S3 refuses.
  virtual std::optional<std::uint64_t> size() const noexcept = 0;
  /// Whether rewind() works, without which a request that was sent cannot be repeated.
  virtual bool rewindable() const noexcept = 0;
  /// Back to the first byte. `unsupported` where not rewindable.
  virtual engine::Task<Result<void>> rewind() = 0;
  /// The next piece; empty at the end. The view stays valid until the next call.
  virtual engine::Task<Result<ConstBytes>> next() = 0;
};

/// Pieces of memory, in order, sent as they lie. Neither the bytes nor the array of pieces are
/// copied.
class SpanSource final : public BodySource {
 public:
  SpanSource() noexcept = default;
  explicit SpanSource(ConstBytes bytes) noexcept : single_(bytes), pieces_(&single_, 1) {}
  explicit SpanSource(std::span<const ConstBytes> pieces) noexcept : pieces_(pieces) {}
  SpanSource(const SpanSource&) = delete;
  SpanSource& operator=(const SpanSource&) = delete;

  std::optional<std::uint64_t> size() const noexcept override;
  bool rewindable() const noexcept override { return true; }
  engine::Task<Result<void>> rewind() override;
  engine::Task<Result<ConstBytes>> next() override;

 private:
  ConstBytes single_;
  std::span<const ConstBytes> pieces_;
  std::size_t index_ = 0;
};

/// Pieces that a function makes on demand; empty ends the body. Cannot be rewound.
class GeneratorSource final : public BodySource {
 public:
  using Function = std::function<engine::Task<Result<ConstBytes>>()>;
  explicit GeneratorSource(Function function, std::optional<std::uint64_t> size = std::nullopt)
      : function_(std::move(function)), size_(size) {}

  std::optional<std::uint64_t> size() const noexcept override { return size_; }
  bool rewindable() const noexcept override { return false; }
  engine::Task<Result<void>> rewind() override;
  engine::Task<Result<ConstBytes>> next() override;

 private:
  Function function_;
  std::optional<std::uint64_t> size_;
};

}  // namespace ringpull::inline v0::http
