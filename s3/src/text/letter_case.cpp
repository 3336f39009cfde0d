#include "s3/src/text/letter_case.hpp"

namespace ringpull::inline v0::s3 {

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace ringpull::inline v0::s3
