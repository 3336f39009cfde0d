#include <ringpull/http/url.hpp>

#include "tests/fuzz/fuzz.hpp"

using namespace ringpull;
using testing::require;

namespace {

void check_url(std::string_view text) {
  auto url = http::Url::parse(text);
  if (!url) return;
  for (char c : url->to_string()) require(c > 0x20 && c < 0x7f, "a URL is visible ASCII");
  require(url->target().starts_with('/'), "a target begins with a slash");
  require(text.ends_with(url->target().substr(1)), "path and query stay as given");
  require(url->authority().find_first_of("@/?#") == std::string::npos,
          "an authority is host and port");
  auto again = http::Url::parse(url->to_string());
  require(again && *again == *url, "a URL written is the URL read");
}

void check_percent_encoding(std::string_view text) {
  for (const auto slash : {http::Slash::encode, http::Slash::keep}) {
    auto decoded = http::percent_decode(http::percent_encode(text, slash));
    require(decoded && *decoded == text, "what is encoded can be decoded");
  }
  auto decoded = http::percent_decode(text);
  require(!decoded || decoded->size() <= text.size(), "decoding makes nothing longer");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = testing::as_text(data, size);
  check_url(text);
  check_percent_encoding(text);
  return 0;
}
