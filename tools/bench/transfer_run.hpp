#pragma once
// Our side of `ringpull bench`; the floor's is floor_run.hpp. CPU time is of the whole process, so
// nothing else is to run meanwhile.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/client.hpp>

#include "tools/bench/image.hpp"

namespace ringpull::tools {

/// What is pushed and pulled: layers of equal size, each an object, moved in parts.
struct ImagePlan {
  ImagePlan() = default;
  std::size_t layers = 8;
  std::uint64_t layer_bytes = 64 * 1024 * 1024;
  std::uint64_t part_bytes = 8 * 1024 * 1024;
  std::size_t concurrency = 16;
  s3::Bucket bucket;

  std::uint64_t total_bytes() const noexcept { return layers * layer_bytes; }
  s3::ObjectKey layer_key(std::size_t layer) const {
    return s3::ObjectKey("layer-" + std::to_string(layer));
  }
};

/// One measured interval of this process.
struct Measurement {
  Measurement() = default;
  double wall_s = 0;
  double user_s = 0;
  double system_s = 0;
  std::uint64_t enters = 0;
  std::vector<double> first_byte_ms;  // of each request

  double cpu_s() const noexcept { return user_s + system_s; }
};

/// Pushes every layer by multipart upload, `concurrency` parts at once over all layers. The time to
/// first byte of an UploadPart ends with the head of its answer.
engine::Task<Result<Measurement>> push_image(s3::Client& client, const ImagePlan& plan,
                                             const ImageMemory& source);

/// Pulls every layer by ranged reads, `concurrency` parts at once over all layers, each from the
/// socket to its place.
engine::Task<Result<Measurement>> pull_image(s3::Client& client, const ImagePlan& plan,
                                             const ImageMemory& destination);

}  // namespace ringpull::tools
