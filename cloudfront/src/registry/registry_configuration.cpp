#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <unistd.h>

#include <ringpull/cloudfront/middleware_parameters.hpp>
#include <ringpull/cloudfront/registry_configuration.hpp>
#include <ringpull/s3/parameter_text.hpp>

#include "cloudfront/src/registry/registry_environment.hpp"
#include "cloudfront/src/registry/yaml_fields.hpp"
#include "cloudfront/src/registry/yaml_tree.hpp"
#include "cloudfront/src/signing/open_file.hpp"

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
constexpr std::string_view kVersion = "0.1";

Result<std::string> read_file(const std::string& path) {
  RINGPULL_TRY(detail::FilePtr file, detail::open_file(path, "read " + path));
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

using ReadText = Result<std::optional<std::string>> (Field::*)() const;

/// Every value below a section, each with its place.
Result<s3::ParameterMap> read_parameters(const Field& section, ReadText read) {
  RINGPULL_TRY(Fields fields, Fields::of(section));
  s3::ParameterMap parameters;
  for (const Field& field : fields) {
    RINGPULL_TRY(std::optional<std::string> text, (field.*read)());
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
  RINGPULL_TRY(s3::ParameterMap map, read_parameters(driver, &Field::text));
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

/// The `options` of a middleware.
struct GivenOptions {
  GivenOptions() = default;
  s3::ParameterMap parameters;
  std::string section;  ///< where they stand, or else the entry that has none
};

Result<GivenOptions> read_given_options(const Field& entry, const Fields& middleware) {
  GivenOptions given;
  given.section = entry.as_section();
  const Field* options = middleware.find("options");
  if (options == nullptr) return given;
  given.section = options->as_section();
  RINGPULL_TRY(given.parameters, read_parameters(*options, &Field::text_or_list));
  return given;
}

/// Gives the options to whoever knows them, and keeps what there is to say.
template <class Options, class Read>
Result<void> read_options(const GivenOptions& given, MiddlewareConfiguration& middleware,
                          std::vector<std::string>& warnings, Read read) {
  RINGPULL_TRY(auto options, read(given.parameters, given.section));
  middleware.options = Options(std::move(options.value));
  std::ranges::move(options.warnings, std::back_inserter(warnings));
  return {};
}

Result<void> read_options_of(const Field& name, const GivenOptions& given,
                             MiddlewareConfiguration& middleware,
                             std::vector<std::string>& warnings) {
  RINGPULL_TRY(std::optional<std::string> text, name.text());
  if (text == "cloudfront") {
    return read_options<CloudFrontOptions>(given, middleware, warnings, read_cloudfront_parameters);
  }
  if (text == "redirect") {
    return read_options<RedirectBase>(given, middleware, warnings, read_redirect_parameters);
  }
  if (text == "rewrite") {
    return read_options<RewriteOptions>(given, middleware, warnings, read_rewrite_parameters);
  }
  return fail(name.refuse("\"" + text.value_or("") +
                          "\" is not a storage middleware of Ringpull; cloudfront, redirect and "
                          "rewrite are")
                  .with_kind(ErrorKind::unsupported));
}

Result<bool> is_disabled(const Fields& middleware) {
  const Field* disabled = middleware.find("disabled");
  if (disabled == nullptr) return false;
  return read_boolean(*disabled);
}

Result<void> read_middleware(const Field& entry, RegistryConfiguration& configuration) {
  RINGPULL_TRY(Fields fields, Fields::of(entry));
  RINGPULL_CHECK(fields.check_names(kMiddlewareNames));
  RINGPULL_TRY(bool disabled, is_disabled(fields));
  if (disabled) return {};
  const Field* name = fields.find("name");
  if (name == nullptr) return fail(entry.refuse("its name is missing"));
  MiddlewareConfiguration middleware;
  middleware.origin = entry.origin() + ": " + entry.path();
  RINGPULL_TRY(GivenOptions given, read_given_options(entry, fields));
  RINGPULL_CHECK(read_options_of(*name, given, middleware, configuration.warnings));
  configuration.middlewares.push_back(std::move(middleware));
  return {};
}

Result<void> read_middlewares(const Fields& file, RegistryConfiguration& configuration) {
  const Field* middleware = file.find("middleware");
  if (middleware == nullptr) return {};
  RINGPULL_TRY(Fields kinds, Fields::named(*middleware, {"storage"}));
  const Field* storage = kinds.find("storage");
  if (storage == nullptr) return {};
  RINGPULL_TRY(std::vector<Field> entries, storage->items());
  for (const Field& entry : entries) RINGPULL_CHECK(read_middleware(entry, configuration));
  return {};
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
    return fail(ErrorKind::invalid_argument, written->origin + ": storage is missing");
  }
  RINGPULL_TRY(Fields below_storage, Fields::of(*storage));
  RINGPULL_TRY(const Field* driver, find_driver(*storage, below_storage));
  RegistryConfiguration configuration;
  RINGPULL_TRY(configuration.s3, read_s3(*driver));
  RINGPULL_TRY(configuration.redirect_disabled, read_redirect_disabled(below_storage));
  RINGPULL_CHECK(read_middlewares(file, configuration));
  return configuration;
}

}  // namespace ringpull::inline v0::cloudfront
