#include "s3/src/driver/tree/walk.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ringpull/s3/storage_error.hpp>
#include <ringpull/s3/storage_path.hpp>

#include "s3/src/driver/tree/listing.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::Task;

namespace {

/// Sorts behind every character of a path, so that "dir/~" lies behind all files below dir and
/// before whatever follows dir.
constexpr char kBehindPaths = '~';

/// An Error that says whether there is anything at all below `path`; for walks that came upon
/// nothing.
Task<Result<void>> require_directory(Core& core, std::string_view path) {
  if (path == "/") co_return Result<void>();
  auto first = co_await first_object(core, core.keys.prefix_below(path));
  if (!first) co_return fail(storage_failure(std::move(first).error(), "walk", path));
  if (!*first) co_return fail(path_not_found(kDriverName, "walk", path));
  co_return Result<void>();
}

FileInfo directory_info(std::string path) {
  FileInfo info;
  info.path = std::move(path);
  info.is_directory = true;
  return info;
}

FileInfo file_info(std::string path, const ListedObject& object) {
  FileInfo info;
  info.path = std::move(path);
  info.size_bytes = object.size_bytes;
  info.modified = object.last_modified;
  return info;
}

/// One flat listing; directories are read off the keys. Keys are in byte order, so that all that
/// lies below a directory comes in one run.
class ByteWalk {
 public:
  ByteWalk(Core& core, std::string_view path, std::string after, WalkVisitor& visitor)
      : visitor_(visitor),
        path_(path),
        prefix_(core.keys.prefix_below(path)),
        last_key_(after),
        listing_(core, prefix_, Listing::Grouping::flat) {
    listing_.seek(std::move(after));
  }

  Task<Result<void>> run() {
    while (!listing_.done() && !stopped_) {
      auto page = co_await listing_.next();
      if (!page) co_return fail(storage_failure(std::move(page).error(), "walk", path_));
      found_ = found_ || !page->objects.empty();
      for (const ListedObject& object : page->objects) {
        RINGPULL_CO_CHECK(co_await visit(object));
        if (stopped_) break;
      }
      jump_over_skipped();
    }
    co_return Result<void>();
  }
  /// Whether the listing held anything, shown or not.
  bool found() const noexcept { return found_; }

 private:
  Task<Result<void>> visit(const ListedObject& object);
  Result<void> check_order(const std::string& key);
  void jump_over_skipped();
  bool is_skipped(std::string_view rest) const noexcept {
    return !skipped_.empty() && rest.starts_with(skipped_);
  }
  std::string full_path(std::string_view rest) const {
    return (path_ == "/" ? std::string() : std::string(path_)) + "/" + std::string(rest);
  }

