#include "bench/driver/bench.hpp"

#include <algorithm>

#include <ringpull/engine/loop.hpp>

namespace ringpull::bench {

namespace {

std::uint64_t enters_so_far() { return engine::Loop::current().backend().stats().enters; }

}  // namespace

s3::ObjectKey file_key(const DriverBench& bench) {
  return s3::ObjectKey(bench.driver().object_key(kFilePath).value_or(std::string()));
}

std::uint64_t rounds(const DriverOptions& options) {
  return std::max<std::uint64_t>(1, options.total_bytes / options.size_bytes);
}

Stretch::Stretch(DriverBench& bench)
    : bench_(bench), client_(bench.client().stats()), enters_(enters_so_far()) {}

void Stretch::stop() {
  DriverFigures& figures = bench_.figures;
  figures.usage = meter_.elapsed();
  figures.enters = enters_so_far() - enters_;
  figures.requests = bench_.client().stats().requests - client_.requests;
  figures.retries = bench_.client().stats().retries - client_.retries;
}

}  // namespace ringpull::bench
