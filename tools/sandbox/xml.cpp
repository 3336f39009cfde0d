#include "tools/sandbox/xml.hpp"

#include <sstream>

namespace ringpull::sandbox {

XmlDocument::XmlDocument(const char* root) {
  pugi::xml_node declaration = document_.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  root_ = document_.append_child(root);
  if (std::string_view(root) != "Error") {
    root_.append_attribute("xmlns") = "http://s3.amazonaws.com/doc/2006-03-01/";
  }
}

std::string XmlDocument::str() const {
  std::ostringstream out;
  document_.save(out, "", pugi::format_raw);
  return std::move(out).str();
}

void add(pugi::xml_node parent, const char* name, std::string_view text) {
  parent.append_child(name).text().set(std::string(text).c_str());
}

void add(pugi::xml_node parent, const char* name, std::uint64_t number) {
  parent.append_child(name).text().set(static_cast<unsigned long long>(number));
}

void add_flag(pugi::xml_node parent, const char* name, bool value) {
  add(parent, name, value ? std::string_view("true") : std::string_view("false"));
}

}  // namespace ringpull::sandbox
