#include <optional>
#include <sys/wait.h>
#include <utility>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/s3/process_credentials.hpp>

#include "s3/src/credentials/child.hpp"
#include "s3/src/credentials/document.hpp"
#include "s3/src/credentials/fetch.hpp"

namespace ringpull::inline v0::s3 {

using engine::Deadline;
using engine::Task;

namespace {

/// What a program said before it ended, and how it ended.
struct Ran {
  std::string output;
  int status = -1;
};

/// Reads to the end and reaps, in the time that the context has.
Task<Result<Ran>> follow(Child& child, std::size_t output_bytes_max) {
  Ran ran;
  RINGPULL_CO_TRY(ran.output, co_await child.read_output(output_bytes_max));
  auto status = co_await child.reap();
  if (!status) {
    erase_text(ran.output);
    co_return fail(std::move(status).error());
  }
  ran.status = *status;
  co_return ran;
}

Task<Result<Ran>> run(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  RINGPULL_CO_TRY(Child child, Child::spawn(arguments));
  Deadline deadline = Deadline::after(options.time_max);
  auto ran = co_await engine::with_deadline(deadline, follow(child, options.output_bytes_max));
  if (ran) co_return ran;
  // SIGKILL ends it whatever it does, so that this wait needs no limit of its own.
  child.kill();
  auto reaped = co_await engine::shielded(Deadline::never(), child.reap());
  (void)reaped;
  co_return fail(std::move(ran).error());
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<std::vector<std::string>> split_command_line(std::string_view line) {
  std::vector<std::string> words;
  std::optional<std::string> word;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    bool last = i + 1 == line.size();
    if (quote == '\'' || quote == '"') {
      bool escape =
          quote == '"' && c == '\\' && !last && (line[i + 1] == '"' || line[i + 1] == '\\');
      if (c == quote) {
        quote = 0;
      } else {
        *word += escape ? line[++i] : c;
      }
    } else if (c == ' ' || c == '\t') {
      if (word) words.push_back(std::move(*word));
      word.reset();
    } else {
      if (!word) word.emplace();
      if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == '\\' && !last) {
        *word += line[++i];
      } else {
        *word += c;
      }
    }
  }
  if (quote != 0) {
    return fail(ErrorKind::unauthenticated, "credential_process: a quote is not closed");
  }
  if (word) words.push_back(std::move(*word));
  if (words.empty() || words.front().empty()) {
    return fail(ErrorKind::unauthenticated, "credential_process: no program is named");
  }
  return words;
}

ProcessSource::ProcessSource(std::string command_line, ProcessOptions options)
    : command_line_(std::move(command_line)), options_(options) {}

Task<Result<Credentials>> ProcessSource::load() {
  RINGPULL_CO_TRY(std::vector<std::string> arguments, split_command_line(command_line_));
  std::string what = "credential_process " + arguments.front();
  auto ran = co_await run(arguments, options_);
  if (!ran) {
    Error error = std::move(ran).error();
    // A program that is not there is a mistake in the profile, no place without credentials.
    if (error.is(ErrorKind::not_found))
      error = std::move(error).with_kind(ErrorKind::unauthenticated);
    co_return fail(std::move(error).context(what));
  }
  if (ran->status != 0 && ran->status != -1) {
    erase_text(ran->output);
    co_return fail(ErrorKind::unauthenticated, what + ": it ended with " +
                                                   describe_end(ran->status) +
                                                   "; run it by hand to see what it says");
  }
  auto credentials = read_credentials_document(ran->output, DocumentKind::process);
  erase_text(ran->output);
  if (!credentials) co_return fail(std::move(credentials).error().context(what));
  credentials->source = what;
  co_return credentials;
}

}  // namespace ringpull::inline v0::s3
