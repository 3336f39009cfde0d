#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/dns_server.hpp"
#include "tests/support/on_each_backend.hpp"
#include "tests/support/shifted_clock.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;
using ringpull::testing::DnsAnswer;
using ringpull::testing::DnsServer;
using ringpull::testing::ShiftedClock;

/// Every name ends in a dot in spirit: an unknown one may be tried under the machine's search
/// domains too, so counts are taken per name.
const std::string kName = "bucket.store.test";

DnsAnswer addresses(std::vector<std::string> list, std::uint32_t ttl_seconds = 60) {
  DnsAnswer answer;
  answer.addresses = std::move(list);
  answer.ttl_seconds = ttl_seconds;
  return answer;
}

DnsAnswer failure(std::uint8_t code) {
  DnsAnswer answer;
  answer.code = code;
  return answer;
}

class ResolverTest : public ringpull::testing::OnEachBackend {
 protected:
  ResolverTest() {
    options_.servers = server_.address();
    options_.try_time = 20s;  // nothing here is to depend on a retry
  }

  /// Runs `body(resolver, *this)` on a loop with a clock that tests may put forward.
  template <class Body>
  void with_resolver(Body body) {
    BackendOptions backend;
    backend.kind = GetParam();
    auto clock = std::make_unique<ShiftedClock>(make_backend(backend).value());
    clock_ = clock.get();
    auto loop = Loop::create(std::move(clock), LoopOptions());
    auto outcome = loop->run([&] { return run_body(std::move(body)); });
    EXPECT_TRUE(outcome.has_value()) << outcome.error().message();
  }

 public:
  DnsServer server_;
  ResolverOptions options_;
  ShiftedClock* clock_ = nullptr;

 private:
  template <class Body>
  Task<Result<void>> run_body(Body body) {
    RINGPULL_CO_TRY(auto resolver, CaresResolver::create(options_));
    auto done = co_await body(*resolver, *this);
    co_return done;
  }
};
RINGPULL_ON_EACH_BACKEND(ResolverTest);

/// The addresses in order of their text, or the kind of the error.
Task<std::string> ask(Resolver& resolver, std::string host) {
  auto found = co_await resolver.resolve(std::move(host), 443);
  if (!found) co_return std::string(to_string(found.error().kind()));
  std::vector<std::string> texts;
  for (const SocketAddress& address : *found) texts.push_back(address.to_string());
  std::ranges::sort(texts);
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : " ") + text;
  co_return joined;
}

/// Asks for what it does to the cache.
Task<void> visit(Resolver& resolver, std::string host) {
  auto answer = co_await ask(resolver, std::move(host));
  EXPECT_FALSE(answer.empty());
}

/// Lets the loop take a turn, after which it sees the clock of now.
Task<void> pass(ResolverTest& test, Duration time) {
  test.clock_->advance(time);
  auto slept = co_await sleep_for(1us);
  EXPECT_TRUE(slept.has_value());
}

Task<Result<void>> numeric(CaresResolver& resolver, ResolverTest& test) {
  auto v4 = co_await ask(resolver, "192.0.2.7");
  EXPECT_EQ(v4, "192.0.2.7:443");
  auto v6 = co_await ask(resolver, "2001:db8::1");
  EXPECT_EQ(v6, "[2001:db8::1]:443");
  EXPECT_EQ(resolver.lookups(), 0U);
  EXPECT_EQ(test.server_.asked(), 0U);
  co_return Result<void>();
}

TEST_P(ResolverTest, ANumericAddressAnswersItself) { with_resolver(numeric); }

Task<Result<void>> all_addresses(CaresResolver& resolver, ResolverTest& test) {
  test.server_.set(kName, addresses({"192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.3"}));
  auto found = co_await ask(resolver, kName);
  EXPECT_EQ(found, "192.0.2.1:443 192.0.2.2:443 192.0.2.3:443 [2001:db8::1]:443");
  test.server_.set("v6.store.test", addresses({"2001:db8::2"}));
  auto only_v6 = co_await ask(resolver, "v6.store.test");
  EXPECT_EQ(only_v6, "[2001:db8::2]:443");
  co_return Result<void>();
}

TEST_P(ResolverTest, GivesEveryAddressOfBothFamilies) { with_resolver(all_addresses); }

