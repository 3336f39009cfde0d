// When credentials are renewed, who waits for it, and what is given while that fails: with a source
// that the test holds in its hands, and clocks that it moves.
#include <chrono>
#include <deque>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/s3/refreshing_credentials.hpp>

#include "tests/support/shifted_clock.hpp"
#include "tests/unit/s3/credentials/credentials_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using testing::kNow;

/// Gives numbered keys that live for `life`, or fails; each load waits while the gate is closed.
class HeldSource final : public CredentialsSource {
 public:
  std::string name() const override { return "held"; }
  Task<Result<Credentials>> load() override {
    ++loads;
    RINGPULL_CO_CHECK(co_await gate.wait());
    if (failing) co_return fail(ErrorKind::unavailable, "the source is down");
    std::string id = fixed_id.empty() ? "KEY" + std::to_string(loads) : fixed_id;
    Credentials credentials(id, Secret("canary"));
    credentials.source = "held source";
    if (life) credentials.expiry = now + *life;
    co_return credentials;
  }

  std::chrono::sys_seconds now = kNow;
  std::optional<std::chrono::seconds> life = 1h;
  std::string fixed_id;
  bool failing = false;
  int loads = 0;
  engine::Event gate;
};

/// A provider on a loop whose clock the test puts forward, together with the wall clock.
class Bed {
 public:
  HeldSource* source = nullptr;
  std::unique_ptr<RefreshingCredentialsProvider> provider;
  RefreshOptions options;

  Bed() { options.jitter_max = 0s; }
  using Body = Task<void> (*)(Bed&);
  void run(Body body) {
    auto clock = std::make_unique<ringpull::testing::ShiftedClock>(
        engine::make_backend(engine::BackendOptions()).value());
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
  /// Some turns of the loop: whatever is ready happens, and a moved clock is seen.
  static Task<void> settle() {
    for (int i = 0; i < 4; ++i) {
      auto slept = co_await engine::sleep_for(1us);
      EXPECT_TRUE(slept);
    }
  }
  /// The key id, or the kind of the failure.
  Task<std::string> id(std::chrono::seconds lifetime = 0s) {
    auto got = co_await provider->credentials_lasting(lifetime);
    if (!got) co_return std::string(to_string(got.error().kind()));
    co_return (*got)->access_key_id;
  }

 private:
  Task<void> both(Body body) {
    auto held = std::make_unique<HeldSource>();
    source = held.get();
    source->gate.set();
    options.clock = [this] { return source->now; };
    provider = std::make_unique<RefreshingCredentialsProvider>(std::move(held), options);
    co_await body(*this);
    co_await provider->close();
    provider.reset();
  }

  ringpull::testing::ShiftedClock* clock_ = nullptr;
};

/// Asks, and notes the answer.
Task<void> ask(Bed& bed, std::vector<std::string>& answers) {
  std::string id = co_await bed.id();
  answers.push_back(id);
}

TEST(RefreshingCredentials, AreLoadedOnceForAHundredCallers) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.source->gate.reset();
    std::vector<std::string> answers;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    for (int i = 0; i < 100; ++i) scope.spawn(ask(b, answers));
    co_await Bed::settle();
    EXPECT_EQ(b.source->loads, 1);
    EXPECT_TRUE(answers.empty());
    b.source->gate.set();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(answers, std::vector<std::string>(100, "KEY1"));
    EXPECT_EQ(b.source->loads, 1);
    EXPECT_EQ(b.provider->status().source, "held source");
    EXPECT_EQ(b.provider->status().expiry, kNow + 1h);
  });
}

TEST(RefreshingCredentials, FailOnceForAHundredCallersAndAgainOnlyAfterAPause) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.source->failing = true;
    b.source->gate.reset();
    std::vector<std::string> answers;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    for (int i = 0; i < 100; ++i) scope.spawn(ask(b, answers));
    co_await Bed::settle();
    b.source->gate.set();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(answers, std::vector<std::string>(100, "unavailable"));
    EXPECT_EQ(b.source->loads, 1);
    std::string at_once = co_await b.id();
    EXPECT_EQ(at_once, "unavailable");
    EXPECT_EQ(b.source->loads, 1) << "a failure answers for failure_pause";
    co_await b.advance(2s);
    b.source->failing = false;
    std::string later = co_await b.id();
    EXPECT_EQ(later, "KEY2");
    EXPECT_EQ(b.provider->status().failures, 1u);
    EXPECT_FALSE(b.provider->status().last_error.has_value());
  });
}

TEST(RefreshingCredentials, AreRenewedBesideTheRequestsBeforeTheyExpire) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    co_await b.advance(55min - 1s);
    std::string early = co_await b.id();
    EXPECT_EQ(early, "KEY1");
    co_await Bed::settle();
    EXPECT_EQ(b.source->loads, 1) << "five minutes before the end, not earlier";
    b.source->gate.reset();
    co_await b.advance(1s);
    std::string meanwhile = co_await b.id();
    EXPECT_EQ(meanwhile, "KEY1") << "nobody waits for the renewal";
    co_await Bed::settle();
    EXPECT_EQ(b.source->loads, 2);
    b.source->gate.set();
    co_await Bed::settle();
    std::string after = co_await b.id();
    EXPECT_EQ(after, "KEY2");
    EXPECT_EQ(b.source->loads, 2);
  });
}

