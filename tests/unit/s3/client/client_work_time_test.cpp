// How long the S3 client waits for verbs that the server works on for minutes, on a clock that the
// test puts forward.
#include <chrono>
#include <gtest/gtest.h>
#include <optional>
#include <string>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/unit/s3/client/client_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_request;
using ringpull::testing::repeated;
using testing::ClientBed;

enum class Verb { copy, copy_part, complete, create };

template <class R>
Result<void> outcome_of(const Result<R>& result) {
  if (result) return {};
  return fail(Error(result.error()));
}

/// What the copying verbs have in common.
template <class Options>
Options copy_options() {
  Options options;
  options.source_bucket = options.bucket = Bucket("b");
  options.source_key = ObjectKey("from");
  options.key = ObjectKey("k");
  return options;
}

Task<Result<void>> perform(Client& client, Verb verb) {
  if (verb == Verb::copy) {
    auto options = copy_options<CopyObjectOptions>();
    auto copied = co_await client.copy_object(options);
    co_return outcome_of(copied);
  }
  if (verb == Verb::copy_part) {
    auto options = copy_options<UploadPartCopyOptions>();
    options.upload_id = UploadId("u");
    options.number = PartNumber(1);
    auto copied = co_await client.upload_part_copy(options);
    co_return outcome_of(copied);
  }
  if (verb == Verb::complete) {
    CompleteMultipartUploadOptions options(Bucket("b"), ObjectKey("k"), UploadId("u"));
    options.parts.emplace_back(PartNumber(1), ETag("e"));
    auto completed = co_await client.complete_multipart_upload(options);
    co_return outcome_of(completed);
  }
  CreateMultipartUploadOptions options(Bucket("b"), ObjectKey("k"));
  auto created = co_await client.create_multipart_upload(options);
  co_return outcome_of(created);
}

/// A verb beside the test, which puts the clock forward.
class Waiting {
 public:
  Waiting(ClientBed& bed, engine::Scope& scope, Verb verb, engine::Duration time) : bed_(bed) {
    scope.spawn(run(verb, time));
  }

  bool ended() const noexcept { return outcome_.has_value(); }
  const Error& error() const { return outcome_->error(); }

  /// Until the peer has that many requests; then their answers are waited for.
  Task<void> until_requests(std::size_t count) {
    while (bed_.requests() < count) co_await turns();
    co_await turns();
  }
  Task<void> pass(engine::Duration time) {
    bed_.clock->advance(time);
    co_await turns();
  }

 private:
  static Task<void> turns() {
    for (int i = 0; i < 4; ++i) {
      auto slept = co_await engine::sleep_for(1us);
      EXPECT_TRUE(slept);
    }
  }
  Task<void> run(Verb verb, engine::Duration time) {
    Deadline deadline = Deadline::after(time);
    auto ended = co_await engine::with_deadline(deadline, perform(*bed_.client, verb));
    outcome_ = std::move(ended);
  }

  ClientBed& bed_;
  std::optional<Result<void>> outcome_;
};

/// A peer that never answers, and a client with http's own limits.
ClientBed silent_bed() {
  ClientBed bed;
  bed.http_options = http::ClientOptions();
  bed.http_options.limits.first_byte = 60s;
  bed.scripts = repeated(3, {read_request(), hold()});
  return bed;
}

constexpr engine::Duration kNoDeadline = std::chrono::hours(24);

Task<void> expect_ten_minutes_of_patience(ClientBed& bed, Verb verb) {
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  Waiting call(bed, scope, verb, kNoDeadline);
  co_await call.until_requests(1);
  co_await call.pass(595s);
  EXPECT_EQ(bed.requests(), 1u);
  co_await call.pass(10s);
  co_await call.until_requests(2);
  EXPECT_FALSE(call.ended()) << "the answer is not waited for any longer, but the verb is repeated";
  co_await call.pass(5min);
  EXPECT_TRUE(call.ended()) << "request_time ends all attempts together";
  EXPECT_EQ(call.error().kind(), ErrorKind::timed_out);
  EXPECT_TRUE(call.error().maybe_applied());
  EXPECT_EQ(bed.requests(), 2u);
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST(S3ClientWorkTime, IsWhatACopyMayTake) {
  ClientBed bed = silent_bed();
  bed.run([](ClientBed& b) { return expect_ten_minutes_of_patience(b, Verb::copy); });
}

TEST(S3ClientWorkTime, IsWhatTheCopyOfAPartMayTake) {
  ClientBed bed = silent_bed();
  bed.run([](ClientBed& b) { return expect_ten_minutes_of_patience(b, Verb::copy_part); });
}

TEST(S3ClientWorkTime, IsWhatACompletionMayTake) {
  ClientBed bed = silent_bed();
  bed.run([](ClientBed& b) { return expect_ten_minutes_of_patience(b, Verb::complete); });
}

TEST(S3ClientWorkTime, CanBeChosen) {
  ClientBed bed = silent_bed();
  bed.configure = [](ClientOptions& options) { options.work_time = 20s; };
  bed.run([](ClientBed& b) -> Task<void> {
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    Waiting call(b, scope, Verb::copy, kNoDeadline);
    co_await call.until_requests(1);
    co_await call.pass(21s);
    co_await call.until_requests(2);
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

TEST(S3ClientWorkTime, IsNotForVerbsThatAreAnsweredAtOnce) {
  ClientBed bed = silent_bed();
  bed.run([](ClientBed& b) -> Task<void> {
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    Waiting call(b, scope, Verb::create, kNoDeadline);
    co_await call.until_requests(1);
    co_await call.pass(61s);
    co_await call.until_requests(2);
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

TEST(S3ClientWorkTime, EndsWithTheCallersDeadline) {
  ClientBed bed = silent_bed();
  bed.run([](ClientBed& b) -> Task<void> {
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    Waiting call(b, scope, Verb::complete, 2min);
    co_await call.until_requests(1);
    co_await call.pass(119s);
    EXPECT_FALSE(call.ended());
    co_await call.pass(2s);
    EXPECT_TRUE(call.ended());
    EXPECT_EQ(call.error().kind(), ErrorKind::timed_out);
    EXPECT_TRUE(call.error().maybe_applied());
    EXPECT_EQ(b.requests(), 1u);
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

}  // namespace
}  // namespace ringpull::s3