Task<Result<void>> more_than_a_datagram(CaresResolver& resolver, ResolverTest& test) {
  std::vector<std::string> many;
  for (int i = 0; i < 200; ++i) many.push_back("192.0.2." + std::to_string(i));
  DnsAnswer answer = addresses(many);
  answer.over_tcp = true;
  test.server_.set(kName, answer);
  auto found = co_await resolver.resolve(kName, 443);
  EXPECT_EQ(found.value().size(), 200U);
  co_return Result<void>();
}

TEST_P(ResolverTest, AnAnswerTooLargeForADatagramComesOverTcp) {
  with_resolver(more_than_a_datagram);
}

Task<Result<void>> cached_by_ttl(CaresResolver& resolver, ResolverTest& test) {
  test.server_.set(kName, addresses({"192.0.2.1"}, 60));
  auto first = co_await ask(resolver, kName);
  test.server_.set(kName, addresses({"192.0.2.2"}, 60));
  co_await pass(test, 59s);
  auto second = co_await ask(resolver, kName);
  EXPECT_EQ(first + second, "192.0.2.1:443192.0.2.1:443");
  EXPECT_EQ(resolver.lookups(), 1U);
  co_await pass(test, 2s);
  auto third = co_await ask(resolver, kName);
  EXPECT_EQ(third, "192.0.2.2:443");
  EXPECT_EQ(resolver.lookups(), 2U);
  co_return Result<void>();
}

TEST_P(ResolverTest, KeepsAnAnswerForItsTtlAndAsksAnewAfterwards) { with_resolver(cached_by_ttl); }

Task<Result<void>> ttl_within_bounds(CaresResolver& resolver, ResolverTest& test) {
  test.server_.set("short.test", addresses({"192.0.2.1"}, 0));
  test.server_.set("long.test", addresses({"192.0.2.2"}, 1'000'000));
  co_await visit(resolver, "short.test");
  co_await visit(resolver, "long.test");
  co_await pass(test, 900ms);
  co_await visit(resolver, "short.test");
  EXPECT_EQ(resolver.lookups(), 2U);
  co_await pass(test, 5min);
  co_await visit(resolver, "long.test");
  EXPECT_EQ(resolver.lookups(), 3U);
  co_return Result<void>();
}

TEST_P(ResolverTest, HoldsTheTtlWithinItsBounds) { with_resolver(ttl_within_bounds); }

Task<Result<void>> no_such_name(CaresResolver& resolver, ResolverTest& test) {
  auto missing = co_await ask(resolver, kName);
  EXPECT_EQ(missing, "not_found");
  test.server_.set(kName, addresses({"192.0.2.1"}));
  auto believed = co_await ask(resolver, kName);
  EXPECT_EQ(believed, "not_found");
  EXPECT_EQ(resolver.lookups(), 1U);
  EXPECT_EQ(test.server_.asked(kName), 2U) << "one question for A and one for AAAA";
  co_await pass(test, 1100ms);
  auto appeared = co_await ask(resolver, kName);
  EXPECT_EQ(appeared, "192.0.2.1:443");
  co_return Result<void>();
}

TEST_P(ResolverTest, ANameThatDoesNotExistIsBelievedForASecond) { with_resolver(no_such_name); }

Task<Result<void>> no_addresses(CaresResolver& resolver, ResolverTest& test) {
  test.server_.set(kName, addresses({}));
  auto nothing = co_await ask(resolver, kName);
  EXPECT_EQ(nothing, "not_found");
  co_return Result<void>();
}

TEST_P(ResolverTest, ANameWithoutAddressesIsNotFound) { with_resolver(no_addresses); }

Task<Result<void>> served_stale(CaresResolver& resolver, ResolverTest& test) {
  test.server_.set(kName, addresses({"192.0.2.1"}, 60));
  co_await visit(resolver, kName);
  test.server_.set(kName, failure(DnsAnswer::kServerFailure));
  co_await pass(test, 61s);
  auto stale = co_await ask(resolver, kName);
  EXPECT_EQ(stale, "192.0.2.1:443");
  EXPECT_EQ(resolver.lookups(), 2U);
  auto again = co_await ask(resolver, kName);
  EXPECT_EQ(again, "192.0.2.1:443");
  EXPECT_EQ(resolver.lookups(), 2U) << "a server in trouble was asked for every connection";
  co_await pass(test, 10min);
  auto too_old = co_await ask(resolver, kName);
  EXPECT_EQ(too_old, "unavailable");
  test.server_.set(kName, addresses({"192.0.2.2"}, 60));
  co_await pass(test, 2s);
  auto back = co_await ask(resolver, kName);
  EXPECT_EQ(back, "192.0.2.2:443");
  co_return Result<void>();
}

