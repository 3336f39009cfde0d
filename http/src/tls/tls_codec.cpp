#include "http/src/tls/tls_codec.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <openssl/err.h>
#include <utility>

#include "http/src/tls/tls_failure.hpp"

namespace ringpull::inline v0::http::detail {

namespace {

// RFC 8446 5.1, 5.2: plain text of a record, and what it may grow by; TLS 1.2 adds no more with
// AES-GCM or ChaCha20.
constexpr std::size_t kRecordText = 16 * 1024;
constexpr std::size_t kRecordGrowth = 256 + 5;
constexpr std::size_t kRecordMax = kRecordText + kRecordGrowth;
// What a record really grows by in TLS 1.3 with AES-GCM; TLS 1.2 adds seven bytes more.
constexpr std::size_t kRecordOverhead = 5 + 1 + 16;
// A KeyUpdate that the peer asked for goes out in front of a record.
constexpr std::size_t kMessageRoom = 256;
constexpr std::size_t kWriteRoom = kRecordMax + kMessageRoom;

/// SSL_get_error() takes an error of whoever ran before on this thread for one of the connection.
/// Clearing the queue each time costs 2 % of a download; looking costs nothing.
void forget_old_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace

void TlsPieces::advance(std::size_t count) noexcept {
  taken_ += count;
  for (;;) {
    const std::size_t step = std::min(count, current_.size());
    current_ = current_.subspan(step);
    count -= step;
    skip_empty();
    if (count == 0) return;
  }
}

void TlsPieces::skip_empty() noexcept {
  while (current_.empty() && !rest_.empty()) {
    current_ = rest_.front();
    rest_ = rest_.subspan(1);
  }
}

std::size_t TlsPieces::gather(std::span<std::byte> out) const noexcept {
  std::size_t filled = 0;
  auto copy = [&](engine::ConstBytes piece) {
    const std::size_t count = std::min(piece.size(), out.size() - filled);
    if (count > 0) std::memcpy(out.data() + filled, piece.data(), count);
    filled += count;
  };
  copy(current_);
  for (engine::ConstBytes piece : rest_) {
    if (filled == out.size()) break;
    copy(piece);
  }
  return filled;
}

/// The BIO between OpenSSL and a codec. Reading takes from the input; writing never refuses.
struct TlsBio {
  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringpull");
      BIO_meth_set_read_ex(fresh, &TlsBio::read);
      BIO_meth_set_write_ex(fresh, &TlsBio::write);
      BIO_meth_set_ctrl(fresh, &TlsBio::control);
      return fresh;
    }();
    return made;
  }

