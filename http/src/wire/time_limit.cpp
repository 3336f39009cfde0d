#include "http/src/wire/time_limit.hpp"

#include <chrono>
#include <string>

namespace ringpull::inline v0::http {

namespace {

std::string in_words(engine::Duration duration) {
  using std::chrono::duration_cast;
  auto milliseconds = duration_cast<std::chrono::milliseconds>(duration).count();
  if (milliseconds % 1000 != 0) return std::to_string(milliseconds) + " ms";
  return std::to_string(milliseconds / 1000) + " s";
}

}  // namespace

bool is_own_limit(const Error& error, const engine::Context& context) noexcept {
  return error.is(ErrorKind::timed_out) && !error.code() && !context.stop_requested();
}

Error limit_passed(std::string_view what, engine::Duration limit, std::string_view name) {
  std::string text(what);
  text += " within " + in_words(limit);
  text.append(" (").append(name).append(")");
  return Error(ErrorKind::timed_out, std::move(text));
}

Error stalled(std::string_view what, engine::Duration stall, std::uint64_t bytes_done) {
  std::string text(what);
  text += ": nothing moved for " + in_words(stall) + " (TimeLimits::stall)";
  return Error(ErrorKind::timed_out, std::move(text)).with_bytes_done(bytes_done);
}

}  // namespace ringpull::inline v0::http
