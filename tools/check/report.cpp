#include "tools/check/report.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tools/console/output.hpp"

namespace ringpull::tools {

namespace {

std::string_view word_of(StepState state) {
  switch (state) {
    case StepState::ok: return "ok";
    case StepState::failed: return "failed";
    case StepState::skipped: return "skipped";
  }
  return "failed";
}

double seconds_of(const StepReport& step) {
  return std::chrono::duration<double>(step.time).count();
}

/// A remedy stands for the general advice with which a server's refusals and those of TLS end.
std::string failure_text(const StepReport& step) {
  std::string text = step.error->message();
  if (step.remedy.empty()) return text;
  bool has_advice = step.error->http_status() != 0 || step.error->is(ErrorKind::tls);
  if (has_advice) text.resize(std::min(text.find("; "), text.size()));
  return fmt::format("{}; {}", text, step.remedy);
}

nlohmann::json json_of(const StepReport& step) {
  nlohmann::json object = {{"name", step.name},
                           {"state", word_of(step.state)},
                           {"seconds", seconds_of(step)},
                           {"detail", step.detail}};
  if (!step.error) return object;
  object["error"] = {{"kind", to_string(step.error->kind())},
                     {"code", step.error->service_code()},
                     {"http_status", step.error->http_status()},
                     {"request_id", step.error->request_id()},
                     {"message", step.error->message()}};
  object["permission"] = step.permission;
  object["remedy"] = step.remedy;
  return object;
}

}  // namespace

const StepReport* CheckReport::first_failure() const {
  auto is_failure = [](const StepReport& step) { return step.state == StepState::failed; };
  auto found = std::ranges::find_if(steps, is_failure);
  return found == steps.end() ? nullptr : &*found;
}

ExitCode CheckReport::code() const {
  const StepReport* failure = first_failure();
  return failure == nullptr ? ExitCode::success : exit_code(*failure->error);
}

std::string line_of(const StepReport& step) {
  std::string time =
      step.state == StepState::skipped ? "" : fmt::format("{:.3f} s", seconds_of(step));
  std::string text = step.detail;
  if (step.error) text = failure_text(step);
  return one_line(fmt::format("{:<8}{:<18}{:>9}  {}", word_of(step.state), step.name, time, text)) +
         '\n';
}

std::string json_of(const CheckReport& report) {
  nlohmann::json object = {{"ok", report.ok()},
                           {"exit_code", static_cast<int>(report.code())},
                           {"configuration", report.configuration},
                           {"bucket", report.bucket},
                           {"prefix", report.prefix},
                           {"warnings", report.warnings},
                           {"steps", nlohmann::json::array()}};
  for (const StepReport& step : report.steps) object["steps"].push_back(json_of(step));
  return json_line(object);
}

}  // namespace ringpull::tools
