#include <concepts>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/http/date.hpp>
#include <ringpull/s3/checksum.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/sigv2.hpp>

#include "s3/src/client/outgoing_body.hpp"
#include "s3/src/client/request_log.hpp"
#include "s3/src/protocol/missing.hpp"
#include "s3/src/protocol/multipart_etag.hpp"
#include "s3/src/protocol/request_builder.hpp"
#include "s3/src/protocol/response_reader.hpp"

namespace ringpull::inline v0::s3 {

using engine::Deadline;
using engine::Task;

namespace {

std::chrono::sys_seconds system_clock_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// The verbs whose body is the caller's.
template <class Options>
concept UploadOptions =
    std::same_as<Options, PutObjectOptions> || std::same_as<Options, UploadPartOptions>;

/// What the server says that it has stored, against what went out.
Result<void> compare(const std::vector<ObjectChecksum>& stored, const ObjectChecksum& sent) {
  for (const ObjectChecksum& answer : stored) {
    bool other = answer.algorithm != sent.algorithm || answer.composite || sent.composite;
    if (other || answer.base64 == sent.base64) continue;
    std::string name(to_string(sent.algorithm));
    return fail(Error(ErrorKind::checksum_mismatch, "the bytes sent have " + name + " " +
                                                        sent.base64 + ", the server stored " +
                                                        answer.base64)
                    .with_maybe_applied(true));
  }
  return {};
}

/// Whether the object's checksum, or an ETag that is an MD5, proves that it holds this body.
Task<Result<bool>> holds_body(const ObjectInfo& object, http::BodySource& body) {
  if (object.size_bytes != body.size()) co_return false;
  RINGPULL_CO_CHECK(co_await body.rewind());
  BodyDigests digests;
  for (const ObjectChecksum& stored : object.checksums) {
    if (stored.composite) continue;
    digests.checksum.emplace(stored.algorithm);
    RINGPULL_CO_CHECK(co_await digest_body(body, digests));
    co_return digests.checksum->finish_base64() == stored.base64;
  }
  digests.md5.emplace();
  RINGPULL_CO_CHECK(co_await digest_body(body, digests));
  Md5Digest md5 = digests.md5->finish();
  co_return hex(md5) == object.etag.str();
}

/// Whether the object that is there is what this request made. A refusal with already_exists takes
/// a proof: the object's checksum, or the ETag that these parts make. An upload that is gone has
/// become this object or was aborted by someone: there the number of parts decides where ETags are
/// no MD5s.
bool is_completion(const ObjectInfo& object, const CompleteMultipartUploadOptions& options,
                   const Error& failure) {
  for (const ObjectChecksum& stored : object.checksums) {
    if (!options.checksum || stored.algorithm != options.checksum->algorithm) continue;
    if (stored.composite == options.checksum->composite) {
      return stored.base64 == options.checksum->base64;
    }
  }
  std::string expected = multipart_etag(options.parts);
  if (!expected.empty()) return object.etag.str() == expected;
  std::string count = "-" + std::to_string(options.parts.size());
  return !failure.is(ErrorKind::already_exists) && object.etag.str().ends_with(count);
}

/// `stop`, told by the failure that was to be repeated.
Error stopped_between_attempts(const Error& stop, const Error& failure) {
  const char* how = stop.is(ErrorKind::timed_out) ? " (the time was over before another attempt)"
                                                  : " (stopped before another attempt)";
  return Error(stop.kind(), failure.message() + how).with_code(stop.code());
}

/// What a request ends with. Without an answer nothing is missing: a host whose name nobody knows
/// was not reached.
Error final_failure(Error error) {
  bool answered = error.http_status() != 0 || !error.service_code().empty();
  if (answered || error.code() || !error.is(ErrorKind::not_found)) return error;
  return std::move(error).with_kind(ErrorKind::unavailable);
}

/// A source that has nothing leaves a request unsigned, and says nothing about the bucket.
Error credentials_failure(Error error) {
  if (!error.is(ErrorKind::not_found)) return error;
  return std::move(error).with_kind(ErrorKind::unauthenticated);
}

/// The server copies an object's bytes, or puts its parts together, before it answers.
bool works_before_it_answers(Operation operation) noexcept {
  return operation == Operation::copy_object || operation == Operation::upload_part_copy ||
         operation == Operation::complete_multipart_upload;
}

/// Of the answer, which may be a part of the object.
std::uint64_t body_bytes(const GetObjectResult& answer) {
  return answer.range ? answer.range->length() : answer.info.size_bytes;
}

}  // namespace

class Client::Impl {
 public:
  Impl(ClientOptions options_in, http::Client& http_in, CredentialsProvider& provider_in)
      : options(std::move(options_in)),
        http(http_in),
        provider(provider_in),
        log(options.log),
        budget(options.retry.budget_capacity) {
    if (!options.clock) options.clock = &system_clock_now;
  }

