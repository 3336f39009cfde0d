#pragma once
// The pieces of a SigV4 canonical request, shared by signer and verifier.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/result.hpp>
#include <ringpull/s3/sigv4.hpp>

namespace ringpull::inline v0::s3 {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

/// A target split at its first '?'.
struct SplitTarget {
  std::string_view path;
  std::string_view query;
};
SplitTarget split_target(std::string_view target) noexcept;

struct QueryParameter {
  std::string name;
  std::string value;
};
/// Percent-decoded, in the order of the query; '+' is a space, as S3 reads it.
std::vector<QueryParameter> parse_query(std::string_view query);
/// Sorted by encoded name, then encoded value; parameters named `without` are left out.
std::string canonical_query(std::string_view query, std::string_view without = {});
std::string canonical_path(std::string_view path, const SigningRules& rules);

struct CanonicalHeaders {
  std::string block;
  std::string signed_list;
};
/// Lower-cased names, sorted; values trimmed with inner blanks collapsed; repeated fields joined by
/// a comma in their order. `selected` sees the lower-cased name.
CanonicalHeaders canonical_headers(const http::Headers& headers,
                                   const std::function<bool(std::string_view)>& selected);

/// False for the fields that intermediaries add or rewrite.
bool is_signable_header(std::string_view lower_case_name) noexcept;

std::string assemble_canonical_request(std::string_view method, std::string_view path,
                                       std::string_view query, const CanonicalHeaders& headers,
                                       std::string_view payload);

}  // namespace ringpull::inline v0::s3
