#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include <ringpull/s3/sigv4_verify.hpp>

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;

const std::chrono::sys_seconds kNow = *parse_amz_date("20261121T120000Z");

class SigV4Verify : public testing::Test {
 protected:
  SigV4Verify()
      : verifier_(VerifierOptions(), [this](std::string_view id) -> const Credentials* {
          if (id == permanent_.access_key_id) return &permanent_;
          if (id == temporary_.access_key_id) return &temporary_;
          return nullptr;
        }) {}

  static http::RequestHead request(std::string method = "GET",
                                   std::string target = "/bucket/a%20key?versionId=1") {
    http::RequestHead head(std::move(method), std::move(target));
    head.headers.add("Host", "localhost:9000");
    return head;
  }

  http::RequestHead sign(http::RequestHead head, const Credentials& credentials,
                         SigningScope scope = SigningScope("us-east-1", kNow),
                         PayloadHash payload = PayloadHash::empty()) {
    auto signature = signer_.sign(credentials, scope, head, payload);
    EXPECT_TRUE(signature) << signature.error().message();
    signature->apply(head.headers);
    return head;
  }

  http::RequestHead presign(http::RequestHead head, const Credentials& credentials,
                            std::chrono::seconds expires = 60s,
                            SigningScope scope = SigningScope("us-east-1", kNow)) {
    auto signature = signer_.presign(credentials, scope, head, PresignOptions(expires));
    EXPECT_TRUE(signature) << signature.error().message();
    head.target = signature->target;
    return head;
  }

  /// "ok" or "403 AccessDenied".
  std::string outcome(const http::RequestHead& head, std::chrono::sys_seconds now = kNow) {
    auto verified = verifier_.verify(head, now);
    if (verified) return "ok";
    last_ = verified.error();
    return std::to_string(last_.http_status) + " " + last_.code;
  }

  Credentials permanent_{"AKPERMANENT", Secret("permanent secret")};
  Credentials temporary_{"AKTEMPORARY", Secret("temporary secret"), Secret("session/token+==")};
  Signer signer_;
  Verifier verifier_;
  SignatureRefusal last_;
};

TEST_F(SigV4Verify, TakesWhatTheSignerSigns) {
  EXPECT_EQ(outcome(sign(request(), permanent_)), "ok");
  EXPECT_EQ(outcome(sign(request(), temporary_)), "ok");
  EXPECT_EQ(outcome(presign(request(), permanent_)), "ok");
  EXPECT_EQ(outcome(presign(request(), temporary_)), "ok");
  auto verified = verifier_.verify(sign(request("PUT"), permanent_, SigningScope("us-east-1", kNow),
                                        PayloadHash::unsigned_trailer()),
                                   kNow);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->payload, PayloadHash::unsigned_trailer());
  EXPECT_EQ(verified->access_key_id, "AKPERMANENT");
  EXPECT_FALSE(verified->presigned);
}

TEST_F(SigV4Verify, RefusesAnonymousRequests) { EXPECT_EQ(outcome(request()), "403 AccessDenied"); }

TEST_F(SigV4Verify, RefusesUnknownKeysAndWrongSecrets) {
  EXPECT_EQ(outcome(sign(request(), Credentials("AKUNKNOWN", Secret("x")))),
            "403 InvalidAccessKeyId");
  EXPECT_EQ(outcome(sign(request(), Credentials("AKPERMANENT", Secret("x")))),
            "403 SignatureDoesNotMatch");
  EXPECT_TRUE(last_.canonical_request.starts_with("GET\n/bucket/a%20key\n"));
  EXPECT_TRUE(last_.string_to_sign.starts_with("AWS4-HMAC-SHA256\n"));
}

TEST_F(SigV4Verify, RefusesAMissingOrForeignSessionToken) {
  EXPECT_EQ(outcome(sign(request(), Credentials("AKTEMPORARY", Secret("temporary secret")))),
            "400 InvalidToken");
  EXPECT_EQ(outcome(sign(request(),
                         Credentials("AKPERMANENT", Secret("permanent secret"), Secret("token")))),
            "400 InvalidToken");
}

