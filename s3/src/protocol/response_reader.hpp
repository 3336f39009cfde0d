#pragma once
// Responses in, results out: the counterpart of request_builder.hpp. Every failure passes through
// error_from_response, also an <Error> inside a 200.

#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/response.hpp>
#include <ringpull/s3/error.hpp>
#include <ringpull/s3/types.hpp>

namespace ringpull::inline v0::s3 {

/// `body` is the error's only: a successful body has not been read yet. The Content-Range must be
/// what was asked for; `protocol` otherwise.
Result<GetObjectResult> read_response(const GetObjectOptions& options,
                                      const ResponseContext& context,
                                      const http::ResponseHead& head, std::string_view body);
Result<ObjectInfo> read_response(const HeadObjectOptions& options, const ResponseContext& context,
                                 const http::ResponseHead& head, std::string_view body);
Result<PutObjectResult> read_response(const PutObjectOptions& options,
                                      const ResponseContext& context,
                                      const http::ResponseHead& head, std::string_view body);
Result<void> read_response(const DeleteObjectOptions& options, const ResponseContext& context,
                           const http::ResponseHead& head, std::string_view body);
Result<DeleteObjectsResult> read_response(const DeleteObjectsOptions& options,
                                          const ResponseContext& context,
                                          const http::ResponseHead& head, std::string_view body);
Result<HeadBucketResult> read_response(const HeadBucketOptions& options,
                                       const ResponseContext& context,
                                       const http::ResponseHead& head, std::string_view body);
/// `protocol` for a page that leads nowhere new.
Result<ListObjectsV2Result> read_response(const ListObjectsV2Options& options,
                                          const ResponseContext& context,
                                          const http::ResponseHead& head, std::string_view body);
/// `protocol` for a page that leads nowhere new.
Result<ListObjectsResult> read_response(const ListObjectsOptions& options,
                                        const ResponseContext& context,
                                        const http::ResponseHead& head, std::string_view body);
Result<CopyObjectResult> read_response(const CopyObjectOptions& options,
                                       const ResponseContext& context,
                                       const http::ResponseHead& head, std::string_view body);
Result<CreateMultipartUploadResult> read_response(const CreateMultipartUploadOptions& options,
                                                  const ResponseContext& context,
                                                  const http::ResponseHead& head,
                                                  std::string_view body);
Result<UploadPartResult> read_response(const UploadPartOptions& options,
                                       const ResponseContext& context,
                                       const http::ResponseHead& head, std::string_view body);
Result<UploadPartCopyResult> read_response(const UploadPartCopyOptions& options,
                                           const ResponseContext& context,
                                           const http::ResponseHead& head, std::string_view body);
/// `truncated` with maybe_applied() for a 200 whose body never came: ask HeadObject.
Result<CompleteMultipartUploadResult> read_response(const CompleteMultipartUploadOptions& options,
                                                    const ResponseContext& context,
                                                    const http::ResponseHead& head,
                                                    std::string_view body);
Result<void> read_response(const AbortMultipartUploadOptions& options,
                           const ResponseContext& context, const http::ResponseHead& head,
                           std::string_view body);
Result<ListPartsResult> read_response(const ListPartsOptions& options,
                                      const ResponseContext& context,
                                      const http::ResponseHead& head, std::string_view body);
/// `protocol` for a page that leads back.
Result<ListMultipartUploadsResult> read_response(const ListMultipartUploadsOptions& options,
                                                 const ResponseContext& context,
                                                 const http::ResponseHead& head,
                                                 std::string_view body);

}  // namespace ringpull::inline v0::s3
