#include <chrono>
#include <gtest/gtest.h>
#include <random>

#include <ringpull/s3/retry.hpp>

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

class Retry : public testing::Test {
 protected:
  static Error throttled() {
    return Error(ErrorKind::throttled, "slow down").with_http_status(503);
  }
  static Error server_error() {
    return Error(ErrorKind::unavailable, "internal").with_http_status(500);
  }
  static Error lost_connection() { return Error(ErrorKind::connection_closed, "reset"); }
  static Error with_code(const char* code, int status) {
    return Error(ErrorKind::unauthenticated, code).with_http_status(status).with_service_code(code);
  }

  RetryDecision fail_once(RetryState& state, const Error& error, double uniform = 1.0) {
    return state.failed(FailedAttempt(error), uniform);
  }

  RetryOptions options_;
  RetryBudget budget_{RetryOptions().budget_capacity};
};

TEST_F(Retry, DelaysDoubleFromTheBaseOfTheirClassUpToTheCap) {
  RetryState transient(options_, budget_);
  for (auto expected : {50ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms}) {
    EXPECT_EQ(fail_once(transient, lost_connection()).delay, expected);
  }
  RetryState throttle(options_, budget_);
  for (milliseconds expected : {1000ms, 2000ms, 4000ms, 8000ms, 16000ms, 20000ms, 20000ms}) {
    EXPECT_EQ(fail_once(throttle, throttled()).delay, expected);
  }
}

TEST_F(Retry, JitterIsFullFromNothingToTheCeiling) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(0, 1);
  double sum = 0;
  constexpr int kRounds = 2000;
  for (int i = 0; i < kRounds; ++i) {
    RetryBudget budget(100);
    RetryState state(options_, budget);
    auto delay = fail_once(state, throttled(), uniform(random)).delay;
    ASSERT_GE(delay, 0ms);
    ASSERT_LE(delay, 1000ms);
    sum += static_cast<double>(delay.count());
  }
  EXPECT_NEAR(sum / kRounds, 500, 30);
}

TEST_F(Retry, GivesUpAfterTheLastAttempt) {
  RetryState state(options_, budget_);
  for (int attempt = 1; attempt < options_.attempts_max; ++attempt) {
    EXPECT_EQ(state.attempt(), attempt);
    EXPECT_EQ(fail_once(state, server_error()).action, RetryAction::repeat);
  }
  auto last = fail_once(state, server_error());
  EXPECT_EQ(last.action, RetryAction::give_up);
  EXPECT_EQ(last.reason, "attempts used up");
}

TEST_F(Retry, ChargesByClassAndRefundsWhatTheLastRetryCost) {
  RetryState server(options_, budget_);
  fail_once(server, server_error());
  EXPECT_EQ(budget_.available(), 495);
  fail_once(server, lost_connection());
  EXPECT_EQ(budget_.available(), 485);
  server.succeeded();
  EXPECT_EQ(budget_.available(), 495);
  RetryState easy(options_, budget_);
  easy.succeeded();
  EXPECT_EQ(budget_.available(), 496);
  for (int i = 0; i < 100; ++i) easy.succeeded();
  EXPECT_EQ(budget_.available(), 500) << "never above its capacity";
}

// 10,000 requests against an origin that is down: the retries stay within the budget.
TEST_F(Retry, DoesNotAmplifyATotalOutage) {
  int attempts = 0;
  constexpr int kRequests = 10'000;
  for (int i = 0; i < kRequests; ++i) {
    RetryState state(options_, budget_);
    do ++attempts;
    while (fail_once(state, server_error()).action == RetryAction::repeat);
  }
  EXPECT_EQ(attempts, kRequests + 500 / 5);
  RetryState state(options_, budget_);
  EXPECT_EQ(fail_once(state, server_error()).reason, "retry budget used up");
}

TEST_F(Retry, WaitsAsLongAsTheServerAskedAndSpreadsTheCrowd) {
  auto delay = [&](double seconds, double uniform) {
    RetryState state(options_, budget_);
    return fail_once(state, throttled().with_retry_after(seconds), uniform).delay;
  };
  EXPECT_EQ(delay(3, 0.0), 3000ms);
  EXPECT_EQ(delay(3, 0.5), 3500ms);
  EXPECT_EQ(delay(0, 1.0), 1000ms);
  EXPECT_EQ(delay(3600, 0.0), options_.retry_after_max);
}

TEST_F(Retry, GivesUpAtOnceWhenTheDeadlineComesFirst) {
  Error error = throttled().with_retry_after(5);
  RetryState state(options_, budget_);
  FailedAttempt attempt(error);
  attempt.time_left = 4900ms;
  EXPECT_EQ(state.failed(attempt, 0.0).action, RetryAction::give_up);
  EXPECT_EQ(budget_.available(), 500) << "a retry that is not made costs nothing";
  attempt.time_left = 5100ms;
  EXPECT_EQ(state.failed(attempt, 0.0).action, RetryAction::repeat);
  attempt.time_left = 0ms;
  EXPECT_EQ(state.failed(attempt, 0.0).reason, "deadline passed");
}

TEST_F(Retry, NeverRepeatsWhatCannotSucceedOrCannotBeRepeated) {
  RetryState state(options_, budget_);
  EXPECT_EQ(fail_once(state, Error(ErrorKind::not_found, "").with_http_status(404)).action,
            RetryAction::give_up);
  EXPECT_EQ(fail_once(state, Error(ErrorKind::cancelled, "")).action, RetryAction::give_up);
  Error lost = lost_connection();
  FailedAttempt consumed(lost);
  consumed.body_rewindable = false;
  EXPECT_EQ(state.failed(consumed, 0).reason, "the body cannot be sent again");
}

