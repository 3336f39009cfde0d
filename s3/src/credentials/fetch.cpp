#include "s3/src/credentials/fetch.hpp"

#include <algorithm>
#include <cstdint>
#include <openssl/crypto.h>
#include <span>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/timer.hpp>

namespace ringpull::inline v0::s3 {

using engine::Deadline;
using engine::Task;

namespace {

constexpr std::size_t kLineBytesMax = 200;

Task<Result<FetchedAnswer>> send_once(http::Client& client, const http::Url& url,
                                      http::RequestHead& head, std::string_view body) {
  http::SpanSource source(std::as_bytes(std::span<const char>(body)));
  RINGPULL_CO_TRY(http::Response response, co_await client.send(url, head, source));
  FetchedAnswer answer;
  answer.status = response.status();
  answer.headers = response.head().headers;
  RINGPULL_CO_TRY(answer.text, co_await response.read_text(kCredentialsBytesMax));
  co_return answer;
}

bool is_worth_another_try(const Result<FetchedAnswer>& answer) {
  if (answer) return answer->status >= 500 || answer->status == 429;
  switch (answer.error().kind()) {
    case ErrorKind::timed_out:
    case ErrorKind::connection_closed:
    case ErrorKind::truncated:
    case ErrorKind::unavailable: return true;
    default: return false;
  }
}

}  // namespace

FetchedAnswer::~FetchedAnswer() { erase_text(text); }

Task<Result<FetchedAnswer>> fetch(http::Client& client, const http::Url& url,
                                  http::RequestHead& head, std::string_view body,
                                  const FetchOptions& options) {
  for (int tried = 1;; ++tried) {
    Deadline deadline = Deadline::after(options.try_time);
    auto answer = co_await engine::with_deadline(deadline, send_once(client, url, head, body));
    if (tried >= options.tries || !is_worth_another_try(answer)) {
      if (answer) co_return answer;
      Error error = std::move(answer).error().context(url.origin());
      // A service whose name nobody knows just now is configured, and no other may take its place.
      bool unknown_host = error.is(ErrorKind::not_found);
      if (unknown_host) error = std::move(error).with_kind(ErrorKind::unavailable);
      co_return fail(std::move(error));
    }
    RINGPULL_CO_CHECK(co_await pause_before_retry(tried, options.base_delay));
  }
}

Task<Result<void>> pause_before_retry(int failed, engine::Duration base_delay) {
  auto most = static_cast<double>((base_delay * (1 << std::min(failed - 1, 10))).count());
  engine::Duration delay(static_cast<engine::Duration::rep>(uniform_random() * most));
  auto slept = co_await engine::sleep_for(delay);
  co_return slept;
}

double uniform_random() {
  std::uint64_t bits = 0;
  engine::Loop::current().backend().random(std::as_writable_bytes(std::span(&bits, 1)));
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

void erase_text(std::string& text) noexcept {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

std::string first_line(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, text.find_first_of("\r\n"))) {
    bool control = static_cast<unsigned char>(c) < ' ' || c == 0x7f;
    if (out.size() >= kLineBytesMax) return out + "...";
    out += control ? ' ' : c;
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

}  // namespace ringpull::inline v0::s3
