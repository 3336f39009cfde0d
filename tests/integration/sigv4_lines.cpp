// Signs and verifies what it reads: one JSON object per line in, one out. For signer_test.py, which
// compares the answers with botocore's. Fields in: method, target, headers [[name, value]],
// payload, access_key, secret, token, region, time, expires (presigns when present), key;
// authorization or presigned_target as botocore made them, to be verified. With "version": 2 the
// answer is the signature of Version 2 alone.

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include <ringpull/s3/sigv2.hpp>
#include <ringpull/s3/sigv4.hpp>
#include <ringpull/s3/sigv4_verify.hpp>

#include "s3/src/protocol/request_builder.hpp"

namespace {

using nlohmann::json;
using namespace ringpull;

std::string text(const json& line, const char* name) { return line.at(name).get<std::string>(); }

http::RequestHead read_head(const json& line) {
  http::RequestHead head(text(line, "method"), text(line, "target"));
  for (const json& field : line.at("headers")) {
    head.headers.add(field.at(0).get<std::string>(), field.at(1).get<std::string>());
  }
  return head;
}

std::string outcome(const tl::expected<s3::VerifiedRequest, s3::SignatureRefusal>& verified) {
  return verified ? "ok" : verified.error().code;
}

/// What the verifier says to botocore's own request, as it is and with one thing changed each.
json verify_theirs(const json& line, http::RequestHead head, const s3::Credentials& credentials,
                   std::chrono::sys_seconds time) {
  const s3::Credentials wrong_secret(credentials.access_key_id, s3::Secret("wrong"),
                                     credentials.session_token.clone());
  auto verify = [&](const http::RequestHead& request, const s3::Credentials& known,
                    const std::string& region) {
    s3::VerifierOptions options;
    options.region = region;
    s3::Verifier verifier(options, [&known](std::string_view id) {
      return id == known.access_key_id ? &known : nullptr;
    });
    return outcome(verifier.verify(request, time));
  };

  if (line.contains("authorization")) {
    for (const json& field : line.at("signed_headers")) {
      head.headers.set(field.at(0).get<std::string>(), field.at(1).get<std::string>());
    }
    head.headers.set("Authorization", text(line, "authorization"));
  } else {
    head.target = text(line, "presigned_target");
  }
  http::RequestHead tampered = head;
  tampered.target.insert(1, "x");
  std::string region = text(line, "region");
  return {{"as_it_is", verify(head, credentials, region)},
          {"tampered", verify(tampered, credentials, region)},
          {"wrong_secret", verify(head, wrong_secret, region)},
          {"wrong_region", verify(head, credentials, region + "-2")}};
}

/// Fields beside the common ones: virtual_bucket.
json answer_v2(const json& line) {
  auto time = s3::parse_amz_date(text(line, "time"));
  if (!time) return {{"error", "bad time"}};
  s3::Credentials credentials(text(line, "access_key"), s3::Secret(text(line, "secret")),
                              s3::Secret(text(line, "token")));
  http::RequestHead head = read_head(line);
  std::string bucket = text(line, "virtual_bucket");
  if (line.contains("expires")) {
    std::chrono::seconds lifetime(line.at("expires").get<int>());
    auto signature = s3::presign_v2(credentials, s3::SigV2Request(head, bucket, *time + lifetime));
    if (!signature) return {{"error", signature.error().message()}};
    return {{"target", signature->target}, {"string_to_sign", signature->string_to_sign}};
  }
  auto signature = s3::sign_v2(credentials, s3::SigV2Request(head, bucket, *time));
  if (!signature) return {{"error", signature.error().message()}};
  return {{"authorization", signature->authorization},
          {"date", signature->date},
          {"string_to_sign", signature->string_to_sign}};
}

json answer(s3::Signer& signer, const json& line) {
  if (line.value("version", 4) == 2) return answer_v2(line);
  auto time = s3::parse_amz_date(text(line, "time"));
  auto payload = s3::PayloadHash::parse(text(line, "payload"));
  if (!time || !payload) return {{"error", "bad time or payload hash"}};
  s3::Credentials credentials(text(line, "access_key"), s3::Secret(text(line, "secret")),
                              s3::Secret(text(line, "token")));
  s3::SigningScope scope(text(line, "region"), *time);
  http::RequestHead head = read_head(line);

  auto endpoint = s3::Endpoint::create("http://127.0.0.1:9000", s3::Region(scope.region));
  auto built = s3::prepare(
      *endpoint, s3::GetObjectOptions(s3::Bucket("bucket"), s3::ObjectKey(text(line, "key"))));
  if (!built) return {{"error", built.error().message()}};

  json out = {{"key_target", built->head.target},
              {"verified", verify_theirs(line, head, credentials, *time)}};
  if (line.contains("expires")) {
    s3::PresignOptions options(std::chrono::seconds(line.at("expires").get<int>()));
    options.payload = *payload;
    auto signature = signer.presign(credentials, scope, head, options);
    if (!signature) return {{"error", signature.error().message()}};
    out["signature"] = signature->target;
    out["canonical_request"] = signature->canonical_request;
  } else {
    auto signature = signer.sign(credentials, scope, head, *payload);
    if (!signature) return {{"error", signature.error().message()}};
    out["signature"] = signature->authorization;
    out["canonical_request"] = signature->canonical_request;
  }
  return out;
}

}  // namespace

int main() {
  s3::Signer signer;
  std::string line;
  while (std::getline(std::cin, line)) std::cout << answer(signer, json::parse(line)) << '\n';
}
