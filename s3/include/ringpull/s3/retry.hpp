#pragma once
// Whether and when to repeat a failed request. Sans-IO: clock and entropy are parameters. Not
// synchronised; RetryBudget is shared by the requests of one loop to one origin.

#include <chrono>
#include <cstdint>
#include <string_view>

#include <ringpull/engine/error.hpp>
#include <ringpull/s3/error.hpp>

namespace ringpull::inline v0::s3 {

struct RetryOptions {
  RetryOptions() = default;

  /// The first try counts. Eight, where SDKs take three: a registry push that dies of a burst of
  /// 503 costs its user gigabytes, and the budget below already stops a storm.
  int attempts_max = 8;
  /// Full jitter: the n-th delay is uniform in [0, base * 2^(n-1)], at most delay_max. Lost
  /// connections and 5xx are worth an early second try; a server that throttles is not, it needs
  /// load to go away (the split of the AWS SDKs' 2026 retry rules).
  std::chrono::milliseconds base_delay{50};
  std::chrono::milliseconds throttle_base_delay{1000};
  std::chrono::milliseconds delay_max{20'000};
  /// A longer Retry-After is cut to this: the caller's deadline, not the server, ends the waiting.
  std::chrono::milliseconds retry_after_max{20'000};

  /// The token bucket of the AWS SDKs: 500 tokens are 100 retries at 5 or 50 at 10, after which a
  /// dead origin sees no more than one try per request.
  int budget_capacity = 500;
  int server_error_cost = 5;
  int throttle_cost = 5;
  /// Lost connections and time limits cost more: each holds resources on both sides for longer.
  int transient_cost = 10;
  /// Given back by a request that needed no retry; one that did gives back its last cost.
  int success_refund = 1;
};

/// Tokens that retries are paid with.
class RetryBudget {
 public:
  explicit RetryBudget(int capacity) noexcept : capacity_(capacity), available_(capacity) {}

  int available() const noexcept { return available_; }
  bool take(int cost) noexcept;
  void give_back(int tokens) noexcept;

 private:
  int capacity_;
  int available_;
};

/// What to do before the next attempt.
enum class RetryAction : std::uint8_t {
  give_up,
  repeat,               ///< as it was
  correct_clock,        ///< feed the response's Date to ClockOffset first
  refresh_credentials,  ///< fetch others first; on suspicion, keep these until others are there
  switch_region,        ///< sign for Error::hint() from now on
  use_new_connection,   ///< the pooled connection was stale: repeat on one that is fresh
};

struct RetryDecision {
  RetryDecision() = default;
  RetryDecision(RetryAction action_in, std::chrono::milliseconds delay_in,
                std::string_view reason_in)
      : action(action_in), delay(delay_in), reason(reason_in) {}

  RetryAction action = RetryAction::give_up;
  std::chrono::milliseconds delay{0};
  /// For logs: "attempts used up", "throttled". Static storage.
  std::string_view reason;
};

/// How far the server's clock has to be from the one that a request was signed by for a refusal to
/// be put down to it. S3 refuses signatures that are 15 minutes off, some compatible servers those
/// that are five.
inline constexpr std::chrono::minutes kClockSkewMin{4};

struct FailedAttempt {
  explicit FailedAttempt(const Error& error_in) : error(&error_in) {}

  const Error* error;
  /// Doing it twice is the same as doing it once.
  bool idempotent = true;
  /// The body can be sent again from its start, or none of it was consumed.
  bool body_rewindable = true;
  /// The connection had carried an earlier request, and no byte of a response arrived: the server
  /// had most likely closed it before (RFC 9112 section 9.3.1).
  bool stale_connection = false;
  /// A HEAD: its answer has no body, so that a 400 or 403 gives no reason.
  bool reason_untold = false;
  /// By the Date of this answer the request was signed for a time more than kClockSkewMin off.
  bool clock_is_off = false;
  /// The request was signed with a session token, which may have expired.
  bool session_token = false;
  /// Until the caller's deadline.
  std::chrono::milliseconds time_left = std::chrono::milliseconds::max();
};

/// The retries of one request. `options` and `budget` outlive it.
class RetryState {
 public:
  RetryState(const RetryOptions& options, RetryBudget& budget) noexcept
      : options_(&options), budget_(&budget) {}

  /// `uniform` is from [0, 1). Clock, credentials, region and the stale connection are each
  /// corrected once, at once and free of cost; what fails again after that is judged like any other
  /// error. The clock also on suspicion, where it is off: after a refusal without a reason or of
  /// the signature. Likewise the credentials: after a 400 without a reason to a session token.
  RetryDecision failed(const FailedAttempt& attempt, double uniform);
  void succeeded() noexcept;

  /// Tries made so far that counted, the one under way included.
  int attempt() const noexcept { return attempt_; }

 private:
  RetryClass class_of(const FailedAttempt& attempt) const noexcept;
  bool correct_once(RetryClass retry_class, RetryDecision& decision) noexcept;
  std::chrono::milliseconds delay(RetryClass retry_class, double retry_after_seconds,
                                  double uniform) const noexcept;

  const RetryOptions* options_;
  RetryBudget* budget_;
  int attempt_ = 1;
  int last_cost_ = 0;
  bool replaced_stale_connection_ = false;
  bool corrected_clock_ = false;
  bool refreshed_credentials_ = false;
  bool switched_region_ = false;
};

}  // namespace ringpull::inline v0::s3
