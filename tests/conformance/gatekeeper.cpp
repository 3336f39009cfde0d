#include "tests/conformance/gatekeeper.hpp"

#include <algorithm>

namespace ringpull::conformance {

using engine::Task;

namespace {

/// The names of a query's parameters, "X-Amz-*" of presigned URLs left out.
std::set<std::string, std::less<>> parameters_of(std::string_view target) {
  std::set<std::string, std::less<>> names;
  std::size_t begin = target.find('?');
  while (begin != std::string_view::npos) {
    target.remove_prefix(begin + 1);
    begin = target.find('&');
    std::string_view name = target.substr(0, std::min(begin, target.find('=')));
    if (!name.starts_with("X-Amz-")) names.emplace(name);
  }
  return names;
}

std::string object_action(const http::RequestHead& request,
                          const std::set<std::string, std::less<>>& query) {
  bool reads = request.method == "GET" || request.method == "HEAD";
  if (query.contains("uploadId")) {
    if (reads) return "s3:ListMultipartUploadParts";
    return request.method == "DELETE" ? "s3:AbortMultipartUpload" : "s3:PutObject";
  }
  std::string_view acl = request.headers.get("x-amz-acl").value_or("private");
  if (acl != "private") return "s3:PutObjectAcl";
  if (query.contains("uploads")) return "s3:PutObject";
  for (const std::string& name : query) {
    if (!name.starts_with("response-") && name != "x-id") return "s3:?";
  }
  if (reads) return "s3:GetObject";
  if (request.method == "DELETE") return "s3:DeleteObject";
  return request.method == "PUT" ? "s3:PutObject" : "s3:?";
}

std::string bucket_action(const http::RequestHead& request,
                          const std::set<std::string, std::less<>>& query) {
  if (request.method == "POST" && query.contains("delete")) return "s3:DeleteObject";
  if (request.method == "HEAD") return "s3:ListBucket";
  if (request.method != "GET") return "s3:?";
  if (query.contains("location")) return "s3:GetBucketLocation";
  if (query.contains("uploads")) return "s3:ListBucketMultipartUploads";
  for (const char* other : {"acl", "policy", "versioning", "versions", "lifecycle", "tagging"}) {
    if (query.contains(other)) return "s3:?";
  }
  return "s3:ListBucket";
}

}  // namespace

std::string action_of(const http::RequestHead& request) {
  std::string_view path(request.target);
  path = path.substr(0, path.find('?'));
  auto query = parameters_of(request.target);
  if (path == "/") return "s3:ListAllMyBuckets";
  std::size_t key = path.find('/', 1);
  bool is_bucket = key == std::string_view::npos || key + 1 == path.size();
  return is_bucket ? bucket_action(request, query) : object_action(request, query);
}

const std::set<std::string>& documented_actions() {
  static const std::set<std::string> kActions = {"s3:ListBucket",
                                                 "s3:GetBucketLocation",
                                                 "s3:ListBucketMultipartUploads",
                                                 "s3:PutObject",
                                                 "s3:GetObject",
                                                 "s3:DeleteObject",
                                                 "s3:ListMultipartUploadParts",
                                                 "s3:AbortMultipartUpload"};
  return kActions;
}

const std::set<std::string>& small_actions() {
  static const std::set<std::string> kActions = {"s3:ListAllMyBuckets",  "s3:ListBucket",
                                                 "s3:GetBucketLocation", "s3:PutObject",
                                                 "s3:GetObject",         "s3:DeleteObject"};
  return kActions;
}

std::size_t Gatekeeper::requests() const noexcept {
  std::size_t sum = 0;
  for (const auto& [action, count] : asked) sum += count;
  return sum;
}

Task<Result<void>> Gatekeeper::handle(http::Exchange& exchange) {
  const http::RequestHead& request = exchange.request();
  std::string action = action_of(request);
  ++asked[action];
  bool allowed = allowed_.contains(action) && (!request.headers.contains("x-amz-copy-source") ||
                                               allowed_.contains("s3:GetObject"));
  if (allowed) co_return co_await inner_.handle(exchange);
  http::ResponseHead refusal(403);
  exchange.close();
  co_return co_await exchange.respond(
      refusal, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
}

}  // namespace ringpull::conformance
