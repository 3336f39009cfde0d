#include "tools/check/policy.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <vector>

#include <ringpull/s3/aws_partition.hpp>

namespace ringpull::tools {

using nlohmann::ordered_json;

namespace {

std::string_view partition_of(const s3::S3DriverParameters& parameters) {
  return s3::aws_partition(parameters.region.str()).name;
}

std::string bucket_arn(const s3::S3DriverParameters& parameters) {
  return fmt::format("arn:{}:s3:::{}", partition_of(parameters), parameters.bucket.str());
}

/// Means itself where a policy takes wildcards and variables.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
std::string literal(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    if (c == '*' || c == '?' || c == '$') {
      escaped += fmt::format("${{{}}}", c);
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string keys_pattern(const s3::S3DriverParameters& parameters) {
  return literal(s3::key_prefix(parameters)) + '*';
}

std::string objects_arn(const s3::S3DriverParameters& parameters) {
  return fmt::format("{}/{}", bucket_arn(parameters), keys_pattern(parameters));
}

bool uses_kms(const s3::S3DriverParameters& parameters) {
  return parameters.encrypt && !parameters.key_id.empty();
}

bool names_alias(std::string_view key_id) {
  return key_id.starts_with("alias/") || key_id.find(":alias/") != std::string_view::npos;
}

/// A policy names keys by their ARN only; an account that is not known is left open.
std::string kms_key_arn(const s3::S3DriverParameters& parameters) {
  const std::string& id = parameters.key_id;
  if (id.starts_with("arn:") && !names_alias(id)) return id;
  return fmt::format("arn:{}:kms:{}:*:key/{}", partition_of(parameters), parameters.region.str(),
                     names_alias(id) ? "*" : id);
}

ordered_json statement(std::string_view id, const std::vector<std::string>& actions,
                       const std::string& resource) {
  return {{"Sid", id}, {"Effect", "Allow"}, {"Action", actions}, {"Resource", resource}};
}

ordered_json list_statement(const s3::S3DriverParameters& parameters) {
  ordered_json list = statement("ListFiles", {"s3:ListBucket"}, bucket_arn(parameters));
  if (s3::key_prefix(parameters).empty()) return list;
  // A read of an object has no s3:prefix, and is answered 404 only if it may list.
  list["Condition"]["StringLikeIfExists"]["s3:prefix"] = keys_pattern(parameters);
  return list;
}

ordered_json object_statement(const s3::S3DriverParameters& parameters, PolicyAccess access) {
  std::vector<std::string> actions = {"s3:GetObject"};
  if (access == PolicyAccess::read_write) {
    actions = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
               "s3:ListMultipartUploadParts"};
    bool sets_acl = !parameters.object_acl.empty() && parameters.object_acl != "private";
    if (sets_acl) actions.emplace_back("s3:PutObjectAcl");
  }
  return statement("Files", actions, objects_arn(parameters));
}

ordered_json kms_statement(const s3::S3DriverParameters& parameters, PolicyAccess access) {
  std::vector<std::string> actions = {"kms:Decrypt"};
  if (access == PolicyAccess::read_write) actions.emplace_back("kms:GenerateDataKey");
  ordered_json key = statement("Key", actions, kms_key_arn(parameters));
  const std::string& id = parameters.key_id;
  if (names_alias(id)) {
    std::string alias = id.substr(id.find("alias/"));
    key["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"] = alias;
  }
  return key;
}

}  // namespace

std::string least_policy(const s3::S3DriverParameters& parameters, PolicyAccess access) {
  ordered_json statements = ordered_json::array();
  statements.push_back(list_statement(parameters));
  if (access == PolicyAccess::read_write) {
    // No prefix: this action knows no s3:prefix.
    statements.push_back(
        statement("ListUploads", {"s3:ListBucketMultipartUploads"}, bucket_arn(parameters)));
  }
  statements.push_back(object_statement(parameters, access));
  if (uses_kms(parameters)) statements.push_back(kms_statement(parameters, access));
  ordered_json policy = {{"Version", "2012-10-17"}, {"Statement", statements}};
  return policy.dump(2) + '\n';
}

std::string policy_resource(const s3::S3DriverParameters& parameters, std::string_view permission) {
  if (permission.starts_with("kms:")) return kms_key_arn(parameters);
  return permission.starts_with("s3:ListBucket") ? bucket_arn(parameters) : objects_arn(parameters);
}

}  // namespace ringpull::tools
