#include "tools/check/report.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "tools/console/json.hpp"
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

Json json_of(const Error& error) {
  Json object;
  object.set("kind", to_string(error.kind()));
  object.set("code", error.service_code());
  object.set("http_status", error.http_status());
  object.set("request_id", error.request_id());
  object.set("message", error.message());
  return object;
}

Json json_of(const StepReport& step) {
  Json object;
  object.set("name", step.name);
  object.set("state", word_of(step.state));
  object.set("seconds", seconds_of(step));
  object.set("detail", step.detail);
  if (!step.error) return object;
  object.set("error", json_of(*step.error));
  object.set("permission", step.permission);
  object.set("remedy", step.remedy);
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
  Json warnings = Json::array();
  for (const std::string& warning : report.warnings) warnings.append(warning);
  Json steps = Json::array();
  for (const StepReport& step : report.steps) steps.append(json_of(step));
  Json object;
  object.set("ok", report.ok());
  object.set("exit_code", static_cast<int>(report.code()));
  object.set("configuration", report.configuration);
  object.set("bucket", report.bucket);
  object.set("prefix", report.prefix);
  object.set("warnings", std::move(warnings));
  object.set("steps", std::move(steps));
  return object.line();
}

}  // namespace ringpull::tools
