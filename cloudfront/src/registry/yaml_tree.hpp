#pragma once
// YAML as a tree that knows where each part was written. yaml-cpp parses; what a text may make of
// it is bounded here.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::cloudfront::yaml {

/// Far more than a registry's configuration has, and few enough to be read in milliseconds.
inline constexpr std::size_t kNodesMax = 20'000;
inline constexpr std::size_t kDepthMax = 64;
/// Entries that merge keys ("<<") may bring together in one mapping: aliases of aliases multiply.
inline constexpr std::size_t kMergedEntriesMax = 4'096;

enum class Shape : std::uint8_t { null, scalar, list, mapping };

struct Node;
/// Aliases share nodes, so none is ever changed.
using NodePtr = std::shared_ptr<const Node>;

struct Entry {
  Entry(NodePtr key_in, NodePtr value_in) : key(std::move(key_in)), value(std::move(value_in)) {}
  NodePtr key;
  NodePtr value;
};

struct Node {
  Node() = default;
  Node(Shape shape_in, std::string origin_in) : shape(shape_in), origin(std::move(origin_in)) {}

  Shape shape = Shape::null;
  std::string text;    ///< of a scalar, without quotes
  bool plain = false;  ///< a scalar without quotes or tag
  std::string
      origin;  ///< where it begins: "config.yml:12", "environment variable REGISTRY_STORAGE"
  std::vector<NodePtr> items;  ///< of a list
  std::vector<Entry> entries;  ///< of a mapping, as written: keys may be repeated
};

NodePtr make_null(std::string origin);
NodePtr make_scalar(std::string text, std::string origin);

/// What a text is called in messages.
class Source {
 public:
  enum class Lines : bool { no, yes };
  /// With lines, line 12 of "config.yml" is "config.yml:12".
  Source(std::string name, Lines lines) : name_(std::move(name)), lines_(lines) {}
  const std::string& name() const noexcept { return name_; }
  std::string at(int line_from_0) const;

 private:
  std::string name_;
  Lines lines_;
};

/// The one document of `text`; null where it holds none. `invalid_argument` for what is no YAML, a
/// second document, and an alias inside what it stands for; `too_large` beyond the bounds above. No
/// message holds a part of the text.
Result<NodePtr> parse(std::string_view text, const Source& source);

/// The mapping with what its merge keys name put in: keys of its own win over merged ones, those of
/// earlier mappings over later ones. `invalid_argument` where "<<" names no mapping, `too_large`
/// beyond the bounds. https://yaml.org/type/merge.html
Result<NodePtr> merged(const NodePtr& mapping);

/// "a mapping", "a list", ...
std::string_view describe(Shape shape) noexcept;

}  // namespace ringpull::inline v0::cloudfront::yaml
