#pragma once
// How far long work has come, for a person who waits; never for scripts, so stderr only.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <ringpull/engine/task.hpp>

namespace ringpull::tools {

/// What long work reports: bytes done of a total (0: unknown). Drawn on stderr when that is a
/// terminal and redrawn in place; silent in a pipe or with --quiet.
class Progress {
 public:
  enum class Show : bool { no, yes };
  /// Whether stderr is a terminal.
  static Show on_terminal() noexcept;

  Progress(std::string label, std::uint64_t total_bytes, Show show);
  ~Progress() { erase(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(std::uint64_t bytes) noexcept { done_ += bytes; }
  void set_total(std::uint64_t bytes) noexcept { total_ = bytes; }
  std::uint64_t done() const noexcept { return done_; }

  /// Redraws ten times a second until stopped; spawn it in the scope of the work.
  engine::Task<void> run();
  void draw();
  /// For work counted in steps: "3 of 13  pull".
  void draw_step(std::string_view what);
  void erase();

 private:
  std::string line() const;
  void draw_text(std::string text);

  std::string label_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool show_;
  bool drawn_ = false;
};

/// "1.50 GiB", "12 B".
std::string format_bytes(double bytes);
/// "1:05", "2:03:04".
std::string format_seconds(double seconds);

}  // namespace ringpull::tools
