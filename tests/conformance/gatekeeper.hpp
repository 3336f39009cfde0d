#pragma once
// A policy before an S3 server: which actions a key may do, and how often each was asked for.

#include <map>
#include <set>
#include <string>

#include <ringpull/http/server.hpp>

namespace ringpull::conformance {

/// The action of an identity policy that Amazon S3 asks for, "s3:GetObject"; "s3:?" for what no
/// driver has reason to do. Of a copy, the one for its target.
std::string action_of(const http::RequestHead& request);

/// What docker distribution documents for its driver.
const std::set<std::string>& documented_actions();
/// What Docker Trusted Registry documented: neither parts nor uploads can be listed or aborted.
const std::set<std::string>& small_actions();

/// Answers 403 to what is not allowed.
class Gatekeeper final : public http::Handler {
 public:
  Gatekeeper(http::Handler& inner, const std::set<std::string>& allowed) noexcept
      : inner_(inner), allowed_(allowed) {}
  engine::Task<Result<void>> handle(http::Exchange& exchange) override;
  /// How many requests have come.
  std::size_t requests() const noexcept;

  std::map<std::string, std::size_t> asked;  // by action

 private:
  http::Handler& inner_;
  const std::set<std::string>& allowed_;
};

}  // namespace ringpull::conformance
