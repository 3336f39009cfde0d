#include "s3/src/driver/write/part_sizes.hpp"

#include <algorithm>
#include <string>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/s3/names.hpp>

namespace ringpull::inline v0::s3::driver {

namespace {

constexpr std::uint32_t kLevelParts = 1000;
constexpr std::uint32_t kStepParts = 100;
// Blocks are whole pages; steps are larger, so that sizes read well in logs.
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kStepUnit = 64 * 1024;

constexpr std::uint64_t ceil_div(std::uint64_t value, std::uint64_t by) {
  return (value + by - 1) / by;
}
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return ceil_div(value, unit) * unit;
}

std::string bytes_text(std::uint64_t bytes) { return std::to_string(bytes) + " bytes"; }

/// How much every kStepParts must be larger than those before, for all to hold 5 TiB.
std::uint64_t growth(std::uint64_t first, std::uint32_t level_parts) {
  std::uint64_t level = first * kPartNumberMax;
  if (level >= kObjectBytesMax || level_parts >= kPartNumberMax) return 0;
  std::uint64_t growing = kPartNumberMax - level_parts;
  std::uint64_t full = growing / kStepParts;
  std::uint64_t rest = growing % kStepParts;
  std::uint64_t steps = kStepParts * full * (full + 1) / 2 + rest * (full + 1);
  return round_up(ceil_div(kObjectBytesMax - level, steps), kStepUnit);
}

}  // namespace

Result<PartSizes> PartSizes::plan(const PartPlan& plan) {
  if (plan.held_bytes_max < kPartBytesMin) {
    return fail(ErrorKind::resource_exhausted,
                "the memory budget of " + bytes_text(plan.budget_bytes) +
                    " holds no part of an upload; S3 takes none below " +
                    bytes_text(kPartBytesMin) + ": raise it to twice that");
  }
  PartSizes sizes;
  sizes.uniform_ = plan.uniform;
  sizes.budget_bytes_ = plan.budget_bytes;
  std::uint64_t half = plan.budget_bytes / 2 / kPage * kPage;
  sizes.most_ = std::clamp(half, kPartBytesMin, kPartBytesMax);
  sizes.first_ = std::min(plan.chunk_bytes, sizes.most_);
  sizes.level_parts_ = kLevelParts;

  if (plan.settled_bytes) {
    sizes.first_ = *plan.settled_bytes;
    if (engine::BufferPool::block_bytes(sizes.first_) > plan.held_bytes_max) {
      return fail(ErrorKind::resource_exhausted,
                  "the parts of this upload have " + bytes_text(sizes.first_) +
                      ", more than writers may hold of the memory budget of " +
                      bytes_text(plan.budget_bytes) + "; raise it to twice a part");
    }
  } else if (plan.size_hint) {
    std::uint64_t rest = *plan.size_hint - std::min(*plan.size_hint, plan.stored_bytes);
    std::uint32_t numbers = std::max(kPartNumberMax - plan.stored_parts, 1u);
    std::uint64_t needed = round_up(ceil_div(rest, numbers), kPage);
    if (needed > kPartBytesMax) {
      return fail(ErrorKind::too_large,
                  bytes_text(*plan.size_hint) + " are more than S3's 10000 parts of 5 GiB hold");
    }
    if (needed > sizes.most_) {
      return fail(ErrorKind::resource_exhausted,
                  bytes_text(*plan.size_hint) + " need parts of " + bytes_text(needed) +
                      ", more than half of the memory budget of " + bytes_text(plan.budget_bytes) +
                      "; raise it to " + bytes_text(2 * needed));
    }
    // A small file needs no block of a chunk's size; one that can still become a part, should more
    // bytes come than were announced.
    std::uint64_t small = std::max(round_up(rest, kPage), kPartBytesMin);
    sizes.first_ = std::min(std::max(sizes.first_, needed), small);
    auto hinted = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(ceil_div(rest, sizes.first_), kPartNumberMax));
    sizes.level_parts_ = std::max(kLevelParts, plan.stored_parts + hinted);
  }
  if (!plan.uniform) sizes.step_ = growth(sizes.first_, sizes.level_parts_);
  return sizes;
}

std::uint64_t PartSizes::at(std::uint32_t number) const noexcept {
  if (number <= level_parts_ || step_ == 0) return first_;
  std::uint64_t steps = (number - level_parts_ - 1) / kStepParts + 1;
  return std::max(first_, std::min(first_ + steps * step_, most_));
}

Error PartSizes::exhausted() const {
  std::string full = "all 10000 parts of the upload are full";
  if (uniform_) {
    return Error(ErrorKind::too_large,
                 full + "; this server wants parts of one size, and here they have " +
                     bytes_text(first_) + ": announce the file's size, or configure larger chunks");
  }
  std::uint64_t steps =
      level_parts_ < kPartNumberMax ? (kPartNumberMax - level_parts_ - 1) / kStepParts + 1 : 0;
  std::uint64_t last = std::min(first_ + steps * step_, kPartBytesMax);
  if (last <= most_) return Error(ErrorKind::too_large, full + ", as many as S3 takes");
  return Error(ErrorKind::resource_exhausted,
               full + "; half of the memory budget of " + bytes_text(budget_bytes_) +
                   " is the most that one may have: announce the file's size, or raise the "
                   "budget to " +
                   bytes_text(2 * last) + ", with which parts grow until they hold 5 TiB");
}

}  // namespace ringpull::inline v0::s3::driver