TEST_F(Retry, RepeatsANonIdempotentRequestOnlyWhenItCannotHaveRun) {
  RetryState state(options_, budget_);
  Error unknown = lost_connection().with_maybe_applied(true);
  FailedAttempt maybe(unknown);
  EXPECT_EQ(state.failed(maybe, 0).action, RetryAction::repeat) << "idempotent";
  maybe.idempotent = false;
  EXPECT_EQ(state.failed(maybe, 0).action, RetryAction::give_up);
  Error unsent = lost_connection();
  FailedAttempt never(unsent);
  never.idempotent = false;
  EXPECT_EQ(state.failed(never, 0).action, RetryAction::repeat);
}

TEST_F(Retry, AStaleConnectionCostsNothingOnce) {
  Error lost = lost_connection();
  FailedAttempt stale(lost);
  stale.stale_connection = true;
  RetryState state(options_, budget_);
  auto first = state.failed(stale, 1.0);
  EXPECT_EQ(first.action, RetryAction::use_new_connection);
  EXPECT_EQ(first.delay, 0ms);
  EXPECT_EQ(state.attempt(), 1);
  EXPECT_EQ(budget_.available(), 500);
  auto second = state.failed(stale, 1.0);
  EXPECT_EQ(second.action, RetryAction::repeat);
  EXPECT_EQ(budget_.available(), 490);
}

TEST_F(Retry, AStaleConnectionDoesNotExcuseABodyThatIsGoneOrAWriteThatMayHaveRun) {
  Error lost = lost_connection().with_maybe_applied(true);
  FailedAttempt stale(lost);
  stale.stale_connection = true;
  stale.body_rewindable = false;
  RetryState state(options_, budget_);
  EXPECT_EQ(state.failed(stale, 0).action, RetryAction::give_up);
  stale.body_rewindable = true;
  stale.idempotent = false;
  EXPECT_EQ(state.failed(stale, 0).action, RetryAction::give_up);
}

TEST_F(Retry, CorrectsClockCredentialsAndRegionOnceEachAndFree) {
  Error skewed = with_code("RequestTimeTooSkewed", 403);
  Error expired = with_code("ExpiredToken", 400);
  Error moved = with_code("PermanentRedirect", 301).with_hint("eu-west-3");
  RetryState state(options_, budget_);
  EXPECT_EQ(fail_once(state, skewed).action, RetryAction::correct_clock);
  EXPECT_EQ(fail_once(state, expired).action, RetryAction::refresh_credentials);
  EXPECT_EQ(fail_once(state, moved).action, RetryAction::switch_region);
  EXPECT_EQ(state.attempt(), 1);
  EXPECT_EQ(budget_.available(), 500);
  EXPECT_EQ(fail_once(state, skewed).action, RetryAction::give_up);
  EXPECT_EQ(fail_once(state, expired).action, RetryAction::give_up);
  EXPECT_EQ(fail_once(state, moved).action, RetryAction::give_up);
}

TEST_F(Retry, SuspectsTheClockBehindARefusalOnlyWhereItIsOff) {
  Error bare_400 = Error(ErrorKind::invalid_argument, "HEAD").with_http_status(400);
  Error bare_403 = Error(ErrorKind::permission_denied, "HEAD").with_http_status(403);
  for (const Error& refusal : {bare_400, bare_403, with_code("SignatureDoesNotMatch", 403)}) {
    RetryState state(options_, budget_);
    FailedAttempt attempt(refusal);
    attempt.reason_untold = true;
    EXPECT_EQ(state.failed(attempt, 0).action, RetryAction::give_up) << "the clock is right";
    attempt.clock_is_off = true;
    EXPECT_EQ(state.failed(attempt, 0).action, RetryAction::correct_clock);
    EXPECT_EQ(state.failed(attempt, 0).action, RetryAction::give_up) << "once";
  }
  for (const Error& refusal : {bare_400, bare_403, with_code("AccessDenied", 403)}) {
    RetryState state(options_, budget_);
    FailedAttempt attempt(refusal);
    attempt.clock_is_off = true;
    EXPECT_EQ(state.failed(attempt, 0).action, RetryAction::give_up) << "there was a body";
  }
}

TEST_F(Retry, SuspectsASessionTokenBehindABare400Once) {
  Error bare_400 = Error(ErrorKind::invalid_argument, "HEAD").with_http_status(400);
  Error bare_403 = Error(ErrorKind::permission_denied, "HEAD").with_http_status(403);
  RetryState state(options_, budget_);
  FailedAttempt attempt(bare_400);
  attempt.session_token = true;
  EXPECT_EQ(state.failed(attempt, 0).action, RetryAction::give_up) << "there was a body";
  attempt.reason_untold = true;
  EXPECT_EQ(state.failed(attempt, 0).action, RetryAction::refresh_credentials);
  EXPECT_EQ(state.failed(attempt, 0).action, RetryAction::give_up) << "once";
  RetryState forbidden(options_, budget_);
  attempt.error = &bare_403;
  EXPECT_EQ(forbidden.failed(attempt, 0).action, RetryAction::give_up);
}

}  // namespace
}  // namespace ringpull::s3
