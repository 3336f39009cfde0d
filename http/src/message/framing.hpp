#pragma once

// Where a message's body ends: the decision that request smuggling is about.

#include <ringpull/engine/result.hpp>
#include <ringpull/http/parser.hpp>
#include <ringpull/http/request.hpp>
#include <ringpull/http/response.hpp>

namespace ringpull::inline v0::http::detail {

/// Sets framing, content_length and keep_alive of a final response (RFC 9112 6.3 and 9.3).
/// `protocol` or `unsupported` where its fields contradict each other or say nothing clear.
Result<void> frame_response(RequestKind kind, ResponseHead& head);

/// Sets framing, content_length, keep_alive and expect_continue of a request, and checks its Host.
Result<void> frame_request(RequestHead& head);

}  // namespace ringpull::inline v0::http::detail
