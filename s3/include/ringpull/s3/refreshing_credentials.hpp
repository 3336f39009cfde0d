#pragma once
// Credentials that are renewed before they expire, once for everybody who needs them.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/s3/credentials_provider.hpp>
#include <ringpull/s3/credentials_source.hpp>

namespace ringpull::inline v0::s3 {

class RefreshOptions {
 public:
  RefreshOptions() = default;

  /// Temporary credentials are renewed this long before they expire, or at three quarters of their
  /// life where that is later. 5 min: AWS's metadata services have the next ones by then, and it
  /// leaves room for an outage.
  std::chrono::seconds early = std::chrono::minutes(5);
  /// Added to `early`, uniformly from 0 to this: machines that started together should not ask
  /// together. 1 min.
  std::chrono::seconds jitter_max = std::chrono::minutes(1);
  /// For one load, every try included. 75 s: a credential_process has 60 of them.
  engine::Duration load_time_max = std::chrono::seconds(75);
  /// Between a failed renewal and the next while the old credentials are still valid. 30 s: ten
  /// tries in the last five minutes.
  engine::Duration renewal_pause = std::chrono::seconds(30);
  /// Where there is nothing valid to give, a failure answers everybody for this long before the
  /// source is asked again. 1 s: a broken source is not asked once per request.
  engine::Duration failure_pause = std::chrono::seconds(1);
  /// Where credentials are used beyond their expiry, the source is asked again after a time between
  /// these, drawn anew each time. 5 to 15 min, as AWS's SDKs have it: a service that comes back
  /// shall not meet all machines at once.
  std::chrono::seconds put_off_min = std::chrono::minutes(5);
  std::chrono::seconds put_off_max = std::chrono::minutes(15);
  /// The wall clock, which expiry is compared with. Default: the system's.
  std::function<std::chrono::sys_seconds()> clock;
};

/// For reports.
struct CredentialsStatus {
  CredentialsStatus() = default;

  /// Who gave the credentials; empty before the first.
  std::string source;
  std::string access_key_id;
  /// As signatures reckon with it: put off where the source's own has passed.
  std::optional<std::chrono::sys_seconds> expiry;
  bool put_off = false;
  std::uint64_t loads = 0;  ///< the source was asked
  std::uint64_t failures = 0;
  /// Of the last load, when that one failed.
  std::optional<Error> last_error;
};

/// Keeps what a source gave. At most one load is under way; callers who need it wait for it
/// together, each stoppable on its own. While the credentials are still valid nobody waits: they
/// are served while a renewal runs, and when it fails, until they really expire.
///
/// Static stability: credentials that are usable_after_expiry outlast an outage of their source.
/// Where it fails to renew them, or gives ones that have expired already, the expiry is put off by
/// put_off_min to put_off_max and `early`, as often as it takes. Not where the source refuses
/// (`unauthenticated`) or the server has (invalidate()).
///
/// A load belongs to nobody's request: it runs in a scope of the provider's own, so that it neither
/// dies with the caller who happened to start it nor keeps that caller from being stopped. Hence
/// close(), which joins the scope. Used by the tasks of one loop.
class RefreshingCredentialsProvider final : public CredentialsProvider {
 public:
  explicit RefreshingCredentialsProvider(std::unique_ptr<CredentialsSource> source,
                                         RefreshOptions options = RefreshOptions());
  /// Aborts while a load is under way: close() comes first.
  ~RefreshingCredentialsProvider() override;

  /// What the source fails with, when there is nothing valid; `cancelled` after close().
  engine::Task<Result<const Credentials*>> credentials() override;
  /// Waits for a renewal where the credentials expire within `lifetime` and a renewal could give
  /// longer ones: more than half of their life has passed, and none was made in the last minute.
  engine::Task<Result<const Credentials*>> credentials_lasting(
      std::chrono::seconds lifetime) override;
  /// Without effect on other credentials than these; and for renewal_pause, when a source has just
  /// given the same ones again.
  void invalidate(std::string_view access_key_id) noexcept override;
  /// Waits for a load, its own or the one under way. At once where others are there already, and
  /// for renewal_pause after a load that failed or gave the same ones.
  engine::Task<bool> suspect(std::string_view access_key_id) override;

  /// Stops a load under way and completes when it has ended. For every end, also of a stopped task:
  /// await it shielded there.
  engine::Task<void> close();

  CredentialsStatus status() const;

 private:
  engine::Task<Result<const Credentials*>> obtain(std::chrono::seconds lifetime);
  engine::Task<void> load();
  bool usable() const;
  bool has_other_than(std::string_view access_key_id) const;
  bool renewal_is_due() const;
  bool lasts(std::chrono::seconds lifetime) const;
  void start_load();
  void adopt(Result<Credentials> loaded);
  void take(Credentials credentials);
  void note_failure(Error error);
  bool outlasts(const Error& failure) const;
  void put_off_expiry();

  // Fixed after construction.
  std::unique_ptr<CredentialsSource> source_;
  RefreshOptions options_;

  std::optional<Credentials> current_;
  std::optional<std::chrono::sys_seconds> renew_at_;
  std::chrono::seconds life_{0};  // of current_, when it came
  bool invalidated_ = false;
  bool put_off_ = false;
  std::optional<Error> last_error_;
  std::uint64_t loads_ = 0;
  std::uint64_t failures_ = 0;
  // By the loop's clock.
  engine::TimePoint next_load_{};
  engine::TimePoint next_lasting_load_{};
  engine::TimePoint next_invalidation_{};

  bool closed_ = false;
  bool loading_ = false;
  engine::Event loaded_;
  engine::Context root_;
  engine::Scope scope_{root_};
};

}  // namespace ringpull::inline v0::s3
