#pragma once
// Small requests to the services that hand out credentials: a short time for each try, few tries, a
// bounded answer.

#include <string>
#include <string_view>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/client.hpp>

namespace ringpull::inline v0::s3 {

/// Larger than any answer of these services; theirs are below 8 KiB.
inline constexpr std::size_t kCredentialsBytesMax = 64 * 1024;

class FetchOptions {
 public:
  FetchOptions(engine::Duration try_time_in, int tries_in) noexcept
      : try_time(try_time_in), tries(tries_in) {}

  engine::Duration try_time;
  int tries;
  /// Full jitter over this, doubled from try to try.
  engine::Duration base_delay = std::chrono::milliseconds(100);
};

/// An answer in memory that is erased when it dies: it holds keys.
class FetchedAnswer {
 public:
  FetchedAnswer() = default;
  FetchedAnswer(FetchedAnswer&&) noexcept = default;
  FetchedAnswer& operator=(FetchedAnswer&&) noexcept = default;
  ~FetchedAnswer();

  int status = 0;
  http::Headers headers;
  std::string text;
};

/// Sends `head` to the origin of `url`, again after a lost connection, a time-out, 429 and 5xx. The
/// last answer, whatever its status, or the last failure; each names the origin, not the target.
/// A host name that does not exist is `unavailable`.
engine::Task<Result<FetchedAnswer>> fetch(http::Client& client, const http::Url& url,
                                          http::RequestHead& head, std::string_view body,
                                          const FetchOptions& options);

/// Waits before try number `failed + 1`.
engine::Task<Result<void>> pause_before_retry(int failed, engine::Duration base_delay);

/// From [0, 1), by the loop's source of entropy.
double uniform_random();

/// Overwrites and empties it.
void erase_text(std::string& text) noexcept;

/// The same at the end of a scope. A text that was moved away is not touched.
class EraseAtEnd {
 public:
  explicit EraseAtEnd(std::string& text) noexcept : text_(text) {}
  ~EraseAtEnd() { erase_text(text_); }
  EraseAtEnd(const EraseAtEnd&) = delete;
  EraseAtEnd& operator=(const EraseAtEnd&) = delete;

 private:
  std::string& text_;
};

/// What a service says, made fit for a message: its first line, control characters out, at most 200
/// bytes. Later lines may hold what was signed, and so a session token.
std::string first_line(std::string_view text);

}  // namespace ringpull::inline v0::s3
