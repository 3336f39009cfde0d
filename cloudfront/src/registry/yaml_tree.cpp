#include "cloudfront/src/registry/yaml_tree.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace ringpull::inline v0::cloudfront::yaml {
namespace {

/// Leaves yaml-cpp's parser, which knows no other way to be stopped.
struct Stopped {
  Error error;
};

/// Makes the tree of what the parser tells.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const Source& source) : source_(source) {}

  NodePtr root() const { return root_ ? root_ : make_null(source_.at(0)); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(new_node(Shape::null, mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto known = anchors_.find(anchor);
    if (known == anchors_.end()) stop(mark, "an alias stands inside of what it stands for");
    add(known->second, 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = new_node(Shape::scalar, mark);
    node->text = value;
    node->plain = tag == "?";
    add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Shape::list, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Shape::mapping, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    std::shared_ptr<Node> node;
    NodePtr key;  // of the entry whose value comes next
    YAML::anchor_t anchor;
  };

  [[noreturn]] void stop(const YAML::Mark& mark, std::string_view why,
                         ErrorKind kind = ErrorKind::invalid_argument) const {
    throw Stopped{Error(kind, source_.at(mark.line) + ": " + std::string(why))};
  }

  std::shared_ptr<Node> new_node(Shape shape, const YAML::Mark& mark) {
    if (++nodes_ > kNodesMax) {
      stop(mark, "more than " + std::to_string(kNodesMax) + " values are no configuration",
           ErrorKind::too_large);
    }
    return std::make_shared<Node>(shape, source_.at(mark.line));
  }

  void open(Shape shape, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() == kDepthMax) {
      stop(mark, "nested deeper than " + std::to_string(kDepthMax) + " levels",
           ErrorKind::too_large);
    }
    open_.push_back({new_node(shape, mark), nullptr, anchor});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  void add(NodePtr node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node->shape == Shape::list) {
      parent.node->items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      parent.node->entries.emplace_back(std::exchange(parent.key, nullptr), std::move(node));
    }
  }

  const Source& source_;
  NodePtr root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, NodePtr> anchors_;
  std::size_t nodes_ = 0;
};

/// Whether a document holds anything.
bool is_empty(const Node& node) { return node.shape == Shape::null; }

/// yaml-cpp's words without what it quotes behind a colon, which may be a piece of a secret.
std::string_view reason(const std::string& message) {
  return std::string_view(message).substr(0, message.find(':'));
}

class Merger {
 public:
  Result<NodePtr> merged(const NodePtr& mapping, std::size_t depth) {
    if (std::ranges::none_of(mapping->entries, is_merge)) return mapping;
    if (depth == kDepthMax) return fail(too_large(*mapping));
    auto whole = std::make_shared<Node>(Shape::mapping, mapping->origin);
    std::set<std::string, std::less<>> names;
    for (const Entry& entry : mapping->entries) {
      if (is_merge(entry)) continue;
      names.insert(entry.key->text);
      whole->entries.push_back(entry);
    }
    for (const Entry& entry : mapping->entries) {
      if (!is_merge(entry)) continue;
      RINGPULL_CHECK(merge(*whole, names, entry, depth));
    }
    return whole;
  }

 private:
  static bool is_merge(const Entry& entry) {
    return entry.key->shape == Shape::scalar && entry.key->plain && entry.key->text == "<<";
  }
  static Error too_large(const Node& node) {
    return Error(ErrorKind::too_large, node.origin + ": merge keys bring too much together");
  }

  Result<void> merge(Node& whole, std::set<std::string, std::less<>>& names, const Entry& merge,
                     std::size_t depth) {
    std::vector<NodePtr> parts{merge.value};
    if (merge.value->shape == Shape::list) parts = merge.value->items;
    for (const NodePtr& part : parts) {
      if (part->shape != Shape::mapping) {
        return fail(ErrorKind::invalid_argument,
                    merge.key->origin + ": << takes a mapping or a list of mappings, not " +
                        std::string(describe(part->shape)));
      }
      RINGPULL_TRY(NodePtr entries, merged(part, depth + 1));
      for (const Entry& entry : entries->entries) {
        if (++entries_ > kMergedEntriesMax) return fail(too_large(*merge.key));
        if (names.insert(entry.key->text).second) whole.entries.push_back(entry);
      }
    }
    return {};
  }

  std::size_t entries_ = 0;
};

}  // namespace

NodePtr make_null(std::string origin) {
  return std::make_shared<Node>(Shape::null, std::move(origin));
}

NodePtr make_scalar(std::string text, std::string origin) {
  auto node = std::make_shared<Node>(Shape::scalar, std::move(origin));
  node->text = std::move(text);
  return node;
}

std::string Source::at(int line_from_0) const {
  return lines_ == Lines::yes ? name_ + ":" + std::to_string(line_from_0 + 1) : name_;
}

Result<NodePtr> parse(std::string_view text, const Source& source) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder document(source);
    parser.HandleNextDocument(document);
    Builder next(source);
    while (parser.HandleNextDocument(next)) {
      NodePtr root = next.root();
      if (is_empty(*root)) continue;
      return fail(ErrorKind::invalid_argument,
                  root->origin +
                      ": a second document, of which a registry takes no notice; leave "
                      "it out");
    }
    return document.root();
  } catch (const Stopped& stopped) {
    return fail(stopped.error);
  } catch (const YAML::Exception& error) {
    return fail(ErrorKind::invalid_argument, source.at(error.mark.line) + ": this is not YAML: " +
                                                 std::string(reason(error.msg)) + ", at column " +
                                                 std::to_string(error.mark.column + 1));
  }
}

Result<NodePtr> merged(const NodePtr& mapping) { return Merger().merged(mapping, 0); }

std::string_view describe(Shape shape) noexcept {
  switch (shape) {
    case Shape::null: return "nothing";
    case Shape::scalar: return "a single value";
    case Shape::list: return "a list";
    case Shape::mapping: return "a mapping";
  }
  return "";
}

}  // namespace ringpull::inline v0::cloudfront::yaml
