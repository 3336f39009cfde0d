#include "tools/bench/report.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <sys/resource.h>

#include "tools/console/json.hpp"
#include "tools/console/output.hpp"
#include "tools/console/progress.hpp"

namespace ringpull::tools {

namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values[std::min(rank, values.size() - 1)];
}

/// One direction in numbers: medians over the rounds; first-byte times over all requests.
struct Summary {
  double gib_per_s = 0;
  double cpu_s_per_gib = 0;
  std::optional<double> floor_cpu_s_per_gib;
  std::optional<double> floor_ratio;
  double first_byte_ms_p50 = 0;
  double first_byte_ms_p99 = 0;
  double enters_per_gib = 0;
};

Summary summarise(const Direction& direction, double gib) {
  std::vector<double> rates;
  std::vector<double> cpu;
  std::vector<double> enters;
  std::vector<double> first_byte;
  std::vector<double> floor_cpu;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < direction.ours.size(); ++i) {
    const Measurement& round = direction.ours[i];
    rates.push_back(gib / round.wall_s);
    cpu.push_back(round.cpu_s() / gib);
    enters.push_back(static_cast<double>(round.enters) / gib);
    first_byte.insert(first_byte.end(), round.first_byte_ms.begin(), round.first_byte_ms.end());
    if (i >= direction.floor.size()) continue;
    const bench::FloorResult& floor = direction.floor[i];
    double per_gib = (floor.user_s + floor.sys_s) / (static_cast<double>(floor.bytes) / kGiB);
    floor_cpu.push_back(per_gib);
    ratios.push_back(round.cpu_s() / gib / per_gib);
  }
  Summary summary;
  summary.gib_per_s = median(rates);
  summary.cpu_s_per_gib = median(cpu);
  summary.enters_per_gib = median(enters);
  summary.first_byte_ms_p50 = percentile(first_byte, 0.50);
  summary.first_byte_ms_p99 = percentile(first_byte, 0.99);
  if (!ratios.empty()) {
    summary.floor_cpu_s_per_gib = median(floor_cpu);
    summary.floor_ratio = median(ratios);
  }
  return summary;
}

Json to_json(const Summary& summary) {
  Json object;
  object.set("gib_per_s", summary.gib_per_s);
  object.set("cpu_s_per_gib", summary.cpu_s_per_gib);
  object.set("ttfb_ms_p50", summary.first_byte_ms_p50);
  object.set("ttfb_ms_p99", summary.first_byte_ms_p99);
  object.set("enters_per_gib", summary.enters_per_gib);
  object.set("floor_ratio", summary.floor_ratio ? Json(*summary.floor_ratio) : Json());
  return object;
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::string ratio_text(const Summary& summary) {
  return summary.floor_ratio ? fmt::format("{:.2f}x", *summary.floor_ratio) : "-";
}

}  // namespace

std::string bench_table(const BenchArguments& arguments, const ImagePlan& plan,
                        const BenchReport& report) {
  double gib = static_cast<double>(plan.total_bytes()) / kGiB;
  Summary pull = summarise(report.pull, gib);
  Summary push = summarise(report.push, gib);
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(
      out, "\n{} layers x {}, parts of {}, {} at once, {}, payload {}, {}\n", plan.layers,
      format_bytes(static_cast<double>(plan.layer_bytes)),
      format_bytes(static_cast<double>(plan.part_bytes)), plan.concurrency,
      arguments.tls ? "TLS" : "plain HTTP", arguments.sign_payload ? "signed" : "not signed",
      arguments.rounds == 1 ? "1 round" : fmt::format("{} rounds (medians)", arguments.rounds));
  fmt::format_to(out, "client: {}; server: ringpull sandbox on this machine\n\n",
                 report.backend_description);
  fmt::format_to(out, "{:<34}{:>12}{:>12}\n", "", "pull", "push");
  fmt::format_to(out, "{:<34}{:>12.2f}{:>12.2f}\n", "GiB/s", pull.gib_per_s, push.gib_per_s);
  fmt::format_to(out, "{:<34}{:>12.3f}{:>12.3f}\n", "client CPU-s/GiB", pull.cpu_s_per_gib,
                 push.cpu_s_per_gib);
  if (pull.floor_cpu_s_per_gib && push.floor_cpu_s_per_gib) {
    fmt::format_to(out, "{:<34}{:>12.3f}{:>12.3f}\n", "floor CPU-s/GiB (bare sockets)",
                   *pull.floor_cpu_s_per_gib, *push.floor_cpu_s_per_gib);
  }
  fmt::format_to(out, "{:<34}{:>12}{:>12}\n", "ratio to the floor, same run", ratio_text(pull),
                 ratio_text(push));
  fmt::format_to(out, "{:<34}{:>12.2f}{:>12.2f}\n", "time to first byte p50, ms",
                 pull.first_byte_ms_p50, push.first_byte_ms_p50);
  fmt::format_to(out, "{:<34}{:>12.2f}{:>12.2f}\n", "time to first byte p99, ms",
                 pull.first_byte_ms_p99, push.first_byte_ms_p99);
  fmt::format_to(out, "{:<34}{:>12.0f}{:>12.0f}\n", "system calls of the loop per GiB",
                 pull.enters_per_gib, push.enters_per_gib);
  fmt::format_to(out, "{:<34}{:>12}  of which 2 x {} are the image\n\n", "peak RSS",
                 format_bytes(static_cast<double>(peak_rss_bytes())),
                 format_bytes(static_cast<double>(plan.total_bytes())));
  fmt::format_to(
      out, "Every byte pulled was compared with what was pushed, outside the measured time.\n");
  if (!report.floor_missing.empty()) fmt::format_to(out, "No floor: {}\n", report.floor_missing);
  return text;
}

std::string bench_json(const BenchArguments& arguments, const ImagePlan& plan,
                       const BenchReport& report) {
  double gib = static_cast<double>(plan.total_bytes()) / kGiB;
  Json object;
  object.set("pull", to_json(summarise(report.pull, gib)));
  object.set("push", to_json(summarise(report.push, gib)));
  object.set("rss_peak_bytes", peak_rss_bytes());
  object.set("tls", arguments.tls);
  object.set("payload_signed", arguments.sign_payload);
  object.set("backend", report.backend);
  object.set("layers", plan.layers);
  object.set("layer_bytes", plan.layer_bytes);
  object.set("part_bytes", plan.part_bytes);
  object.set("concurrency", plan.concurrency);
  object.set("rounds", arguments.rounds);
  return object.line();
}

}  // namespace ringpull::tools
