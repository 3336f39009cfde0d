#pragma once
// Standard output, and texts that are fit for a terminal.

#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/engine/task.hpp>

namespace ringpull::tools {

/// Opens what the caller has closed of descriptors 0 to 2, so that no socket or file of ours gets
/// such a number. Reading from them, or writing to them, still fails.
void occupy_standard_descriptors() noexcept;

/// Writes to standard output, which may be anything, blocking or not. While it takes nothing the
/// loop goes on, and a stop ends the wait. `io` when writing fails, also when nobody reads any
/// more.
engine::Task<Result<void>> write_out(std::string_view text);

/// Without control characters, each of which becomes a space: one line, which cannot make a
/// terminal do anything, whatever a server put into it.
std::string one_line(std::string text);

}  // namespace ringpull::tools