TEST_P(ResolverTest, ServesTheLastGoodAnswerWhileServersFail) { with_resolver(served_stale); }

Task<Result<void>> gone_is_gone(CaresResolver& resolver, ResolverTest& test) {
  test.server_.set(kName, addresses({"192.0.2.1"}, 60));
  co_await visit(resolver, kName);
  test.server_.set(kName, failure(DnsAnswer::kNoSuchName));
  co_await pass(test, 61s);
  auto gone = co_await ask(resolver, kName);
  EXPECT_EQ(gone, "not_found");
  co_return Result<void>();
}

TEST_P(ResolverTest, ANameThatWasRemovedIsNotServedStale) { with_resolver(gone_is_gone); }

Task<Result<void>> silence(CaresResolver& resolver, ResolverTest& test) {
  DnsAnswer silent;
  silent.silent = true;
  test.server_.set(kName, silent);
  auto nobody = co_await ask(resolver, kName);
  EXPECT_EQ(nobody, "unavailable");
  EXPECT_EQ(test.server_.asked(kName), 4U) << "two tries for each of A and AAAA";
  co_return Result<void>();
}

TEST_P(ResolverTest, ASilentServerIsUnavailableAfterItsTries) {
  options_.try_time = 5ms;
  options_.tries = 2;
  with_resolver(silence);
}

Task<Result<void>> deadline_passes(CaresResolver& resolver, ResolverTest& test) {
  DnsAnswer silent;
  silent.silent = true;
  test.server_.set(kName, silent);
  auto late = co_await with_deadline(Deadline::after(2ms), resolver.resolve(kName, 443));
  EXPECT_EQ(late.error().kind(), ErrorKind::timed_out);
  EXPECT_NE(late.error().message().find(kName), std::string::npos);
  co_return Result<void>();
}

// The question is still with the server when the resolver, and then the loop, go away.
TEST_P(ResolverTest, ADeadlineEndsTheWaitAtOnceAndTheRestIsDropped) {
  with_resolver(deadline_passes);
}

Task<void> ask_into(Resolver& resolver, std::vector<std::string>& answers) {
  auto answer = co_await ask(resolver, kName);
  answers.push_back(answer);
}

Task<Result<void>> shared_question(CaresResolver& resolver, ResolverTest& test) {
  DnsAnswer answer = addresses({"192.0.2.1"});
  answer.held = true;
  test.server_.set(kName, answer);
  Context& context = co_await current_context();
  std::vector<std::string> answers;
  Scope scope(context);
  for (int i = 0; i < 10; ++i) scope.spawn(ask_into(resolver, answers));
  co_await yield_now();
  co_await yield_now();
  auto slept = co_await sleep_for(1us);
  EXPECT_TRUE(slept.has_value());
  test.server_.release(2);
  RINGPULL_CO_CHECK(co_await scope.join());
  EXPECT_EQ(answers, std::vector<std::string>(10, "192.0.2.1:443"));
  EXPECT_EQ(resolver.lookups(), 1U);
  EXPECT_EQ(test.server_.asked(kName), 2U);
  co_return Result<void>();
}

TEST_P(ResolverTest, ManyAskersShareOneQuestion) { with_resolver(shared_question); }

Task<Result<void>> question_outlives_its_asker(CaresResolver& resolver, ResolverTest& test) {
  DnsAnswer answer = addresses({"192.0.2.1"});
  answer.held = true;
  test.server_.set(kName, answer);
  auto late = co_await with_deadline(Deadline::after(2ms), resolver.resolve(kName, 443));
  EXPECT_EQ(late.error().kind(), ErrorKind::timed_out);
  test.server_.release(2);
  auto found = co_await ask(resolver, kName);
  EXPECT_EQ(found, "192.0.2.1:443");
  EXPECT_EQ(resolver.lookups(), 1U);
  EXPECT_EQ(test.server_.asked(kName), 2U);
  co_return Result<void>();
}

