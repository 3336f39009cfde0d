#pragma once
// Environment variables over the registry's configuration, as docker distribution has them.

#include <ringpull/cloudfront/registry_configuration.hpp>
#include <ringpull/engine/result.hpp>

#include "cloudfront/src/registry/yaml_tree.hpp"

namespace ringpull::inline v0::cloudfront {

/// The file's tree with what the variables say put in: of REGISTRY_STORAGE and REGISTRY_MIDDLEWARE,
/// and what stands below them. In the order of their names, so that a section's variable comes
/// before those of its parts. Names of other parts of the file are left alone.
Result<yaml::NodePtr> apply_environment(const yaml::NodePtr& root,
                                        const EnvironmentVariables& variables);

}  // namespace ringpull::inline v0::cloudfront
