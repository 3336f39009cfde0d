#pragma once
// What `ringpull bench` found, and its two forms.

#include <cstddef>
#include <string>
#include <vector>

#include "tools/bench/floor_run.hpp"
#include "tools/bench/transfer_run.hpp"

namespace ringpull::tools {

struct BenchArguments {
  BenchArguments() = default;
  std::size_t layers = 8;
  std::string layer_size = "64MiB";
  std::string part_size = "8MiB";
  std::size_t concurrency = 16;
  int rounds = 3;
  bool tls = false;
  bool sign_payload = false;
  bool json = false;
};

/// The rounds of one direction, ours beside the floor's.
struct Direction {
  Direction() = default;
  std::vector<Measurement> ours;
  std::vector<bench::FloorResult> floor;
};

struct BenchReport {
  BenchReport() = default;
  Direction push;
  Direction pull;
  std::string backend;
  std::string backend_description;
  std::string floor_missing;  // why there is no floor to compare with
};

/// For people: medians over the rounds, pull beside push. Also names the process's peak of memory
/// as it is now.
std::string bench_table(const BenchArguments& arguments, const ImagePlan& plan,
                        const BenchReport& report);

/// The same as one JSON object and a line feed.
std::string bench_json(const BenchArguments& arguments, const ImagePlan& plan,
                       const BenchReport& report);

}  // namespace ringpull::tools
