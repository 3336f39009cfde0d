#include "tests/fuzz/message_fuzz.hpp"

using namespace ringpull;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = testing::as_text(data, size);
  testing::MessageSetup setup;
  setup.is_request = true;
  testing::check_cuts(setup, bytes);
  setup.eof = true;
  setup.limits = testing::tight_limits();
  testing::check_cuts(setup, bytes);
  testing::check_head(http::RequestParser(), bytes);
  return 0;
}
