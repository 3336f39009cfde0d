#include "bench/floor/http.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <strings.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace ringpull::bench {

void throw_errno(int code, const std::string& what) {
  throw std::system_error(code, std::generic_category(), what);
}

Endpoint parse_url(const std::string& url) {
  Endpoint endpoint;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    endpoint.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    throw std::invalid_argument(fmt::format("url \"{}\": expected http:// or https://", url));
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos;
  endpoint.host = authority.substr(0, colon);
  endpoint.port = has_port ? std::string(authority.substr(colon + 1)) : endpoint.tls ? "443" : "80";
  endpoint.target = slash < rest.size() ? std::string(rest.substr(slash)) : "/";
  return endpoint;
}

int connect_to(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &found);
  if (code != 0) {
    throw std::runtime_error(fmt::format("resolving {}: {}", endpoint.host, gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  int last_error = ECONNREFUSED;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return fd;
    }
    last_error = errno;
    if (fd >= 0) close(fd);
  }
  throw_errno(last_error, fmt::format("connecting to {}:{}", endpoint.host, endpoint.port));
}

PartPlan::PartPlan(const FloorOptions& options)
    : size_(options.size),
      part_size_(options.part_size),
      total_(options.total_bytes == 0 ? options.size : options.total_bytes) {
  if (size_ == 0 || part_size_ == 0 || options.connections == 0) {
    throw std::invalid_argument("size, part size and connections must be more than 0");
  }
}

bool PartPlan::next(Part& part) {
  if (given_ >= total_) return false;
  part.offset = given_ % size_;
  part.index = part.offset / part_size_;
  part.size = std::min({part_size_, size_ - part.offset, total_ - given_});
  given_ += part.size;
  return true;
}

namespace {

std::string request_head(const FloorOptions& options, const Endpoint& endpoint, const Part& part,
                         std::string_view method, const std::string& own_header) {
  const std::string& target = options.targets.empty()
                                  ? endpoint.target
                                  : options.targets[part.index % options.targets.size()];
  const bool default_port = endpoint.port == (endpoint.tls ? "443" : "80");
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}{}{}\r\n{}\r\n", method, target, endpoint.host,
                  default_port ? "" : ":", default_port ? "" : endpoint.port, own_header);
  for (const std::string& header : options.headers) text += header + "\r\n";
  return text + "\r\n";
}

}  // namespace

std::string get_request(const FloorOptions& options, const Endpoint& endpoint, const Part& part) {
  return request_head(options, endpoint, part, "GET",
                      fmt::format("Range: bytes={}-{}", part.offset, part.offset + part.size - 1));
}

std::string put_request_head(const FloorOptions& options, const Endpoint& endpoint,
                             const Part& part) {
  return request_head(options, endpoint, part, "PUT", fmt::format("Content-Length: {}", part.size));
}

std::span<std::byte> ResponseHead::room() { return std::span(bytes_).subspan(filled_); }

bool ResponseHead::feed(std::size_t count) {
  filled_ += count;
  const std::string_view text(reinterpret_cast<const char*>(bytes_.data()), filled_);
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (filled_ == kCapacity) throw std::runtime_error("the response head is over 16 KiB");
    return false;
  }
  head_size_ = end + 4;
  parse();
  return true;
}

void ResponseHead::parse() {
  std::string_view text(reinterpret_cast<const char*>(bytes_.data()), head_size_ - 2);
  if (!text.starts_with("HTTP/1.1 ") || text.size() < 12) {
    throw std::runtime_error("the response does not start with HTTP/1.1");
  }
  status_ = 0;
  std::from_chars(text.data() + 9, text.data() + 12, status_);
  bool has_length = status_ == 204;
  constexpr std::string_view kName = "content-length:";
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find("\r\n"));
    if (line.size() > kName.size() && strncasecmp(line.data(), kName.data(), kName.size()) == 0) {
      const std::size_t digits = line.find_first_not_of(' ', kName.size());
      if (digits == std::string_view::npos) break;
      const auto read =
          std::from_chars(line.data() + digits, line.data() + line.size(), content_length_);
      has_length = read.ec == std::errc();
    }
    text.remove_prefix(line.size() + 2);
  }
  if (!has_length) throw std::runtime_error("the response has no Content-Length");
}

