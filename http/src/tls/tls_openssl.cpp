#include "http/src/tls/tls_openssl.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>

#include <ringpull/http/tls_error.hpp>

namespace ringpull::inline v0::http::detail {

BioPtr bio_of(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool is_ip_literal(const std::string& host) noexcept {
  in6_addr scratch;
  return inet_pton(AF_INET, host.c_str(), &scratch) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &scratch) == 1;
}

std::string take_openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  char text[128];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

Error configuration_error(std::string_view what) {
  std::string message(what);
  message += ": ";
  message += take_openssl_reason();
  return Error(ErrorKind::tls, std::move(message)).with_code(TlsFailure::configuration);
}

}  // namespace ringpull::inline v0::http::detail
