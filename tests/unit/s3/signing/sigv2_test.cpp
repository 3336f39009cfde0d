// Signature Version 2 against the examples of its own page,
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include <ringpull/s3/sigv2.hpp>

namespace ringpull::s3 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr auto kNow = std::chrono::sys_seconds(std::chrono::seconds(1'175'024'202));

Credentials example_key(const std::string& token = {}) {
  return {"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
          Secret(token)};
}

http::RequestHead request(const std::string& method, const std::string& target,
                          const Fields& fields = {}) {
  http::RequestHead head(method, target);
  for (const auto& [name, value] : fields) head.headers.add(name, value);
  return head;
}

struct Example {
  const char* name;
  http::RequestHead head;
  std::string virtual_bucket;
  std::string date;
  std::string signature;
};

std::vector<Example> examples() {
  std::vector<Example> all;
  all.push_back({"object GET", request("GET", "/photos/puppy.jpg"), "johnsmith",
                 "Tue, 27 Mar 2007 19:36:42 +0000", "bWq2s1WEIj+Ydj0vQ697zp+IXMU="});
  all.push_back({"object PUT",
                 request("PUT", "/photos/puppy.jpg",
                         {{"Content-Type", "image/jpeg"}, {"Content-Length", "94328"}}),
                 "johnsmith", "Tue, 27 Mar 2007 21:15:45 +0000", "MyyxeRY7whkBe+bq8fHCL/2kKUg="});
  all.push_back({"list", request("GET", "/?prefix=photos&max-keys=50&marker=puppy"), "johnsmith",
                 "Tue, 27 Mar 2007 19:42:41 +0000", "htDYFYduRNen8P9ZfE/s9SuKy0U="});
  all.push_back({"fetch of an ACL", request("GET", "/?acl"), "johnsmith",
                 "Tue, 27 Mar 2007 19:44:46 +0000", "c2WLPFtWHVgbEmeEG93a4cG37dM="});
  all.push_back({"path-style DELETE", request("DELETE", "/johnsmith/photos/puppy.jpg"), "",
                 "Tue, 27 Mar 2007 21:20:26 +0000", "lx3byBScXR6KzyMaifNkardMwNk="});
  all.push_back({"upload",
                 request("PUT", "/db-backup.dat.gz",
                         {{"x-amz-acl", "public-read"},
                          {"content-type", "application/x-download"},
                          {"Content-MD5", "4gJE4saaMU4BqNR0kLY+lw=="},
                          {"X-Amz-Meta-ReviewedBy", "joe@johnsmith.net"},
                          {"X-Amz-Meta-ReviewedBy", "jane@johnsmith.net"},
                          {"X-Amz-Meta-FileChecksum", "0x02661779"},
                          {"X-Amz-Meta-ChecksumAlgorithm", "crc32"},
                          {"Content-Disposition", "attachment; filename=database.dat"}}),
                 "static.johnsmith.net", "Tue, 27 Mar 2007 21:06:08 +0000",
                 "ilyl83RwaSoYIEdixDQcA4OnAnc="});
  all.push_back({"list of all buckets", request("GET", "/"), "", "Wed, 28 Mar 2007 01:29:59 +0000",
                 "qGdzdERIC03wnaRNKh6OqZehG9s="});
  all.push_back({"Unicode key", request("GET", "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re"), "",
                 "Wed, 28 Mar 2007 01:49:49 +0000", "DNEZGsoieTZ92F3bUfSPQcbGmlM="});
  all.push_back({"query string", request("GET", "/photos/puppy.jpg"), "johnsmith", "1175139620",
                 "NpgCjnDzrM+WFzoENXmpNDUsSn8="});
  return all;
}

TEST(SigV2, GivesTheSignaturesOfTheProtocolsExamples) {
  Credentials key = example_key();
  for (const Example& example : examples()) {
    std::string text = string_to_sign_v2(example.head, example.virtual_bucket, example.date);
    EXPECT_EQ(signature_v2(key.secret_access_key, text), example.signature) << example.name << ":\n"
                                                                            << text;
  }
}

TEST(SigV2, SetsDateAndAuthorization) {
  http::RequestHead head = request("GET", "/johnsmith/photos/puppy.jpg", {{"Host", "h"}});
  auto signature = sign_v2(example_key(), SigV2Request(head, "", kNow));
  ASSERT_TRUE(signature) << signature.error().message();
  signature->apply(head.headers);
  EXPECT_EQ(head.headers.get("Date"), "Tue, 27 Mar 2007 19:36:42 GMT");
  EXPECT_TRUE(head.headers.get("Authorization")->starts_with("AWS AKIAIOSFODNN7EXAMPLE:"));
  EXPECT_FALSE(head.headers.contains("x-amz-security-token"));
}

TEST(SigV2, SignsTheSessionTokenAsAHeaderAndAsAParameter) {
  http::RequestHead head = request("GET", "/b/k", {{"Host", "h"}});
  auto signature = sign_v2(example_key("the/token"), SigV2Request(head, "", kNow));
  ASSERT_TRUE(signature);
  EXPECT_NE(signature->string_to_sign.find("\nx-amz-security-token:the/token\n/b/k"),
            std::string::npos);
  signature->apply(head.headers);
  EXPECT_EQ(head.headers.get("x-amz-security-token"), "the/token");

  http::RequestHead bare = request("GET", "/b/k", {{"Host", "h"}});
  auto url = presign_v2(example_key("the/token"), SigV2Request(bare, "", kNow));
  ASSERT_TRUE(url);
  EXPECT_NE(url->target.find("&x-amz-security-token=the%2Ftoken&Signature="), std::string::npos);
}

TEST(SigV2, PresignsTheExampleOfTheProtocol) {
  http::RequestHead head = request("GET", "/photos/puppy.jpg");
  auto expires = std::chrono::sys_seconds(std::chrono::seconds(1'175'139'620));
  auto url = presign_v2(example_key(), SigV2Request(head, "johnsmith", expires));
  ASSERT_TRUE(url) << url.error().message();
  EXPECT_EQ(url->target,
            "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620"
            "&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D");
}

TEST(SigV2, SignsSubResourcesSortedAndDecodedAndNoOtherParameters) {
  http::RequestHead head = request(
      "GET", "/b/k?x=1&versionId=v%2B1&response-content-type=text%2Fplain&acl&prefix=p&uploads=");
  EXPECT_EQ(string_to_sign_v2(head, "", "D"),
            "GET\n\n\nD\n/b/k?acl&response-content-type=text/plain&uploads=&versionId=v+1");
}

TEST(SigV2, RefusesWhatItCannotSign) {
  Credentials key = example_key();
  auto kind = [&](const http::RequestHead& head, const Credentials& credentials) {
    auto signature = sign_v2(credentials, SigV2Request(head, "", kNow));
    return signature ? ErrorKind::internal : signature.error().kind();
  };
  EXPECT_EQ(kind(request("GET", "/b/k"), Credentials()), ErrorKind::unauthenticated);
  EXPECT_EQ(kind(request("GET", "b/k"), key), ErrorKind::invalid_argument);
  EXPECT_EQ(kind(request("GET", "/b/k?Signature=x"), key), ErrorKind::invalid_argument);
  for (const char* name : {"Date", "x-amz-date", "Authorization", "x-amz-security-token"}) {
    EXPECT_EQ(kind(request("GET", "/b/k", {{name, "x"}}), key), ErrorKind::invalid_argument);
  }
  EXPECT_EQ(kind(request("GET", "/b/k", {{"x-amz-meta-a", "1\nx-amz-acl:public"}}), key),
            ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace ringpull::s3
