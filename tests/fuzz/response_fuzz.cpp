#include "tests/fuzz/message_fuzz.hpp"

using namespace ringpull;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = testing::as_text(data, size);
  testing::MessageSetup setup;
  for (const auto kind :
       {http::RequestKind::ordinary, http::RequestKind::head, http::RequestKind::connect}) {
    setup.kind = kind;
    setup.eof = !setup.eof;
    testing::check_cuts(setup, bytes);
  }
  setup.kind = http::RequestKind::ordinary;
  setup.limits = testing::tight_limits();
  testing::check_cuts(setup, bytes);
  testing::check_head(http::ResponseParser(), bytes);
  return 0;
}
