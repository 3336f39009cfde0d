#pragma once
// The epoll backend's system calls on sockets and pipes, and what io_uring would say of their
// outcome. When they are tried is decided in epoll_backend.cpp.

#include <cstdint>

#include <ringpull/engine/op.hpp>

namespace ringpull::inline v0::engine {

/// Operations on sockets, pipes and other descriptors that say when they are ready, done without
/// blocking.
///
/// Makes one attempt. True: it has ended and `result` is io_uring's result for it. False: try again
/// when one of interest_of(op) holds; meanwhile `result` is what a MSG_WAITALL transfer has reached
/// so far (never negative progress: a connect in progress is -EINPROGRESS).
bool try_ready_op(Op& op) noexcept;

/// The epoll events that may let a further attempt succeed.
std::uint32_t interest_of(const Op& op) noexcept;

/// A read or write whose descriptor never says when it is ready (regular files, block devices,
/// directories).
bool is_file_transfer(const Op& op) noexcept;

}  // namespace ringpull::inline v0::engine
