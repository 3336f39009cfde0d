#include "bench/floor/ring.hpp"

#include <cerrno>

#include "bench/floor/http.hpp"

namespace ringpull::bench {

Ring::Ring(unsigned entries) {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE;
  params.cq_entries = entries * 4;
  const int code = io_uring_queue_init_params(entries, &ring_, &params);
  if (code < 0) throw_errno(-code, "io_uring_setup");
  io_uring_register_ring_fd(&ring_);
}

io_uring_sqe* Ring::next_entry() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  if (entry == nullptr) {
    io_uring_submit(&ring_);
    ++enters_;
    entry = io_uring_get_sqe(&ring_);
  }
  return entry;
}

void Ring::submit_and_wait() {
  int code = -EINTR;
  while (code == -EINTR) {
    code = io_uring_submit_and_wait(&ring_, 1);
    ++enters_;
  }
  if (code < 0) throw_errno(-code, "io_uring_enter");
}

}  // namespace ringpull::bench
