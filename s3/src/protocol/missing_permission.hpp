#pragma once
// For requests that the caller did not name, such as listing or aborting uploads: a bare 403 to one
// of them would not say which permission to give.

#include <string_view>

#include <ringpull/engine/error.hpp>

namespace ringpull::inline v0::s3 {

/// An Error that the lack of a permission explains names that permission, as in
/// "s3:AbortMultipartUpload".
Error name_permission(Error error, std::string_view permission);

}  // namespace ringpull::inline v0::s3