TEST_F(SigV4Verify, RefusesEveryKindOfTampering) {
  auto signed_head = sign(request(), permanent_);
  auto other_method = signed_head;
  other_method.method = "DELETE";
  EXPECT_EQ(outcome(other_method), "403 SignatureDoesNotMatch");
  auto other_path = signed_head;
  other_path.target = "/bucket/another?versionId=1";
  EXPECT_EQ(outcome(other_path), "403 SignatureDoesNotMatch");
  auto other_query = signed_head;
  other_query.target = "/bucket/a%20key?versionId=2";
  EXPECT_EQ(outcome(other_query), "403 SignatureDoesNotMatch");
  auto other_host = signed_head;
  other_host.headers.set("Host", "elsewhere");
  EXPECT_EQ(outcome(other_host), "403 SignatureDoesNotMatch");
  auto other_payload = signed_head;
  other_payload.headers.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  EXPECT_EQ(outcome(other_payload), "403 SignatureDoesNotMatch");
  auto unsigned_field = signed_head;
  unsigned_field.headers.add("x-amz-acl", "public-read");
  EXPECT_EQ(outcome(unsigned_field), "403 AccessDenied");
}

TEST_F(SigV4Verify, TakesFieldsThatTheSignatureDoesNotCover) {
  auto signed_head = sign(request(), permanent_);
  signed_head.headers.add("User-Agent", "anything");
  signed_head.headers.add("Range", "bytes=0-9");
  EXPECT_EQ(outcome(signed_head), "ok");
}

TEST_F(SigV4Verify, RefusesAClockThatIsMoreThanFifteenMinutesOff) {
  auto signed_head = sign(request(), permanent_);
  EXPECT_EQ(outcome(signed_head, kNow + 15min), "ok");
  EXPECT_EQ(outcome(signed_head, kNow - 15min), "ok");
  EXPECT_EQ(outcome(signed_head, kNow + 15min + 1s), "403 RequestTimeTooSkewed");
  EXPECT_EQ(outcome(signed_head, kNow - 15min - 1s), "403 RequestTimeTooSkewed");
}

TEST_F(SigV4Verify, NamesTheRegionThatItExpects) {
  auto elsewhere = SigningScope("eu-west-3", kNow);
  EXPECT_EQ(outcome(sign(request(), permanent_, elsewhere)), "400 AuthorizationHeaderMalformed");
  EXPECT_EQ(last_.region, "us-east-1");
  EXPECT_EQ(outcome(presign(request(), permanent_, 60s, elsewhere)),
            "400 AuthorizationQueryParametersError");
  EXPECT_EQ(last_.region, "us-east-1");
}

TEST_F(SigV4Verify, RefusesAnotherServiceAndAScopeOfAnotherDay) {
  SigningScope express("us-east-1", kNow);
  express.service = "s3express";
  EXPECT_EQ(outcome(sign(request(), permanent_, express)), "400 AuthorizationHeaderMalformed");
  auto signed_head = sign(request(), permanent_);
  std::string authorization(*signed_head.headers.get("authorization"));
  authorization.replace(authorization.find("20261121"), 8, "20261120");
  signed_head.headers.set("Authorization", authorization);
  EXPECT_EQ(outcome(signed_head), "400 AuthorizationHeaderMalformed");
}

TEST_F(SigV4Verify, RefusesMalformedAuthorizationHeaders) {
  auto with = [](std::string_view authorization) {
    auto head = request();
    head.headers.add("Authorization", authorization);
    head.headers.add("x-amz-date", "20261121T120000Z");
    return head;
  };
  EXPECT_EQ(outcome(with("AWS AKPERMANENT:c2ln")), "400 InvalidRequest");
  EXPECT_EQ(outcome(with("AWS4-HMAC-SHA256")), "400 AuthorizationHeaderMalformed");
  EXPECT_EQ(outcome(with("AWS4-HMAC-SHA256 Credential=AKPERMANENT, SignedHeaders=host, "
                         "Signature=00")),
            "400 AuthorizationHeaderMalformed");
  EXPECT_EQ(outcome(with("AWS4-HMAC-SHA256 Credential=AKPERMANENT/20261121/us-east-1/s3/aws4, "
                         "SignedHeaders=host, Signature=00")),
            "400 AuthorizationHeaderMalformed");
}

