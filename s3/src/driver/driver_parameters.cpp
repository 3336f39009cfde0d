#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <ringpull/s3/driver_parameters.hpp>
#include <ringpull/s3/parameter_text.hpp>
#include <ringpull/s3/server_traits.hpp>
#include <ringpull/s3/utf8.hpp>

#include "s3/src/driver/core/keys.hpp"

namespace ringpull::inline v0::s3 {

namespace {

using P = S3DriverParameters;
using Given = GivenParameter;

constexpr std::string_view kEnvironmentPrefix = "REGISTRY_STORAGE_S3_";
constexpr std::uint64_t kMiB = std::uint64_t(1) << 20;
// Where none is needed; what most servers expect.
constexpr const char* kAnyRegion = "us-east-1";
constexpr std::uint64_t kInt64Max = std::numeric_limits<std::int64_t>::max();

constexpr std::array<std::string_view, 9> kStorageClasses = {
    "NONE",     "STANDARD",   "REDUCED_REDUNDANCY", "STANDARD_IA",        "ONEZONE_IA",
    "OUTPOSTS", "GLACIER_IR", "EXPRESS_ONEZONE",    "INTELLIGENT_TIERING"};
constexpr std::array<std::string_view, 8> kAcls = {"none",
                                                   "private",
                                                   "public-read",
                                                   "public-read-write",
                                                   "authenticated-read",
                                                   "aws-exec-read",
                                                   "bucket-owner-read",
                                                   "bucket-owner-full-control"};
// In the order of S3LogLevel, ChecksumMode and PayloadSigning.
constexpr std::array<std::string_view, 7> kLogLevels = {"off",
                                                        "debug",
                                                        "debugwithsigning",
                                                        "debugwithhttpbody",
                                                        "debugwithrequestretries",
                                                        "debugwithrequesterrors",
                                                        "debugwitheventstreambody"};
constexpr std::array<std::string_view, 4> kChecksums = {"auto", "off", "crc32c", "crc64nvme"};
constexpr std::array<std::string_view, 3> kPayloadSignings = {"auto", "always", "never"};

template <class T, class U>
Result<void> put(T& place, Result<U> value) {
  if (!value) return fail(std::move(value).error());
  place = T(std::move(*value));
  return {};
}

template <auto Member>
Result<void> read_boolean(P& p, const Given& given) {
  return put(p.*Member, given.boolean());
}

template <auto Member>
Result<void> read_text(P& p, const Given& given) {
  return put(p.*Member, given.header_text());
}

template <auto Member, std::uint64_t least, std::uint64_t most>
Result<void> read_size(P& p, const Given& given) {
  return put(p.*Member, given.size(least, most));
}

template <auto Member, std::uint64_t least, std::uint64_t most>
Result<void> read_count(P& p, const Given& given) {
  return put(p.*Member, given.count(least, most));
}

Result<void> read_checksum(P& p, const Given& given) {
  RINGPULL_TRY(std::size_t index, given.choice(kChecksums, LetterCase::any));
  p.checksum = static_cast<ChecksumMode>(index);
  return {};
}

Result<void> read_payload_signing(P& p, const Given& given) {
  RINGPULL_TRY(std::size_t index, given.choice(kPayloadSignings, LetterCase::any));
  p.payload_signing = static_cast<PayloadSigning>(index);
  return {};
}

Result<void> read_storage_class(P& p, const Given& given) {
  RINGPULL_TRY(std::size_t index, given.choice(kStorageClasses, LetterCase::any));
  p.storage_class = index == 0 ? "" : kStorageClasses[index];
  return {};
}

Result<void> read_acl(P& p, const Given& given) {
  RINGPULL_TRY(std::size_t index, given.choice(kAcls, LetterCase::exact));
  p.object_acl = index == 0 ? "" : kAcls[index];
  return {};
}

Result<void> read_log_level(P& p, const Given& given) {
  // YAML makes a boolean of `off`, and configuration loaders make "false" of that.
  bool off = given.text == "false" || given.text.empty();
  RINGPULL_TRY(std::size_t index, off ? 0 : given.choice(kLogLevels, LetterCase::any));
  p.log_level = static_cast<S3LogLevel>(index);
  return {};
}

/// Half of what a key may have is left to paths.
Result<void> read_root_directory(P& p, const Given& given) {
  bool control =
      std::ranges::any_of(given.text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
  if (control || given.text.size() > kKeyBytesMax / 2 || !is_utf8(given.text)) {
    return fail(given.refuse("a prefix of at most " + std::to_string(kKeyBytesMax / 2) +
                             " bytes of UTF-8 without control characters"));
  }
  p.root_directory = given.text;
  return {};
}

bool has_scheme(std::string_view url) { return url.find("://") != std::string_view::npos; }

Result<void> read_region_endpoint(P& p, const Given& given) {
  if (!given.text.empty() && !Endpoint::create(given.text, Region(kAnyRegion))) {
    return fail(
        given.refuse("a host, with http:// or https:// before it and a port behind it if "
                     "need be, and nothing else"));
  }
  p.region_endpoint = given.text;
  return {};
}

/// Its region and addressing follow from the other endpoint: make_driver_options.
Result<void> read_redirect_endpoint(P& p, const Given& given) {
  if (given.text.empty()) return {};
  auto endpoint = Endpoint::create(given.text, Region(kAnyRegion));
  if (!endpoint || !has_scheme(given.text)) {
    return fail(given.refuse("http:// or https:// with a host, and no path or query behind it"));
  }
  p.redirect_endpoint = std::move(*endpoint);
  return {};
}

struct Parameter {
  std::string_view name;
  Result<void> (*read)(P& parameters, const Given& given);
  Secrecy secrecy = Secrecy::open;
};

constexpr Parameter kParameters[] = {
    {"accelerate", &read_boolean<&P::accelerate>},
    {"accesskey", &read_text<&P::access_key>},
    {"bucket", &read_text<&P::bucket>},
    {"checksum", &read_checksum},
    {"chunksize", &read_size<&P::chunk_bytes, kPartBytesMin, kPartBytesMax>},
    {"encrypt", &read_boolean<&P::encrypt>},
    {"forcepathstyle", &read_boolean<&P::force_path_style>},
    {"keyid", &read_text<&P::key_id>},
    {"loglevel", &read_log_level},
    {"maxconnections", &read_count<&P::connections_max, 1, 65'535>},
    {"memorybudget", &read_size<&P::memory_budget_bytes, 2 * kPartBytesMin, kInt64Max>},
    {"multipartcopychunksize", &read_size<&P::copy_chunk_bytes, kPartBytesMin, kPartBytesMax>},
    {"multipartcopymaxconcurrency", &read_count<&P::copy_concurrency, 1, kInt64Max>},
    {"multipartcopythresholdsize", &read_size<&P::copy_threshold_bytes, 0, kCopyObjectBytesMax>},
    {"objectacl", &read_acl},
    {"payloadsigning", &read_payload_signing},
    {"readconcurrency", &read_count<&P::read_concurrency, 1, 1024>},
    {"readwindow", &read_size<&P::read_window_bytes, kMiB, kInt64Max>},
    {"redirectendpoint", &read_redirect_endpoint},
    {"region", &read_text<&P::region>},
    {"regionendpoint", &read_region_endpoint},
    {"rootdirectory", &read_root_directory},
    {"secretkey", &read_text<&P::secret_key>, Secrecy::secret},
    {"secure", &read_boolean<&P::secure>},
    {"sessiontoken", &read_text<&P::session_token>, Secrecy::secret},
    {"skipverify", &read_boolean<&P::skip_verify>},
    {"storageclass", &read_storage_class},
    {"uploadconcurrency", &read_count<&P::upload_concurrency, 1, 1024>},
    {"usedualstack", &read_boolean<&P::use_dualstack>},
    {"usefipsendpoint", &read_boolean<&P::use_fips_endpoint>},
    {"useragent", &read_text<&P::user_agent>},
    {"v4auth", &read_boolean<&P::v4_auth>},
};

std::string environment_name(std::string_view parameter) {
  std::string name(kEnvironmentPrefix);
  for (char c : parameter) name += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return name;
}

/// Spellings that users try (docker distribution's issue 1982) and that nothing would ever read.
Result<void> check_environment_names(const EnvironmentLookup& environment) {
  constexpr std::string_view kMistaken[] = {"ACCESS_KEY",
                                            "CHUNK_SIZE",
                                            "FORCE_PATH_STYLE",
                                            "KEY_ID",
                                            "LOG_LEVEL",
                                            "MULTIPART_COPY_CHUNK_SIZE",
                                            "OBJECT_ACL",
                                            "PAYLOAD_SIGNING",
                                            "MULTIPART_COPY_MAX_CONCURRENCY",
                                            "READ_CONCURRENCY",
                                            "READ_WINDOW",
                                            "MULTIPART_COPY_THRESHOLD_SIZE",
                                            "MAX_CONNECTIONS",
                                            "MEMORY_BUDGET",
                                            "REDIRECT_ENDPOINT",
                                            "REGION_ENDPOINT",
                                            "ROOT_DIRECTORY",
                                            "SECRET_KEY",
                                            "SESSION_TOKEN",
                                            "SKIP_VERIFY",
                                            "STORAGE_CLASS",
                                            "USE_DUALSTACK",
                                            "USE_DUAL_STACK",
                                            "UPLOAD_CONCURRENCY",
                                            "USE_FIPS_ENDPOINT",
                                            "USER_AGENT",
                                            "V4_AUTH"};
  for (std::string_view mistaken : kMistaken) {
    std::string name = std::string(kEnvironmentPrefix) + std::string(mistaken);
    if (!environment(name)) continue;
    std::string right(mistaken);
    std::erase(right, '_');
    return fail(ErrorKind::invalid_argument, "environment variable " + name +
                                                 " is unknown; did you mean " +
                                                 std::string(kEnvironmentPrefix) + right + "?");
  }
  return {};
}

/// What is given for it, by the environment or else the configuration.
std::optional<ParameterText> find_text(std::string_view parameter,
                                       const ParameterMap& configuration,
                                       const EnvironmentLookup& environment) {
  std::string variable = environment_name(parameter);
  if (auto text = environment(variable)) {
    return ParameterText(std::move(*text), "environment variable " + variable);
  }
  auto found = configuration.find(parameter);
  if (found == configuration.end() || !found->second.text) return std::nullopt;
  return found->second;
}

Result<void> read_all(P& parameters, const ParameterMap& configuration,
                      const EnvironmentLookup& environment) {
  for (const Parameter& parameter : kParameters) {
    auto found = find_text(parameter.name, configuration, environment);
    if (!found) continue;
    GivenParameter given(parameter.name, *found->text, found->origin, parameter.secrecy);
    RINGPULL_CHECK(parameter.read(parameters, given));
  }
  return {};
}

/// What may stand there depends on the endpoint: Amazon's has the region in its name.
Result<void> check_region(const P& p, const ParameterMap& configuration,
                          const EnvironmentLookup& environment) {
  auto found = find_text("region", configuration, environment);
  if (!found || found->text->empty()) return {};
  GivenParameter given("region", *found->text, found->origin, Secrecy::open);
  if (p.region_endpoint.empty()) {
    if (Endpoint::aws(p.region)) return {};
    return fail(
        given.refuse("the name of one of Amazon's regions, of lower-case letters, digits and '-': "
                     "us-east-1"));
  }
  if (Endpoint::create(p.region_endpoint, p.region)) return {};
  return fail(
      given.refuse("a region's name, of letters, digits, '-', '_' and '.'; us-east-1 suits most "
                   "servers"));
}

tl::unexpected<Error> contradiction(std::string text) {
  return fail(ErrorKind::invalid_argument, "s3 driver: " + std::move(text));
}

Result<void> check_place(const P& p) {
  if (p.bucket.empty()) return contradiction("parameter bucket is missing");
  if (p.region_endpoint.empty() && p.region.empty()) {
    return contradiction(
        "parameter region is missing; without regionendpoint it chooses Amazon's endpoint, "
        "e.g. us-east-1");
  }
  bool aws_host = p.use_dualstack || p.accelerate || p.use_fips_endpoint;
  if (aws_host && !p.region_endpoint.empty()) {
    return contradiction(
        "usedualstack, accelerate and usefipsendpoint choose among Amazon's own endpoints; leave "
        "them or regionendpoint \"" +
        p.region_endpoint + "\" out");
  }
  return {};
}

Result<void> check_together(const P& p) {
  RINGPULL_CHECK(check_place(p));
  RINGPULL_TRY(Endpoint endpoint, make_endpoint(p));
  auto address = endpoint.address(p.bucket);
  if (!address) return fail(std::move(address).error().context("s3 driver: parameter bucket"));
  if (is_amazon(endpoint) && p.bucket.str().ends_with("--x-s3")) {
    return contradiction("parameter bucket: \"" + p.bucket.str() +
                         "\" is a directory bucket (S3 Express One Zone), which wants sessions "
                         "and lists in no order; a general purpose bucket is needed");
  }
  if (!p.v4_auth && (p.region_endpoint.empty() || is_amazon(endpoint))) {
    return contradiction(
        "parameter v4auth: false works only with a regionendpoint that is not Amazon's, which "
        "takes no Signature Version 2");
  }
  std::uint64_t least = 2 * p.chunk_bytes;
  if (memory_budget_bytes(p) < least) {
    return contradiction("parameter memorybudget: " + size_text(memory_budget_bytes(p)) +
                         " do not hold two parts of chunksize " + size_text(p.chunk_bytes) +
                         "; the least is " + size_text(least));
  }
  RINGPULL_TRY(S3DriverOptions options, make_driver_options(p));
  if (options.redirect_endpoint) {
    auto public_address = options.redirect_endpoint->address(p.bucket);
    if (!public_address) {
      return fail(
          std::move(public_address).error().context("s3 driver: parameter redirectendpoint"));
    }
  }
  return {};
}

Addressing addressing(const P& p) {
  if (!p.force_path_style) return Addressing::automatic;
  return *p.force_path_style ? Addressing::path : Addressing::virtual_host;
}

/// A store that is addressed by path behind one name is addressed so behind the other one as well:
/// few stores know both names as their own.
Result<Endpoint> public_endpoint(const P& p, const Endpoint& endpoint) {
  RINGPULL_TRY(BucketAddress address, endpoint.address(p.bucket));
  bool by_path = address.target_prefix != "/";
  return Endpoint::create(p.redirect_endpoint->url().origin(), endpoint.region(),
                          by_path ? Addressing::path : addressing(p));
}

}  // namespace

std::span<const std::string_view> s3_driver_parameter_names() noexcept {
  static constexpr auto kNames = [] {
    std::array<std::string_view, std::size(kParameters)> names;
    std::ranges::transform(kParameters, names.begin(), &Parameter::name);
    return names;
  }();
  return kNames;
}

Result<S3DriverParameters> read_s3_driver_parameters(const ParameterMap& configuration,
                                                     const EnvironmentLookup& environment) {
  RINGPULL_CHECK(check_parameter_names(configuration, s3_driver_parameter_names()));
  RINGPULL_CHECK(check_environment_names(environment));
  S3DriverParameters parameters;
  RINGPULL_CHECK(read_all(parameters, configuration, environment));
  RINGPULL_CHECK(check_region(parameters, configuration, environment));
  if (parameters.region.empty() && !parameters.region_endpoint.empty()) {
    parameters.region = Region(kAnyRegion);
  }
  RINGPULL_CHECK(check_together(parameters));
  return parameters;
}

Result<Endpoint> make_endpoint(const S3DriverParameters& p) {
  if (p.region_endpoint.empty()) {
    AwsHosts hosts;
    hosts.dualstack = p.use_dualstack;
    hosts.accelerate = p.accelerate;
    hosts.fips = p.use_fips_endpoint;
    hosts.secure = p.secure;
    auto endpoint = Endpoint::aws(p.region, hosts, addressing(p));
    if (endpoint) return endpoint;
    return fail(std::move(endpoint).error().context("s3 driver: parameter region \"" +
                                                    p.region.str() + "\""));
  }
  std::string url = p.region_endpoint;
  if (!has_scheme(url)) url.insert(0, p.secure ? "https://" : "http://");
  auto endpoint = Endpoint::create(url, p.region, addressing(p));
  if (endpoint) return endpoint;
  return fail(std::move(endpoint).error().context("s3 driver: parameters region \"" +
                                                  p.region.str() + "\" and regionendpoint \"" +
                                                  p.region_endpoint + "\""));
}

Result<ClientOptions> make_client_options(const S3DriverParameters& p) {
  RINGPULL_TRY(Endpoint endpoint, make_endpoint(p));
  ClientOptions options(std::move(endpoint));
  options.signature_version = p.v4_auth ? SignatureVersion::v4 : SignatureVersion::v2;
  options.payload_signing = p.payload_signing;
  if (!p.user_agent.empty()) options.user_agent += " " + p.user_agent;
  options.log.level = p.log_level;
  return options;
}

Result<S3DriverOptions> make_driver_options(const S3DriverParameters& p) {
  RINGPULL_TRY(Endpoint endpoint, make_endpoint(p));
  S3DriverOptions options;
  options.bucket = p.bucket;
  options.root_directory = p.root_directory;
  options.attributes.acl = p.object_acl;
  options.attributes.storage_class = p.storage_class;
  if (p.encrypt) {
    options.attributes.encryption.algorithm = p.key_id.empty() ? "AES256" : "aws:kms";
    options.attributes.encryption.kms_key_id = p.key_id;
  }
  options.server = server_traits(endpoint);
  options.checksum = p.checksum;
  options.chunk_bytes = p.chunk_bytes;
  options.upload_concurrency = static_cast<std::size_t>(p.upload_concurrency);
  options.read_concurrency = static_cast<std::size_t>(p.read_concurrency);
  options.read_window_bytes = p.read_window_bytes;
  options.read_part_bytes = std::min(options.read_part_bytes, p.read_window_bytes);
  options.copy_threshold_bytes = p.copy_threshold_bytes;
  options.copy_chunk_bytes = p.copy_chunk_bytes;
  options.copy_concurrency = static_cast<std::size_t>(p.copy_concurrency);
  if (p.redirect_endpoint) {
    RINGPULL_TRY(options.redirect_endpoint, public_endpoint(p, endpoint));
  }
  return options;
}

std::string key_prefix(const S3DriverParameters& p) {
  return driver::KeyMap(p.root_directory).prefix_below("/");
}

std::uint64_t memory_budget_bytes(const S3DriverParameters& p) noexcept {
  if (p.memory_budget_bytes) return *p.memory_budget_bytes;
  return std::max(256 * kMiB, 4 * p.chunk_bytes);
}

}  // namespace ringpull::inline v0::s3
