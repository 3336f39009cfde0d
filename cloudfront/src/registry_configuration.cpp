#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <unistd.h>

#include <ringpull/cloudfront/registry_configuration.hpp>
#include <ringpull/s3/parameter_text.hpp>

#include "cloudfront/src/registry_environment.hpp"
#include "cloudfront/src/yaml_fields.hpp"
#include "cloudfront/src/yaml_tree.hpp"

namespace ringpull::inline v0::cloudfront {

using yaml::Field;
using yaml::Fields;
using yaml::NodePtr;
using yaml::Shape;

namespace {

constexpr std::array<std::string_view, 2> kDrivers = {"s3", "s3aws"};
// What may stand beside the driver.
constexpr std::array<std::string_view, 5> kBesideDriver = {"cache", "delete", "maintenance",
                                                           "redirect", "tag"};
constexpr std::array<std::string_view, 1> kRedirectNames = {"disable"};
constexpr std::array<std::string_view, 3> kMiddlewareNames = {"disabled", "name", "options"};
constexpr std::array<std::string_view, 3> kMiddlewares = {"cloudfront", "redirect", "rewrite"};
constexpr std::string_view kVersion = "0.1";

struct FileCloser {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

Result<std::string> read_file(const std::string& path) {
  std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return fail(Error::from_errno(errno, "read " + path));
  std::string text(kRegistryConfigurationBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return fail(Error::from_errno(errno, "read " + path));
  return text;
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Result<bool> read_boolean(const Field& field) {
  RINGPULL_TRY(std::optional<std::string> text, field.text());
  if (!text) return false;
  std::string section = field.section();
  s3::GivenParameter given(field.name(), *text, section, s3::Secrecy::open);
  return given.boolean();
}

/// Every value below a section, each with its place.
Result<s3::ParameterMap> read_parameters(const Field& section) {
  RINGPULL_TRY(Fields fields, Fields::of(section));
  s3::ParameterMap parameters;
  for (const Field& field : fields) {
    RINGPULL_TRY(std::optional<std::string> text, field.text());
    s3::ParameterText& parameter = parameters[field.name()];
    parameter.text = std::move(text);
    parameter.origin = field.section();
  }
  return parameters;
}

Result<void> check_version(const Fields& file) {
  const Field* version = file.find("version");
  if (version == nullptr) return {};
  RINGPULL_TRY(std::optional<std::string> text, version->text());
  if (!text || *text == kVersion) return {};
  return fail(version->refuse("\"" + *text + "\" is not " + std::string(kVersion) +
                              ", the only version of this file that there is"));
}

/// The one driver below `storage`.
Result<const Field*> find_driver(const Field& storage, const Fields& fields) {
  const Field* driver = nullptr;
  for (const Field& field : fields) {
    if (is_one_of(kBesideDriver, field.name())) continue;
    if (driver != nullptr) {
      return fail(field.refuse("a second storage driver beside " + driver->name() + " (" +
                               driver->origin() + "); a registry has one"));
    }
    driver = &field;
  }
  if (driver == nullptr) return fail(storage.refuse("it names no storage driver; s3 is one"));
  if (is_one_of(kDrivers, driver->name())) return driver;
  return fail(driver->refuse("this storage driver is not in Ringpull, which has s3")
                  .with_kind(ErrorKind::unsupported));
}

Result<s3::S3DriverParameters> read_s3(const Field& driver) {
  RINGPULL_TRY(s3::ParameterMap map, read_parameters(driver));
  // Its variables are in the map already.
  auto none = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
  auto parameters = s3::read_s3_driver_parameters(map, none);
  if (parameters) return parameters;
  return fail(driver.place(std::move(parameters).error(), map));
}

Result<bool> read_redirect_disabled(const Fields& storage) {
  const Field* redirect = storage.find("redirect");
  if (redirect == nullptr) return false;
  RINGPULL_TRY(Fields fields, Fields::of(*redirect));
  RINGPULL_CHECK(fields.check_names(kRedirectNames));
  const Field* disable = fields.find("disable");
  if (disable == nullptr) return false;
  return read_boolean(*disable);
}

/// Nothing where it is disabled.
Result<std::optional<MiddlewareConfiguration>> read_middleware(const Field& entry) {
  RINGPULL_TRY(Fields fields, Fields::of(entry));
  RINGPULL_CHECK(fields.check_names(kMiddlewareNames));
  const Field* disabled = fields.find("disabled");
  if (disabled != nullptr) {
    RINGPULL_TRY(bool is_disabled, read_boolean(*disabled));
    if (is_disabled) return std::nullopt;
  }
  const Field* name = fields.find("name");
  if (name == nullptr) return fail(entry.refuse("its name is missing"));
  RINGPULL_TRY(std::optional<std::string> text, name->text());
  if (!text || !is_one_of(kMiddlewares, *text)) {
    return fail(name->refuse("\"" + text.value_or("") +
                             "\" is not a storage middleware of Ringpull; cloudfront, redirect "
                             "and rewrite are")
                    .with_kind(ErrorKind::unsupported));
  }
  MiddlewareConfiguration middleware;
  middleware.name = *text;
  middleware.origin = entry.origin() + ": " + entry.path();
  const Field* options = fields.find("options");
  if (options != nullptr) {
    RINGPULL_TRY(middleware.options, read_parameters(*options));
  }
  return middleware;
}

Result<std::vector<MiddlewareConfiguration>> read_middlewares(const Fields& file) {
  std::vector<MiddlewareConfiguration> middlewares;
  const Field* middleware = file.find("middleware");
  if (middleware == nullptr) return middlewares;
  RINGPULL_TRY(Fields kinds, Fields::named(*middleware, {"storage"}));
  const Field* storage = kinds.find("storage");
  if (storage == nullptr) return middlewares;
  RINGPULL_TRY(std::vector<Field> entries, storage->items());
  for (const Field& entry : entries) {
    RINGPULL_TRY(std::optional<MiddlewareConfiguration> one, read_middleware(entry));
    if (one) middlewares.push_back(std::move(*one));
  }
  return middlewares;
}

}  // namespace

EnvironmentVariables process_environment_variables() {
  EnvironmentVariables variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    std::size_t equals = std::min(text.find('='), text.size());
    std::string_view value = text.substr(std::min(equals + 1, text.size()));
    variables.emplace(text.substr(0, equals), value);
  }
  return variables;
}

Result<RegistryConfiguration> read_registry_configuration(const std::string& path,
                                                          const EnvironmentVariables& variables) {
  RINGPULL_TRY(std::string text, read_file(path));
  return parse_registry_configuration(text, path, variables);
}

Result<RegistryConfiguration> parse_registry_configuration(std::string_view text,
                                                           std::string_view name,
                                                           const EnvironmentVariables& variables) {
  std::string file_name(name);
  if (text.size() > kRegistryConfigurationBytesMax) {
    return fail(ErrorKind::too_large, file_name + ": larger than " +
                                          std::to_string(kRegistryConfigurationBytesMax) +
                                          " bytes, which no configuration is");
  }
  RINGPULL_TRY(NodePtr written,
               yaml::parse(text, yaml::Source(file_name, yaml::Source::Lines::yes)));
  if (written->shape != Shape::mapping && written->shape != Shape::null) {
    return fail(ErrorKind::invalid_argument, written->origin +
                                                 ": a configuration is a mapping, not " +
                                                 std::string(describe(written->shape)));
  }
  RINGPULL_TRY(NodePtr tree, apply_environment(written, variables));
  Field whole("", file_name, "", tree);
  RINGPULL_TRY(Fields file, Fields::named(whole, {"version", "storage", "middleware"}));
  RINGPULL_CHECK(check_version(file));
  const Field* storage = file.find("storage");
  if (storage == nullptr) {
    return fail(ErrorKind::invalid_argument, file_name + ": storage is missing");
  }
  RINGPULL_TRY(Fields below_storage, Fields::of(*storage));
  RINGPULL_TRY(const Field* driver, find_driver(*storage, below_storage));
  RegistryConfiguration configuration;
  RINGPULL_TRY(configuration.s3, read_s3(*driver));
  RINGPULL_TRY(configuration.redirect_disabled, read_redirect_disabled(below_storage));
  RINGPULL_TRY(configuration.middlewares, read_middlewares(file));
  return configuration;
}

}  // namespace ringpull::inline v0::cloudfront
