#include "s3/src/credentials/text_file.hpp"

#include <algorithm>
#include <vector>

#include <ringpull/engine/file.hpp>

#include "s3/src/credentials/fetch.hpp"

namespace ringpull::inline v0::s3 {

using engine::Task;

namespace {

/// AWS's own tokens are below 2 KiB; those of Kubernetes hold a certificate chain at worst.
constexpr std::size_t kTokenBytesMax = 64 * 1024;

}  // namespace

Task<Result<std::string>> read_text_file(std::string path, std::size_t bytes_max) {
  RINGPULL_CO_TRY(engine::File file, co_await engine::File::open(path, engine::OpenOptions()));
  std::string text(bytes_max + 1, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    std::span<char> rest(text.data() + done, text.size() - done);
    auto got = co_await file.read_some_at(std::as_writable_bytes(rest), done);
    if (!got) co_return fail(std::move(got).error().context("read " + path));
    if (*got == 0) break;
    done += *got;
  }
  if (done > bytes_max) {
    co_return fail(ErrorKind::too_large,
                   "read " + path + ": it is larger than " + std::to_string(bytes_max) + " bytes");
  }
  text.resize(done);
  co_return text;
}

Task<Result<Secret>> read_token_file(std::string path) {
  RINGPULL_CO_TRY(std::string text, co_await read_text_file(path, kTokenBytesMax));
  std::string_view token = text;
  token = token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
  bool clean = std::none_of(token.begin(), token.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
  });
  bool empty = token.empty();
  Secret out(token);
  erase_text(text);
  if (empty) co_return fail(ErrorKind::unauthenticated, "the token file " + path + " is empty");
  if (!clean) {
    co_return fail(
        ErrorKind::unauthenticated,
        "the token file " + path + " holds a line break or a control character inside the token");
  }
  co_return out;
}

std::string expand_home(std::string path, const EnvironmentLookup& environment) {
  if (!path.starts_with("~/")) return path;
  return environment("HOME").value_or("") + path.substr(1);
}

}  // namespace ringpull::inline v0::s3
