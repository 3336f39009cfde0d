#pragma once

// Header fields in order, and the text rules that names and values obey. Not synchronised.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::http {

namespace detail {
class HeadParser;
}

/// One field; the views live until the next non-const call on the Headers.
struct HeaderField {
  std::string_view name;
  std::string_view value;
};

/// A list of header fields: names compare without regard to ASCII case, order and repetitions are
/// kept.
///
/// The fields live in one string exactly as they go on the wire ("Name: value\r\n" each), beside a
/// small index: filling it costs two allocations, refilling after clear() none, and sending it is
/// one copy. Nothing is checked on the way in, so that building a request cannot fail half way;
/// check() does, and the serialisers of request.hpp and response.hpp call it before they write a
/// byte.
class Headers {
 public:
  class const_iterator;

  Headers() = default;

  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  HeaderField operator[](std::size_t index) const noexcept;
  const_iterator begin() const noexcept;
  const_iterator end() const noexcept;

  /// The first field of that name.
  std::optional<std::string_view> get(std::string_view name) const noexcept;
  bool contains(std::string_view name) const noexcept { return get(name).has_value(); }
  std::vector<std::string_view> get_all(std::string_view name) const;
  /// Whether `token` is a member of the comma-separated list that all fields of that name form (RFC
  /// 9110 5.6.1), without regard to case: Connection, Transfer-Encoding, Expect.
  bool has_token(std::string_view name, std::string_view token) const noexcept;

  /// Appends, also where the name exists. Neither argument may point into this object.
  void add(std::string_view name, std::string_view value);
  /// Replaces the first field of that name in its place and removes the others; appends when there
  /// is none. Neither argument may point into this object.
  void set(std::string_view name, std::string_view value);
  /// How many were removed.
  std::size_t remove(std::string_view name);
  /// Keeps the memory.
  void clear() noexcept;

  /// The bytes of the fields on the wire, each with its CRLF; the head's closing CRLF not counted.
  std::size_t size_bytes() const noexcept { return wire_.size(); }
  std::string_view wire() const noexcept { return wire_; }

  /// `invalid_argument`, naming the field (never its value), when a name is not a token or a value
  /// holds CR, LF, NUL or another control character but tab.
  Result<void> check() const;

 private:
  friend class detail::HeadParser;
  struct Entry {
    std::uint32_t begin;
    std::uint32_t name_size;
    std::uint32_t value_size;
  };

  std::size_t find(std::string_view name, std::size_t from) const noexcept;
  void erase(std::size_t index);
  void shift(std::size_t from_index, std::ptrdiff_t by) noexcept;

  // For the parser, which meets a field in pieces: begin_name, append.., begin_value (returns the
  // name), append.., end_value (drops blanks at the end).
  void begin_name();
  void append(std::string_view piece) { wire_.append(piece); }
  std::string_view begin_value();
  void end_value();

  std::string wire_;
  std::vector<Entry> entries_;
};

class Headers::const_iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = HeaderField;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = HeaderField;

  const_iterator() = default;
  HeaderField operator*() const noexcept { return (*headers_)[index_]; }
  const_iterator& operator++() noexcept {
    ++index_;
    return *this;
  }
  const_iterator operator++(int) noexcept {
    auto old = *this;
    ++index_;
    return old;
  }
  friend bool operator==(const const_iterator&, const const_iterator&) = default;

 private:
  friend class Headers;
  const_iterator(const Headers* headers, std::size_t index) : headers_(headers), index_(index) {}

  const Headers* headers_ = nullptr;
  std::size_t index_ = 0;
};

/// ASCII only; other bytes compare as they are.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// RFC 9110 5.6.2: non-empty, letters, digits and !#$%&'*+-.^_`|~.
bool is_token(std::string_view text) noexcept;
/// RFC 9110 5.5: no control characters but tab, no space at either end. Bytes from 0x80 pass.
bool is_field_value(std::string_view text) noexcept;

}  // namespace ringpull::inline v0::http
