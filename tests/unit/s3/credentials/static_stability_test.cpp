// Credentials that outlast an outage of their source: EC2's, beyond their expiry. On clocks that
// the test moves.
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/s3/credentials_chain.hpp>
#include <ringpull/s3/imds_credentials.hpp>
#include <ringpull/s3/refreshing_credentials.hpp>

#include "tests/support/shifted_clock.hpp"
#include "tests/unit/s3/credentials/credentials_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_request;
using ringpull::testing::ShiftedClock;
using ringpull::testing::write;
using testing::answer;
using testing::CredentialsBed;
using testing::kNow;
using testing::service_document;

/// KEY1, KEY2, ... with the life that the test says, or a failure.
class ScriptedSource final : public CredentialsSource {
 public:
  std::string name() const override { return "scripted"; }
  Task<Result<Credentials>> load() override {
    ++loads;
    if (failure) co_return fail(*failure, "the source is down");
    Credentials credentials("KEY" + std::to_string(loads), Secret("canary"), Secret("token"));
    credentials.source = "scripted";
    credentials.expiry = now + life;
    credentials.usable_after_expiry = usable_after_expiry;
    co_return credentials;
  }

  std::chrono::sys_seconds now = kNow;
  std::chrono::seconds life = 1h;
  bool usable_after_expiry = true;
  std::optional<ErrorKind> failure;
  int loads = 0;
};

class StabilityBed {
 public:
  ScriptedSource* source = nullptr;
  std::unique_ptr<RefreshingCredentialsProvider> provider;

  using Body = Task<void> (*)(StabilityBed&);
  void run(Body body) {
    auto clock =
        std::make_unique<ShiftedClock>(engine::make_backend(engine::BackendOptions()).value());
    clock_ = clock.get();
    auto loop = engine::Loop::create(std::move(clock), engine::LoopOptions());
    loop->run([&] { return both(body); });
  }

  /// Both clocks; seen by the loop from its next turn on.
  Task<void> advance(std::chrono::seconds by) {
    source->now += by;
    clock_->advance(by);
    co_await settle();
  }
  /// The key id, or the kind of the failure; then a renewal that this has begun is over.
  Task<std::string> id(std::chrono::seconds lifetime = 0s) {
    auto got = co_await provider->credentials_lasting(lifetime);
    std::string told = got ? (*got)->access_key_id : std::string(to_string(got.error().kind()));
    co_await settle();
    co_return told;
  }
  /// Asks every minute until the source has been asked again; the answer that this happened beside.
  Task<std::string> id_at_next_load(int minutes_max) {
    int before = source->loads;
    std::string told = "no load";
    for (int i = 0; i < minutes_max && source->loads == before; ++i) {
      co_await advance(1min);
      told = co_await id();
    }
    EXPECT_EQ(source->loads, before + 1);
    co_return told;
  }

 private:
  static Task<void> settle() {
    for (int i = 0; i < 4; ++i) {
      auto slept = co_await engine::sleep_for(1us);
      EXPECT_TRUE(slept);
    }
  }
  Task<void> both(Body body) {
    auto scripted = std::make_unique<ScriptedSource>();
    source = scripted.get();
    RefreshOptions options;
    options.clock = [this] { return source->now; };
    options.jitter_max = 0s;
    provider = std::make_unique<RefreshingCredentialsProvider>(std::move(scripted), options);
    co_await body(*this);
    co_await provider->close();
    provider.reset();
  }

  ShiftedClock* clock_ = nullptr;
};

TEST(StaticStability, UsesWhatCameExpiredAndAsksAgainAfterFiveToFifteenMinutes) {
  StabilityBed bed;
  bed.run([](StabilityBed& b) -> Task<void> {
    b.source->life = -1h;
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    EXPECT_TRUE(b.provider->status().put_off);
    co_await b.advance(5min - 1s);
    std::string early = co_await b.id();
    EXPECT_EQ(early, "KEY1");
    EXPECT_EQ(b.source->loads, 1) << "not before five minutes";
    b.source->life = 1h;
    std::string beside = co_await b.id_at_next_load(11);  // after fifteen at the latest
    EXPECT_EQ(beside, "KEY1") << "nobody waits for the renewal";
    std::string renewed = co_await b.id();
    EXPECT_EQ(renewed, "KEY2");
    EXPECT_FALSE(b.provider->status().put_off);
  });
}

TEST(StaticStability, KeepsWhatIsInUseWhileItsSourceIsUnavailable) {
  StabilityBed bed;
  bed.run([](StabilityBed& b) -> Task<void> {
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    b.source->failure = ErrorKind::unavailable;
    co_await b.advance(61min);
    std::string expired = co_await b.id();
    EXPECT_EQ(expired, "KEY1");
    EXPECT_EQ(b.source->loads, 2) << "the source was asked before";
    for (int round = 0; round < 10; ++round) {
      co_await b.advance(5min - 1s);
      std::string soon = co_await b.id();
      EXPECT_EQ(soon, "KEY1");
      EXPECT_EQ(b.source->loads, 2 + round);
      std::string later = co_await b.id_at_next_load(11);
      EXPECT_EQ(later, "KEY1");
    }
    EXPECT_TRUE(b.provider->status().put_off);
    EXPECT_TRUE(b.provider->status().last_error.has_value());
    b.source->failure.reset();
    std::string beside = co_await b.id_at_next_load(15);
    EXPECT_EQ(beside, "KEY1");
    std::string renewed = co_await b.id();
    EXPECT_EQ(renewed, "KEY13");
    EXPECT_EQ(b.provider->status().expiry, b.source->now + 1h);
  });
}

