#include <ringpull/s3/names.hpp>

namespace ringpull::inline v0::s3 {

ETag::ETag(std::string_view text) {
  if (text.starts_with("W/\"")) {
    weak_ = true;
    text.remove_prefix(2);
  }
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  text_ = text;
}

std::string ETag::quoted() const {
  std::string out = weak_ ? "W/\"" : "\"";
  out += text_;
  out += '"';
  return out;
}

}  // namespace ringpull::inline v0::s3
