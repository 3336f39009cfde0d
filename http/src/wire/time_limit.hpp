#pragma once

// The errors of TimeLimits: each limit its own text.

#include <string_view>

#include <ringpull/engine/context.hpp>
#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::http {

/// The error comes from a deadline that was put around one step: neither the caller's stop or
/// deadline (which show in `context`), nor a time-out of the kernel's.
bool is_own_limit(const Error& error, const engine::Context& context) noexcept;

/// "what within 30 s (name)", `timed_out`; `name` is the limit's, with its type.
Error limit_passed(std::string_view what, engine::Duration limit, std::string_view name);
/// "what: nothing moved for 30 s (TimeLimits::stall)", `timed_out`.
Error stalled(std::string_view what, engine::Duration stall, std::uint64_t bytes_done);

}  // namespace ringpull::inline v0::http
