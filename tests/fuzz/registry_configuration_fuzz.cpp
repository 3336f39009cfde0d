// The registry's configuration file, and a variable over it where the input has a NUL.

#include <string>

#include <ringpull/cloudfront/registry_configuration.hpp>

#include "tests/fuzz/fuzz.hpp"

using namespace ringpull;
using testing::require;

namespace {

constexpr const char* kVariable = "REGISTRY_MIDDLEWARE_STORAGE";

void check_error(const Error& error) {
  const std::string& text = error.message();
  bool has_place = text.starts_with("f:") || text.starts_with("environment variable REGISTRY_");
  require(has_place, "a message begins with its place: " + text);
  bool is_ours = error.is(ErrorKind::invalid_argument) || error.is(ErrorKind::unsupported) ||
                 error.is(ErrorKind::too_large);
  require(is_ours, "a configuration is wrong in one of three ways");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = testing::as_text(data, size);
  cloudfront::EnvironmentVariables variables;
  std::size_t end = text.find('\0');
  if (end != std::string_view::npos) {
    variables[kVariable] = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  auto parsed = cloudfront::parse_registry_configuration(text, "f", variables);
  auto again = cloudfront::parse_registry_configuration(text, "f", variables);
  require(parsed.has_value() == again.has_value(), "the same text has the same outcome");
  if (!parsed) {
    check_error(parsed.error());
    require(parsed.error().message() == again.error().message(), "and the same message");
    return 0;
  }
  require(!parsed->s3.bucket.empty(), "a driver has a bucket");
  require(parsed->middlewares.size() == again->middlewares.size(), "and the same middlewares");
  return 0;
}