  const Endpoint& endpoint_of(const Bucket& bucket) const {
    auto found = moved.find(bucket);
    return found != moved.end() ? found->second : options.endpoint;
  }

  /// What the attempts of one call have shown, and what the next one tries.
  struct CallState {
    explicit CallState(Impl& impl) : retry(impl.options.retry, impl.budget) {}

    RetryState retry;
    /// By the Date of the last answer, where it had one.
    std::optional<ClockOffset> answered_clock;
    /// Signed by instead of the client's clock, on suspicion. The client takes it over when an
    /// attempt succeeds by it: a wrong Date of something on the way shall not spoil a right clock.
    std::optional<ClockOffset> tried_clock;
    /// The last correction was a search for other keys on suspicion.
    bool tries_keys = false;
  };

  BodyForm body_form(const PreparedRequest& request) const;
  Task<Result<void>> sign(PreparedRequest& request, const Region& region, OutgoingBody& body,
                          const CallState& call_state);
  Task<Result<http::Response>> send(PreparedRequest& request, const Region& region,
                                    OutgoingBody& body, CallState& call_state);
  Task<Result<std::string>> read_document(http::Response& response);
  std::optional<ClockOffset> clock_of(const http::ResponseHead& head) const;
  void succeeded(CallState& call_state);
  RetryDecision judge(CallState& call_state, const PreparedRequest& request, const Error& error,
                      bool rewindable);
  RetryDecision decide(RetryState& retry, const FailedAttempt& attempt);
  Task<bool> correct(RetryAction action, const PreparedRequest& request, const Error& error,
                     CallState& call_state);
  Task<Result<void>> prepare_retry(RetryDecision decision, const Bucket& bucket,
                                   const Error& error);

  template <class R, class Options>
  Task<Result<R>> call(const Options& call_options, http::BodySource* given, engine::Duration time);
  template <class R, class Options>
  Task<Result<R>> attempts(const Options& call_options, http::BodySource* given);
  Task<Result<PutObjectResult>> put(const PutObjectOptions& put_options, http::BodySource& body);
  Task<Result<CompleteMultipartUploadResult>> complete(
      const CompleteMultipartUploadOptions& complete_options);
  Task<Result<GetObjectStream>> open(const GetObjectOptions& get_options);
  Task<Result<GetObjectStream>> reopen(const GetObjectOptions& get_options,
                                       const GetObjectResult& first, std::uint64_t done);
  Task<Result<std::size_t>> read_body(const GetObjectOptions& get_options, GetObjectStream stream,
                                      http::MutableBytes out);
  Task<Result<GetObjectIntoResult>> read_into(const GetObjectOptions& get_options,
                                              http::MutableBytes out);
  template <class Options>
  Task<Result<std::string>> presign(const Options& call_options,
                                    const PresignOptions& presign_options,
                                    const Endpoint& endpoint);

