// Input: "METHOD target", then one "Name: value" per line. Whatever signs must verify, and what is
// canonical must stay as it is.

#include <ringpull/s3/sigv4.hpp>
#include <ringpull/s3/sigv4_verify.hpp>

#include "s3/src/signing/sigv4_canonical.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace ringpull;
using testing::require;

namespace {

std::string_view cut(std::string_view& text, std::string_view separator) {
  std::size_t end = std::min(text.find(separator), text.size());
  std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + separator.size(), text.size()));
  return part;
}

http::RequestHead read_head(std::string_view text) {
  std::string_view line = cut(text, "\n");
  http::RequestHead head;
  head.method = cut(line, " ");
  head.target = line;
  while (!text.empty()) {
    std::string_view field = cut(text, "\n");
    std::string_view name = cut(field, ": ");
    head.headers.add(name, field);
  }
  return head;
}

std::string outcome(const http::RequestHead& head, const s3::Credentials& credentials,
                    std::chrono::sys_seconds time) {
  s3::Verifier verifier(s3::VerifierOptions(),
                        [&credentials](std::string_view) { return &credentials; });
  auto verified = verifier.verify(head, time);
  return verified ? "ok" : verified.error().code;
}

void check_canonical_forms(const http::RequestHead& head) {
  auto [path, query] = s3::split_target(head.target);
  s3::SigningRules rules;
  std::string canonical_path = s3::canonical_path(path, rules);
  require(s3::canonical_path(canonical_path, rules) == canonical_path, "a canonical path stays");
  std::string canonical_query = s3::canonical_query(query);
  require(s3::canonical_query(canonical_query) == canonical_query, "a canonical query stays");
  for (char c : canonical_path + canonical_query) {
    require(c > 0x20 && c < 0x7f, "canonical forms are visible ASCII");
  }
  rules.normalize_path = rules.double_encode_path = true;
  require(s3::canonical_path(path, rules).starts_with('/'), "a normalised path is absolute");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const s3::Credentials credentials("AKID", s3::Secret("secret"), s3::Secret("token"));
  static const s3::SigningScope scope("us-east-1", *s3::parse_amz_date("20261121T120000Z"));
  static s3::Signer signer;
  http::RequestHead head = read_head(testing::as_text(data, size));
  outcome(head, credentials, scope.time);
  check_canonical_forms(head);

  auto signature = signer.sign(credentials, scope, head, s3::PayloadHash::empty());
  if (!signature) return 0;
  http::RequestHead signed_head = head;
  signature->apply(signed_head.headers);
  require(outcome(signed_head, credentials, scope.time) == "ok", "what is signed verifies");

  auto url = signer.presign(credentials, scope, head, s3::PresignOptions());
  require(url.has_value(), "what can be signed can be presigned");
  http::RequestHead presigned = head;
  presigned.target = url->target;
  require(outcome(presigned, credentials, scope.time) == "ok", "what is presigned verifies");
  return 0;
}
