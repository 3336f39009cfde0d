#include "http/src/wire/transport.hpp"

#include <algorithm>
#include <array>

#include "http/src/wire/time_limit.hpp"

namespace ringpull::inline v0::http {

using engine::Deadline;
using engine::Duration;
using engine::Task;

namespace {

/// What is left of the pieces of one write.
class Rest {
 public:
  explicit Rest(std::span<const ConstBytes> pieces) noexcept : pieces_(pieces) { advance(0); }

  bool empty() const noexcept { return pieces_.empty(); }
  void advance(std::uint64_t bytes) noexcept {
    while (!pieces_.empty() && bytes >= pieces_.front().size() - offset_) {
      bytes -= pieces_.front().size() - offset_;
      pieces_ = pieces_.subspan(1);
      offset_ = 0;
    }
    offset_ += bytes;
  }
  /// As many pieces as fit into the window, and `bytes_max` of them at most.
  std::span<const ConstBytes> window(std::span<ConstBytes> out, std::size_t bytes_max) const {
    std::size_t count = 0;
    std::size_t offset = offset_;
    for (ConstBytes piece : pieces_) {
      if (count == out.size() || bytes_max == 0) break;
      out[count] = piece.subspan(offset, std::min(piece.size() - offset, bytes_max));
      bytes_max -= out[count++].size();
      offset = 0;
    }
    return out.first(count);
  }

 private:
  std::span<const ConstBytes> pieces_;
  std::size_t offset_ = 0;
};

std::uint64_t total(std::span<const ConstBytes> pieces) noexcept {
  std::uint64_t sum = 0;
  for (ConstBytes piece : pieces) sum += piece.size();
  return sum;
}

}  // namespace

Task<Result<void>> Transport::read_exact(MutableBytes out, Duration stall) {
  engine::Context& context = co_await engine::current_context();
  std::size_t done = 0;
  while (true) {
    // TLS shows whole records only; the kernel's count moves with every packet.
    std::uint64_t arrived = tls_ ? tcp().bytes_received() : 0;
    Deadline limit = Deadline::after(stall);
    MutableBytes rest = out.subspan(done);
    Result<void> outcome;
    if (tls_) {
      outcome = co_await engine::with_deadline(limit, tls_->read_exact(rest));
    } else {
      outcome = co_await engine::with_deadline(limit, tcp_.read_exact(rest));
    }
    if (outcome) co_return outcome;
    std::uint64_t moved = outcome.error().bytes_done();
    done += moved;
    if (!is_own_limit(outcome.error(), context)) {
      co_return fail(std::move(outcome).error().with_bytes_done(done));
    }
    bool progress = moved > 0 || (tls_ && tcp().bytes_received() != arrived);
    if (!progress) co_return fail(stalled("receive", stall, done));
  }
}

Task<Result<void>> Transport::write(std::span<const ConstBytes> pieces, Duration stall) {
  engine::Context& context = co_await engine::current_context();
  Rest rest(pieces);
  std::uint64_t done = 0;
  std::array<ConstBytes, engine::WriteVectors::kVectorsMax> window;
  while (!rest.empty()) {
    Deadline limit = Deadline::after(stall);
    std::span<const ConstBytes> now = rest.window(window, tls_ ? kTlsPieceBytes : SIZE_MAX);
    Result<void> outcome;
    if (tls_) {
      outcome = co_await engine::with_deadline(limit, tls_->write_vectors(now));
    } else if (now.size() == 1) {
      outcome = co_await engine::with_deadline(limit, tcp_.write_all(now.front()));
    } else {
      outcome = co_await engine::with_deadline(limit, tcp_.write_vectors(now));
    }
    std::uint64_t moved = outcome ? total(now) : outcome.error().bytes_done();
    done += moved;
    rest.advance(moved);
    if (outcome) continue;
    if (!is_own_limit(outcome.error(), context)) {
      co_return fail(std::move(outcome).error().with_bytes_done(done));
    }
    if (moved == 0 || tls_) co_return fail(stalled("send", stall, done));
  }
  co_return Result<void>();
}

Result<std::size_t> Transport::try_write(ConstBytes bytes) noexcept {
  if (tls_) return std::size_t{0};
  return tcp_.try_write(bytes);
}

void Transport::finish_writing() noexcept {
  if (tls_) tls_->say_close();
  tcp().shutdown_write();
}

void Transport::close() noexcept {
  if (tls_) {
    tls_->say_close();
    tls_->tcp().close();
  }
  tcp_.close();
}

}  // namespace ringpull::inline v0::http