  ClientOptions options;
  http::Client& http;
  CredentialsProvider& provider;
  const RequestLog log;
  Signer signer;
  RetryBudget budget;
  ClockOffset clock_offset;
  std::string cleared_key;           // a HEAD's 400 was not about its age
  std::map<Bucket, Endpoint> moved;  // buckets that answered from another region
  ClientStats stats;
};

BodyForm Client::Impl::body_form(const PreparedRequest& request) const {
  // Version 2 covers no body and knows no trailer.
  if (options.signature_version == SignatureVersion::v2) return BodyForm::unsigned_payload;
  bool plain = request.origin.scheme() == http::Scheme::http;
  bool automatic = options.payload_signing == PayloadSigning::automatic;
  if (options.payload_signing == PayloadSigning::always || (automatic && plain)) {
    return BodyForm::signed_payload;
  }
  // Nothing but TLS protects a trailer.
  return plain ? BodyForm::unsigned_payload : BodyForm::unsigned_trailer;
}

Task<Result<void>> Client::Impl::sign(PreparedRequest& request, const Region& region,
                                      OutgoingBody& body, const CallState& call_state) {
  RINGPULL_CO_TRY(PayloadHash payload, co_await body.prepare(request, body_form(request)));
  auto obtained = co_await provider.credentials();
  if (!obtained) co_return fail(credentials_failure(std::move(obtained).error()));
  const Credentials* credentials = *obtained;
  if (credentials->anonymous()) {
    // The one word that says something without a signature: how to read the body.
    if (payload == PayloadHash::unsigned_trailer()) {
      request.head.headers.set("x-amz-content-sha256", payload.text());
    }
    co_return Result<void>();
  }
  request.signed_by = credentials->access_key_id;
  request.session_token = !credentials->session_token.empty();
  request.clock = call_state.tried_clock.value_or(clock_offset);
  std::chrono::sys_seconds now = request.clock.apply(options.clock());
  if (options.signature_version == SignatureVersion::v2) {
    SigV2Request what(request.head, request.virtual_bucket, now);
    RINGPULL_CO_TRY(HeaderSignatureV2 signature, sign_v2(*credentials, what));
    if (log) log.signing({}, signature.string_to_sign);
    signature.apply(request.head.headers);
    co_return Result<void>();
  }
  SigningScope scope(region.str(), now);
  RINGPULL_CO_TRY(HeaderSignature signature,
                  signer.sign(*credentials, scope, request.head, payload));
  if (log) log.signing(signature.canonical_request, signature.string_to_sign);
  signature.apply(request.head.headers);
  co_return Result<void>();
}

/// Signs and sends once.
Task<Result<http::Response>> Client::Impl::send(PreparedRequest& request, const Region& region,
                                                OutgoingBody& body, CallState& call_state) {
  call_state.answered_clock.reset();
  if (!request.head.headers.contains("User-Agent")) {
    request.head.headers.add("User-Agent", options.user_agent);
  }
  RINGPULL_CO_CHECK(co_await sign(request, region, body, call_state));
  ++stats.requests;
  http::SendOptions send_options;
  if (works_before_it_answers(request.operation)) send_options.first_byte = options.work_time;
  engine::TimePoint begun = engine::Loop::current().now();
  auto response = co_await http.send(request.origin, request.head, body.source(), send_options);
  if (log) log.sent(request, body.source().size(), response, engine::Loop::current().now() - begun);
  if (response) call_state.answered_clock = clock_of(response->head());
  co_return response;
}

/// The body of anything but a successful GetObject. A body that is too large for an error document
/// counts as none.
Task<Result<std::string>> Client::Impl::read_document(http::Response& response) {
  bool success = response.status() >= 200 && response.status() <= 299;
  std::size_t most = success ? options.document_bytes_max : kErrorBodyBytesMax;
  auto text = co_await response.read_text(most);
  if (!text && !success) co_return std::string();
  co_return text;
}

std::optional<ClockOffset> Client::Impl::clock_of(const http::ResponseHead& head) const {
  auto date = http::parse_http_date(head.headers.get("Date").value_or(""));
  if (!date) return std::nullopt;
  ClockOffset clock;
  clock.observe(*date, options.clock());
  return clock;
}

void Client::Impl::succeeded(CallState& call_state) {
  call_state.retry.succeeded();
  if (call_state.tried_clock) clock_offset = *call_state.tried_clock;
}

RetryDecision Client::Impl::judge(CallState& call_state, const PreparedRequest& request,
                                  const Error& error, bool rewindable) {
  FailedAttempt attempt(error);
  attempt.body_rewindable = rewindable;
  attempt.reason_untold = request.head.method == "HEAD";
  if (!request.signed_by.empty() && call_state.answered_clock) {
    // Not against the time that it was signed for: an upload may last longer than a clock is off.
    std::chrono::seconds off = call_state.answered_clock->offset() - request.clock.offset();
    attempt.clock_is_off = std::chrono::abs(off) > kClockSkewMin;
  }
  if (call_state.tries_keys && error.http_status() == 400) cleared_key = request.signed_by;
  attempt.session_token = request.session_token && request.signed_by != cleared_key;
  return decide(call_state.retry, attempt);
}

RetryDecision Client::Impl::decide(RetryState& retry, const FailedAttempt& attempt) {
  if (log) log.failed(*attempt.error);
  std::uint64_t bits = 0;
  engine::Loop::current().backend().random(std::as_writable_bytes(std::span(&bits, 1)));
  double uniform = static_cast<double>(bits >> 11) * 0x1.0p-53;
  return retry.failed(attempt, uniform);
}

/// What the next attempt is signed by. False when there is to be none: also where the keys are
/// suspected and there are no others.
Task<bool> Client::Impl::correct(RetryAction action, const PreparedRequest& request,
                                 const Error& error, CallState& call_state) {
  if (action == RetryAction::give_up) co_return false;
  bool suspected = retry_class(error) == RetryClass::none;
  if (action == RetryAction::correct_clock && call_state.answered_clock) {
    call_state.tried_clock = suspected ? call_state.answered_clock : std::nullopt;
    if (!suspected) clock_offset = *call_state.answered_clock;
  }
  if (action == RetryAction::refresh_credentials) {
    call_state.tries_keys = suspected;
    if (suspected) {
      bool others = co_await provider.suspect(request.signed_by);
      co_return others;
    }
    provider.invalidate(request.signed_by);
  }
  co_return true;
}

Task<Result<void>> Client::Impl::prepare_retry(RetryDecision decision, const Bucket& bucket,
                                               const Error& error) {
  ++stats.retries;
  if (log) log.retrying(decision, error);
  if (error.is(ErrorKind::throttled)) ++stats.throttled;
  if (decision.action == RetryAction::switch_region) {
    Region region{std::string(error.hint())};
    RINGPULL_CO_TRY(Endpoint other, endpoint_of(bucket).with_region(region));
    moved.insert_or_assign(bucket, std::move(other));
  }
  if (decision.delay.count() > 0) {
    auto slept = co_await engine::sleep_for(decision.delay);
    if (!slept) co_return fail(stopped_between_attempts(slept.error(), error));
  }
  co_return Result<void>();
}

template <class R, class Options>
Task<Result<R>> Client::Impl::attempts(const Options& call_options, http::BodySource* given) {
  CallState call_state(*this);
  bool lost_answer = false;
  while (true) {
    const Endpoint& endpoint = endpoint_of(call_options.bucket);
    Region region = endpoint.region();
    RINGPULL_CO_TRY(PreparedRequest request, prepare(endpoint, call_options));
    http::SpanSource document(std::as_bytes(std::span<const char>(request.body)));
    http::BodySource& body = given != nullptr ? *given : document;
    std::optional<ChecksumAlgorithm> algorithm;
    if constexpr (UploadOptions<Options>) algorithm = call_options.compute_checksum;
    OutgoingBody outgoing(body, algorithm);
    ResponseContext context(request.operation, request.resource, region.str());
    Result<R> outcome = fail(ErrorKind::internal, "no attempt was made");
    auto response = co_await send(request, region, outgoing, call_state);
    if (response) {
      auto text = co_await read_document(*response);
      if (text) {
        outcome = read_response(call_options, context, response->head(), *text);
      } else {
        outcome = fail(std::move(text).error().with_maybe_applied(true).context(request.resource));
      }
    } else {
      outcome = fail(std::move(response).error());
    }
    if constexpr (UploadOptions<Options>) {
      auto sent = algorithm ? outgoing.checksum() : call_options.checksum;
      auto same = outcome && sent ? compare(outcome->checksums, *sent) : Result<void>();
      if (!same) outcome = fail(std::move(same).error().context(request.resource));
    }
    if (outcome) {
      succeeded(call_state);
      if constexpr (std::same_as<R, CreateMultipartUploadResult>) {
        outcome->twins_possible = lost_answer;
      }
      co_return outcome;
    }
    lost_answer = lost_answer || outcome.error().maybe_applied();
    RetryDecision decision = judge(call_state, request, outcome.error(), body.rewindable());
    bool again = co_await correct(decision.action, request, outcome.error(), call_state);
    if (!again) {
      co_return fail(final_failure(std::move(outcome).error()).with_maybe_applied(lost_answer));
    }
    auto ready = co_await prepare_retry(decision, call_options.bucket, outcome.error());
    if (!ready) co_return fail(std::move(ready).error().with_maybe_applied(lost_answer));
    RINGPULL_CO_CHECK(co_await body.rewind());
  }
}

template <class R, class Options>
Task<Result<R>> Client::Impl::call(const Options& call_options, http::BodySource* given,
                                   engine::Duration time) {
  Deadline deadline = Deadline::after(time);
  auto outcome = co_await engine::with_deadline(deadline, attempts<R>(call_options, given));
  co_return outcome;
}

Task<Result<PutObjectResult>> Client::Impl::put(const PutObjectOptions& put_options,
                                                http::BodySource& body) {
  auto put = co_await attempts<PutObjectResult>(put_options, &body);
  bool unclear = !put && put.error().is(ErrorKind::already_exists) && put.error().maybe_applied();
  if (!unclear) co_return put;
  // An attempt before this refusal may have made the object; then the object says so.
  HeadObjectOptions look(put_options.bucket, put_options.key);
  look.checksum_mode = true;
  auto found = co_await attempts<ObjectInfo>(look, nullptr);
  if (!found) co_return put;
  auto ours = co_await holds_body(*found, body);
  if (!ours || !*ours) co_return put;
  PutObjectResult result;
  result.etag = found->etag;
  result.version_id = found->version_id;
  result.checksums = found->checksums;
  co_return result;
}

Task<Result<CompleteMultipartUploadResult>> Client::Impl::complete(
    const CompleteMultipartUploadOptions& complete_options) {
  auto completed = co_await attempts<CompleteMultipartUploadResult>(complete_options, nullptr);
  if (completed || !completed.error().maybe_applied()) co_return completed;
  // An attempt before this failure may have completed the upload; then the object says so.
  HeadObjectOptions look(complete_options.bucket, complete_options.key);
  look.checksum_mode = complete_options.checksum.has_value();
  auto found = co_await attempts<ObjectInfo>(look, nullptr);
  if (!found || !is_completion(*found, complete_options, completed.error())) co_return completed;
  CompleteMultipartUploadResult result;
  result.answer_lost = true;
  result.etag = found->etag;
  result.version_id = found->version_id;
  result.checksums = found->checksums;
  co_return result;
}

Task<Result<GetObjectStream>> Client::Impl::open(const GetObjectOptions& get_options) {
  CallState call_state(*this);
  while (true) {
    const Endpoint& endpoint = endpoint_of(get_options.bucket);
    Region region = endpoint.region();
    RINGPULL_CO_TRY(PreparedRequest request, prepare(endpoint, get_options));
    http::SpanSource nothing;
    OutgoingBody bare(nothing, std::nullopt);
    ResponseContext context(request.operation, request.resource, region.str());
    Result<GetObjectResult> outcome = fail(ErrorKind::internal, "no attempt was made");
    auto response = co_await send(request, region, bare, call_state);
    if (response) {
      bool success = response->status() == 200 || response->status() == 206;
      std::string text;
      if (!success) {
        RINGPULL_CO_TRY(text, co_await read_document(*response));
      }
      outcome = read_response(get_options, context, response->head(), text);
      if (outcome) {
        succeeded(call_state);
        co_return GetObjectStream(std::move(*outcome), std::move(*response));
      }
    } else {
      outcome = fail(std::move(response).error());
    }
    RetryDecision decision = judge(call_state, request, outcome.error(), true);
    bool again = co_await correct(decision.action, request, outcome.error(), call_state);
    if (!again) co_return fail(final_failure(std::move(outcome).error()));
    RINGPULL_CO_CHECK(co_await prepare_retry(decision, get_options.bucket, outcome.error()));
  }
}

/// Opens what is left of a body of which `done` bytes have come, in the same version.
Task<Result<GetObjectStream>> Client::Impl::reopen(const GetObjectOptions& get_options,
                                                   const GetObjectResult& first,
                                                   std::uint64_t done) {
  std::uint64_t begin = first.range ? first.range->first() : 0;
  GetObjectOptions rest = get_options;
  RINGPULL_CO_TRY(rest.range, http::ByteRange::of_length(begin + done, body_bytes(first) - done));
  rest.conditions.if_match = first.info.etag.if_strong();
  RINGPULL_CO_TRY(GetObjectStream stream, co_await open(rest));
  if (stream.result.info.etag != first.info.etag) {
    co_return fail(ErrorKind::precondition_failed,
                   "the object was replaced while it was read, and the server ignores If-Match");
  }
  co_return stream;
}

Task<Result<std::size_t>> Client::Impl::read_body(const GetObjectOptions& get_options,
                                                  GetObjectStream stream, http::MutableBytes out) {
  RetryState retry(options.retry, budget);
  const GetObjectResult first = stream.result;
  std::string name = "get s3://" + get_options.bucket.str() + "/" + get_options.key.str();
  if (body_bytes(first) > out.size()) {
    co_return fail(ErrorKind::too_large, name + ": " + std::to_string(body_bytes(first)) +
                                             " bytes do not fit into " +
                                             std::to_string(out.size()));
  }
  out = out.first(static_cast<std::size_t>(body_bytes(first)));
  std::size_t done = 0;
  std::optional<http::Response> body(std::move(stream.body));
  while (true) {
    auto received = co_await body->read_exact(out.subspan(done));
    if (received) {
      retry.succeeded();
      co_return out.size();
    }
    Error error = std::move(received).error();
    done += static_cast<std::size_t>(error.bytes_done());
    body.reset();  // the broken connection makes room for the next one
    // Without an ETag there is no telling whether the rest belongs to the same object.
    bool resumable = !first.info.etag.empty();
    RetryDecision decision = decide(retry, FailedAttempt(error));
    if (decision.action == RetryAction::give_up || !resumable) {
      co_return fail(std::move(error).with_bytes_done(done).context(name));
    }
    auto ready = co_await prepare_retry(decision, get_options.bucket, error);
    if (!ready) co_return fail(std::move(ready).error().with_bytes_done(done).context(name));
    auto rest = co_await reopen(get_options, first, done);
    if (!rest) co_return fail(std::move(rest).error().with_bytes_done(done).context(name));
    body.emplace(std::move(rest->body));
  }
}

Task<Result<GetObjectIntoResult>> Client::Impl::read_into(const GetObjectOptions& get_options,
                                                          http::MutableBytes out) {
  RINGPULL_CO_TRY(GetObjectStream stream, co_await open(get_options));
  GetObjectIntoResult done;
  done.object = stream.result;
  RINGPULL_CO_TRY(done.bytes, co_await read_body(get_options, std::move(stream), out));
  co_return done;
}

template <class Options>
Task<Result<std::string>> Client::Impl::presign(const Options& call_options,
                                                const PresignOptions& presign_options,
                                                const Endpoint& endpoint) {
  RINGPULL_CO_TRY(PreparedRequest request, prepare(endpoint, call_options));
  if constexpr (UploadOptions<Options>) {
    if (call_options.compute_checksum) {
      co_return fail(ErrorKind::invalid_argument,
                     "presign " + request.resource + ": there is no body to compute a checksum of");
    }
  }
  auto obtained = co_await provider.credentials_lasting(presign_options.expires);
  if (!obtained) co_return fail(credentials_failure(std::move(obtained).error()));
  const Credentials* credentials = *obtained;
  std::chrono::sys_seconds now = clock_offset.apply(options.clock());
  PresignOptions what_lasts = presign_options;
  if (credentials->expiry) {
    // A URL that outlives its keys would be refused long before it says so.
    what_lasts.expires = std::min(presign_options.expires, *credentials->expiry - now);
    if (what_lasts.expires < std::chrono::seconds(1)) {
      co_return fail(
          ErrorKind::unauthenticated,
          "presign " + request.resource + ": the credentials have expired; get fresh ones");
    }
  }
  if (options.signature_version == SignatureVersion::v2) {
    SigV2Request what(request.head, request.virtual_bucket, now + what_lasts.expires);
    RINGPULL_CO_TRY(QuerySignatureV2 signed_query, presign_v2(*credentials, what));
    co_return request.origin.origin() + signed_query.target;
  }
  SigningScope scope(endpoint.region().str(), now);
  RINGPULL_CO_TRY(QuerySignature signed_query,
                  signer.presign(*credentials, scope, request.head, what_lasts));
  co_return request.origin.origin() + signed_query.target;
}

Client::Client(ClientOptions options, http::Client& http, CredentialsProvider& credentials)
    : impl_(std::make_unique<Impl>(std::move(options), http, credentials)) {}
Client::~Client() = default;

const Endpoint& Client::endpoint_of(const Bucket& bucket) const {
  return impl_->endpoint_of(bucket);
}

const ClientStats& Client::stats() const noexcept { return impl_->stats; }

Task<Result<GetObjectStream>> Client::get_object(const GetObjectOptions& options) {
  Deadline deadline = Deadline::after(impl_->options.transfer_time);
  auto stream = co_await engine::with_deadline(deadline, impl_->open(options));
  co_return stream;
}

Task<Result<std::size_t>> Client::read_object_body(const GetObjectOptions& options,
                                                   GetObjectStream stream, http::MutableBytes out) {
  Deadline deadline = Deadline::after(impl_->options.transfer_time);
  auto bytes =
      co_await engine::with_deadline(deadline, impl_->read_body(options, std::move(stream), out));
  co_return bytes;
}

Task<Result<GetObjectIntoResult>> Client::get_object_into(const GetObjectOptions& options,
                                                          http::MutableBytes out) {
  Deadline deadline = Deadline::after(impl_->options.transfer_time);
  auto result = co_await engine::with_deadline(deadline, impl_->read_into(options, out));
  co_return result;
}

Task<Result<ObjectInfo>> Client::head_object(const HeadObjectOptions& options) {
  return impl_->call<ObjectInfo>(options, nullptr, impl_->options.request_time);
}

Task<Result<PutObjectResult>> Client::put_object(const PutObjectOptions& options,
                                                 http::BodySource& body) {
  Deadline deadline = Deadline::after(impl_->options.transfer_time);
  auto result = co_await engine::with_deadline(deadline, impl_->put(options, body));
  co_return result;
}

Task<Result<void>> Client::delete_object(const DeleteObjectOptions& options) {
  return impl_->call<void>(options, nullptr, impl_->options.request_time);
}

Task<Result<DeleteObjectsResult>> Client::delete_objects(const DeleteObjectsOptions& options) {
  return impl_->call<DeleteObjectsResult>(options, nullptr, impl_->options.request_time);
}

Task<Result<HeadBucketResult>> Client::head_bucket(const HeadBucketOptions& options) {
  return impl_->call<HeadBucketResult>(options, nullptr, impl_->options.request_time);
}

Task<Result<ListObjectsV2Result>> Client::list_objects_v2(const ListObjectsV2Options& options) {
  return impl_->call<ListObjectsV2Result>(options, nullptr, impl_->options.request_time);
}

Task<Result<ListObjectsResult>> Client::list_objects(const ListObjectsOptions& options) {
  return impl_->call<ListObjectsResult>(options, nullptr, impl_->options.request_time);
}

Task<Result<CopyObjectResult>> Client::copy_object(const CopyObjectOptions& options) {
  return impl_->call<CopyObjectResult>(options, nullptr, impl_->options.request_time);
}

Task<Result<CreateMultipartUploadResult>> Client::create_multipart_upload(
    const CreateMultipartUploadOptions& options) {
  return impl_->call<CreateMultipartUploadResult>(options, nullptr, impl_->options.request_time);
}

Task<Result<UploadPartResult>> Client::upload_part(const UploadPartOptions& options,
                                                   http::BodySource& body) {
  return impl_->call<UploadPartResult>(options, &body, impl_->options.transfer_time);
}

Task<Result<UploadPartCopyResult>> Client::upload_part_copy(const UploadPartCopyOptions& options) {
  return impl_->call<UploadPartCopyResult>(options, nullptr, impl_->options.request_time);
}

Task<Result<CompleteMultipartUploadResult>> Client::complete_multipart_upload(
    const CompleteMultipartUploadOptions& options) {
  Deadline deadline = Deadline::after(impl_->options.request_time);
  auto result = co_await engine::with_deadline(deadline, impl_->complete(options));
  co_return result;
}

Task<Result<void>> Client::abort_multipart_upload(const AbortMultipartUploadOptions& options) {
  auto aborted = co_await impl_->call<void>(options, nullptr, impl_->options.request_time);
  if (!aborted && is_gone_upload(aborted.error())) co_return Result<void>();
  co_return aborted;
}

Task<Result<ListPartsResult>> Client::list_parts(const ListPartsOptions& options) {
  return impl_->call<ListPartsResult>(options, nullptr, impl_->options.request_time);
}

Task<Result<ListMultipartUploadsResult>> Client::list_multipart_uploads(
    const ListMultipartUploadsOptions& options) {
  return impl_->call<ListMultipartUploadsResult>(options, nullptr, impl_->options.request_time);
}

Task<Result<std::string>> Client::presign(const GetObjectOptions& options,
                                          const PresignOptions& presign) {
  return impl_->presign(options, presign, impl_->endpoint_of(options.bucket));
}

Task<Result<std::string>> Client::presign(const HeadObjectOptions& options,
                                          const PresignOptions& presign) {
  return impl_->presign(options, presign, impl_->endpoint_of(options.bucket));
}

Task<Result<std::string>> Client::presign(const PutObjectOptions& options,
                                          const PresignOptions& presign) {
  return impl_->presign(options, presign, impl_->endpoint_of(options.bucket));
}

Task<Result<std::string>> Client::presign(const GetObjectOptions& options,
                                          const PresignOptions& presign, const Endpoint& endpoint) {
  return impl_->presign(options, presign, endpoint);
}

Task<Result<std::string>> Client::presign(const HeadObjectOptions& options,
                                          const PresignOptions& presign, const Endpoint& endpoint) {
  return impl_->presign(options, presign, endpoint);
}

}  // namespace ringpull::inline v0::s3
