// Programs that print keys: real ones, run by the test.
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/s3/process_credentials.hpp>

#include "tests/support/on_each_backend.hpp"
#include "tests/unit/s3/credentials/credentials_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ringpull::testing::TempDir;
using testing::expect_failure;

using Words = std::vector<std::string>;

TEST(CommandLine, IsSplitLikeAShellsAndNothingIsExpanded) {
  auto split = [](std::string_view line) { return split_command_line(line).value(); };
  EXPECT_EQ(split("tool"), Words({"tool"}));
  EXPECT_EQ(split("  /opt/a  b\tc "), Words({"/opt/a", "b", "c"}));
  EXPECT_EQ(split(R"("/opt/a b/tool" --x="1 2" 'it''s')"),
            Words({"/opt/a b/tool", "--x=1 2", "its"}));
  EXPECT_EQ(split(R"(a "" '' "\"\\\n")"), Words({"a", "", "", "\"\\\\n"}));
  EXPECT_EQ(split(R"(a\ b \"c\" 'd\' e\)"), Words({"a b", "\"c\"", "d\\", "e\\"}));
  EXPECT_EQ(split("tool $HOME *.txt ~ ; `x` | y"),
            Words({"tool", "$HOME", "*.txt", "~", ";", "`x`", "|", "y"}));
}

TEST(CommandLine, RefusesAnOpenQuoteAndAnEmptyLine) {
  for (const char* line : {"", "  ", "a \"canary", "a 'canary", "'", "'' x"}) {
    auto words = split_command_line(line);
    ASSERT_FALSE(words) << line;
    EXPECT_EQ(words.error().kind(), ErrorKind::unauthenticated);
    EXPECT_EQ(words.error().message().find("canary"), std::string::npos);
  }
}

class ProcessCredentials : public ringpull::testing::OnEachBackend {
 protected:
  Result<Credentials> load(const std::string& command, ProcessOptions options = ProcessOptions()) {
    return run([&] { return loaded(command, options); });
  }
  static Task<Result<Credentials>> loaded(std::string command, ProcessOptions options) {
    ProcessSource source(std::move(command), options);
    auto credentials = co_await source.load();
    co_return credentials;
  }
  /// `printf '%s' TEXT` as a command line.
  static std::string print(const std::string& text) { return "printf %s '" + text + "'"; }
};

TEST_P(ProcessCredentials, AreWhatTheProgramPrints) {
  auto loaded = load(print(R"({"Version": 1, "AccessKeyId": "AKIDTEST", )"
                           R"("SecretAccessKey": "canary-secret", "SessionToken": "canary-token", )"
                           R"("Expiration": "2023-11-15T01:13:20+02:00"})"));
  testing::expect_keys(loaded);
  EXPECT_EQ(loaded->source, "credential_process printf");
}

TEST_P(ProcessCredentials, WithoutAnExpirationLastForEver) {
  auto loaded = load(print(R"({"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "canary"})"));
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_FALSE(loaded->expiry.has_value());
}

TEST_P(ProcessCredentials, SayWhatIsWrongAndNothingOfWhatWasPrinted) {
  expect_failure(load("/nonexistent/tool --canary"), ErrorKind::unauthenticated,
                 "/nonexistent/tool: No such file");
  expect_failure(load("sh -c 'echo canary; exit 3'"), ErrorKind::unauthenticated,
                 "credential_process sh: it ended with exit status 3");
  expect_failure(load("sh -c 'kill -9 $$'"), ErrorKind::unauthenticated, "signal 9");
  expect_failure(load("echo canary"), ErrorKind::protocol, "is no JSON object");
  expect_failure(load("true"), ErrorKind::protocol, "is no JSON object");
  expect_failure(load(print(R"({"AccessKeyId": "A", "SecretAccessKey": "canary"})")),
                 ErrorKind::protocol, R"(no "Version": 1)");
  expect_failure(load("cat"), ErrorKind::protocol, "is no JSON object");  // standard input is empty
}

TEST_P(ProcessCredentials, BoundWhatTheProgramPrints) {
  ProcessOptions options;
  options.output_bytes_max = 1000;
  expect_failure(load("yes canary", options), ErrorKind::too_large, "more than 1000 bytes");
}

TEST_P(ProcessCredentials, EndTheProgramAfterTheTimeLimit) {
  ProcessOptions options;
  options.time_max = 30ms;
  expect_failure(load("sleep 1000", options), ErrorKind::timed_out, "credential_process sleep");
}

/// Gone, or dead and waiting for whoever inherited it.
bool is_dead(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::size_t name_end = text.rfind(')');
  return name_end == std::string::npos || text.at(name_end + 2) == 'Z';
}

std::vector<int> pids_in(const std::string& path) {
  std::ifstream file(path);
  std::vector<int> pids;
  for (std::string line; std::getline(file, line) && !file.eof();) pids.push_back(std::stoi(line));
  return pids;
}

TEST_P(ProcessCredentials, EndTheProgramAndItsChildrenWhenStopped) {
  struct Stopped {
    static Task<void> load(std::string command, engine::StopSource& stop) {
      ProcessSource source(std::move(command));
      auto loaded = co_await engine::with_stop(stop, source.load());
      expect_failure(loaded, ErrorKind::cancelled, "credential_process sh");
    }
    static Task<void> body(std::string path) {
      engine::Context& context = co_await engine::current_context();
      engine::Scope scope(context);
      engine::StopSource stop;
      std::string command =
          "sh -c 'sleep 1000 & echo $! > " + path + "; echo $$ >> " + path + "; wait'";
      scope.spawn(load(command, stop));
      co_await until([&path] { return pids_in(path).size() == 2; });
      std::vector<int> pids = pids_in(path);
      stop.request_stop();
      auto joined = co_await scope.join();
      EXPECT_TRUE(joined);
      EXPECT_EQ(::kill(pids.at(1), 0), -1) << "the program was not reaped";
      co_await until([&pids] { return is_dead(pids.at(0)); });
    }
    static Task<void> until(std::function<bool()> happened) {
      while (!happened()) {
        auto slept = co_await engine::sleep_for(1ms);
        if (!slept) co_return;
      }
    }
  };
  TempDir files;
  run([&] { return Stopped::body(files.file("pids")); });
}

TEST_P(ProcessCredentials, DoNotHoldUpTheLoop) {
  struct Beside {
    static Task<void> tick(int& ticks, const bool& done) {
      while (!done) {
        ++ticks;
        auto slept = co_await engine::sleep_for(1ms);
        if (!slept) co_return;
      }
    }
    static Task<void> work(bool& done) {
      ProcessSource source("sleep 0.1");
      auto loaded = co_await source.load();
      EXPECT_FALSE(loaded);
      done = true;
    }
    static Task<int> both() {
      int ticks = 0;
      bool done = false;
      engine::Context& context = co_await engine::current_context();
      engine::Scope scope(context);
      scope.spawn(tick(ticks, done));
      scope.spawn(work(done));
      auto joined = co_await scope.join();
      EXPECT_TRUE(joined);
      co_return ticks;
    }
  };
  EXPECT_GT(run([] { return Beside::both(); }), 3);
}

TEST_P(ProcessCredentials, StartTheProgramWithoutBlockedSignals) {
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  auto loaded = load("sh -c 'kill -TERM $$; sleep 1000'");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  expect_failure(loaded, ErrorKind::unauthenticated, "signal 15");
}

RINGPULL_ON_EACH_BACKEND(ProcessCredentials);

}  // namespace
}  // namespace ringpull::s3
