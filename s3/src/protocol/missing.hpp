#pragma once
// Which of the failures of kind `not_found` say that something is not in the bucket. A name of a
// host, a credentials file or a bucket that is not there is of that kind, too.

#include <ringpull/engine/error.hpp>

namespace ringpull::inline v0::s3 {

/// The server has answered that there is no such object: NoSuchKey, NoSuchVersion, or the 404 of a
/// HeadObject, which has no body and may mean the bucket as well.
bool is_missing_object(const Error& error) noexcept;

/// The server has answered NoSuchUpload: this upload was completed or aborted.
bool is_gone_upload(const Error& error) noexcept;

}  // namespace ringpull::inline v0::s3
