#include "tools/console/advice.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <string_view>

#include "tools/console/output.hpp"

namespace ringpull::tools {

namespace {

/// What to do about a failure of this machine's own files and limits.
std::string_view of_this_machine(const Error& error) {
  if (error.code() == std::errc::no_space_on_device) return "free some space";
  if (error.code() == std::errc::file_too_large) {
    return "raise the limit of file sizes (ulimit -f), or use another file system";
  }
  switch (error.kind()) {
    case ErrorKind::not_found: return "check the path";
    case ErrorKind::permission_denied: return "check the permissions of the file and its directory";
    default: return {};
  }
}

/// What is the same wherever the settings come from.
std::string_view in_general(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::not_found: return "check the name: `ringpull ls` lists what is there";
    case ErrorKind::permission_denied: return "check what these credentials are allowed to do";
    case ErrorKind::timed_out: return "check the network, or try again later";
    default: return {};
  }
}

std::string_view by_options(const Error& error) {
  if (is_unknown_host(error)) return "check --endpoint and the bucket's name";
  switch (error.kind()) {
    case ErrorKind::unauthenticated:
      return "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the clock of this machine";
    case ErrorKind::unavailable: return "check --endpoint, and that the service is running";
    case ErrorKind::throttled: return "try again later, or with a lower --concurrency";
    case ErrorKind::resource_exhausted: return "lower --concurrency or --part-size";
    default: return {};
  }
}

/// Parameters of storage.s3.
std::string_view by_configuration(const Error& error) {
  if (is_unknown_host(error)) return "check regionendpoint, region and bucket";
  switch (error.kind()) {
    case ErrorKind::unauthenticated:
      return "check accesskey and secretkey, or where else the credentials come from "
             "(docs/credentials.md), and the clock of this machine";
    case ErrorKind::unavailable:
      return "check regionendpoint, or without one the region, and that the service is running";
    case ErrorKind::throttled:
      return "try again later, or with a lower uploadconcurrency or readconcurrency";
    case ErrorKind::resource_exhausted:
      return "lower uploadconcurrency, readconcurrency or maxconnections";
    case ErrorKind::tls:
      return "name the file of the authority to trust in AWS_CA_BUNDLE, or correct regionendpoint; "
             "skipverify: true would accept any certificate";
    default: return {};
  }
}

std::string_view advice(const Error& error, Settings settings) {
  bool local =
      error.code() && error.code().category() == std::system_category() && error.http_status() == 0;
  std::string_view text = local ? of_this_machine(error) : std::string_view();
  if (!text.empty()) return text;
  text = settings == Settings::options ? by_options(error) : by_configuration(error);
  return text.empty() ? in_general(error) : text;
}

}  // namespace

std::string text_with_advice(const Error& error, Settings settings) {
  std::string text = error.message();
  if (settings == Settings::configuration_file && error.is(ErrorKind::tls)) {
    // TLS's own advice, the last part, names options, which --config does not take.
    std::size_t option = text.find(" --ca ");
    if (option != std::string::npos) text.resize(std::min(text.rfind("; ", option), text.size()));
  }
  bool said = text.find("; ") != std::string::npos;
  std::string_view what_to_do = advice(error, settings);
  if (what_to_do.empty() || said) return text;
  return fmt::format("{}; {}", text, what_to_do);
}

ExitCode report(const std::string& command, const Error& error, Settings settings) {
  std::string line =
      one_line(fmt::format("ringpull {}: {}", command, text_with_advice(error, settings)));
  line += '\n';
  std::fputs(line.c_str(), stderr);  // nobody could be told that this failed
  return exit_code(error);
}

}  // namespace ringpull::tools