  static int read(BIO* bio, char* into, std::size_t size, std::size_t* count) {
    TlsCodec& codec = *static_cast<TlsCodec*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *count = std::min(size, codec.input_.size());
    if (*count == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    std::memcpy(into, codec.input_.data(), *count);
    codec.input_ = codec.input_.subspan(*count);
    return 1;
  }

  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* count) {
    TlsCodec& codec = *static_cast<TlsCodec*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *count = size;
    if (codec.writing_ && TlsBlocks::kSendBytes - codec.filled_ >= size) {
      std::memcpy(codec.block_.data() + codec.filled_, from, size);
      codec.filled_ += size;
      return 1;
    }
    RINGPULL_ASSERT(!codec.writing_, "a TLS record outgrew its room");
    const auto* bytes = reinterpret_cast<const std::byte*>(from);
    codec.messages_.insert(codec.messages_.end(), bytes, bytes + size);
    return 1;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
};

TlsCodec::TlsCodec(SslPtr ssl, std::string who, TlsBlocks& blocks)
    : ssl_(std::move(ssl)), who_(std::move(who)), blocks_(blocks) {
  BIO* bio = BIO_new(TlsBio::method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
}

// OpenSSL takes the tickets of a connection that ends without close_notify for spoiled; they are
// good unless TLS itself has failed.
TlsCodec::~TlsCodec() {
  if (handshake_done_ && !failure_) {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
}

TlsStep TlsCodec::after_call(int outcome) {
  switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ: return TlsStep::need_data;
    case SSL_ERROR_ZERO_RETURN: return TlsStep::closed;
    default:
      // Nothing to add where a callback has noted the reason.
      note_failure(describe_tls_failure(*this, handshake_done_));
      return TlsStep::failed;
  }
}

/// Moves what a step has left of the shared block out of it: less than a record and its growth,
/// because no more was received than the step needed.
TlsStep TlsCodec::end_step(TlsStep step) {
  const bool is_kept = !kept_.empty();
  if (input_.empty()) {
    if (is_kept) kept_ = {};
  } else if (!is_kept) {
    kept_.assign(input_.begin(), input_.end());
    input_ = kept_;
  }
  return step;
}

/// Gives back the 34 KiB that OpenSSL holds for records, unless one is in there. Not by
/// SSL_MODE_RELEASE_BUFFERS, which frees and allocates for each record; and not while anything is
/// pending, where releases before 3.0.14 would free what they still read from (CVE-2024-4741).
void TlsCodec::release_openssl_buffers() noexcept {
  if (handshake_done_ && input_.empty() && SSL_has_pending(ssl_.get()) == 0) {
    SSL_free_buffers(ssl_.get());
  }
}

TlsStep TlsCodec::handshake() {
  if (failure_) return TlsStep::failed;
  text_wanted_ = 0;
  forget_old_errors();
  const int outcome = SSL_do_handshake(ssl_.get());
  handshake_done_ |= outcome == 1;
  return end_step(outcome == 1 ? TlsStep::done : after_call(outcome));
}

TlsStep TlsCodec::read(engine::MutableBytes out, std::size_t& count) {
  count = 0;
  TlsStep step = TlsStep::done;
  while (step == TlsStep::done && count < out.size()) {
    if (failure_) return TlsStep::failed;
    std::size_t taken = 0;
    forget_old_errors();
    const int outcome = SSL_read_ex(ssl_.get(), out.data() + count, out.size() - count, &taken);
    if (outcome != 1) step = after_call(outcome);
    count += taken;
  }
  text_wanted_ = out.size() - count;
  end_step(step);
  // In the middle of a body they are needed again at once.
  if (step == TlsStep::done || count == 0) release_openssl_buffers();
  return step;
}

TlsStep TlsCodec::peek() {
  if (failure_) return TlsStep::failed;
  text_wanted_ = 0;
  std::byte scratch{};
  std::size_t taken = 0;
  forget_old_errors();
  const int outcome = SSL_peek_ex(ssl_.get(), &scratch, 1, &taken);
  return end_step(outcome == 1 ? TlsStep::done : after_call(outcome));
}

TlsStep TlsCodec::write(TlsPieces& pieces) {
  if (!block_) block_ = blocks_.take_send_block();
  text_wanted_ = 0;
  TlsStep step = TlsStep::done;
  writing_ = true;
  while (step == TlsStep::done && !pieces.empty() &&
         TlsBlocks::kSendBytes - filled_ >= kWriteRoom) {
    step = write_record(pieces);
  }
  writing_ = false;
  if (filled_ == 0) block_.release();
  if (pieces.empty()) release_openssl_buffers();
  return end_step(step);
}

/// Puts one record into the block: from a piece in place, or from small ones gathered.
TlsStep TlsCodec::write_record(TlsPieces& pieces) {
  if (failure_) return TlsStep::failed;
  std::array<std::byte, kRecordText> gathered;
  engine::ConstBytes text = pieces.current().first(std::min(kRecordText, pieces.current().size()));
  if (text.size() < kRecordText && !pieces.is_last()) {
    text = engine::ConstBytes(gathered).first(pieces.gather(gathered));
  }
  std::size_t taken = 0;
  forget_old_errors();
  const int outcome = SSL_write_ex(ssl_.get(), text.data(), text.size(), &taken);
  if (outcome != 1) return after_call(outcome);
  pieces.advance(taken);
  return TlsStep::done;
}

void TlsCodec::say_close() {
  if (failure_ || !handshake_done_) return;
  forget_old_errors();
  SSL_shutdown(ssl_.get());
}

engine::MutableBytes TlsCodec::receive_space() {
  RINGPULL_ASSERT(input_.empty(), "ciphertext was received before the last was used");
  engine::MutableBytes block = blocks_.receive_block();
  const std::size_t records = text_wanted_ / kRecordText + 1;
  return block.first(std::min(block.size(), text_wanted_ + records * kRecordOverhead + kRecordMax));
}

void TlsCodec::received(std::size_t count) noexcept {
  input_ = engine::ConstBytes(blocks_.receive_block()).first(count);
}

bool TlsCodec::has_input() const noexcept {
  return !input_.empty() || SSL_has_pending(ssl_.get()) == 1;
}

std::span<const engine::ConstBytes> TlsCodec::output() {
  std::swap(messages_, messages_sending_);
  sending_[0] = messages_sending_;
  sending_[1] = engine::ConstBytes(block_.data(), filled_);
  return sending_;
}

void TlsCodec::output_sent() noexcept {
  messages_sending_.clear();
  filled_ = 0;
  block_.release();
}

}  // namespace ringpull::inline v0::http::detail
