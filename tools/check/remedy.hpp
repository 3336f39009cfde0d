#pragma once
// What a failed step of `ringpull check` tells its user to do, in the words of the configuration
// file. Pure.

#include <string>
#include <string_view>

#include <ringpull/engine/error.hpp>
#include <ringpull/s3/driver_parameters.hpp>

namespace ringpull::tools {

/// The permission to give, where the answer was that something is not allowed: the one that the
/// server names, else `asked`, which the request needs. Empty for other failures.
std::string denied_permission(const Error& error, std::string_view asked);

/// What to change so that the step works: a parameter of storage.s3 and its value, a permission, or
/// something outside of the configuration. Empty where the error's text has to do.
std::string remedy(const Error& error, const s3::S3DriverParameters& parameters,
                   std::string_view permission);

}  // namespace ringpull::tools
