#include "bench/floor/floor_main.hpp"

#include <charconv>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <getopt.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace ringpull::bench {

namespace {

constexpr const char* kUsage =
    R"(usage: {} [options]
  --url URL            http:// or https://host[:port]/target
  --target-file FILE   request targets, one a line: line i is for part i (one line: for all)
  --header TEXT        added to each request verbatim; may be repeated
  --size N             size of the object and of the memory for it (default 1G)
  --part-size N        bytes for each request (default 8M)
  --connections N      default 16
  --total-bytes N      go through the object again until N bytes are moved (default: once)
  --object-file FILE   receive: compare with it afterwards; send: take the bodies from it
  --low-water N        floor_recv: SO_RCVLOWAT while a body comes in (default: left alone)
  --ca FILE            TLS: trust only this (default: accept any certificate)
  --tls-buffer N       TLS: ciphertext buffer under the BIO (default 256K)
  --cpu N              pin to this core
  --json               print one line of JSON
Numbers may end in K, M or G (powers of 1024).
)";

std::uint64_t parse_bytes(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, text.size() - static_cast<std::size_t>(end - text.data()));
  const std::size_t power = std::string_view("KMG").find(unit.empty() ? 'K' : unit[0]);
  if (code != std::errc() || unit.size() > 1 || power == std::string_view::npos) {
    throw std::invalid_argument(
        fmt::format("\"{}\": expected a number, or one with K, M, G", text));
  }
  return unit.empty() ? value : value << (10 * (power + 1));
}

std::vector<std::string> read_lines(const char* path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) throw std::invalid_argument(fmt::format("{}: no request targets", path));
  return lines;
}

enum Option {
  url,
  target_file,
  header,
  size,
  part_size,
  connections,
  total_bytes,
  object_file,
  low_water,
  ca,
  tls_buffer,
  cpu,
  json,
  help
};

constexpr option kOptions[] = {
    {"url", required_argument, nullptr, url},
    {"target-file", required_argument, nullptr, target_file},
    {"header", required_argument, nullptr, header},
    {"size", required_argument, nullptr, size},
    {"part-size", required_argument, nullptr, part_size},
    {"connections", required_argument, nullptr, connections},
    {"total-bytes", required_argument, nullptr, total_bytes},
    {"object-file", required_argument, nullptr, object_file},
    {"low-water", required_argument, nullptr, low_water},
    {"ca", required_argument, nullptr, ca},
    {"tls-buffer", required_argument, nullptr, tls_buffer},
    {"cpu", required_argument, nullptr, cpu},
    {"json", no_argument, nullptr, json},
    {"help", no_argument, nullptr, help},
    {nullptr, 0, nullptr, 0},
};

struct CommandLine {
  FloorOptions options;
  bool json = false;
  bool usage = false;
};

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  FloorOptions& options = line.options;
  for (int found = 0; (found = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    switch (found) {
      case url: options.url = optarg; break;
      case target_file: options.targets = read_lines(optarg); break;
      case header: options.headers.emplace_back(optarg); break;
      case size: options.size = parse_bytes(optarg); break;
      case part_size: options.part_size = parse_bytes(optarg); break;
      case connections: options.connections = static_cast<unsigned>(parse_bytes(optarg)); break;
      case total_bytes: options.total_bytes = parse_bytes(optarg); break;
      case object_file: options.object_file = optarg; break;
      case low_water: options.low_water = parse_bytes(optarg); break;
      case ca: options.ca_file = optarg; break;
      case tls_buffer: options.tls_buffer_size = parse_bytes(optarg); break;
      case cpu: options.cpu = static_cast<int>(parse_bytes(optarg)); break;
      case json: line.json = true; break;
      default: line.usage = true;
    }
  }
  line.usage = line.usage || optind < argc;
  return line;
}

void print_for_people(const char* name, const FloorResult& result) {
  const double gib = static_cast<double>(result.bytes) / (1u << 30);
  fmt::print(
      "{}: {:.2f} GiB, {:.2f} GiB/s, {:.4f} CPU-s/GiB (user {:.4f}), {:.1f} enters/GiB, "
      "peak RSS {} MiB\n",
      name, gib, gib / result.wall_s, (result.user_s + result.sys_s) / gib, result.user_s / gib,
      static_cast<double>(result.enters) / gib, result.rss_peak_bytes >> 20);
}

}  // namespace

int floor_main(int argc, char** argv, const char* name, FloorProgram program) {
  try {
    const CommandLine line = parse_command_line(argc, argv);
    if (line.usage) {
      fmt::print(stderr, kUsage, name);
      return 2;
    }
    FloorResult result;
    if (program(line.options, result) != 0) {
      fmt::print(stderr, "{}: {}\n", name, result.error);
      return 1;
    }
    line.json ? fmt::print("{}\n", to_json(name, result)) : print_for_people(name, result);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 2;
  }
}

}  // namespace ringpull::bench
