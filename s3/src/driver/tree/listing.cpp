#include "s3/src/driver/tree/listing.hpp"

#include <utility>

namespace ringpull::inline v0::s3::driver {

using engine::Task;

bool LoopDetector::returns_to(const std::string& token) {
  if (token == anchor_) return true;
  if (++steps_ == lap_) {
    anchor_ = token;
    steps_ = 0;
    lap_ *= 2;
  }
  return false;
}

bool LoopDetector::repeats(const ListedPage& page) {
  if (page.empty()) return false;
  std::string first =
      page.objects.empty() ? page.common_prefixes.front() : page.objects.front().key.str();
  std::string last =
      page.objects.empty() ? page.common_prefixes.back() : page.objects.back().key.str();
  bool same = first == first_ && last == last_;
  first_ = std::move(first);
  last_ = std::move(last);
  return same;
}

Listing::Listing(Core& core, std::string prefix, Grouping grouping)
    : core_(core), prefix_(std::move(prefix)), v2_(core.server.list_objects_v2) {
  if (grouping == Grouping::by_directory) delimiter_ = "/";
}

void Listing::seek(std::string key) {
  after_ = std::move(key);
  token_.clear();
  done_ = false;
}

Task<Result<ListedPage>> Listing::next() {
  if (v2_) {
    auto page = co_await next_v2();
    bool refused = !page && page.error().is(ErrorKind::unsupported) && token_.empty();
    if (!refused) co_return page;
    v2_ = false;
    core_.server.list_objects_v2 = false;
  }
  auto page = co_await next_v1();
  co_return page;
}

Task<Result<ListedPage>> Listing::next_v2() {
  ListObjectsV2Options options(core_.options.bucket, prefix_);
  options.delimiter = delimiter_;
  options.keys_max = keys_max_;
  options.continuation_token = token_;
  if (token_.empty()) options.start_after = after_;
  RINGPULL_CO_TRY(ListObjectsV2Result answer, co_await core_.client.list_objects_v2(options));
  done_ = !answer.truncated;
  ListedPage page(std::move(answer.objects), std::move(answer.common_prefixes));
  if (done_) co_return page;
  token_ = std::move(answer.next_continuation_token);
  if (loops_.returns_to(token_) || loops_.repeats(page)) {
    co_return fail(ErrorKind::protocol, "ListObjectsV2 s3://" + core_.options.bucket.str() + "/" +
                                            prefix_ +
                                            ": the server's continuation tokens lead back to "
                                            "earlier pages: endless listing");
  }
  co_return page;
}

Task<Result<ListedPage>> Listing::next_v1() {
  ListObjectsOptions options(core_.options.bucket, prefix_);
  options.delimiter = delimiter_;
  options.keys_max = keys_max_;
  options.marker = after_;
  // The marker of the next page lies behind this one's, or the answer is an Error: no circles here.
  RINGPULL_CO_TRY(ListObjectsResult answer, co_await core_.client.list_objects(options));
  done_ = !answer.truncated;
  if (!done_) after_ = std::move(answer.next_marker);
  ListedPage page(std::move(answer.objects), std::move(answer.common_prefixes));
  co_return page;
}

Task<Result<std::optional<ListedObject>>> first_object(Core& core, std::string prefix) {
  Listing listing(core, std::move(prefix), Listing::Grouping::flat);
  listing.set_page_size(1);
  while (!listing.done()) {
    RINGPULL_CO_TRY(ListedPage page, co_await listing.next());
    if (!page.objects.empty()) {
      std::optional<ListedObject> first(std::move(page.objects.front()));
      co_return first;
    }
  }
  co_return std::optional<ListedObject>();
}

}  // namespace ringpull::inline v0::s3::driver