  WalkVisitor& visitor_;
  std::string_view path_;
  std::string prefix_;
  std::string last_key_;
  Listing listing_;
  // Both relative to prefix_, with a slash at the end: the directory we are in, "" at the top, and
  // the one that is left out.
  std::string directory_;
  std::string skipped_;
  bool jumped_ =
      false;  // over skipped_: a server that goes on there all the same is not asked twice
  bool stopped_ = false;
  bool found_ = false;
};

Result<void> ByteWalk::check_order(const std::string& key) {
  if (key.starts_with(prefix_) && (last_key_.empty() || key > last_key_)) {
    last_key_ = key;
    return {};
  }
  Error error(ErrorKind::protocol,
              "the server lists " + key + " behind " + last_key_ +
                  ", which is not byte order; walk in the order of components instead");
  return fail(storage_failure(std::move(error), "walk", path_));
}

Task<Result<void>> ByteWalk::visit(const ListedObject& object) {
  RINGPULL_CO_CHECK(check_order(object.key.str()));
  std::string_view rest = std::string_view(object.key.str()).substr(prefix_.size());
  if (is_skipped(rest)) co_return Result<void>();
  while (!rest.starts_with(directory_)) {
    directory_.pop_back();
    directory_.resize(directory_.rfind('/') + 1);  // npos + 1 is 0
  }
  while (true) {
    std::size_t slash = rest.find('/', directory_.size());
    if (slash == std::string_view::npos) break;
    std::string path = full_path(rest.substr(0, slash));
    if (!is_storage_path(path)) co_return Result<void>();
    directory_ = rest.substr(0, slash + 1);
    FileInfo info = directory_info(std::move(path));
    RINGPULL_CO_TRY(WalkStep step, co_await visitor_(info));
    stopped_ = step == WalkStep::stop;
    if (step == WalkStep::skip_directory) {
      skipped_ = directory_;
      jumped_ = false;
    }
    if (step != WalkStep::go_on) co_return Result<void>();
  }
  std::string path = full_path(rest);
  if (!is_storage_path(path)) co_return Result<void>();  // a directory marker, or not ours
  FileInfo info = file_info(std::move(path), object);
  RINGPULL_CO_TRY(WalkStep step, co_await visitor_(info));
  stopped_ = step == WalkStep::stop;
  co_return Result<void>();
}

void ByteWalk::jump_over_skipped() {
  if (listing_.done() || skipped_.empty() || jumped_) return;
  if (!last_key_.starts_with(prefix_ + skipped_)) return;
  listing_.seek(prefix_ + skipped_ + kBehindPaths);
  jumped_ = true;
}

Task<Result<void>> walk_by_bytes(Core& core, std::string_view path, const WalkOptions& options,
                                 WalkVisitor& visitor) {
  std::string prefix = core.keys.prefix_below(path);
  std::string after;
  if (is_storage_path(options.start_after)) after = core.keys.key(options.start_after).str();
  if (after < prefix) after.clear();
  bool nothing_follows = !after.empty() && !after.starts_with(prefix);
  if (nothing_follows) {
    auto exists = co_await require_directory(core, path);
    co_return exists;
  }
  bool from_the_start = after.empty();
  ByteWalk walk(core, path, std::move(after), visitor);
  RINGPULL_CO_CHECK(co_await walk.run());
  if (walk.found() || path == "/") co_return Result<void>();
  if (from_the_start) co_return fail(path_not_found(kDriverName, "walk", path));
  auto exists = co_await require_directory(core, path);
  co_return exists;
}

/// Whether `left` comes before `right` in a depth-first walk of sorted names: '/' sorts before all
/// other characters.
bool component_less(std::string_view left, std::string_view right) noexcept {
  auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                      [&](char a, char b) { return rank(a) < rank(b); });
}

struct Entry {
  Entry(std::string name_in, FileInfo info_in)
      : name(std::move(name_in)), info(std::move(info_in)) {}
  std::string name;
  FileInfo info;
};

/// A directory of a ComponentWalk, and how far it has come in it.
struct Level {
  Level(FileInfo info_in, std::string after_in)
      : info(std::move(info_in)), after(std::move(after_in)) {}

  FileInfo info;
  /// Only what comes after this; relative to the directory, "" for everything.
  std::string after;
  /// The visitor knows of the directory. Those on the way down to start_after are told of once
  /// something in them is.
  bool announced = true;
  std::vector<Entry> entries;
  std::size_t next = 0;
};

class ComponentWalk {
 public:
  ComponentWalk(Core& core, std::string_view path, WalkVisitor& visitor)
      : core_(core), visitor_(visitor), path_(path) {}

  Task<Result<void>> run(std::string after);
  bool found() const noexcept { return found_; }

 private:
  Task<Result<void>> enter(FileInfo directory, std::string after, bool announced);
  Task<Result<void>> step();
  Task<Result<bool>> announce();
  void add(Level& level, std::string_view after, std::string_view name, FileInfo info);

  Core& core_;
  WalkVisitor& visitor_;
  std::string_view path_;
  std::vector<Level> levels_;
  bool stopped_ = false;
  bool found_ = false;
};

Task<Result<void>> ComponentWalk::run(std::string after) {
  FileInfo root = directory_info(std::string(path_));
  RINGPULL_CO_CHECK(co_await enter(std::move(root), std::move(after), true));
  while (!levels_.empty() && !stopped_) {
    if (levels_.back().next == levels_.back().entries.size()) {
      levels_.pop_back();
      continue;
    }
    RINGPULL_CO_CHECK(co_await step());
  }
  co_return Result<void>();
}

void ComponentWalk::add(Level& level, std::string_view after, std::string_view name,
                        FileInfo info) {
  // What starts the rest of the walk is behind itself as a directory only.
  if (name < after || (name == after && !info.is_directory)) return;
  level.entries.emplace_back(std::string(name), std::move(info));
}

