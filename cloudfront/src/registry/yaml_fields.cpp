#include "cloudfront/src/registry/yaml_fields.hpp"

#include <algorithm>

namespace ringpull::inline v0::cloudfront::yaml {
namespace {

Result<NodePtr> mapping_of(const Field& section) {
  const NodePtr& node = section.node();
  if (node->shape == Shape::null) return node;
  if (node->shape == Shape::mapping) return merged(node);
  return fail(
      section.refuse("a mapping is wanted here, not " + std::string(describe(node->shape))));
}

}  // namespace

std::string Field::path() const {
  // An index belongs to its list.
  if (parent_.empty() || name_.starts_with('[')) return parent_ + name_;
  return parent_ + "." + name_;
}

Result<std::optional<std::string>> Field::text() const {
  switch (node_->shape) {
    case Shape::null: return std::nullopt;
    case Shape::scalar: return node_->text;
    default:
      return fail(refuse("one value is wanted here, not " + std::string(describe(node_->shape))));
  }
}

Result<std::optional<std::string>> Field::text_or_list() const {
  if (node_->shape != Shape::list) return text();
  RINGPULL_TRY(std::vector<Field> fields, items());
  std::string joined;
  for (const Field& field : fields) {
    RINGPULL_TRY(std::optional<std::string> one, field.text());
    if (!joined.empty()) joined += ',';
    joined += one.value_or("");
  }
  return joined;
}

Result<std::vector<Field>> Field::items() const {
  std::vector<Field> items;
  if (node_->shape == Shape::null) return items;
  if (node_->shape != Shape::list) {
    return fail(refuse("a list is wanted here, not " + std::string(describe(node_->shape))));
  }
  for (const NodePtr& item : node_->items) {
    std::string index = "[" + std::to_string(items.size()) + "]";
    items.emplace_back(std::move(index), item->origin, path(), item);
  }
  return items;
}

Error Field::refuse(std::string_view why) const {
  std::string where = path();
  if (!where.empty()) where += ": ";
  return Error(ErrorKind::invalid_argument, origin_ + ": " + where + std::string(why));
}

Error Field::place(Error error, const s3::ParameterMap& parameters) const {
  auto is_named = [&error](const auto& parameter) {
    return error.message().starts_with(parameter.second.origin);
  };
  if (std::ranges::any_of(parameters, is_named)) return error;
  return std::move(error).context(as_section());
}

Result<Fields> Fields::of(const Field& section) {
  RINGPULL_TRY(NodePtr mapping, mapping_of(section));
  Fields fields;
  for (const Entry& entry : mapping->entries) RINGPULL_CHECK(fields.add(section, entry));
  return fields;
}

Result<Fields> Fields::named(const Field& section, std::initializer_list<std::string_view> names) {
  RINGPULL_TRY(NodePtr mapping, mapping_of(section));
  Fields fields;
  for (const Entry& entry : mapping->entries) {
    if (std::ranges::find(names, entry.key->text) == names.end()) continue;
    RINGPULL_CHECK(fields.add(section, entry));
  }
  return fields;
}

const Field* Fields::find(std::string_view name) const noexcept {
  auto found = std::ranges::find(fields_, name, &Field::name);
  return found == fields_.end() ? nullptr : &*found;
}

Result<void> Fields::check_names(std::span<const std::string_view> names) const {
  for (const Field& field : fields_) {
    if (std::ranges::find(names, field.name()) != names.end()) continue;
    return fail(field.refuse("this is unknown; did you mean " +
                             std::string(s3::nearest_name(field.name(), names)) + "?"));
  }
  return {};
}

Result<void> Fields::add(const Field& section, const Entry& entry) {
  if (entry.key->shape != Shape::scalar) {
    return fail(ErrorKind::invalid_argument, entry.key->origin + ": " + section.path() +
                                                 ": a name is wanted here, not " +
                                                 std::string(describe(entry.key->shape)));
  }
  Field field(entry.key->text, entry.key->origin, section.path(), entry.value);
  const Field* first = find(field.name());
  if (first != nullptr) {
    return fail(field.refuse("given twice; it stands at " + first->origin() + " as well"));
  }
  fields_.push_back(std::move(field));
  return {};
}

}  // namespace ringpull::inline v0::cloudfront::yaml
