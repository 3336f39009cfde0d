#pragma once
// URLs that clients fetch files by.

#include <string>
#include <string_view>

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/storage_driver.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::inline v0::s3::driver {

/// Signed for the redirect endpoint where there is one. `invalid_argument` for an expiry outside of
/// 1 s to kPresignExpiryMax.
engine::Task<Result<std::string>> redirect_url(Core& core, std::string_view path,
                                               const RedirectOptions& options);

}  // namespace ringpull::inline v0::s3::driver