std::span<const std::byte> ResponseHead::surplus() const {
  return std::span(bytes_).first(filled_).subspan(head_size_);
}

std::uint64_t ResponseHead::copy_surplus(std::span<std::byte> destination, const Part& part) const {
  const std::uint64_t copied = part.size - body_left();
  std::memcpy(destination.data() + part.offset, surplus().data(), copied);
  return copied;
}

std::uint64_t ResponseHead::body_left() const {
  if (surplus().size() > content_length_) {
    throw std::runtime_error("the server sent more than the announced body");
  }
  return content_length_ - surplus().size();
}

void ResponseHead::reset() {
  filled_ = 0;
  head_size_ = 0;
  content_length_ = 0;
}

void ResponseHead::expect_part(const Part& part) const {
  if ((status_ != 200 && status_ != 206) || content_length_ != part.size) {
    throw std::runtime_error(
        fmt::format("GET of {} bytes at {}: the server answered {} with Content-Length {}",
                    part.size, part.offset, status_, content_length_));
  }
}

void ResponseHead::expect_accepted() const {
  if (status_ != 200 && status_ != 201 && status_ != 204) {
    throw std::runtime_error(fmt::format("PUT: the server answered {}", status_));
  }
}

void expect_object(const FloorOptions& options, std::span<const std::byte> destination) {
  if (options.object_file.empty()) return;
  std::ifstream file(options.object_file, std::ios::binary);
  std::vector<char> block(1u << 20);
  for (std::size_t at = 0; at < destination.size(); at += block.size()) {
    block.resize(std::min(block.size(), destination.size() - at));
    if (!file.read(block.data(), static_cast<std::streamsize>(block.size()))) {
      throw std::runtime_error(fmt::format("{}: no {} bytes", options.object_file, options.size));
    }
    if (std::memcmp(block.data(), destination.data() + at, block.size()) != 0) {
      throw std::runtime_error(
          fmt::format("the bytes received at {} differ from {}", at, options.object_file));
    }
  }
}

void load_object(const FloorOptions& options, PrefaultedMemory& source) {
  if (options.object_file.empty()) return source.fill_with_noise();
  std::ifstream file(options.object_file, std::ios::binary);
  const std::span<std::byte> bytes = source.bytes();
  if (!file.read(reinterpret_cast<char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()))) {
    throw std::runtime_error(fmt::format("{}: no {} bytes", options.object_file, options.size));
  }
}

void store_usage(const Meter& meter, std::uint64_t bytes, std::uint64_t enters,
                 FloorResult& result) {
  const Usage usage = meter.elapsed();
  result.bytes = bytes;
  result.wall_s = usage.wall_s;
  result.user_s = usage.user_s;
  result.sys_s = usage.sys_s;
  result.enters = enters;
  result.rss_peak_bytes = rss_peak_bytes();
}

int report_errors(FloorResult& result, void (*body)(const FloorOptions&, FloorResult&),
                  const FloorOptions& options) {
  try {
    result = FloorResult();
    pin_to_cpu(options.cpu);
    body(options, result);
    return 0;
  } catch (const std::system_error& error) {
    result.error = error.what();
    return error.code().value();
  } catch (const std::exception& error) {
    result.error = error.what();
    return EIO;
  }
}

std::string to_json(const char* program, const FloorResult& result) {
  return fmt::format(
      R"({{"program":"{}","bytes":{},"wall_s":{:.6f},"user_s":{:.6f},"sys_s":{:.6f},)"
      R"("enters":{},"rss_peak_bytes":{}}})",
      program, result.bytes, result.wall_s, result.user_s, result.sys_s, result.enters,
      result.rss_peak_bytes);
}

}  // namespace ringpull::bench