TEST_P(ResolverTest, AQuestionOutlivesTheAskerThatWasStopped) {
  with_resolver(question_outlives_its_asker);
}

Task<Result<void>> bounded_cache(CaresResolver& resolver, ResolverTest& test) {
  for (const char* name : {"a.test", "b.test", "c.test"}) {
    test.server_.set(name, addresses({"192.0.2.1"}));
    co_await visit(resolver, name);
    co_await pass(test, 1s);
  }
  co_await visit(resolver, "c.test");
  co_await visit(resolver, "b.test");
  EXPECT_EQ(resolver.lookups(), 3U);
  co_await visit(resolver, "a.test");
  EXPECT_EQ(resolver.lookups(), 4U);
  co_return Result<void>();
}

TEST_P(ResolverTest, ForgetsTheNameThatExpiresFirstWhenItIsFull) {
  options_.cache_entries_max = 2;
  with_resolver(bounded_cache);
}

Task<void> ask_name(Resolver& resolver, std::string host, int& good) {
  auto answer = co_await ask(resolver, std::move(host));
  if (answer == "192.0.2.1:443") ++good;
}

Task<Result<void>> more_names_than_room(CaresResolver& resolver, ResolverTest& test) {
  Context& context = co_await current_context();
  int good = 0;
  Scope scope(context);
  for (int i = 0; i < 20; ++i) {
    std::string name = "n" + std::to_string(i) + ".test";
    test.server_.set(name, addresses({"192.0.2.1"}));
    scope.spawn(ask_name(resolver, name, good));
  }
  RINGPULL_CO_CHECK(co_await scope.join());
  EXPECT_EQ(good, 20);
  co_return Result<void>();
}

TEST_P(ResolverTest, AnswersMoreNamesAtOnceThanItRemembers) {
  options_.cache_entries_max = 1;
  with_resolver(more_names_than_room);
}

Task<Result<void>> hosts_file(CaresResolver& resolver, ResolverTest& test) {
  auto found = co_await ask(resolver, "localhost");
  EXPECT_NE(found.find("127.0.0.1:443"), std::string::npos) << found;
  EXPECT_EQ(test.server_.asked(), 0U);
  co_return Result<void>();
}

TEST_P(ResolverTest, KnowsTheHostsFileWithoutAskingAnybody) { with_resolver(hosts_file); }

Task<Result<void>> names_below_localhost(CaresResolver& resolver, ResolverTest& test) {
  test.server_.set("bucket.s3.localhost", addresses({"192.0.2.1"}));
  for (const char* name : {"bucket.s3.localhost", "Bucket.LocalHost", "a.localhost."}) {
    auto found = co_await ask(resolver, name);
    EXPECT_EQ(found, "127.0.0.1:443 [::1]:443") << name;
  }
  EXPECT_EQ(test.server_.asked(), 0U);
  test.server_.set("notlocalhost", addresses({"192.0.2.1"}));
  auto other = co_await ask(resolver, "notlocalhost.");
  EXPECT_NE(other, "127.0.0.1:443 [::1]:443");
  co_return Result<void>();
}

TEST_P(ResolverTest, GivesLoopbackForNamesBelowLocalhostWithoutAskingAnybody) {
  with_resolver(names_below_localhost);
}

Task<Result<void>> names_that_cannot_be(CaresResolver& resolver, ResolverTest&) {
  auto long_label = co_await ask(resolver, std::string(64, 'x') + ".test");
  EXPECT_EQ(long_label, "invalid_argument");
  auto empty_label = co_await ask(resolver, "a..test");
  EXPECT_EQ(empty_label, "invalid_argument");
  co_return Result<void>();
}

TEST_P(ResolverTest, ANameThatCannotBeIsAnInvalidArgument) { with_resolver(names_that_cannot_be); }

Task<ErrorKind> create_with(std::string servers) {
  ResolverOptions options;
  options.servers = std::move(servers);
  auto resolver = CaresResolver::create(options);
  co_return resolver ? ErrorKind::internal : resolver.error().kind();
}

TEST_P(ResolverTest, RefusesServersThatAreNoAddresses) {
  EXPECT_EQ(run([] { return create_with("not an address"); }), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace ringpull::engine
