#pragma once
// One listing of the bucket, page by page, by whichever verb the server knows.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/types.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::inline v0::s3::driver {

struct ListedPage {
  ListedPage() = default;
  ListedPage(std::vector<ListedObject> objects_in, std::vector<std::string> common_prefixes_in)
      : objects(std::move(objects_in)), common_prefixes(std::move(common_prefixes_in)) {}

  bool empty() const noexcept { return objects.empty() && common_prefixes.empty(); }

  std::vector<ListedObject> objects;
  std::vector<std::string> common_prefixes;
};

/// Notices answers that lead round in a circle. Constant memory: every continuation token is
/// compared with one earlier token, which is replaced after 1, 2, 4, ... pages (Brent's cycle
/// detection), so that a circle of n pages is noticed after 3n at most.
class LoopDetector {
 public:
  /// Whether this token was seen before, as far as that is known.
  bool returns_to(const std::string& token);
  /// Whether the page is the one before once more, under another token.
  bool repeats(const ListedPage& page);

 private:
  std::string anchor_;
  std::size_t steps_ = 0;
  std::size_t lap_ = 1;
  std::string first_;
  std::string last_;
};

/// ListObjectsV2, or ListObjects where that is refused, which the Core then remembers. A page may
/// be empty and still not be the last one. `protocol` for a server that leads round in a circle.
class Listing {
 public:
  /// What begins with `prefix`; grouped up to the next '/' behind it when `by_directory`.
  enum class Grouping : bool { flat, by_directory };
  Listing(Core& core, std::string prefix, Grouping grouping);

  /// Goes on with what comes after `key`, at the start or between pages. Empty: from the start.
  void seek(std::string key);
  void set_page_size(std::uint32_t keys_max) noexcept { keys_max_ = keys_max; }

  bool done() const noexcept { return done_; }
  /// Not once done().
  engine::Task<Result<ListedPage>> next();

 private:
  engine::Task<Result<ListedPage>> next_v2();
  engine::Task<Result<ListedPage>> next_v1();

  Core& core_;
  std::string prefix_;
  std::string delimiter_;
  std::string after_;  // start-after or marker
  std::string token_;  // of ListObjectsV2
  std::uint32_t keys_max_ = kListPageMax;
  bool v2_;
  bool done_ = false;
  LoopDetector loops_;
};

/// The first object whose key begins with `prefix`. Usually one request, for one key.
engine::Task<Result<std::optional<ListedObject>>> first_object(Core& core, std::string prefix);

}  // namespace ringpull::inline v0::s3::driver
