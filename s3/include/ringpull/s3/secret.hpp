#pragma once
// Key material that cannot be printed by accident and does not stay behind in freed memory.

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string_view>

namespace ringpull::inline v0::s3 {

/// Bytes that are overwritten before their memory is released. Moving leaves the source empty;
/// copying is explicit, by `clone()`. There is no way to stream, format or compare-and-print one.
class Secret {
 public:
  Secret() = default;
  /// Copies `text`. The caller's own copy is the caller's to erase.
  explicit Secret(std::string_view text);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  Secret clone() const { return Secret(reveal()); }
  bool empty() const noexcept { return size_ == 0; }
  /// The bytes themselves: for signing and for the one header that must carry them, never for a
  /// message. Valid until this Secret is assigned, moved from or destroyed.
  std::string_view reveal() const noexcept { return {bytes_.get(), size_}; }

  /// Takes the same time wherever the first difference is.
  friend bool operator==(const Secret& left, const Secret& right) noexcept;
  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  void cleanse() noexcept;

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

}  // namespace ringpull::inline v0::s3
