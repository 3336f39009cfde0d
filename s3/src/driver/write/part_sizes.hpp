#pragma once
// How large each part of an upload is. Pure computation.

#include <cstdint>
#include <optional>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::s3::driver {

/// The largest object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
inline constexpr std::uint64_t kObjectBytesMax = std::uint64_t(5) << 40;

/// What the sizes follow from.
struct PartPlan {
  PartPlan() = default;

  std::uint64_t chunk_bytes = 0;
  /// The memory budget: a part takes half of it at most, so that another writer's fits beside it.
  std::uint64_t budget_bytes = 0;
  /// What of it writers may hold.
  std::uint64_t held_bytes_max = 0;
  /// All parts but the last have one size.
  bool uniform = false;
  /// Of the whole file.
  std::optional<std::uint64_t> size_hint;
  /// What an upload that is continued has already.
  std::uint32_t stored_parts = 0;
  std::uint64_t stored_bytes = 0;
  /// The size that its parts have, where they must go on having it.
  std::optional<std::uint64_t> settled_bytes;
};

/// The sizes of the parts of one upload, which never shrink from one number to the next.
///
/// With a size hint, and where the server wants uniform parts, all have one size. Otherwise the
/// first 1,000 have the chunk's size (10 GiB at 10 MiB, more than nearly every layer), and every
/// hundred after them are larger by one step, so that 10,000 parts hold 5 TiB: less memory and
/// smaller tails than a size that is chosen for 5 TiB from the start. A hint that turns out too
/// small is followed by the same growth.
class PartSizes {
 public:
  /// `resource_exhausted` when a part of the size that the hint asks for, or the least of 5 MiB,
  /// does not fit into the share that writers may hold; `too_large` when the hint exceeds what
  /// 10,000 parts can hold.
  static Result<PartSizes> plan(const PartPlan& plan);

  /// Of part `number`, 1 to kPartNumberMax.
  std::uint64_t at(std::uint32_t number) const noexcept;
  /// Of the first parts.
  std::uint64_t first() const noexcept { return first_; }
  bool uniform() const noexcept { return uniform_; }
  /// Why there is nothing behind part kPartNumberMax, and what to do: `resource_exhausted` when it
  /// is the budget that keeps the parts small, else `too_large`.
  Error exhausted() const;

 private:
  PartSizes() = default;

  std::uint64_t first_ = 0;
  std::uint64_t step_ = 0;  // per kStepParts behind level_parts_
  std::uint64_t most_ = 0;  // half the budget, or S3's limit
  std::uint64_t budget_bytes_ = 0;
  std::uint32_t level_parts_ = 0;  // of size first_
  bool uniform_ = false;
};

}  // namespace ringpull::inline v0::s3::driver
