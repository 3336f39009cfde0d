#pragma once
// What the verbs of the sandbox have in common: a request taken apart, and how it is refused. A
// refusal is an S3Error and no Error, as it is an answer to a client.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include <ringpull/http/server.hpp>
#include <ringpull/s3/sigv4_verify.hpp>

namespace ringpull::sandbox {

/// A refusal as S3 words it; becomes an <Error> document.
struct S3Error {
  S3Error(int status_in, std::string code_in, std::string message_in)
      : status(status_in), code(std::move(code_in)), message(std::move(message_in)) {}

  int status;
  std::string code;
  std::string message;
  /// Further elements of the document: Region, StringToSign.
  std::vector<std::pair<std::string, std::string>> fields;
};

template <class T>
using Outcome = tl::expected<T, S3Error>;

inline tl::unexpected<S3Error> refuse(int status, std::string code, std::string message) {
  return tl::unexpected<S3Error>(S3Error(status, std::move(code), std::move(message)));
}

/// One authenticated request, taken apart.
struct Call {
  explicit Call(http::Exchange& exchange_in) : exchange(exchange_in) {}

  const http::RequestHead& head() const noexcept { return exchange.request(); }
  std::string_view header(std::string_view name) const {
    return head().headers.get(name).value_or(std::string_view());
  }
  bool has(const std::string& parameter) const { return query.contains(parameter); }
  std::string parameter(const std::string& name) const {
    auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
  }

  http::Exchange& exchange;
  std::string bucket;
  std::string key;
  std::map<std::string, std::string> query;  // decoded; the last of equal names
  std::chrono::sys_seconds now{};
  s3::VerifiedRequest identity;
  std::string request_id;
};

/// Splits the target into bucket, key and query; `virtual_bucket` comes from the Host header.
/// InvalidURI for what is not UTF-8, as on Amazon: neither XML nor a record on disk could hold it.
Outcome<void> parse_target(Call& call, std::string_view virtual_bucket);
/// InvalidArgument for a value that is not UTF-8: objects keep some of them.
Outcome<void> check_headers(const Call& call);
/// "b" from "b.s3.localhost:9000" for the domain "s3.localhost"; empty for path style.
std::string virtual_bucket(std::string_view host, std::string_view domain);

/// A decimal number from `least` to `most`; InvalidArgument otherwise; `fallback` when absent.
Outcome<std::uint64_t> number(const Call& call, const std::string& parameter,
                              std::uint64_t fallback, std::uint64_t least, std::uint64_t most);

/// "2026-11-21T07:00:00.000Z", S3's form in documents.
std::string iso_time(std::chrono::sys_seconds time);

}  // namespace ringpull::sandbox
