#pragma once
// Small files of the user's: tokens and profiles.

#include <string>

#include <ringpull/engine/result.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/s3/credentials.hpp>

namespace ringpull::inline v0::s3 {

/// The whole file, without blocking the loop. `not_found`, `permission_denied` and so on with the
/// path; `too_large` beyond `bytes_max`.
engine::Task<Result<std::string>> read_text_file(std::string path, std::size_t bytes_max);

/// The same for a token: white space at its end does not count. `unauthenticated` when it is empty
/// or holds a line break or another control character, which would end up in a header.
engine::Task<Result<Secret>> read_token_file(std::string path);

/// "~/x" with HOME in place of the tilde.
std::string expand_home(std::string path, const EnvironmentLookup& environment);

}  // namespace ringpull::inline v0::s3
