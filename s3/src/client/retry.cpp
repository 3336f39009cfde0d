#include <algorithm>
#include <cmath>

#include <ringpull/s3/retry.hpp>

namespace ringpull::inline v0::s3 {

using std::chrono::milliseconds;

bool RetryBudget::take(int cost) noexcept {
  if (cost > available_) return false;
  available_ -= cost;
  return true;
}

void RetryBudget::give_back(int tokens) noexcept {
  available_ = std::min(capacity_, available_ + tokens);
}

/// That of the error, or what is suspected behind one that does not say what the matter is.
RetryClass RetryState::class_of(const FailedAttempt& attempt) const noexcept {
  const Error& error = *attempt.error;
  RetryClass told = retry_class(error);
  if (told != RetryClass::none) return told;
  int status = error.http_status();
  bool untold = attempt.reason_untold && error.service_code().empty();
  bool refused = untold && (status == 400 || status == 403);
  bool signature = error.service_code() == "SignatureDoesNotMatch";
  if (attempt.clock_is_off && !corrected_clock_ && (refused || signature)) {
    return RetryClass::clock_skew;
  }
  // S3 answers an expired token with 400, never with 403.
  if (attempt.session_token && !refreshed_credentials_ && untold && status == 400) {
    return RetryClass::expired_credentials;
  }
  return RetryClass::none;
}

RetryDecision RetryState::failed(const FailedAttempt& attempt, double uniform) {
  const Error& error = *attempt.error;
  auto give_up = [](std::string_view reason) {
    return RetryDecision(RetryAction::give_up, milliseconds(0), reason);
  };
  RetryClass kind = class_of(attempt);
  if (kind == RetryClass::none) return give_up("not retryable");
  if (!attempt.body_rewindable) return give_up("the body cannot be sent again");
  if (error.maybe_applied() && !attempt.idempotent) {
    return give_up("it may have been applied and is not idempotent");
  }
  if (attempt.time_left <= milliseconds(0)) return give_up("deadline passed");
  if (attempt.stale_connection && !replaced_stale_connection_) {
    replaced_stale_connection_ = true;
    return {RetryAction::use_new_connection, milliseconds(0), "stale connection"};
  }
  if (RetryDecision decision; correct_once(kind, decision)) return decision;
  if (kind == RetryClass::clock_skew || kind == RetryClass::expired_credentials ||
      kind == RetryClass::wrong_region) {
    return give_up("the correction did not help");
  }

  if (attempt_ >= options_->attempts_max) return give_up("attempts used up");
  milliseconds wait = delay(kind, error.retry_after_seconds(), uniform);
  if (wait >= attempt.time_left) return give_up("the deadline comes before the next attempt");
  int cost = kind == RetryClass::throttle       ? options_->throttle_cost
             : kind == RetryClass::server_error ? options_->server_error_cost
                                                : options_->transient_cost;
  if (!budget_->take(cost)) return give_up("retry budget used up");
  last_cost_ = cost;
  ++attempt_;
  return {RetryAction::repeat, wait, to_string(kind)};
}

void RetryState::succeeded() noexcept {
  budget_->give_back(last_cost_ > 0 ? last_cost_ : options_->success_refund);
}

bool RetryState::correct_once(RetryClass retry_class, RetryDecision& decision) noexcept {
  auto correct = [&](bool& done, RetryAction action) {
    if (done) return false;
    done = true;
    decision = RetryDecision(action, milliseconds(0), to_string(retry_class));
    return true;
  };
  switch (retry_class) {
    case RetryClass::clock_skew: return correct(corrected_clock_, RetryAction::correct_clock);
    case RetryClass::expired_credentials:
      return correct(refreshed_credentials_, RetryAction::refresh_credentials);
    case RetryClass::wrong_region: return correct(switched_region_, RetryAction::switch_region);
    default: return false;
  }
}

milliseconds RetryState::delay(RetryClass retry_class, double retry_after_seconds,
                               double uniform) const noexcept {
  milliseconds base =
      retry_class == RetryClass::throttle ? options_->throttle_base_delay : options_->base_delay;
  double ceiling = std::min(std::ldexp(static_cast<double>(base.count()), attempt_ - 1),
                            static_cast<double>(options_->delay_max.count()));
  double wait = uniform * ceiling;
  if (retry_after_seconds >= 0) {
    double asked = std::min(retry_after_seconds * 1000,
                            static_cast<double>(options_->retry_after_max.count()));
    // Spread over one base delay, or everyone who was told the same number returns together.
    wait = std::max(wait, asked + uniform * static_cast<double>(base.count()));
  }
  return milliseconds(static_cast<milliseconds::rep>(wait));
}

}  // namespace ringpull::inline v0::s3
