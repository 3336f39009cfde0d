#pragma once
// OpenSSL as cheap as it gets through its public interface: a custom BIO that hands out the bytes
// of a large receive buffer, read_ahead off, SSL_read straight into the destination.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <openssl/ssl.h>
#include <span>
#include <string>

#include "bench/floor/http.hpp"

namespace ringpull::bench {

/// TLS 1.3 with TLS_AES_128_GCM_SHA256 only.
class TlsContext {
 public:
  /// Trusts `ca_file`; empty: accepts any certificate.
  explicit TlsContext(const std::string& ca_file);
  SSL_CTX* get() const { return context_.get(); }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

/// Ciphertext on its way: received and not yet taken by OpenSSL, or written by it and not yet sent.
/// Several sessions may share one where each is drained before the next uses it.
struct CipherBuffer {
  explicit CipherBuffer(std::size_t size) : memory(size) {}
  std::size_t unread() const { return end - begin; }
  void received(std::size_t count) { begin = 0, end = count; }

  PrefaultedMemory memory;
  std::size_t begin = 0;
  std::size_t end = 0;
};

class TlsSession {
 public:
  /// Does the handshake on the connected, blocking socket.
  TlsSession(const TlsContext& context, const Endpoint& endpoint, bool check_host, int fd,
             CipherBuffer& buffer);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  void send_request(const std::string& request);
  /// From here on the records gather in `outgoing`, which leaves by a blocking send() when it is
  /// full, and by flush().
  void gather_into(CipherBuffer& outgoing) { outgoing_ = &outgoing; }
  void write(std::span<const std::byte> bytes);
  void flush();
  /// Calls of send().
  std::uint64_t sends() const { return sends_; }
  /// Decrypts into `into`; returns 0 once the buffer holds no whole record any more.
  std::size_t read(std::span<std::byte> into);

 private:
  static BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* into, std::size_t size, std::size_t* count);
  bool send_gathered() noexcept;
  static int bio_write(BIO* bio, const char* from, std::size_t size, std::size_t* count);

  int fd_;
  CipherBuffer& buffer_;
  CipherBuffer* outgoing_ = nullptr;
  std::uint64_t sends_ = 0;
  int send_error_ = 0;  // errno, on its way around OpenSSL
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

}  // namespace ringpull::bench
