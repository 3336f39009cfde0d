#include "tools/bench/transfer_run.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <sys/resource.h>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>

namespace ringpull::tools {

using engine::Task;

namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

/// Takes the difference of clock, CPU time and system calls.
class Meter {
 public:
  Meter() {
    ::getrusage(RUSAGE_SELF, &usage_);
    enters_ = engine::Loop::current().backend().stats().enters;
    begin_ = SteadyClock::now();
  }
  void stop(Measurement& result) const {
    result.wall_s = std::chrono::duration<double>(SteadyClock::now() - begin_).count();
    rusage now{};
    ::getrusage(RUSAGE_SELF, &now);
    result.user_s = seconds(now.ru_utime) - seconds(usage_.ru_utime);
    result.system_s = seconds(now.ru_stime) - seconds(usage_.ru_stime);
    result.enters = engine::Loop::current().backend().stats().enters - enters_;
  }

 private:
  rusage usage_{};
  std::uint64_t enters_ = 0;
  SteadyClock::time_point begin_;
};

double milliseconds_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

struct PartOfLayer {
  std::size_t layer = 0;
  std::uint32_t number = 0;
  std::uint64_t offset = 0;  // in the layer
  std::size_t size = 0;
};

/// What the workers of a push or a pull share.
struct Job {
  Job(s3::Client& client_in, const ImagePlan& plan_in) : client(client_in), plan(plan_in) {}

  std::optional<PartOfLayer> take() {
    std::uint64_t per_layer = (plan.layer_bytes + plan.part_bytes - 1) / plan.part_bytes;
    std::size_t layer = static_cast<std::size_t>(next / per_layer);
    if (layer >= plan.layers) return std::nullopt;
    PartOfLayer part;
    part.layer = layer;
    part.number = static_cast<std::uint32_t>(next % per_layer) + 1;
    part.offset = (part.number - 1) * plan.part_bytes;
    part.size = static_cast<std::size_t>(std::min(plan.part_bytes, plan.layer_bytes - part.offset));
    ++next;
    return part;
  }

  s3::Client& client;
  const ImagePlan& plan;
  std::span<std::byte> memory;
  std::uint64_t next = 0;
  std::vector<s3::UploadId> uploads;
  std::vector<std::vector<s3::CompletedPart>> completed;
  std::vector<double> first_byte_ms;
};

std::span<std::byte> place_of(const Job& job, const PartOfLayer& part) {
  auto at = static_cast<std::size_t>(part.layer * job.plan.layer_bytes + part.offset);
  return job.memory.subspan(at, part.size);
}

Task<Result<void>> pull_parts(Job& job) {
  while (auto part = job.take()) {
    s3::GetObjectOptions options(job.plan.bucket, job.plan.layer_key(part->layer));
    RINGPULL_CO_TRY(options.range, http::ByteRange::of_length(part->offset, part->size));
    auto begin = SteadyClock::now();
    RINGPULL_CO_TRY(s3::GetObjectStream stream, co_await job.client.get_object(options));
    job.first_byte_ms.push_back(milliseconds_since(begin));
    auto read = co_await stream.body.read_exact(place_of(job, *part));
    if (!read) co_return fail(std::move(read).error().context("pull a layer"));
  }
  co_return Result<void>();
}

Task<Result<void>> push_parts(Job& job) {
  while (auto part = job.take()) {
    s3::UploadPartOptions options(job.plan.bucket, job.plan.layer_key(part->layer),
                                  job.uploads[part->layer], s3::PartNumber(part->number));
    http::SpanSource body{http::ConstBytes(place_of(job, *part))};
    auto begin = SteadyClock::now();
    RINGPULL_CO_TRY(s3::UploadPartResult sent, co_await job.client.upload_part(options, body));
    job.first_byte_ms.push_back(milliseconds_since(begin));
    job.completed[part->layer].emplace_back(s3::PartNumber(part->number), sent.etag);
  }
  co_return Result<void>();
}

Task<Result<void>> complete_layer(Job& job, std::size_t layer) {
  s3::CompleteMultipartUploadOptions options(job.plan.bucket, job.plan.layer_key(layer),
                                             job.uploads[layer]);
  options.parts = std::move(job.completed[layer]);
  std::sort(options.parts.begin(), options.parts.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  auto completed = co_await job.client.complete_multipart_upload(options);
  if (!completed) co_return fail(std::move(completed).error());
  co_return Result<void>();
}

}  // namespace

Task<Result<Measurement>> pull_image(s3::Client& client, const ImagePlan& plan,
                                     const ImageMemory& destination) {
  Job job(client, plan);
  job.memory = destination.bytes();
  engine::Context& context = co_await engine::current_context();
  Measurement result;
  Meter meter;
  engine::Scope scope(context);
  for (std::size_t i = 0; i < plan.concurrency; ++i) scope.spawn(pull_parts(job));
  RINGPULL_CO_CHECK(co_await scope.join());
  meter.stop(result);
  result.first_byte_ms = std::move(job.first_byte_ms);
  co_return result;
}

Task<Result<Measurement>> push_image(s3::Client& client, const ImagePlan& plan,
                                     const ImageMemory& source) {
  Job job(client, plan);
  job.memory = source.bytes();
  job.completed.resize(plan.layers);
  engine::Context& context = co_await engine::current_context();
  Measurement result;
  Meter meter;
  for (std::size_t layer = 0; layer < plan.layers; ++layer) {
    s3::CreateMultipartUploadOptions options(plan.bucket, plan.layer_key(layer));
    RINGPULL_CO_TRY(auto created, co_await client.create_multipart_upload(options));
    job.uploads.push_back(created.upload_id);
  }
  engine::Scope scope(context);
  for (std::size_t i = 0; i < plan.concurrency; ++i) scope.spawn(push_parts(job));
  RINGPULL_CO_CHECK(co_await scope.join());
  for (std::size_t layer = 0; layer < plan.layers; ++layer) {
    RINGPULL_CO_CHECK(co_await complete_layer(job, layer));
  }
  meter.stop(result);
  result.first_byte_ms = std::move(job.first_byte_ms);
  co_return result;
}

}  // namespace ringpull::tools
