#pragma once

// What the fuzz targets share. A property that does not hold throws: libFuzzer reports an uncaught
// exception as a crash, replay_test.cpp as a failure with the input.

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ringpull::testing {

inline void require(bool holds, const std::string& property) {
  if (!holds) throw std::logic_error(property);
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Places to cut the input at, always the same for the same input.
inline std::vector<std::size_t> some_cuts(std::string_view input) {
  std::mt19937 random(static_cast<std::uint32_t>(std::hash<std::string_view>()(input)));
  std::vector<std::size_t> cuts;
  for (std::size_t at = random() % 16; at < input.size(); at += 1 + random() % 16)
    cuts.push_back(at);
  return cuts;
}

}  // namespace ringpull::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
