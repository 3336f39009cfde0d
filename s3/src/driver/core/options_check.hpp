#pragma once
// What S3Driver::create refuses. It looks at the options alone and makes no request.

#include <ringpull/engine/result.hpp>
#include <ringpull/s3/s3_driver_options.hpp>

namespace ringpull::inline v0::s3::driver {

/// `invalid_argument` that names the option, its value and what is allowed.
Result<void> check(const S3DriverOptions& options);

}  // namespace ringpull::inline v0::s3::driver