TEST_F(SigV4Verify, WantsADateAndAPayloadHash) {
  auto no_date = sign(request(), permanent_);
  no_date.headers.remove("x-amz-date");
  EXPECT_EQ(outcome(no_date), "403 AccessDenied");
  auto no_payload = sign(request(), permanent_);
  no_payload.headers.remove("x-amz-content-sha256");
  EXPECT_EQ(outcome(no_payload), "400 InvalidRequest");
  auto odd_payload = sign(request(), permanent_);
  odd_payload.headers.set("x-amz-content-sha256", "MAYBE-SIGNED");
  EXPECT_EQ(outcome(odd_payload), "400 InvalidArgument");
}

TEST_F(SigV4Verify, RefusesTwoMechanismsAtOnce) {
  auto both = presign(request(), permanent_);
  both.headers.add("Authorization", "AWS4-HMAC-SHA256 Credential=x");
  EXPECT_EQ(outcome(both), "400 InvalidArgument");
}

TEST_F(SigV4Verify, PresignedUrlsEndAtTheirExpiryAndStartAtTheirDate) {
  auto url = presign(request(), permanent_, 60s);
  EXPECT_EQ(outcome(url, kNow + 60s), "ok");
  EXPECT_EQ(outcome(url, kNow + 61s), "403 AccessDenied");
  EXPECT_EQ(last_.message, "Request has expired");
  EXPECT_EQ(outcome(url, kNow - 16min), "403 AccessDenied");
  EXPECT_EQ(last_.message, "Request is not yet valid");
}

TEST_F(SigV4Verify, RefusesTamperedPresignedUrls) {
  auto url = presign(request(), permanent_, 60s);
  auto longer = url;
  longer.target.replace(longer.target.find("X-Amz-Expires=60"), 16, "X-Amz-Expires=99");
  EXPECT_EQ(outcome(longer), "403 SignatureDoesNotMatch");
  auto extra = url;
  extra.target += "&response-content-type=text%2Fhtml";
  EXPECT_EQ(outcome(extra), "403 SignatureDoesNotMatch");
  auto as_put = url;
  as_put.method = "PUT";
  EXPECT_EQ(outcome(as_put), "403 SignatureDoesNotMatch");
}

TEST_F(SigV4Verify, RefusesIncompleteOrAbsurdPresignParameters) {
  auto url = presign(request(), permanent_, 60s);
  auto without = [&](std::string_view name) {
    auto head = url;
    std::size_t begin = head.target.find("&" + std::string(name));
    head.target.erase(begin, head.target.find('&', begin + 1) - begin);
    return head;
  };
  for (const char* name :
       {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"}) {
    EXPECT_EQ(outcome(without(name)), "400 AuthorizationQueryParametersError") << name;
  }
  for (const char* value : {"0x10", "-5", "604801", "99999999999999999999", ""}) {
    auto head = url;
    head.target.replace(head.target.find("X-Amz-Expires=60"), 16,
                        std::string("X-Amz-Expires=") + value);
    EXPECT_EQ(outcome(head), "400 AuthorizationQueryParametersError") << value;
  }
}

TEST(CheckPayload, ComparesDigestsAndLetsUnsignedBodiesPass) {
  Sha256Digest body = Sha256::of(bytes_of("body"));
  EXPECT_TRUE(check_payload(PayloadHash::sha256(body), body));
  EXPECT_TRUE(check_payload(PayloadHash::unsigned_payload(), body));
  EXPECT_TRUE(check_payload(PayloadHash::unsigned_trailer(), body));
  auto refusal = check_payload(PayloadHash::empty(), body);
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().code, "XAmzContentSHA256Mismatch");
  EXPECT_EQ(refusal.error().http_status, 400);
}

}  // namespace
}  // namespace ringpull::s3
