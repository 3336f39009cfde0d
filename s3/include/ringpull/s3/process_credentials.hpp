#pragma once
// Keys from a program of the user's: `credential_process` of a profile.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html

#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/s3/credentials_source.hpp>

namespace ringpull::inline v0::s3 {

class ProcessOptions {
 public:
  ProcessOptions() = default;

  /// The program is killed after this. 60 s: it may ask a service of its own.
  engine::Duration time_max = std::chrono::seconds(60);
  /// What it may print. Keys and a token are below 8 KiB.
  std::size_t output_bytes_max = 64 * 1024;
};

/// A command line as a POSIX shell splits it, and no more of a shell: blanks separate; single
/// quotes keep everything, double quotes everything but \" and \\, a backslash outside quotes the
/// next character. Nothing is expanded. `unauthenticated` for an open quote and for an empty line.
Result<std::vector<std::string>> split_command_line(std::string_view line);

/// Runs the program, found along PATH, without a shell: its standard input is empty, its standard
/// error is this process's. It is a process group of its own, which is killed when it takes too
/// long, prints too much, or the load is stopped; the await returns when it is reaped. Failures
/// name the program and its exit status, never its arguments or its output.
class ProcessSource final : public CredentialsSource {
 public:
  explicit ProcessSource(std::string command_line, ProcessOptions options = ProcessOptions());

  std::string name() const override { return "credential_process"; }
  engine::Task<Result<Credentials>> load() override;

 private:
  std::string command_line_;
  ProcessOptions options_;
};

}  // namespace ringpull::inline v0::s3
