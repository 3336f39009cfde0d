#pragma once
// The floor programs as functions: the least a client can pay for the same bytes from the same
// server, without the engine. A program that wants its own ratio to the floor calls one of these
// in a forked child, so that the child's rusage and peak memory are the floor's alone.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ringpull::bench {

struct FloorOptions {
  FloorOptions() = default;

  /// http://host[:port]/target, or https:// for the TLS ones. Not used by run_floor_aes.
  std::string url;
  /// Request targets used in place of the one in `url`, e.g. presigned ones: part i asks for
  /// targets[i % targets.size()], so give one for each part, or one for all.
  std::vector<std::string> targets;
  /// Added to each request verbatim, "Name: value".
  std::vector<std::string> headers;
  /// Size of the object, and of the one destination (or source) that all parts share.
  std::uint64_t size = 1ull << 30;
  std::uint64_t part_size = 8ull << 20;
  unsigned connections = 16;
  /// Bytes to move in all; the object is gone through again and again until then. 0: once.
  std::uint64_t total_bytes = 0;
  /// Pins the calling thread to this core; -1: leaves it alone.
  int cpu = -1;
  /// The object's bytes. A receive compares its destination with it, after the measured interval; a
  /// send takes its bodies from it. Empty: no comparison, and bodies of noise.
  std::string object_file;
  /// run_floor_recv: SO_RCVLOWAT while a body comes in, so that the kernel wakes the task work for
  /// this many bytes and not for each packet. 0: left alone.
  std::size_t low_water = 0;
  /// TLS: trust this PEM file and check the host name; empty: accept any certificate.
  std::string ca_file;
  /// TLS: the buffer of ciphertext under the BIO.
  std::size_t tls_buffer_size = 256u << 10;
};

struct FloorResult {
  FloorResult() = default;

  std::uint64_t bytes = 0;
  double wall_s = 0;
  double user_s = 0;
  double sys_s = 0;
  /// Entries into the kernel for I/O: io_uring_enter calls, or recv/send/epoll_wait calls.
  std::uint64_t enters = 0;
  /// Peak resident set of the process, the destination included.
  std::uint64_t rss_peak_bytes = 0;
  /// Why the run failed; empty after success.
  std::string error;
};

// Each returns 0, or an errno value with `result.error` set; ENOSYS or EPERM from an io_uring one
// means that the kernel or a seccomp filter refuses the ring. All block until done, measure the
// whole process from the first connect to the last byte, and touch their memory before that.

/// One-shot io_uring RECV with MSG_WAITALL, each body straight to its place in the destination.
int run_floor_recv(const FloorOptions& options, FloorResult& result);
/// recv() in a loop, one connection after the other.
int run_floor_recv_blocking(const FloorOptions& options, FloorResult& result);
/// PUT of each part by blocking send().
int run_floor_send(const FloorOptions& options, FloorResult& result);
/// The same over TLS 1.3, AES-128-GCM: OpenSSL's records gather in one buffer for all connections,
/// sent by blocking send().
int run_floor_send_tls(const FloorOptions& options, FloorResult& result);
/// TLS 1.3, AES-128-GCM: OpenSSL over a receive buffer for each connection, filled by io_uring
/// RECV.
int run_floor_tls(const FloorOptions& options, FloorResult& result);
/// The same with one receive buffer for all, filled by recv() after epoll_wait().
int run_floor_tls_epoll(const FloorOptions& options, FloorResult& result);
/// AES-128-GCM alone: 16 KiB records decrypted from a cache-warm buffer into the destination.
int run_floor_aes(const FloorOptions& options, FloorResult& result);

/// The result as one line of JSON, without the line feed.
std::string to_json(const char* program, const FloorResult& result);

}  // namespace ringpull::bench
