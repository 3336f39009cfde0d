#include "cloudfront/src/registry/registry_environment.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ringpull::inline v0::cloudfront {

using yaml::Node;
using yaml::NodePtr;
using yaml::Shape;

namespace {

constexpr std::string_view kPrefix = "REGISTRY_";
// What stands beside a driver below `storage`, and is the registry's own business.
constexpr std::array<std::string_view, 4> kOfTheRegistry = {"CACHE", "DELETE", "MAINTENANCE",
                                                            "TAG"};

std::string in_lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

/// A variable whose name is a path: REGISTRY_STORAGE_S3_REGION, or
/// REGISTRY_MIDDLEWARE_STORAGE_0_OPTIONS_DURATION.
class Variable {
 public:
  Variable(std::string_view name, std::string_view value) : name_(name), value_(value) {
    std::string_view rest = name.substr(kPrefix.size());
    std::size_t depth_max = rest.starts_with("STORAGE") ? kStorageDepth : kMiddlewareDepth;
    // No parameter has an underscore in its name: what is left is one component.
    while (path_.size() + 1 < depth_max && rest.find('_') != std::string_view::npos) {
      path_.push_back(rest.substr(0, rest.find('_')));
      rest.remove_prefix(rest.find('_') + 1);
    }
    path_.push_back(rest);
  }

  std::span<const std::string_view> path() const noexcept { return path_; }
  std::string origin() const { return "environment variable " + std::string(name_); }

  bool is_ours() const {
    std::string_view part = path_.size() > 1 ? path_[1] : std::string_view();
    if (path_[0] == "STORAGE")
      return std::ranges::find(kOfTheRegistry, part) == kOfTheRegistry.end();
    return path_[0] == "MIDDLEWARE" && (part.empty() || part == "STORAGE");
  }

  /// Whether that component is an index: middleware.storage is the only list.
  bool is_index(std::size_t depth) const { return path_[0] == "MIDDLEWARE" && depth == 2; }

  /// A value is taken as it is, so that nothing in a key wants quotes; a section is YAML.
  Result<NodePtr> node() const {
    if (is_value()) return yaml::make_scalar(std::string(value_), origin());
    return yaml::parse(value_, yaml::Source(origin(), yaml::Source::Lines::no));
  }

 private:
  static constexpr std::size_t kStorageDepth = 3;
  static constexpr std::size_t kMiddlewareDepth = 5;

  bool is_value() const {
    if (path_[0] == "STORAGE") return path_.size() == kStorageDepth;
    bool of_middleware = path_.size() == 4 && path_[3] != "OPTIONS";
    return of_middleware || path_.size() == kMiddlewareDepth;
  }

  std::string_view name_;
  std::string_view value_;
  std::vector<std::string_view> path_;
};

/// Puts a variable's value into its place, in copies of the nodes that lead there.
class Placement {
 public:
  Placement(const Variable& variable, NodePtr value)
      : variable_(variable), value_(std::move(value)) {}

  Result<NodePtr> into(const NodePtr& node, std::size_t depth) const {
    if (depth == variable_.path().size()) return value_;
    Shape wanted = variable_.is_index(depth) ? Shape::list : Shape::mapping;
    if (node->shape == Shape::null) return into_shape(Node(wanted, variable_.origin()), depth);
    if (node->shape != wanted) {
      return fail(ErrorKind::invalid_argument,
                  variable_.origin() + ": it names a part of " + std::string(describe(wanted)) +
                      ", but " + node->origin + " has " + std::string(describe(node->shape)));
    }
    if (wanted == Shape::list) return into_shape(*node, depth);
    RINGPULL_TRY(NodePtr whole, yaml::merged(node));
    return into_shape(*whole, depth);
  }

 private:
  Result<NodePtr> into_shape(Node changed, std::size_t depth) const {
    RINGPULL_TRY(NodePtr * place, place_in(changed, depth));
    RINGPULL_TRY(*place, into(*place, depth + 1));
    return std::make_shared<const Node>(std::move(changed));
  }

  /// What the component at `depth` names; made where it is not there.
  Result<NodePtr*> place_in(Node& node, std::size_t depth) const {
    std::string_view component = variable_.path()[depth];
    NodePtr nothing = yaml::make_null(variable_.origin());
    if (node.shape == Shape::list) return item_of(node, component, nothing);
    std::string name = in_lower_case(component);
    for (yaml::Entry& entry : node.entries) {
      bool same = entry.key->shape == Shape::scalar && in_lower_case(entry.key->text) == name;
      if (!same) continue;
      // From here on it is the variable that said so.
      bool is_last = depth + 1 == variable_.path().size();
      if (is_last) entry.key = yaml::make_scalar(entry.key->text, variable_.origin());
      return &entry.value;
    }
    NodePtr key = yaml::make_scalar(std::move(name), variable_.origin());
    return &node.entries.emplace_back(std::move(key), std::move(nothing)).value;
  }

  /// The index right behind the last item adds one.
  Result<NodePtr*> item_of(Node& list, std::string_view component, NodePtr& nothing) const {
    std::size_t index = 0;
    const char* end = component.data() + component.size();
    auto parsed = std::from_chars(component.data(), end, index);
    if (parsed.ec != std::errc() || parsed.ptr != end || index > list.items.size()) {
      std::string count = std::to_string(list.items.size());
      return fail(ErrorKind::invalid_argument, variable_.origin() + ": the list has " + count +
                                                   " entries, counted from 0; the next one is " +
                                                   count);
    }
    if (index == list.items.size()) list.items.push_back(std::move(nothing));
    return &list.items[index];
  }

  const Variable& variable_;
  NodePtr value_;
};

/// `storage: s3` is short for a driver without parameters.
NodePtr with_long_storage(const NodePtr& root) {
  auto changed = std::make_shared<Node>(*root);
  for (yaml::Entry& entry : changed->entries) {
    bool is_short = entry.key->text == "storage" && entry.value->shape == Shape::scalar;
    if (!is_short) continue;
    auto mapping = std::make_shared<Node>(Shape::mapping, entry.value->origin);
    mapping->entries.emplace_back(entry.value, yaml::make_null(entry.value->origin));
    entry.value = std::move(mapping);
  }
  return changed;
}

}  // namespace

Result<NodePtr> apply_environment(const NodePtr& root, const EnvironmentVariables& variables) {
  NodePtr tree = with_long_storage(root);
  for (const auto& [name, value] : variables) {
    if (!name.starts_with(kPrefix)) continue;
    Variable variable(name, value);
    if (!variable.is_ours()) continue;
    RINGPULL_TRY(NodePtr node, variable.node());
    RINGPULL_TRY(tree, Placement(variable, std::move(node)).into(tree, 0));
    tree = with_long_storage(tree);
  }
  return tree;
}

}  // namespace ringpull::inline v0::cloudfront