TEST(StaticStability, DoesNotAskASourceThatHasJustFailed) {
  StabilityBed bed;
  bed.run([](StabilityBed& b) -> Task<void> {
    std::string first = co_await b.id();
    b.source->failure = ErrorKind::timed_out;
    co_await b.advance(60min - 10s);
    std::string before = co_await b.id();
    EXPECT_EQ(before, "KEY1");
    EXPECT_EQ(b.source->loads, 2);
    co_await b.advance(20s);
    std::string expired = co_await b.id();
    EXPECT_EQ(expired, "KEY1");
    EXPECT_EQ(b.source->loads, 2);
    EXPECT_TRUE(b.provider->status().put_off);
  });
}

TEST(StaticStability, AsksFirstWhereNobodyNeededTheKeysForLong) {
  StabilityBed bed;
  bed.run([](StabilityBed& b) -> Task<void> {
    std::string first = co_await b.id();
    b.source->failure = ErrorKind::unavailable;
    co_await b.advance(2h);
    std::string put_off = co_await b.id();
    EXPECT_EQ(put_off, "KEY1");
    b.source->failure.reset();
    co_await b.advance(24h);
    std::string back = co_await b.id();
    EXPECT_EQ(back, "KEY3") << "the old key is not tried again";
  });
}

TEST(StaticStability, SpreadsTheRenewals) {
  StabilityBed bed;
  bed.run([](StabilityBed& b) -> Task<void> {
    b.source->life = -1s;
    std::set<std::chrono::seconds> pauses;
    for (int i = 0; i < 20; ++i) {
      co_await b.advance(24h);
      std::string id = co_await b.id();
      EXPECT_EQ(id, "KEY" + std::to_string(i + 1));
      auto pause = *b.provider->status().expiry - b.source->now - RefreshOptions().early;
      EXPECT_GE(pause, 5min);
      EXPECT_LE(pause, 15min);
      pauses.insert(pause);
    }
    EXPECT_GT(pauses.size(), 1u) << "of 600 seconds, twenty times the same";
  });
}

TEST(StaticStability, DoesNotAskForKeysThatLastLongerThanTheOutage) {
  StabilityBed bed;
  bed.run([](StabilityBed& b) -> Task<void> {
    b.source->life = -1s;
    std::string first = co_await b.id(24h * 7);
    EXPECT_EQ(first, "KEY1");
    co_await b.advance(4min);
    std::string second = co_await b.id(24h * 7);
    EXPECT_EQ(second, "KEY1");
    EXPECT_EQ(b.source->loads, 1);
  });
}

TEST(StaticStability, EndsWhereTheSourceRefuses) {
  StabilityBed bed;
  bed.run([](StabilityBed& b) -> Task<void> {
    std::string first = co_await b.id();
    b.source->failure = ErrorKind::unauthenticated;
    co_await b.advance(61min);
    std::string refused = co_await b.id();
    EXPECT_EQ(refused, "unauthenticated");
  });
}

TEST(StaticStability, EndsWhereTheServerRefuses) {
  StabilityBed bed;
  bed.run([](StabilityBed& b) -> Task<void> {
    b.source->life = -1s;
    std::string first = co_await b.id();
    b.source->failure = ErrorKind::unavailable;
    b.provider->invalidate("KEY1");
    std::string refused = co_await b.id();
    EXPECT_EQ(refused, "unavailable");
  });
}

TEST(StaticStability, GoesOnWhereTheServerGaveNoReason) {
  StabilityBed bed;
  bed.run([](StabilityBed& b) -> Task<void> {
    b.source->life = -1s;
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    b.source->failure = ErrorKind::unavailable;
    bool others = co_await b.provider->suspect("KEY1");
    EXPECT_FALSE(others);
    co_await b.advance(61min);
    std::string kept = co_await b.id();
    EXPECT_EQ(kept, "KEY1");
  });
}

TEST(StaticStability, IsNotForCredentialsThatEndWithTheirExpiry) {
  StabilityBed bed;
  bed.run([](StabilityBed& b) -> Task<void> {
    b.source->usable_after_expiry = false;
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    b.source->failure = ErrorKind::unavailable;
    co_await b.advance(61min);
    std::string expired = co_await b.id();
    EXPECT_EQ(expired, "unavailable");
  });
}

TEST(StaticStability, IsWhatEc2AsksFor) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(answer(200, "t")), read_request(),
                  write(answer(200, "app")), read_request(), write(answer(200, service_document())),
                  hold()}};
  bed.now = kNow + 2h;
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = b.url();
    ImdsOptions patient;
    patient.try_time = 60s;
    std::vector<std::unique_ptr<CredentialsSource>> sources;
    sources.push_back(std::make_unique<ImdsSource>(b.services(), patient));
    RefreshOptions options;
    options.clock = [&b] { return b.now; };
    RefreshingCredentialsProvider provider(std::make_unique<CredentialsChain>(std::move(sources)),
                                           options);
    auto got = co_await provider.credentials();
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_EQ((*got)->access_key_id, "AKIDTEST") << "an hour after its expiry";
    EXPECT_TRUE(provider.status().put_off);
    EXPECT_GT(*provider.status().expiry, b.now) << "signed URLs go on";
    co_await provider.close();
  });
}

}  // namespace
}  // namespace ringpull::s3