TEST(RefreshingCredentials, AreServedUntilTheyExpireWhileTheirSourceIsDown) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    b.source->failing = true;
    co_await b.advance(56min);
    for (int i = 0; i < 10; ++i) {
      std::string during = co_await b.id();
      EXPECT_EQ(during, "KEY1");
      co_await Bed::settle();
    }
    EXPECT_EQ(b.source->loads, 2) << "a failed renewal pauses";
    co_await b.advance(31s);
    std::string again = co_await b.id();
    EXPECT_EQ(again, "KEY1");
    co_await Bed::settle();
    EXPECT_EQ(b.source->loads, 3);
    EXPECT_TRUE(b.provider->status().last_error.has_value());
    co_await b.advance(4min);
    std::string expired = co_await b.id();
    EXPECT_EQ(expired, "unavailable");
    b.source->failing = false;
    co_await b.advance(2s);
    std::string back = co_await b.id();
    EXPECT_EQ(back, "KEY5");
  });
}

TEST(RefreshingCredentials, OfShortLifeAreRenewedAtThreeQuartersOfIt) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.source->life = 4min;
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    co_await b.advance(2min);
    std::string second = co_await b.id();
    EXPECT_EQ(second, "KEY1");
    co_await Bed::settle();
    EXPECT_EQ(b.source->loads, 1);
    co_await b.advance(1min);
    std::string third = co_await b.id();
    EXPECT_EQ(third, "KEY1");
    co_await Bed::settle();
    EXPECT_EQ(b.source->loads, 2);
  });
}

TEST(RefreshingCredentials, AreSpreadByTheJitter) {
  Bed bed;
  bed.options.jitter_max = 10min;
  bed.run([](Bed& b) -> Task<void> {
    // Whatever was drawn: not before early + jitter_max, and by early at the latest.
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    co_await b.advance(45min - 1s);
    std::string before = co_await b.id();
    co_await Bed::settle();
    EXPECT_EQ(b.source->loads, 1);
    co_await b.advance(10min + 1s);
    std::string after = co_await b.id();
    co_await Bed::settle();
    EXPECT_EQ(b.source->loads, 2);
  });
}

TEST(RefreshingCredentials, WithoutAnExpiryAreLoadedOnce) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.source->life.reset();
    std::string first = co_await b.id();
    co_await b.advance(24h * 365);
    std::string later = co_await b.id(24h);
    EXPECT_EQ(later, "KEY1");
    EXPECT_EQ(b.source->loads, 1);
  });
}

TEST(RefreshingCredentials, AreFetchedAnewOnceWhenTheServerSaysTheyExpired) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    b.provider->invalidate("KEY1");
    b.provider->invalidate("KEY1");
    std::string second = co_await b.id();
    EXPECT_EQ(second, "KEY2");
    b.provider->invalidate("KEY1");  // an answer to a request that was signed before
    std::string third = co_await b.id();
    EXPECT_EQ(third, "KEY2");
    EXPECT_EQ(b.source->loads, 2);
  });
}

TEST(RefreshingCredentials, ThatTheServerRefusedAreNotServedWhileTheirSourceIsDown) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    b.source->failing = true;
    b.provider->invalidate("KEY1");
    std::string second = co_await b.id();
    EXPECT_EQ(second, "unavailable");
  });
}

TEST(RefreshingCredentials, AreNotAskedForAgainAndAgainWhenTheSourceGivesTheSame) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.source->fixed_id = "SAME";
    std::string first = co_await b.id();
    for (int i = 0; i < 100; ++i) {
      b.provider->invalidate("SAME");
      std::string again = co_await b.id();
      EXPECT_EQ(again, "SAME");
    }
    EXPECT_EQ(b.source->loads, 2);
    co_await b.advance(31s);
    b.provider->invalidate("SAME");
    std::string later = co_await b.id();
    EXPECT_EQ(b.source->loads, 3);
  });
}

/// Suspects KEY1, and notes whether there are others.
Task<void> suspect(Bed& bed, std::vector<bool>& answers) {
  bool others = co_await bed.provider->suspect("KEY1");
  answers.push_back(others);
}

TEST(RefreshingCredentials, ThatAreSuspectedServeEverybodyElseUntilOthersAreThere) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::string first = co_await b.id();
    EXPECT_EQ(first, "KEY1");
    b.source->gate.reset();
    std::vector<bool> answers;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    for (int i = 0; i < 100; ++i) scope.spawn(suspect(b, answers));
    co_await Bed::settle();
    EXPECT_TRUE(answers.empty());
    std::string meanwhile = co_await b.id();
    EXPECT_EQ(meanwhile, "KEY1");
    b.source->gate.set();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(answers, std::vector<bool>(100, true));
    bool late = co_await b.provider->suspect("KEY1");
    EXPECT_TRUE(late) << "others are there";
    std::string afterwards = co_await b.id();
    EXPECT_EQ(afterwards, "KEY2");
    EXPECT_EQ(b.source->loads, 2);
  });
}

