#pragma once

// One side of a TLS connection without its socket: ciphertext and plain text go in and out by
// plain calls, none of which blocks. Both directions share the one OpenSSL object, so everything
// here runs between two suspensions of whoever drives it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ringpull/engine/stream.hpp>

#include "http/src/tls/tls_buffers.hpp"
#include "http/src/tls/tls_openssl.hpp"
#include "http/src/tls/tls_sessions.hpp"

namespace ringpull::inline v0::http::detail {

enum class TlsStep : std::uint8_t {
  done,       ///< the call did what it was asked for
  need_data,  ///< more ciphertext must come first
  closed,     ///< the peer said close_notify
  failed,     ///< take_failure() says why
};

/// What a write works through: pieces of plain text, of which some prefix has been encrypted.
class TlsPieces {
 public:
  TlsPieces(engine::ConstBytes first, std::span<const engine::ConstBytes> rest) noexcept
      : current_(first), rest_(rest) {
    skip_empty();
  }
  bool empty() const noexcept { return current_.empty(); }
  bool is_last() const noexcept { return rest_.empty(); }
  engine::ConstBytes current() const noexcept { return current_; }
  void advance(std::size_t count) noexcept;
  /// Copies from here on, as much as fits, without advancing.
  std::size_t gather(std::span<std::byte> out) const noexcept;
  std::uint64_t taken() const noexcept { return taken_; }

 private:
  void skip_empty() noexcept;
  engine::ConstBytes current_;
  std::span<const engine::ConstBytes> rest_;
  std::uint64_t taken_ = 0;
};

class TlsCodec {
 public:
  /// `who` names the peer in errors; `blocks` outlives the codec.
  TlsCodec(SslPtr ssl, std::string who, TlsBlocks& blocks);
  ~TlsCodec();
  TlsCodec(const TlsCodec&) = delete;
  TlsCodec& operator=(const TlsCodec&) = delete;

  TlsStep handshake();
  /// Decrypts until `out` is full or the ciphertext is used up; `count` bytes are good whatever the
  /// step. `done` when out is full.
  TlsStep read(engine::MutableBytes out, std::size_t& count);
  /// Looks whether plain text is there, without taking it, and handles everything before it.
  TlsStep peek();
  /// Encrypts into the output until that is full or nothing is left.
  TlsStep write(TlsPieces& pieces);
  /// Puts a close_notify into the output, unless the connection has failed.
  void say_close();

  /// Room for as much ciphertext as the last step needs; to be called only when it was need_data.
  /// received() follows, and the next step, before anything else of the loop runs: the room is
  /// shared.
  engine::MutableBytes receive_space();
  void received(std::size_t count) noexcept;
  bool has_input() const noexcept;

  /// Ciphertext to send, oldest first; empty ones may be among them. It stays in place until
  /// output_sent(), and what is made meanwhile queues up behind it.
  std::span<const engine::ConstBytes> output();
  void output_sent() noexcept;
  bool has_output() const noexcept { return !messages_.empty() || filled_ > 0; }
  /// The part of the output that the handshake and the reading direction made.
  engine::ConstBytes messages() const noexcept { return messages_; }
  void messages_sent(std::size_t count) {
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(count));
  }

  /// Why the connection is unusable; the same however often it is asked for.
  Error failure() const { return *failure_; }
  bool has_failed() const noexcept { return failure_.has_value(); }
  /// The codec behind an OpenSSL object, for its callbacks.
  static TlsCodec& of(SSL* ssl) noexcept { return *static_cast<TlsCodec*>(SSL_get_app_data(ssl)); }
  SSL* ssl() const noexcept { return ssl_.get(); }
  const std::string& who() const noexcept { return who_; }
  /// The server asked for a certificate that we do not have.
  bool client_certificate_missed() const noexcept { return client_certificate_missed_; }
  /// Has the error of the handshake call that is going on.
  void note_failure(Error error) {
    if (!failure_) failure_.emplace(std::move(error));
  }
  void note_missed_certificate() noexcept { client_certificate_missed_ = true; }
  /// Where the sessions go that the server hands out, under the name who(); it outlives the codec.
  void keep_sessions_in(TlsSessions& sessions) noexcept { sessions_ = &sessions; }
  void keep_session(SslSessionPtr session) {
    if (sessions_ != nullptr) sessions_->put(who_, std::move(session));
  }

 private:
  friend struct TlsBio;
  TlsStep after_call(int outcome);
  TlsStep end_step(TlsStep step);
  TlsStep write_record(TlsPieces& pieces);
  void release_openssl_buffers() noexcept;

  SslPtr ssl_;
  std::string who_;
  TlsBlocks& blocks_;
  TlsSessions* sessions_ = nullptr;

  // Ciphertext received and not taken by OpenSSL yet: in the shared block, or in `kept_` from the
  // end of a step to the next one.
  engine::ConstBytes input_;
  std::vector<std::byte> kept_;
  std::size_t text_wanted_ = 0;

  // Ciphertext to send: `messages_` is what the handshake and the reading direction made, few bytes
  // and always older than what a write puts into `block_`.
  std::vector<std::byte> messages_;
  std::vector<std::byte> messages_sending_;
  TlsBlocks::SendBlock block_;
  std::size_t filled_ = 0;
  bool writing_ = false;
  std::array<engine::ConstBytes, 2> sending_;

  std::optional<Error> failure_;
  bool handshake_done_ = false;
  bool client_certificate_missed_ = false;
};

}  // namespace ringpull::inline v0::http::detail
