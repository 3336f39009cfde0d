#include "bench/floor/tls_session.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>

namespace ringpull::bench {

namespace {

[[noreturn]] void throw_tls(const char* what) {
  char text[256] = "no reason given";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof text);
  }
  throw std::runtime_error(fmt::format("{}: {}", what, text));
}

bool is_address(const std::string& host) {
  unsigned char scratch[16];
  return inet_pton(AF_INET, host.c_str(), scratch) == 1 ||
         inet_pton(AF_INET6, host.c_str(), scratch) == 1;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

}  // namespace

TlsContext::TlsContext(const std::string& ca_file)
    : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
  if (!context_) throw_tls("SSL_CTX_new");
  SSL_CTX_set_min_proto_version(get(), TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(get(), "TLS_AES_128_GCM_SHA256");
  if (ca_file.empty()) return;
  SSL_CTX_set_verify(get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(get(), ca_file.c_str(), nullptr) != 1) {
    throw_tls(ca_file.c_str());
  }
}

TlsSession::TlsSession(const TlsContext& context, const Endpoint& endpoint, bool check_host, int fd,
                       CipherBuffer& buffer)
    : fd_(fd), buffer_(buffer), ssl_(SSL_new(context.get()), &SSL_free) {
  BIO* bio = BIO_new(bio_method());
  if (!ssl_ || bio == nullptr) throw_tls("SSL_new");
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  if (!is_address(endpoint.host)) {
    SSL_set_tlsext_host_name(ssl_.get(), endpoint.host.c_str());
    if (check_host) SSL_set1_host(ssl_.get(), endpoint.host.c_str());
  } else if (check_host) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), endpoint.host.c_str());
  }
  while (SSL_connect(ssl_.get()) != 1) {
    if (SSL_get_error(ssl_.get(), -1) != SSL_ERROR_WANT_READ) throw_tls("TLS handshake");
    const std::span<std::byte> room = buffer_.memory.bytes();
    const ssize_t count = recv(fd_, room.data(), room.size(), 0);
    if (count <= 0) throw_errno(count < 0 ? errno : ECONNRESET, "recv in the TLS handshake");
    buffer_.received(static_cast<std::size_t>(count));
  }
}

void TlsSession::send_request(const std::string& request) {
  write(std::as_bytes(std::span(request)));
}

void TlsSession::write(std::span<const std::byte> bytes) {
  std::size_t written = 0;
  if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1) return;
  if (send_error_ != 0) throw_errno(send_error_, "send");
  throw_tls("SSL_write");
}

void TlsSession::flush() {
  if (!send_gathered()) throw_errno(send_error_, "send");
}

bool TlsSession::send_gathered() noexcept {
  std::span<const std::byte> left = outgoing_->memory.bytes().first(outgoing_->end);
  outgoing_->end = 0;
  while (!left.empty()) {
    ++sends_;
    const ssize_t sent = send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      send_error_ = errno;
      return false;
    }
    left = left.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t TlsSession::read(std::span<std::byte> into) {
  std::size_t count = 0;
  if (SSL_read_ex(ssl_.get(), into.data(), into.size(), &count) == 1) return count;
  if (SSL_get_error(ssl_.get(), 0) != SSL_ERROR_WANT_READ) throw_tls("SSL_read");
  return 0;
}

BIO_METHOD* TlsSession::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "floor");
    BIO_meth_set_read_ex(made, &TlsSession::bio_read);
    BIO_meth_set_write_ex(made, &TlsSession::bio_write);
    BIO_meth_set_ctrl(made, &bio_control);
    return made;
  }();
  return method;
}

int TlsSession::bio_read(BIO* bio, char* into, std::size_t size, std::size_t* count) {
  CipherBuffer& buffer = static_cast<TlsSession*>(BIO_get_data(bio))->buffer_;
  BIO_clear_retry_flags(bio);
  *count = std::min(size, buffer.unread());
  if (*count == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(into, buffer.memory.bytes().data() + buffer.begin, *count);
  buffer.begin += *count;
  return 1;
}

int TlsSession::bio_write(BIO* bio, const char* from, std::size_t size, std::size_t* count) {
  auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  CipherBuffer* outgoing = session->outgoing_;
  if (outgoing == nullptr) {
    // A handshake message or a request: less than an empty socket buffer takes, so it cannot block.
    const ssize_t sent = send(session->fd_, from, size, MSG_NOSIGNAL);
    if (sent < 0) return 0;
    *count = static_cast<std::size_t>(sent);
    return 1;
  }
  const std::span<std::byte> room = outgoing->memory.bytes().subspan(outgoing->end);
  *count = std::min(size, room.size());
  std::memcpy(room.data(), from, *count);
  outgoing->end += *count;
  if (*count == room.size() && !session->send_gathered()) return 0;
  return 1;
}

}  // namespace ringpull::bench