TEST(RefreshingCredentials, ThatAreSuspectedStayWhileTheirSourceIsDown) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::string first = co_await b.id();
    b.source->failing = true;
    for (int i = 0; i < 100; ++i) {
      bool others = co_await b.provider->suspect("KEY1");
      EXPECT_FALSE(others);
      std::string kept = co_await b.id();
      EXPECT_EQ(kept, "KEY1");
    }
    EXPECT_EQ(b.source->loads, 2) << "once per renewal_pause";
    co_await b.advance(31s);
    b.source->failing = false;
    bool others = co_await b.provider->suspect("KEY1");
    EXPECT_TRUE(others);
    EXPECT_EQ(b.source->loads, 3);
  });
}

TEST(RefreshingCredentials, ThatAreSuspectedStayWhereTheSourceGivesTheSame) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.source->fixed_id = "KEY1";
    std::string first = co_await b.id();
    for (int i = 0; i < 100; ++i) {
      bool others = co_await b.provider->suspect("KEY1");
      EXPECT_FALSE(others);
    }
    EXPECT_EQ(b.source->loads, 2);
    std::string kept = co_await b.id();
    EXPECT_EQ(kept, "KEY1");
  });
}

TEST(RefreshingCredentials, AreNoLongerWaitedForByASuspicionThatIsStopped) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::string first = co_await b.id();
    b.source->gate.reset();
    engine::StopSource stop;
    stop.request_stop();
    bool others = co_await engine::with_stop(stop, b.provider->suspect("KEY1"));
    EXPECT_FALSE(others);
    std::string kept = co_await b.id();
    EXPECT_EQ(kept, "KEY1");
  });
}

TEST(RefreshingCredentials, ThatCameExpiredAreAFailure) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.source->life = -1s;
    auto got = co_await b.provider->credentials();
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::unauthenticated);
    EXPECT_EQ(got.error().message(),
              "held source: the credentials that came had expired at 20231114T221319Z; check this "
              "machine's clock, or whoever renews them");
  });
}

TEST(RefreshingCredentials, AreRenewedForALongSignatureWhereThatGivesLongerOnes) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::string first = co_await b.id(20min);
    EXPECT_EQ(first, "KEY1");
    co_await b.advance(25min);
    std::string enough = co_await b.id(20min);
    EXPECT_EQ(enough, "KEY1");
    co_await b.advance(20min);
    std::string renewed = co_await b.id(20min);
    EXPECT_EQ(renewed, "KEY2") << "fifteen minutes are left of an hour";
    // More than a source ever gives is asked for: not at each call.
    for (int i = 0; i < 10; ++i) {
      std::string week = co_await b.id(24h * 7);
      EXPECT_EQ(week, "KEY2");
    }
    EXPECT_EQ(b.source->loads, 2);
    // A source that is down does not take from us what is still valid.
    co_await b.advance(45min);
    b.source->failing = true;
    std::string old = co_await b.id(20min);
    EXPECT_EQ(old, "KEY2");
    EXPECT_EQ(b.source->loads, 3);
  });
}

Task<void> ask_stoppable(Bed& bed, engine::StopSource& stop, std::string& answer) {
  Task<std::string> task = bed.id();
  answer = co_await engine::with_stop(stop, std::move(task));
}

TEST(RefreshingCredentials, OutliveTheCallerWhoStartedTheLoad) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.source->gate.reset();
    engine::StopSource stop;
    std::string first;
    std::vector<std::string> answers;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(ask_stoppable(b, stop, first));
    co_await Bed::settle();
    scope.spawn(ask(b, answers));
    co_await Bed::settle();
    stop.request_stop();
    co_await Bed::settle();
    EXPECT_EQ(first, "cancelled") << "at once";
    EXPECT_TRUE(answers.empty());
    b.source->gate.set();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(answers, std::vector<std::string>(1, "KEY1"));
    EXPECT_EQ(b.source->loads, 1);
  });
}

TEST(RefreshingCredentials, EndALoadThatTakesTooLong) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.source->gate.reset();
    std::vector<std::string> answers;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(ask(b, answers));
    co_await Bed::settle();
    co_await b.advance(76s);
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(answers, std::vector<std::string>(1, "timed_out"));
  });
}

TEST(RefreshingCredentials, AreClosedInTheMiddleOfALoad) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    b.source->gate.reset();
    std::vector<std::string> answers;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(ask(b, answers));
    co_await Bed::settle();
    co_await b.provider->close();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_EQ(answers, std::vector<std::string>(1, "cancelled"));
    std::string after = co_await b.id();
    EXPECT_EQ(after, "cancelled");
  });
}

}  // namespace
}  // namespace ringpull::s3
