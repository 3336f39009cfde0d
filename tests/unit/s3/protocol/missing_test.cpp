// Which answers say that an object or an upload is missing, and which failures only sound like it.
#include "s3/src/protocol/missing.hpp"

#include <gtest/gtest.h>
#include <string>

#include <ringpull/http/response.hpp>
#include <ringpull/s3/error.hpp>

namespace ringpull::s3 {
namespace {

Error answered(Operation operation, int status, const std::string& code) {
  ResponseContext context(operation, "s3://b/k", "us-east-1");
  http::ResponseHead head(status);
  return error_from_response(context, head, "<Error><Code>" + code + "</Code></Error>");
}

Error answered_without_document(Operation operation, int status) {
  ResponseContext context(operation, "s3://b/k", "us-east-1");
  http::ResponseHead head(status);
  bool is_head = operation == Operation::head_object;
  return error_from_response(context, head, is_head ? "" : "default backend - 404");
}

TEST(MissingObject, IsWhatTheServerHasAnswered) {
  EXPECT_TRUE(is_missing_object(answered(Operation::get_object, 404, "NoSuchKey")));
  EXPECT_TRUE(is_missing_object(answered(Operation::get_object, 404, "NoSuchVersion")));
  EXPECT_TRUE(is_missing_object(answered(Operation::copy_object, 200, "NoSuchKey")));
  EXPECT_TRUE(is_missing_object(answered_without_document(Operation::head_object, 404)));
}

TEST(MissingObject, IsNeitherAMissingBucketNorAMissingUpload) {
  EXPECT_FALSE(is_missing_object(answered(Operation::get_object, 404, "NoSuchBucket")));
  EXPECT_FALSE(is_missing_object(answered(Operation::list_parts, 404, "NoSuchUpload")));
}

TEST(MissingObject, IsNoHostNameAndNoCredentialsThatAreMissing) {
  EXPECT_FALSE(is_missing_object(Error(ErrorKind::not_found, "resolve s3.example: not found")));
  EXPECT_FALSE(is_missing_object(Error::from_errno(2, "open ~/.aws/credentials")));
}

TEST(MissingObject, IsNoKeyOfTheKeyManagementService) {
  Error error = answered(Operation::put_object, 400, "KMS.NotFoundException");
  EXPECT_FALSE(is_missing_object(error));
  EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
}

TEST(MissingObject, IsNothingThatAGatewayHasSaid) {
  for (Operation operation : {Operation::get_object, Operation::list_objects_v2,
                              Operation::list_parts, Operation::abort_multipart_upload}) {
    for (int status : {404, 410}) {
      Error error = answered_without_document(operation, status);
      EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.message();
      EXPECT_EQ(retry_class(error), RetryClass::none);
      EXPECT_FALSE(is_missing_object(error));
      EXPECT_FALSE(is_gone_upload(error));
      EXPECT_NE(error.message().find("check the endpoint"), std::string::npos) << error.message();
    }
  }
}

TEST(GoneUpload, IsNothingButNoSuchUpload) {
  EXPECT_TRUE(is_gone_upload(answered(Operation::list_parts, 404, "NoSuchUpload")));
  EXPECT_FALSE(is_gone_upload(answered(Operation::list_parts, 404, "NoSuchBucket")));
  EXPECT_FALSE(is_gone_upload(answered(Operation::list_parts, 404, "NoSuchKey")));
  EXPECT_FALSE(is_gone_upload(Error(ErrorKind::not_found, "resolve s3.example: not found")));
}

}  // namespace
}  // namespace ringpull::s3
