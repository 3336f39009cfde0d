#pragma once
// The parts of a YAML tree by name, each of which knows what it is called and where it stands.

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringpull/engine/result.hpp>
#include <ringpull/s3/parameter_text.hpp>

#include "cloudfront/src/registry/yaml_tree.hpp"

namespace ringpull::inline v0::cloudfront::yaml {

/// A value with its name. Errors are `invalid_argument` and begin with origin and path:
/// "config.yml:12: storage.redirect: ...".
class Field {
 public:
  /// `parent` is the path of what it belongs to, empty for the whole file.
  Field(std::string name, std::string origin, std::string parent, NodePtr node)
      : name_(std::move(name)),
        origin_(std::move(origin)),
        parent_(std::move(parent)),
        node_(std::move(node)) {}

  const std::string& name() const noexcept { return name_; }
  /// "config.yml:12".
  const std::string& origin() const noexcept { return origin_; }
  /// "storage.redirect.disable".
  std::string path() const;
  /// Where it stands, without its own name: "config.yml:12: storage.redirect".
  std::string section() const { return origin_ + ": " + parent_; }
  /// Where it stands, for what is wrong with all of it or missing from it: "config.yml:12:
  /// storage.s3 (the section that begins here)".
  std::string as_section() const {
    return origin_ + ": " + path() + " (the section that begins here)";
  }
  const NodePtr& node() const noexcept { return node_; }

  /// Of a single value; absent for YAML's null.
  Result<std::optional<std::string>> text() const;
  /// The same, also of a list of single values, which stand between commas then.
  Result<std::optional<std::string>> text_or_list() const;
  /// Of a list, none for null; the first is called "middleware.storage[0]".
  Result<std::vector<Field>> items() const;

  Error refuse(std::string_view why) const;
  /// For an error about `parameters`, this field's content: says where that is, unless the error
  /// does.
  Error place(Error error, const s3::ParameterMap& parameters) const;

 private:
  std::string name_;
  std::string origin_;
  std::string parent_;
  NodePtr node_;
};

/// The fields of a mapping, merge keys followed. A null is a mapping without fields.
class Fields {
 public:
  /// All of them, each given once.
  static Result<Fields> of(const Field& section);
  /// Those of these names, each given once; what else there is may be anything.
  static Result<Fields> named(const Field& section, std::initializer_list<std::string_view> names);

  /// Null where there is none.
  const Field* find(std::string_view name) const noexcept;
  /// For the first field that is none of them.
  Result<void> check_names(std::span<const std::string_view> names) const;

  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }

 private:
  Result<void> add(const Field& section, const Entry& entry);

  std::vector<Field> fields_;
};

}  // namespace ringpull::inline v0::cloudfront::yaml
