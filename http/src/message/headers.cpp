#include <algorithm>
#include <array>

#include <ringpull/http/headers.hpp>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http {
namespace {

constexpr std::string_view kSeparator = ": ";
constexpr std::string_view kLineEnd = "\r\n";
// An S3 response has about 15 fields in 600 bytes.
constexpr std::size_t kTypicalFields = 24;
constexpr std::size_t kTypicalBytes = 1024;

}  // namespace

HeaderField Headers::operator[](std::size_t index) const noexcept {
  const Entry& entry = entries_[index];
  const char* name = wire_.data() + entry.begin;
  return {{name, entry.name_size}, {name + entry.name_size + kSeparator.size(), entry.value_size}};
}

Headers::const_iterator Headers::begin() const noexcept { return {this, 0}; }
Headers::const_iterator Headers::end() const noexcept { return {this, entries_.size()}; }

std::size_t Headers::find(std::string_view name, std::size_t from) const noexcept {
  for (; from < entries_.size(); ++from) {
    const Entry& entry = entries_[from];
    if (entry.name_size != name.size()) continue;
    if (equal_ignoring_case({wire_.data() + entry.begin, entry.name_size}, name)) break;
  }
  return from;
}

std::optional<std::string_view> Headers::get(std::string_view name) const noexcept {
  const std::size_t index = find(name, 0);
  if (index == entries_.size()) return std::nullopt;
  return (*this)[index].value;
}

std::vector<std::string_view> Headers::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (std::size_t i = find(name, 0); i < entries_.size(); i = find(name, i + 1)) {
    values.push_back((*this)[i].value);
  }
  return values;
}

bool Headers::has_token(std::string_view name, std::string_view token) const noexcept {
  for (std::size_t i = find(name, 0); i < entries_.size(); i = find(name, i + 1)) {
    bool found = false;
    for_each_list_member((*this)[i].value, [&](std::string_view member) {
      found = found || equal_ignoring_case(member, token);
    });
    if (found) return true;
  }
  return false;
}

void Headers::add(std::string_view name, std::string_view value) {
  begin_name();
  append(name);
  begin_value();
  append(value);
  entries_.back().value_size = static_cast<std::uint32_t>(value.size());
  append(kLineEnd);
}

void Headers::set(std::string_view name, std::string_view value) {
  const std::size_t index = find(name, 0);
  if (index == entries_.size()) return add(name, value);
  for (std::size_t i = find(name, index + 1); i < entries_.size(); i = find(name, i)) erase(i);
  Entry& entry = entries_[index];
  wire_.replace(entry.begin + entry.name_size + kSeparator.size(), entry.value_size, value);
  shift(index + 1,
        static_cast<std::ptrdiff_t>(value.size()) - static_cast<std::ptrdiff_t>(entry.value_size));
  entry.value_size = static_cast<std::uint32_t>(value.size());
}

std::size_t Headers::remove(std::string_view name) {
  std::size_t removed = 0;
  for (std::size_t i = find(name, 0); i < entries_.size(); i = find(name, i), ++removed) erase(i);
  return removed;
}

void Headers::erase(std::size_t index) {
  const Entry entry = entries_[index];
  const std::size_t bytes =
      entry.name_size + kSeparator.size() + entry.value_size + kLineEnd.size();
  wire_.erase(entry.begin, bytes);
  shift(index + 1, -static_cast<std::ptrdiff_t>(bytes));
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(index));
}

void Headers::shift(std::size_t from_index, std::ptrdiff_t by) noexcept {
  for (; from_index < entries_.size(); ++from_index) {
    entries_[from_index].begin = static_cast<std::uint32_t>(entries_[from_index].begin + by);
  }
}

void Headers::clear() noexcept {
  wire_.clear();
  entries_.clear();
}

Result<void> Headers::check() const {
  for (const HeaderField field : *this) {
    if (!is_token(field.name)) {
      return fail(ErrorKind::invalid_argument,
                  "\"" + printable(field.name) +
                      "\" cannot be a header name: letters, digits and "
                      "!#$%&'*+-.^_`|~ only");
    }
    if (!is_field_value(field.value)) {
      return fail(ErrorKind::invalid_argument,
                  "the value of header " + std::string(field.name) +
                      " cannot be sent: it holds a control character or begins or ends with a "
                      "space");
    }
  }
  return {};
}

void Headers::begin_name() {
  if (entries_.capacity() == 0) {
    entries_.reserve(kTypicalFields);
    wire_.reserve(kTypicalBytes);
  }
  entries_.push_back({static_cast<std::uint32_t>(wire_.size()), 0, 0});
}

std::string_view Headers::begin_value() {
  Entry& entry = entries_.back();
  entry.name_size = static_cast<std::uint32_t>(wire_.size()) - entry.begin;
  append(kSeparator);
  return {wire_.data() + entry.begin, entry.name_size};
}

void Headers::end_value() {
  Entry& entry = entries_.back();
  const std::size_t begin = entry.begin + entry.name_size + kSeparator.size();
  std::size_t end = wire_.size();
  while (end > begin && is_blank(wire_[end - 1])) --end;
  wire_.resize(end);
  entry.value_size = static_cast<std::uint32_t>(end - begin);
  append(kLineEnd);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return to_lower(x) == to_lower(y);
         });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_field_value(std::string_view text) noexcept {
  if (text.empty()) return true;
  return !is_blank(text.front()) && !is_blank(text.back()) && !has_control(text);
}

}  // namespace ringpull::inline v0::http
