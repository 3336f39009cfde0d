#include <array>
#include <llhttp.h>

#include <ringpull/http/chunked.hpp>

#include "tests/fuzz/fuzz.hpp"

using namespace ringpull;
using testing::require;

namespace {

struct Decoded {
  bool failed = false;
  bool done = false;
  std::size_t consumed = 0;
  std::string data;
  std::string trailers;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

// Offers at most up to the next cut at a time.
Decoded decode(std::string_view body, const std::vector<std::size_t>& cuts) {
  http::ChunkedDecoder decoder;
  Decoded result;
  std::size_t cut = 0;
  while (result.consumed < body.size()) {
    while (cut < cuts.size() && cuts[cut] <= result.consumed) ++cut;
    const std::size_t end = cut < cuts.size() ? cuts[cut] : body.size();
    const auto piece = body.substr(result.consumed, end - result.consumed);
    auto step = decoder.decode(testing::as_bytes(piece));
    if (!step) {
      // How far it came before the error depends on the cuts; that and what it found do not.
      result.failed = true;
      result.consumed = 0;
      break;
    }
    require(step->consumed > 0 && step->consumed <= piece.size(), "each step gets on");
    result.consumed += step->consumed;
    result.data.append(reinterpret_cast<const char*>(step->data.data()), step->data.size());
    if (step->done) break;
    require(!step->data.empty() || step->consumed == piece.size(), "all input is used");
  }
  result.done = !result.failed && decoder.done();
  if (result.done) result.trailers = decoder.trailers().wire();
  return result;
}

void check_encoding(std::string_view data) {
  std::string body;
  const auto cuts = testing::some_cuts(data);
  std::size_t at = 0;
  for (std::size_t i = 0; at < data.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : data.size();
    if (end == at) continue;
    std::array<char, http::kChunkHeadBytesMax> head;
    body += http::write_chunk_head(end - at, head);
    body += data.substr(at, end - at);
    body += http::kChunkTail;
    at = end;
  }
  body += http::kLastChunk;
  const auto decoded = decode(body, {});
  require(decoded.done && decoded.data == data, "what is encoded can be decoded");
}

struct SecondOpinion {
  std::string data;
  bool done = false;
};

// Nothing that we accept means anything else to llhttp. (It refuses some extensions and trailers
// that we read past; that is no danger.)
void check_against_llhttp(std::string_view body, const Decoded& ours) {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_body = [](llhttp_t* parser, const char* at, std::size_t size) {
    static_cast<SecondOpinion*>(parser->data)->data.append(at, size);
    return 0;
  };
  settings.on_message_complete = [](llhttp_t* parser) {
    static_cast<SecondOpinion*>(parser->data)->done = true;
    return static_cast<int>(HPE_PAUSED);
  };
  SecondOpinion theirs;
  llhttp_t parser;
  llhttp_init(&parser, HTTP_RESPONSE, &settings);
  parser.data = &theirs;
  std::string message = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  message += body.substr(0, ours.consumed);
  const auto status = llhttp_execute(&parser, message.data(), message.size());
  if (status != HPE_OK && status != HPE_PAUSED) return;
  require(theirs.done, "llhttp sees the end where we see it");
  require(theirs.data == ours.data, "llhttp sees the same data");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = testing::as_text(data, size);
  const Decoded whole = decode(body, {});
  require(decode(body, testing::some_cuts(body)) == whole, "cuts make no difference");
  if (whole.done) check_against_llhttp(body, whole);
  check_encoding(body);
  return 0;
}
