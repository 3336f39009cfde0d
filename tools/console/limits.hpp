#pragma once
// What the process asks of the kernel for itself, before its loop begins.

namespace ringpull::tools {

/// Raises the soft limit of open files to the hard one: a connection takes one.
void raise_descriptor_limit() noexcept;
/// Keeps this process on one CPU; without effect where that CPU does not exist.
void pin_to_cpu(int cpu) noexcept;

}  // namespace ringpull::tools
