#include <ringpull/s3/storage_path.hpp>

namespace ringpull::inline v0::s3 {

namespace {

bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

bool is_storage_path(std::string_view path) noexcept {
  if (path.empty() || path.front() != '/' || path.back() == '/') return false;
  char previous = '\0';
  for (char c : path) {
    if (c == '/' ? previous == '/' : !is_name_character(c)) return false;
    previous = c;
  }
  return true;
}

bool is_storage_path_or_root(std::string_view path) noexcept {
  return path == "/" || is_storage_path(path);
}

bool is_at_or_below(std::string_view ancestor, std::string_view path) noexcept {
  if (ancestor == "/") return path.starts_with('/');
  if (ancestor.empty() || !path.starts_with(ancestor)) return false;
  return path.size() == ancestor.size() || path[ancestor.size()] == '/';
}

}  // namespace ringpull::inline v0::s3
