#include "http/src/tls/tls_sessions.hpp"

#include <algorithm>
#include <ctime>

namespace ringpull::inline v0::http::detail {

namespace {

bool is_fresh(const SSL_SESSION* session) noexcept {
  const long made = SSL_SESSION_get_time(session);
  return SSL_SESSION_is_resumable(session) == 1 &&
         std::time(nullptr) < made + SSL_SESSION_get_timeout(session);
}

}  // namespace

void TlsSessions::put(const std::string& origin, SslSessionPtr session) {
  if (per_origin_max_ == 0 || origins_max_ == 0) return;
  if (!origins_.contains(origin) && origins_.size() >= origins_max_) evict_oldest_origin();
  Origin& entry = origins_[origin];
  entry.used = ++clock_;
  if (entry.sessions.size() >= per_origin_max_) entry.sessions.pop_front();
  entry.sessions.push_back(std::move(session));
}

SslSessionPtr TlsSessions::take(const std::string& origin) {
  auto found = origins_.find(origin);
  if (found == origins_.end()) return nullptr;
  Origin& entry = found->second;
  entry.used = ++clock_;
  while (!entry.sessions.empty()) {
    SslSessionPtr session = std::move(entry.sessions.back());
    entry.sessions.pop_back();
    if (!is_fresh(session.get())) continue;
    if (SSL_SESSION_get_protocol_version(session.get()) < TLS1_3_VERSION) {
      SSL_SESSION_up_ref(session.get());
      entry.sessions.emplace_back(session.get());
    }
    return session;
  }
  origins_.erase(found);
  return nullptr;
}

std::size_t TlsSessions::size() const noexcept {
  std::size_t count = 0;
  for (const auto& [origin, entry] : origins_) count += entry.sessions.size();
  return count;
}

void TlsSessions::evict_oldest_origin() {
  auto oldest =
      std::ranges::min_element(origins_, {}, [](const auto& entry) { return entry.second.used; });
  origins_.erase(oldest);
}

}  // namespace ringpull::inline v0::http::detail
