#pragma once
// For small requests over plain TCP, where it saves a turn of the loop. Larger bodies and TLS go
// through Transport.

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/context.hpp>
#include <ringpull/engine/op.hpp>
#include <ringpull/engine/stream.hpp>
#include <ringpull/http/body.hpp>

namespace ringpull::inline v0::http {

/// Sends a small request and receives the first bytes of its response: both operations are handed
/// to the kernel together, so an exchange takes one turn of the loop, and a peer that answers
/// before it has read everything is heard.
///
/// Ends when the receive has ended; a send that is still going on is then stopped. The pieces and
/// their array stay until then. Awaited under a deadline, in the same expression.
class [[nodiscard]] SendReceive {
 public:
  static constexpr std::size_t kPiecesMax = 4;

  class Outcome {
   public:
    Outcome(Result<std::size_t> received_in, Result<void> sent_in, std::uint64_t bytes_sent_in)
        : received(std::move(received_in)), sent(std::move(sent_in)), bytes_sent(bytes_sent_in) {}
    Result<std::size_t> received;  ///< as StreamSocket::read_some
    Result<void> sent;             ///< as StreamSocket::write_vectors
    std::uint64_t bytes_sent;
  };

  SendReceive(int fd, std::span<const ConstBytes> pieces, MutableBytes out) noexcept;
  ~SendReceive() { RINGPULL_ASSERT(running_ == 0, "a SendReceive was destroyed while in flight"); }
  SendReceive(const SendReceive&) = delete;
  SendReceive& operator=(const SendReceive&) = delete;

  bool start(std::coroutine_handle<> waiter, engine::Context& context) noexcept;
  [[nodiscard]] Outcome await_resume() const;

 private:
  struct Part : engine::Op {
    explicit Part(SendReceive& self) noexcept : owner(&self) {}
    SendReceive* owner;
  };
  struct Hook : engine::StopHook {
    explicit Hook(SendReceive& self) noexcept : StopHook(&Hook::on_stop), owner(&self) {}
    static void on_stop(engine::StopHook& hook, engine::StopReason reason) noexcept;
    SendReceive* owner;
  };
  static void on_sent(engine::Op& op) noexcept;
  static void on_received(engine::Op& op) noexcept;
  bool advance() noexcept;
  void submit(Part& part) noexcept;
  void ended() noexcept;
  Error failure(const Part& part, std::string_view what) const;

  Part send_{*this};
  Part receive_{*this};
  Hook hook_{*this};
  std::array<iovec, kPiecesMax> vectors_{};
  msghdr message_{};
  std::uint64_t sent_ = 0;
  engine::Context* context_ = nullptr;
  std::coroutine_handle<> waiter_;
  int running_ = 0;
};

}  // namespace ringpull::inline v0::http