Task<Result<void>> ComponentWalk::enter(FileInfo directory, std::string after, bool announced) {
  std::string prefix = core_.keys.prefix_below(directory.path);
  std::string component = after.substr(0, after.find('/'));
  Listing listing(core_, prefix, Listing::Grouping::by_directory);
  if (!component.empty()) listing.seek(prefix + component);
  Level level(std::move(directory), std::move(after));
  level.announced = announced;
  while (!listing.done()) {
    auto page = co_await listing.next();
    if (!page) co_return fail(storage_failure(std::move(page).error(), "walk", path_));
    found_ = found_ || !page->empty();
    for (const ListedObject& object : page->objects) {
      auto path = core_.keys.path(object.key.str());
      if (!path) continue;
      std::string_view name = std::string_view(object.key.str()).substr(prefix.size());
      add(level, component, name, file_info(std::move(*path), object));
    }
    for (const std::string& group : page->common_prefixes) {
      auto path = core_.keys.directory_path(group);
      if (!path) continue;
      std::string_view name(group);
      name = name.substr(prefix.size(), group.size() - prefix.size() - 1);
      add(level, component, name, directory_info(std::move(*path)));
    }
  }
  // A name may be a file and a directory.
  std::sort(level.entries.begin(), level.entries.end(), [](const Entry& a, const Entry& b) {
    return a.name != b.name ? a.name < b.name : a.info.is_directory < b.info.is_directory;
  });
  levels_.push_back(std::move(level));
  co_return Result<void>();
}

/// False when a directory on the way down was skipped, or the walk stopped.
Task<Result<bool>> ComponentWalk::announce() {
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    if (levels_[i].announced) continue;
    levels_[i].announced = true;
    FileInfo info = levels_[i].info;
    RINGPULL_CO_TRY(WalkStep step, co_await visitor_(info));
    if (step == WalkStep::go_on) continue;
    stopped_ = step == WalkStep::stop;
    levels_.erase(levels_.begin() + static_cast<std::ptrdiff_t>(i), levels_.end());
    co_return false;
  }
  co_return true;
}

Task<Result<void>> ComponentWalk::step() {
  Level& level = levels_.back();
  Entry entry = std::move(level.entries[level.next++]);
  std::size_t slash = level.after.find('/');
  bool leads_to_start = entry.info.is_directory && slash != std::string::npos &&
                        entry.name == std::string_view(level.after).substr(0, slash);
  if (leads_to_start) {
    std::string rest = level.after.substr(slash + 1);
    RINGPULL_CO_CHECK(co_await enter(std::move(entry.info), std::move(rest), false));
    co_return Result<void>();
  }
  RINGPULL_CO_TRY(bool go_on, co_await announce());
  if (!go_on) co_return Result<void>();
  RINGPULL_CO_TRY(WalkStep answer, co_await visitor_(entry.info));
  stopped_ = answer == WalkStep::stop;
  if (answer == WalkStep::go_on && entry.info.is_directory) {
    RINGPULL_CO_CHECK(co_await enter(std::move(entry.info), std::string(), true));
  }
  co_return Result<void>();
}

Task<Result<void>> walk_by_components(Core& core, std::string_view path, const WalkOptions& options,
                                      WalkVisitor& visitor) {
  std::string after;
  std::string_view start = options.start_after;
  bool below = is_storage_path(start) && start != path && is_at_or_below(path, start);
  if (below) after = start.substr(path == "/" ? 1 : path.size() + 1);
  bool nothing_follows = !below && is_storage_path(start) && component_less(path, start);
  if (nothing_follows) {
    auto exists = co_await require_directory(core, path);
    co_return exists;
  }
  ComponentWalk walk(core, path, visitor);
  RINGPULL_CO_CHECK(co_await walk.run(std::move(after)));
  if (walk.found() || path == "/") co_return Result<void>();
  if (!below) co_return fail(path_not_found(kDriverName, "walk", path));
  auto exists = co_await require_directory(core, path);
  co_return exists;
}

}  // namespace

Task<Result<void>> walk(Core& core, std::string_view path, const WalkOptions& options,
                        WalkVisitor& visitor) {
  if (options.order == WalkOrder::components) {
    auto walked = co_await walk_by_components(core, path, options, visitor);
    co_return walked;
  }
  auto walked = co_await walk_by_bytes(core, path, options, visitor);
  co_return walked;
}

}  // namespace ringpull::inline v0::s3::driver
