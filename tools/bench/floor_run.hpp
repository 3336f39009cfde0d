#pragma once
// What `ringpull bench` compares itself with; the programs are those of bench/floor. Blocks until
// the child has ended.

#include <ringpull/engine/result.hpp>

#include "bench/floor/floor.hpp"

namespace ringpull::tools {

enum class FloorKind { receive, receive_tls, send, send_tls };

/// Runs a floor program in a forked child, so that its CPU time and memory are its own.
/// `unsupported` where it needs io_uring and the system refuses that.
Result<bench::FloorResult> run_floor(FloorKind kind, const bench::FloorOptions& options);

}  // namespace ringpull::tools
