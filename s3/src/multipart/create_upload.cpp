#include "s3/src/multipart/create_upload.hpp"

#include <optional>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>

namespace ringpull::inline v0::s3 {

using engine::Deadline;
using engine::Task;

namespace {

struct Creation {
  std::optional<Result<CreateMultipartUploadResult>> answer;
  engine::Event ended;
};

Task<void> create_into(Client& client, const CreateMultipartUploadOptions& request,
                       Creation& creation) {
  auto answer = co_await client.create_multipart_upload(request);
  creation.answer.emplace(std::move(answer));
  creation.ended.set();
}

Task<Result<void>> wait_for(engine::Event& event) {
  auto waited = co_await event.wait();
  co_return waited;
}

}  // namespace

Task<Result<CreateMultipartUploadResult>> create_upload(Client& client,
                                                        const CreateMultipartUploadOptions& request,
                                                        engine::Duration grace) {
  Creation creation;
  engine::Context apart;
  engine::Scope scope(apart);
  scope.spawn(create_into(client, request, creation));
  auto waited = co_await creation.ended.wait();
  if (!waited) {
    auto late = co_await engine::shielded(Deadline::after(grace), wait_for(creation.ended));
    (void)late;
    scope.request_stop();
  }
  auto joined = co_await scope.join();
  (void)joined;  // its only child keeps its failure
  if (!waited && !*creation.answer) {
    bool sent = creation.answer->error().maybe_applied();
    co_return fail(std::move(waited).error().with_maybe_applied(sent));
  }
  co_return std::move(*creation.answer);
}

}  // namespace ringpull::inline v0::s3
