#pragma once
// The ring as a floor program uses it: the cheapest flags that one thread can have (kernel 6.1).

#include <cstdint>
#include <liburing.h>

namespace ringpull::bench {

class Ring {
 public:
  /// Throws std::system_error; ENOSYS or EPERM when io_uring is refused here.
  explicit Ring(unsigned entries);
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { io_uring_queue_exit(&ring_); }

  /// A cleared entry; submits what is queued first when the queue is full.
  io_uring_sqe* next_entry();
  /// Submits all and waits for at least one completion.
  void submit_and_wait();
  std::uint64_t enters() const { return enters_; }

  /// Calls `handle(user_data, res)` for each completion that is there.
  template <class Handle>
  void drain(Handle&& handle) {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      handle(cqe->user_data, cqe->res);
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
  }

 private:
  io_uring ring_{};
  std::uint64_t enters_ = 0;
};

}  // namespace ringpull::bench
