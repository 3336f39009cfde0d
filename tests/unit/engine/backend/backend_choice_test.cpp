// Which backend a loop gets: by option, by RINGPULL_BACKEND, and under RINGPULL_KERNEL_CEILING.

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>

#include <ringpull/engine/backend.hpp>

#include "tests/support/on_each_backend.hpp"

namespace ringpull::engine {
namespace {

using ::testing::HasSubstr;

/// Sets a variable of the environment for one test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value, 1);
  }
  ~Variable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(BackendChoice, FollowsTheEnvironment) {
  Variable epoll("RINGPULL_BACKEND", "epoll");
  auto backend = make_backend(BackendOptions()).value();
  EXPECT_EQ(backend->kind(), BackendKind::epoll);
  EXPECT_THAT(backend->description(), HasSubstr("asked for"));
}

TEST(BackendChoice, PrefersTheOptionToTheEnvironment) {
  testing::skip_where_refused(BackendKind::uring);
  if (IsSkipped()) return;
  Variable epoll("RINGPULL_BACKEND", "epoll");
  BackendOptions options;
  options.kind = BackendKind::uring;
  EXPECT_EQ(make_backend(options).value()->kind(), BackendKind::uring);
}

TEST(BackendChoice, RefusesAnUnknownName) {
  Variable wrong("RINGPULL_BACKEND", "kqueue");
  auto backend = make_backend(BackendOptions());
  ASSERT_FALSE(backend);
  EXPECT_EQ(backend.error().kind(), ErrorKind::invalid_argument);
  EXPECT_THAT(backend.error().message(), HasSubstr("RINGPULL_BACKEND is 'kqueue'"));
  EXPECT_THAT(backend.error().message(), HasSubstr("uring, epoll and auto"));
}

class BadCeiling : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Of, BadCeiling,
                         ::testing::Values("6", "six.one", "6.", ".1", "6.1.2", "6.100", "6.-1",
                                           "-6.1", "99999999.1"));

TEST_P(BadCeiling, IsRefused) {
  Variable wrong("RINGPULL_KERNEL_CEILING", GetParam());
  auto backend = make_backend(BackendOptions());
  ASSERT_FALSE(backend);
  EXPECT_EQ(backend.error().kind(), ErrorKind::invalid_argument);
  EXPECT_THAT(backend.error().message(),
              HasSubstr("RINGPULL_KERNEL_CEILING is '" + std::string(GetParam()) + "'"));
  EXPECT_THAT(backend.error().message(), HasSubstr("like 6.1"));
}

std::string uring_under(const char* ceiling) {
  Variable variable("RINGPULL_KERNEL_CEILING", ceiling);
  BackendOptions options;
  options.kind = BackendKind::uring;
  auto backend = make_backend(options);
  return backend ? (*backend)->description() : backend.error().message();
}

TEST(BackendChoice, MasksWhatIsNewerThanTheCeiling) {
  testing::skip_where_refused(BackendKind::uring);
  if (IsSkipped()) return;
  EXPECT_THAT(uring_under("6.1"), HasSubstr("kernel 6.1, deferred task work"));
  EXPECT_THAT(uring_under("5.19"), HasSubstr("kernel 5.19, cooperative task work"));
  EXPECT_THAT(uring_under("5.11"), HasSubstr("kernel 5.11, no task-work flags"));
}

TEST(BackendChoice, FallsBackBelowTheOldestKernelThatWillDo) {
  Variable ceiling("RINGPULL_KERNEL_CEILING", "5.10");
  Variable automatic("RINGPULL_BACKEND", "auto");
  EXPECT_EQ(make_backend(BackendOptions()).value()->kind(), BackendKind::epoll);
}

}  // namespace
}  // namespace ringpull::engine
