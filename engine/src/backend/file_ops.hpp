#pragma once
// Operations on files as plain system calls, with io_uring's results: what the epoll backend's
// threads run. Without state, any thread.

#include <cstdint>

#include <ringpull/engine/op.hpp>

namespace ringpull::inline v0::engine {

/// True for the operations that block the thread that makes them, whatever the descriptor: opening,
/// closing, syncing, names.
bool is_file_call(OpCode code) noexcept;

/// read(2) or write(2) of at most `length` bytes; >= 0 or -errno.
std::int32_t transfer_file(const Op& op, std::uint32_t length) noexcept;

/// Does a file operation in place, blocking; >= 0 or -errno.
std::int32_t run_file_op(const Op& op) noexcept;

}  // namespace ringpull::inline v0::engine
