#include "cloudfront/src/signing/signature_cache.hpp"

#include <utility>

#include "cloudfront/src/signing/epoch.hpp"

namespace ringpull::inline v0::cloudfront {

Result<const std::string*> SignatureCache::query(const UrlSigner& signer, const Policy& policy) {
  std::string name = detail::epoch_seconds(policy.expires) + " " + policy.resource;
  auto found = places_.find(name);
  if (found != places_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    const std::string* query = &entries_.front().query;
    return query;
  }
  RINGPULL_TRY(std::string query, signer.sign_query(policy));
  ++made_;
  if (entries_.size() >= entries_max_) {
    places_.erase(entries_.back().name);
    entries_.pop_back();
  }
  entries_.push_front(Entry{std::move(name), std::move(query)});
  places_.emplace(entries_.front().name, entries_.begin());
  const std::string* kept = &entries_.front().query;
  return kept;
}

void SignatureCache::clear() noexcept {
  places_.clear();
  entries_.clear();
}

}  // namespace ringpull::inline v0::cloudfront
