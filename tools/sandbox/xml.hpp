#pragma once
// Documents that the sandbox answers with, written by pugixml. Those that it is sent are read where
// they are needed.

#include <cstdint>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace ringpull::sandbox {

/// Builds S3's answers: one root, elements with text.
class XmlDocument {
 public:
  explicit XmlDocument(const char* root);

  pugi::xml_node root() noexcept { return root_; }
  std::string str() const;

 private:
  pugi::xml_document document_;
  pugi::xml_node root_;
};

void add(pugi::xml_node parent, const char* name, std::string_view text);
// A literal would otherwise convert to a number.
inline void add(pugi::xml_node parent, const char* name, const char* text) {
  add(parent, name, std::string_view(text));
}
void add(pugi::xml_node parent, const char* name, std::uint64_t number);
void add_flag(pugi::xml_node parent, const char* name, bool value);

}  // namespace ringpull::sandbox
