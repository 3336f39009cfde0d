#include <algorithm>
#include <utility>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/s3/refreshing_credentials.hpp>
#include <ringpull/s3/sigv4.hpp>

#include "s3/src/credentials/fetch.hpp"

namespace ringpull::inline v0::s3 {

using engine::Deadline;
using engine::Loop;
using engine::Task;

namespace {

constexpr engine::Duration kLastingPause = std::chrono::minutes(1);

std::chrono::sys_seconds system_clock_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

RefreshingCredentialsProvider::RefreshingCredentialsProvider(
    std::unique_ptr<CredentialsSource> source, RefreshOptions options)
    : source_(std::move(source)), options_(std::move(options)) {
  if (!options_.clock) options_.clock = &system_clock_now;
}

RefreshingCredentialsProvider::~RefreshingCredentialsProvider() {
  RINGPULL_ASSERT(!loading_,
                  "a RefreshingCredentialsProvider was destroyed while it loads: await close()");
}

Task<Result<const Credentials*>> RefreshingCredentialsProvider::credentials() {
  return obtain(std::chrono::seconds(0));
}

Task<Result<const Credentials*>> RefreshingCredentialsProvider::credentials_lasting(
    std::chrono::seconds lifetime) {
  return obtain(lifetime);
}

Task<Result<const Credentials*>> RefreshingCredentialsProvider::obtain(
    std::chrono::seconds lifetime) {
  bool waited = false;
  while (true) {
    if (closed_) co_return fail(ErrorKind::cancelled, "the credentials provider is closed");
    if (usable() && (waited || lasts(lifetime))) {
      if (renewal_is_due()) start_load();
      const Credentials* credentials = &*current_;
      co_return credentials;
    }
    bool paused = !loading_ && Loop::current().now() < next_load_;
    if (!usable() && last_error_ && (waited || paused)) {
      if (!outlasts(*last_error_)) co_return fail(Error(*last_error_));
      put_off_expiry();
      continue;
    }
    start_load();
    RINGPULL_CO_CHECK(co_await loaded_.wait());
    waited = true;
  }
}

bool RefreshingCredentialsProvider::usable() const {
  return current_ && !invalidated_ &&
         !current_->expires_within(std::chrono::seconds(0), options_.clock());
}

bool RefreshingCredentialsProvider::has_other_than(std::string_view access_key_id) const {
  return usable() && current_->access_key_id != access_key_id;
}

bool RefreshingCredentialsProvider::renewal_is_due() const {
  return renew_at_ && options_.clock() >= *renew_at_ && Loop::current().now() >= next_load_;
}

bool RefreshingCredentialsProvider::lasts(std::chrono::seconds lifetime) const {
  if (put_off_) return true;  // there are no longer ones for now
  std::chrono::sys_seconds now = options_.clock();
  if (!current_->expires_within(lifetime, now)) return true;
  bool fresh = *current_->expiry - now > life_ / 2;
  return fresh || Loop::current().now() < std::max(next_lasting_load_, next_load_);
}

void RefreshingCredentialsProvider::start_load() {
  if (loading_) return;
  loading_ = true;
  loaded_.reset();
  scope_.spawn(load());
}

Task<void> RefreshingCredentialsProvider::load() {
  // Whatever ends the load lets the waiters go: an exception of a callback too, which close() then
  // throws.
  struct End {
    RefreshingCredentialsProvider& self;
    Result<Credentials> loaded = fail(ErrorKind::internal, "loading credentials threw");
    ~End() {
      self.adopt(std::move(loaded));
      self.loading_ = false;
      self.loaded_.set();
    }
  } end{*this};
  ++loads_;
  Deadline deadline = Deadline::after(options_.load_time_max);
  auto loaded = co_await engine::with_deadline(deadline, source_->load());
  end.loaded = std::move(loaded);
}

void RefreshingCredentialsProvider::adopt(Result<Credentials> loaded) {
  next_lasting_load_ = Loop::current().now() + kLastingPause;
  if (!loaded) return note_failure(std::move(loaded).error());
  bool expired = loaded->expires_within(std::chrono::seconds(0), options_.clock());
  if (expired && !loaded->usable_after_expiry) {
    return note_failure(Error(ErrorKind::unauthenticated,
                              loaded->source + ": the credentials that came had expired at " +
                                  amz_date(*loaded->expiry) +
                                  "; check this machine's clock, or whoever renews them"));
  }
  take(std::move(*loaded));
  if (expired) put_off_expiry();
}

void RefreshingCredentialsProvider::take(Credentials credentials) {
  bool same = current_ && current_->access_key_id == credentials.access_key_id &&
              current_->session_token == credentials.session_token;
  if (same) next_invalidation_ = Loop::current().now() + options_.renewal_pause;
  current_ = std::move(credentials);
  invalidated_ = false;
  put_off_ = false;
  last_error_.reset();
  next_load_ = engine::TimePoint{};
  renew_at_.reset();
  if (!current_->expiry) return;
  life_ = *current_->expiry - options_.clock();
  auto jitter = static_cast<std::chrono::seconds::rep>(
      uniform_random() * static_cast<double>(options_.jitter_max.count()));
  auto margin = std::min(options_.early + std::chrono::seconds(jitter), life_ / 4);
  renew_at_ = *current_->expiry - margin;
}

void RefreshingCredentialsProvider::note_failure(Error error) {
  ++failures_;
  last_error_ = std::move(error);
  if (put_off_ && outlasts(*last_error_)) put_off_expiry();
  next_load_ = Loop::current().now() + (usable() ? options_.renewal_pause : options_.failure_pause);
}

/// Whether an outage of the source leaves the credentials in use.
bool RefreshingCredentialsProvider::outlasts(const Error& failure) const {
  return current_ && current_->usable_after_expiry && !invalidated_ &&
         !failure.is(ErrorKind::unauthenticated);
}

void RefreshingCredentialsProvider::put_off_expiry() {
  auto spread = static_cast<double>((options_.put_off_max - options_.put_off_min).count());
  auto drawn = static_cast<std::chrono::seconds::rep>(uniform_random() * spread);
  renew_at_ = options_.clock() + options_.put_off_min + std::chrono::seconds(drawn);
  // Later, so that the next renewal runs beside the requests.
  current_->expiry = *renew_at_ + options_.early;
  put_off_ = true;
}

void RefreshingCredentialsProvider::invalidate(std::string_view access_key_id) noexcept {
  if (!current_ || current_->access_key_id != access_key_id) return;
  if (Loop::current().now() < next_invalidation_) return;
  invalidated_ = true;
  next_load_ = engine::TimePoint{};
}

Task<bool> RefreshingCredentialsProvider::suspect(std::string_view access_key_id) {
  if (has_other_than(access_key_id)) co_return true;
  bool ours = current_ && current_->access_key_id == access_key_id;
  bool paused = Loop::current().now() < std::max(next_load_, next_invalidation_);
  if (!ours || closed_ || (paused && !loading_)) co_return false;
  start_load();
  auto waited = co_await loaded_.wait();
  if (!waited) co_return false;
  co_return has_other_than(access_key_id);
}

Task<void> RefreshingCredentialsProvider::close() {
  closed_ = true;
  scope_.request_stop();
  auto joined = co_await scope_.join();
  (void)joined;
}

CredentialsStatus RefreshingCredentialsProvider::status() const {
  CredentialsStatus out;
  if (current_) {
    out.source = current_->source;
    out.access_key_id = current_->access_key_id;
    out.expiry = current_->expiry;
    out.put_off = put_off_;
  }
  out.loads = loads_;
  out.failures = failures_;
  out.last_error = last_error_;
  return out;
}

}  // namespace ringpull::inline v0::s3
