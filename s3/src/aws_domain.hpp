#pragma once

#include <string_view>

namespace ringpull::inline v0::s3 {

/// The domain below which the services of Amazon's partition live that has the region.
std::string_view aws_domain(std::string_view region) noexcept;

}  // namespace ringpull::inline v0::s3
