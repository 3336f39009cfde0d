#pragma once
// Signatures that serve more than one URL or more than one pull.

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include <ringpull/cloudfront/url_signer.hpp>

namespace ringpull::inline v0::cloudfront {

/// What UrlSigner::sign_query() gave, by resource and expiry. The least recently used goes.
class SignatureCache {
 public:
  /// At least 1.
  explicit SignatureCache(std::size_t entries_max) : entries_max_(entries_max) {}

  /// For a policy of resource and expiry alone. The reference is good until the next call.
  Result<const std::string*> query(const UrlSigner& signer, const Policy& policy);
  /// Needed when another key signs.
  void clear() noexcept;

  /// Of those asked for, how many were made.
  std::uint64_t made() const noexcept { return made_; }
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string name;
    std::string query;
  };

  std::size_t entries_max_;
  std::uint64_t made_ = 0;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> places_;
};

}  // namespace ringpull::inline v0::cloudfront
