#include "tools/console/progress.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <ringpull/engine/timer.hpp>

#include "tools/console/output.hpp"

namespace ringpull::tools {

namespace {

constexpr auto kInterval = std::chrono::milliseconds(100);

int terminal_columns() noexcept {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

std::string format_bytes(double bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f} B", bytes);
  return fmt::format("{:.2f} {}", bytes, kUnits[unit]);
}

std::string format_seconds(double seconds) {
  auto whole = static_cast<std::uint64_t>(std::max(0.0, seconds) + 0.5);
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

Progress::Show Progress::on_terminal() noexcept {
  return ::isatty(STDERR_FILENO) != 0 ? Show::yes : Show::no;
}

Progress::Progress(std::string label, std::uint64_t total_bytes, Show show)
    : label_(one_line(std::move(label))), total_(total_bytes), show_(show == Show::yes) {}

engine::Task<void> Progress::run() {
  while (show_) {
    draw();
    auto slept = co_await engine::sleep_for(kInterval);
    if (!slept) break;
  }
}

std::string Progress::line() const {
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string numbers = format_bytes(static_cast<double>(done_));
  if (total_ == 0) return fmt::format("{}  {}  {}/s", label_, numbers, format_bytes(rate));
  double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  std::string left =
      rate > 0 ? format_seconds(static_cast<double>(total_ - std::min(done_, total_)) / rate)
               : "-:--";
  std::string head = fmt::format("{} {:3.0f}% ", label_, share * 100);
  std::string tail =
      fmt::format(" {} of {}  {}/s  ETA {}", numbers, format_bytes(static_cast<double>(total_)),
                  format_bytes(rate), left);
  int room = terminal_columns() - static_cast<int>(head.size() + tail.size()) - 3;
  if (room < 5) return head + tail;
  auto width = static_cast<std::size_t>(std::min(room, 40));
  auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
  return head + '[' + std::string(filled, '#') + std::string(width - filled, '.') + ']' + tail;
}

void Progress::draw() {
  if (show_) draw_text(line());
}

void Progress::draw_step(std::string_view what) {
  if (show_) draw_text(fmt::format("{} {} of {}  {}", label_, done_, total_, what));
}

void Progress::draw_text(std::string text) {
  text.resize(std::min<std::size_t>(text.size(), static_cast<std::size_t>(terminal_columns() - 1)));
  text.insert(0, "\r\x1b[K");
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::erase() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace ringpull::tools
