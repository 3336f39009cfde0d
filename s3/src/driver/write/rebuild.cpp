#include "s3/src/driver/write/rebuild.hpp"

#include <algorithm>

#include <ringpull/engine/scope.hpp>

namespace ringpull::inline v0::s3::driver {

using engine::Task;

namespace {

// The last range is less than twice as long, within S3's 5 GiB.
constexpr std::uint64_t kRangeBytesMax = std::uint64_t(2) << 30;
constexpr std::uint64_t kRangesMax = kPartNumberMax / 2;

struct CopyJob {
  CopyJob(Core& core_in, const CopySource& source_in, const UploadId& upload_in,
          const RebuildPlan& plan_in)
      : core(core_in), source(source_in), upload(upload_in), plan(plan_in) {
    parts.resize(plan.ranges.size());
  }

  Core& core;
  const CopySource& source;
  const UploadId& upload;
  const RebuildPlan& plan;
  std::vector<StoredPart> parts;
  std::size_t next = 0;
};

Task<Result<void>> copy_some(CopyJob& job) {
  while (job.next < job.plan.ranges.size()) {
    std::size_t index = job.next++;
    UploadPartCopyOptions request;
    request.source_bucket = job.core.options.bucket;
    request.source_key = job.source.key;
    request.source_if_match = job.source.etag.if_strong();
    request.source_range = job.plan.ranges[index];
    request.bucket = job.core.options.bucket;
    request.key = job.source.key;
    request.upload_id = job.upload;
    request.number = PartNumber(static_cast<std::uint32_t>(index) + 1);
    RINGPULL_CO_TRY(UploadPartCopyResult copied,
                    co_await job.core.client.upload_part_copy(request));
    job.parts[index] = StoredPart(request.source_range->length(), std::move(copied.etag));
  }
  co_return Result<void>();
}

}  // namespace

RebuildPlan plan_rebuild(std::uint64_t total, const PartSizes& sizes,
                         std::uint64_t copy_chunk_bytes) {
  std::uint64_t size = sizes.first();
  std::uint64_t count = total / size;
  std::uint64_t rest = total % size;
  if (!sizes.uniform()) {
    std::uint64_t least = (total + kRangesMax - 1) / kRangesMax;
    size = std::min(std::max({copy_chunk_bytes, least, kPartBytesMin}), kRangeBytesMax);
    count = std::max<std::uint64_t>(total / size, total >= kPartBytesMin ? 1 : 0);
    rest = count == 0 ? total : 0;
  }
  RebuildPlan plan;
  std::uint64_t end = total - rest;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t first = i * size;
    std::uint64_t length = i + 1 == count ? end - first : size;
    plan.ranges.push_back(http::ByteRange::of_length(first, length).value());
  }
  plan.rest_offset = end;
  plan.rest_bytes = rest;
  return plan;
}

Task<Result<std::vector<StoredPart>>> copy_ranges(Core& core, const CopySource& source,
                                                  const UploadId& upload, const RebuildPlan& plan) {
  CopyJob job(core, source, upload, plan);
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  std::size_t workers =
      std::min(std::max<std::size_t>(core.options.copy_concurrency, 1), plan.ranges.size());
  for (std::size_t i = 0; i < workers; ++i) scope.spawn(copy_some(job));
  RINGPULL_CO_CHECK(co_await scope.join());
  co_return std::move(job.parts);
}

Task<Result<void>> read_rest(Core& core, const CopySource& source, std::uint64_t offset,
                             http::MutableBytes out) {
  GetObjectOptions request(core.options.bucket, source.key);
  RINGPULL_CO_TRY(request.range, http::ByteRange::of_length(offset, out.size()));
  request.conditions.if_match = source.etag.if_strong();
  RINGPULL_CO_TRY(GetObjectIntoResult read, co_await core.client.get_object_into(request, out));
  if (read.bytes != out.size()) {
    co_return fail(ErrorKind::truncated, "the object is shorter than the parts it was made of");
  }
  co_return Result<void>();
}

}  // namespace ringpull::inline v0::s3::driver
