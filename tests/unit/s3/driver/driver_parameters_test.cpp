// Every parameter of the S3 driver: what it may be, what it becomes, and what is said when it is
// wrong.
#include <algorithm>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <ringpull/s3/driver_parameters.hpp>

namespace ringpull::s3 {
namespace {

using Values = std::map<std::string, std::string>;

ParameterMap configuration(const Values& values) {
  ParameterMap map;
  for (const auto& [name, text] : values) map[name] = ParameterText(text, "config.yml:7");
  return map;
}

EnvironmentLookup environment(Values values) {
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    auto found = values.find(std::string(name));
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

/// With what cannot be left out.
Values complete(Values values) {
  values.try_emplace("bucket", "b");
  values.try_emplace("region", "us-east-1");
  return values;
}

Result<S3DriverParameters> read(const Values& values, Values variables = {}) {
  return read_s3_driver_parameters(configuration(complete(values)),
                                   environment(std::move(variables)));
}

std::string message(const Values& values, Values variables = {}) {
  auto parameters = read(values, std::move(variables));
  if (parameters) return "accepted";
  EXPECT_EQ(parameters.error().kind(), ErrorKind::invalid_argument);
  return parameters.error().message();
}

Endpoint endpoint(const Values& values) { return make_endpoint(read(values).value()).value(); }

std::string host(const Values& values) { return endpoint(values).url().origin(); }

std::string address(const Values& values) {
  auto parameters = read(values);
  if (!parameters) return parameters.error().message();
  auto made = make_endpoint(*parameters).value().address(parameters->bucket).value();
  return made.origin.origin() + made.target_prefix;
}

TEST(DriverParameters, DefaultsAreThoseOfDockerDistribution) {
  auto p = read({}).value();
  EXPECT_EQ(p.root_directory, "");
  EXPECT_FALSE(p.force_path_style);
  EXPECT_FALSE(p.redirect_endpoint);
  EXPECT_TRUE(p.secure);
  EXPECT_FALSE(p.skip_verify);
  EXPECT_FALSE(p.use_dualstack);
  EXPECT_FALSE(p.accelerate);
  EXPECT_FALSE(p.use_fips_endpoint);
  EXPECT_EQ(p.access_key, "");
  EXPECT_TRUE(p.secret_key.empty());
  EXPECT_TRUE(p.session_token.empty());
  EXPECT_TRUE(p.v4_auth);
  EXPECT_EQ(p.payload_signing, PayloadSigning::automatic);
  EXPECT_FALSE(p.encrypt);
  EXPECT_EQ(p.storage_class, "STANDARD");
  EXPECT_EQ(p.object_acl, "private");
  EXPECT_EQ(p.checksum, ChecksumMode::automatic);
  EXPECT_EQ(p.chunk_bytes, 10'485'760u);
  EXPECT_EQ(p.copy_chunk_bytes, 33'554'432u);
  EXPECT_EQ(p.copy_concurrency, 100u);
  EXPECT_EQ(p.copy_threshold_bytes, 33'554'432u);
  EXPECT_EQ(p.log_level, S3LogLevel::off);
}

TEST(DriverParameters, OursHaveTheDefaultsOfTheDriver) {
  auto p = read({}).value();
  S3DriverOptions options;
  EXPECT_EQ(p.upload_concurrency, options.upload_concurrency);
  EXPECT_EQ(p.read_concurrency, options.read_concurrency);
  EXPECT_EQ(p.read_window_bytes, options.read_window_bytes);
  EXPECT_EQ(p.connections_max, http::ClientOptions().connections_per_origin_max);
  EXPECT_EQ(memory_budget_bytes(p), engine::MemoryBudgetOptions().limit_bytes);
}

struct BooleanParameter {
  const char* name;
  std::function<bool(const S3DriverParameters&)> value;
};

TEST(DriverParameters, BooleansAreWhatYamlAndGoTakeForBooleans) {
  using P = S3DriverParameters;
  const std::vector<BooleanParameter> all = {
      {"accelerate", [](const P& p) { return p.accelerate; }},
      {"encrypt", [](const P& p) { return p.encrypt; }},
      {"forcepathstyle", [](const P& p) { return p.force_path_style.value(); }},
      {"secure", [](const P& p) { return p.secure; }},
      {"skipverify", [](const P& p) { return p.skip_verify; }},
      {"usedualstack", [](const P& p) { return p.use_dualstack; }},
      {"usefipsendpoint", [](const P& p) { return p.use_fips_endpoint; }},
      {"v4auth", [](const P& p) { return p.v4_auth; }},
  };
  for (const BooleanParameter& parameter : all) {
    Values rest;
    if (std::string(parameter.name) == "v4auth") rest["regionendpoint"] = "minio:9000";
    for (const char* yes : {"true", "True", "TRUE", "t", "T", "1", "yes", "on"}) {
      rest[parameter.name] = yes;
      EXPECT_TRUE(parameter.value(read(rest).value())) << parameter.name << " " << yes;
    }
    for (const char* no : {"false", "False", "FALSE", "f", "F", "0", "no", "off"}) {
      rest[parameter.name] = no;
      EXPECT_FALSE(parameter.value(read(rest).value())) << parameter.name << " " << no;
    }
    for (const char* neither : {"", "2", "tRUE", "truely", " true", "enabled"}) {
      rest[parameter.name] = neither;
      EXPECT_EQ(message(rest), "config.yml:7: parameter " + std::string(parameter.name) + ": \"" +
                                   neither + "\" is not a boolean: true or false");
    }
  }
}

struct NumberParameter {
  const char* name;
  bool is_size;
  std::uint64_t least;
  std::uint64_t most;
  std::string allowed;  // as in messages
  std::function<std::uint64_t(const S3DriverParameters&)> value;
};

std::vector<NumberParameter> numbers() {
  using P = S3DriverParameters;
  constexpr std::uint64_t kMany = 9'223'372'036'854'775'807u;
  std::string part = "5242880 bytes (5MiB) to 5368709120 bytes (5GiB)";
  std::string to_many = " to 9223372036854775807 bytes";
  return {
      {"chunksize", true, 5'242'880, 5'368'709'120, part, [](const P& p) { return p.chunk_bytes; }},
      {"multipartcopychunksize", true, 5'242'880, 5'368'709'120, part,
       [](const P& p) { return p.copy_chunk_bytes; }},
      {"multipartcopymaxconcurrency", false, 1, kMany, "1 to 9223372036854775807",
       [](const P& p) { return p.copy_concurrency; }},
      {"multipartcopythresholdsize", true, 0, 5'368'709'120, "0 bytes to 5368709120 bytes (5GiB)",
       [](const P& p) { return p.copy_threshold_bytes; }},
      {"uploadconcurrency", false, 1, 1024, "1 to 1024",
       [](const P& p) { return p.upload_concurrency; }},
      {"readconcurrency", false, 1, 1024, "1 to 1024",
       [](const P& p) { return p.read_concurrency; }},
      {"readwindow", true, 1'048'576, kMany, "1048576 bytes (1MiB)" + to_many,
       [](const P& p) { return p.read_window_bytes; }},
      {"memorybudget", true, 20'971'520, kMany, "10485760 bytes (10MiB)" + to_many,
       [](const P& p) { return p.memory_budget_bytes.value(); }},
      {"maxconnections", false, 1, 65'535, "1 to 65535",
       [](const P& p) { return p.connections_max; }},
  };
}

TEST(DriverParameters, NumbersAreReadUpToTheirLimits) {
  for (const NumberParameter& number : numbers()) {
    for (std::uint64_t value : {number.least, number.most}) {
      auto p = read({{number.name, std::to_string(value)}});
      ASSERT_TRUE(p) << p.error().message();
      EXPECT_EQ(number.value(*p), value) << number.name;
    }
    EXPECT_EQ(number.value(read({{number.name, "0x1400000"}}).value_or(S3DriverParameters())),
              number.most >= 0x1400000 ? 0x1400000 : number.value(S3DriverParameters()));
  }
}

TEST(DriverParameters, NumbersBeyondTheirLimitsOrWithSomethingBehindAreRefused) {
  for (const NumberParameter& number : numbers()) {
    std::vector<std::string> wrong = {"",    "10MB", "33554432abc",         "-1", "+5", " 5",
                                      "1e7", "five", "99999999999999999999"};
    if (number.least > 0) wrong.push_back(std::to_string(number.least - 1));
    if (number.least == 20'971'520) wrong.back() = "10485759";  // two parts: the test below
    wrong.push_back(std::to_string(number.most + 1));
    if (!number.is_size) wrong.push_back("10MiB");
    std::string kind = number.is_size ? "a size" : "a whole number";
    std::string how = number.is_size ? "; write bytes, or a number with KiB, MiB or GiB" : "";
    for (const std::string& text : wrong) {
      EXPECT_EQ(message({{number.name, text}}),
                "config.yml:7: parameter " + std::string(number.name) + ": \"" + text +
                    "\" is not " + kind + " from " + number.allowed + how);
    }
  }
}

TEST(DriverParameters, SizesMayHaveAUnit) {
  EXPECT_EQ(read({{"chunksize", "10MiB"}})->chunk_bytes, 10u << 20);
  EXPECT_EQ(read({{"chunksize", "5120KiB"}})->chunk_bytes, 5u << 20);
  EXPECT_EQ(read({{"readwindow", "1GiB"}})->read_window_bytes, 1u << 30);
  for (const char* text : {"10 MiB", "10mib", "10M", "MiB", "17179869184GiB"}) {
    EXPECT_FALSE(read({{"chunksize", text}})) << text;
  }
}

TEST(DriverParameters, StorageClassesAreThoseOfDockerDistribution) {
  for (const char* name : {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA",
                           "INTELLIGENT_TIERING", "OUTPOSTS", "GLACIER_IR", "EXPRESS_ONEZONE"}) {
    EXPECT_EQ(read({{"storageclass", name}})->storage_class, name);
  }
  EXPECT_EQ(read({{"storageclass", "standard_ia"}})->storage_class, "STANDARD_IA");
  EXPECT_EQ(read({{"storageclass", "none"}})->storage_class, "");
  EXPECT_EQ(message({{"storageclass", "GLACIER"}}),
            "config.yml:7: parameter storageclass: \"GLACIER\" is not one of NONE, STANDARD, "
            "REDUCED_REDUNDANCY, STANDARD_IA, ONEZONE_IA, OUTPOSTS, GLACIER_IR, EXPRESS_ONEZONE, "
            "INTELLIGENT_TIERING");
}

TEST(DriverParameters, AclsAreSpelledExactly) {
  for (const char* name : {"private", "public-read", "public-read-write", "authenticated-read",
                           "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"}) {
    EXPECT_EQ(read({{"objectacl", name}})->object_acl, name);
  }
  EXPECT_EQ(read({{"objectacl", "none"}})->object_acl, "");
  EXPECT_EQ(message({{"objectacl", "Private"}}),
            "config.yml:7: parameter objectacl: \"Private\" is not one of none, private, "
            "public-read, public-read-write, authenticated-read, aws-exec-read, "
            "bucket-owner-read, bucket-owner-full-control");
}

TEST(DriverParameters, LogLevelsAreThoseOfDockerDistribution) {
  const std::vector<std::pair<const char*, S3LogLevel>> levels = {
      {"off", S3LogLevel::off},
      {"OFF", S3LogLevel::off},
      {"false", S3LogLevel::off},
      {"", S3LogLevel::off},
      {"debug", S3LogLevel::debug},
      {"DebugWithSigning", S3LogLevel::debug_with_signing},
      {"debugwithhttpbody", S3LogLevel::debug_with_http_body},
      {"debugwithrequestretries", S3LogLevel::debug_with_request_retries},
      {"debugwithrequesterrors", S3LogLevel::debug_with_request_errors},
      {"debugwitheventstreambody", S3LogLevel::debug_with_event_stream_body}};
  for (const auto& [text, level] : levels) {
    EXPECT_EQ(read({{"loglevel", text}})->log_level, level) << text;
  }
  EXPECT_EQ(message({{"loglevel", "verbose"}}),
            "config.yml:7: parameter loglevel: \"verbose\" is not one of off, debug, "
            "debugwithsigning, debugwithhttpbody, debugwithrequestretries, "
            "debugwithrequesterrors, debugwitheventstreambody");
}

TEST(DriverParameters, ChecksumAndPayloadSigningAreChoices) {
  EXPECT_EQ(read({{"checksum", "auto"}})->checksum, ChecksumMode::automatic);
  EXPECT_EQ(read({{"checksum", "off"}})->checksum, ChecksumMode::off);
  EXPECT_EQ(read({{"checksum", "crc32c"}})->checksum, ChecksumMode::crc32c);
  EXPECT_EQ(read({{"checksum", "CRC64NVME"}})->checksum, ChecksumMode::crc64nvme);
  EXPECT_EQ(message({{"checksum", "md5"}}),
            "config.yml:7: parameter checksum: \"md5\" is not one of auto, off, crc32c, crc64nvme");
  EXPECT_EQ(read({{"payloadsigning", "auto"}})->payload_signing, PayloadSigning::automatic);
  EXPECT_EQ(read({{"payloadsigning", "always"}})->payload_signing, PayloadSigning::always);
  EXPECT_EQ(read({{"payloadsigning", "never"}})->payload_signing, PayloadSigning::never);
  EXPECT_EQ(message({{"payloadsigning", "yes"}}),
            "config.yml:7: parameter payloadsigning: \"yes\" is not one of auto, always, never");
}

TEST(DriverParameters, TextsAreTakenAsTheyAre) {
  auto p = read({{"accesskey", "AKID"},
                 {"secretkey", "s/+="},
                 {"sessiontoken", "token"},
                 {"rootdirectory", "/a/b/"},
                 {"keyid", "arn:aws:kms:x"},
                 {"useragent", "registry/3"}})
               .value();
  EXPECT_EQ(p.access_key, "AKID");
  EXPECT_EQ(p.secret_key, Secret("s/+="));
  EXPECT_EQ(p.session_token, Secret("token"));
  EXPECT_EQ(p.root_directory, "/a/b/");
  EXPECT_EQ(p.key_id, "arn:aws:kms:x");
  EXPECT_EQ(make_client_options(p)->user_agent, "ringpull registry/3");
  EXPECT_EQ(message({{"useragent", "a\nb"}}),
            "config.yml:7: parameter useragent: \"a\nb\" is not text of printable ASCII "
            "characters");
}

TEST(DriverParameters, TheRootDirectoryLeavesRoomForPaths) {
  EXPECT_TRUE(read({{"rootdirectory", std::string(512, 'a')}}));
  EXPECT_TRUE(read({{"rootdirectory", "b\xc3\xa4ume"}}));
  std::string allowed = "a prefix of at most 512 bytes of UTF-8 without control characters";
  EXPECT_EQ(message({{"rootdirectory", "a\xff"}}),
            "config.yml:7: parameter rootdirectory: \"a\xff\" is not " + allowed);
  EXPECT_EQ(message({{"rootdirectory", "a\tb"}}),
            "config.yml:7: parameter rootdirectory: \"a\tb\" is not " + allowed);
  std::string long_text(513, 'a');
  EXPECT_EQ(message({{"rootdirectory", long_text}}),
            "config.yml:7: parameter rootdirectory: \"" + long_text + "\" is not " + allowed);
}

TEST(DriverParameters, KeysBeginWithTheRootDirectory) {
  for (const char* root : {"a/b", "/a/b/", "//a/b"}) {
    EXPECT_EQ(key_prefix(*read({{"rootdirectory", root}})), "a/b/") << root;
  }
  EXPECT_EQ(key_prefix(*read({{"rootdirectory", "/"}})), "");
  EXPECT_EQ(key_prefix(*read({})), "");
}

TEST(DriverParameters, ASmallReadWindowMakesSmallReads) {
  auto options = make_driver_options(read({{"readwindow", "2MiB"}}).value()).value();
  EXPECT_EQ(options.read_window_bytes, 2u << 20);
  EXPECT_EQ(options.read_part_bytes, 2u << 20);
}

TEST(DriverParameters, NoMessageHoldsASecret) {
  for (const char* name : {"secretkey", "sessiontoken"}) {
    EXPECT_EQ(message({{name, "canary\n"}}),
              "config.yml:7: parameter " + std::string(name) +
                  ": its value is not text of printable ASCII characters");
  }
  for (const char* name : {"regionendpoint", "redirectendpoint"}) {
    std::string text = message({{name, "https://user:canary@minio"}});
    EXPECT_EQ(text.find("canary"), std::string::npos) << text;
    EXPECT_NE(text.find(std::string("parameter ") + name), std::string::npos) << text;
  }
}

TEST(DriverParameters, NullMeansTheDefault) {
  ParameterMap map = configuration(complete({}));
  map["chunksize"] = ParameterText();
  map["secure"] = ParameterText();
  auto p = read_s3_driver_parameters(map, environment({}));
  ASSERT_TRUE(p) << p.error().message();
  EXPECT_EQ(p->chunk_bytes, 10'485'760u);
  EXPECT_TRUE(p->secure);
}

TEST(DriverParameters, AnUnknownNameIsRefusedWithTheNearestOne) {
  const std::vector<std::pair<const char*, const char*>> names = {
      {"chunk_size", "chunksize"},         {"Region", "region"},
      {"regionendpont", "regionendpoint"}, {"access-key", "accesskey"},
      {"secretKey", "secretkey"},          {"skipverfy", "skipverify"},
      {"rootdir", "rootdirectory"},        {"pathstyle", "forcepathstyle"}};
  for (const auto& [wrong, right] : names) {
    EXPECT_EQ(message({{wrong, "x"}}), "config.yml:7: parameter " + std::string(wrong) +
                                           " is unknown; did you mean " + right + "?");
  }
}

TEST(DriverParameters, TheEnvironmentGoesBeforeTheConfiguration) {
  auto p =
      read({{"chunksize", "5MiB"}, {"secure", "true"}}, {{"REGISTRY_STORAGE_S3_CHUNKSIZE", "6MiB"},
                                                         {"REGISTRY_STORAGE_S3_SECURE", "false"},
                                                         {"REGISTRY_STORAGE_S3_SECRETKEY", "s"}})
          .value();
  EXPECT_EQ(p.chunk_bytes, 6u << 20);
  EXPECT_FALSE(p.secure);
  EXPECT_EQ(p.secret_key, Secret("s"));
  EXPECT_EQ(message({}, {{"REGISTRY_STORAGE_S3_ENCRYPT", "maybe"}}),
            "environment variable REGISTRY_STORAGE_S3_ENCRYPT: parameter encrypt: \"maybe\" is not "
            "a boolean: true or false");
  EXPECT_EQ(message({}, {{"REGISTRY_STORAGE_S3_ACCESS_KEY", "AKID"}}),
            "environment variable REGISTRY_STORAGE_S3_ACCESS_KEY is unknown; did you mean "
            "REGISTRY_STORAGE_S3_ACCESSKEY?");
}

TEST(DriverParameters, WordsOfAVariableTakeNoUnderscores) {
  const std::vector<std::pair<const char*, const char*>> names = {
      {"KEY_ID", "KEYID"},
      {"V4_AUTH", "V4AUTH"},
      {"OBJECT_ACL", "OBJECTACL"},
      {"SKIP_VERIFY", "SKIPVERIFY"},
      {"USE_DUALSTACK", "USEDUALSTACK"},
      {"USE_DUAL_STACK", "USEDUALSTACK"},
      {"LOG_LEVEL", "LOGLEVEL"},
      {"USER_AGENT", "USERAGENT"},
      {"MEMORY_BUDGET", "MEMORYBUDGET"},
      {"MULTIPART_COPY_MAX_CONCURRENCY", "MULTIPARTCOPYMAXCONCURRENCY"}};
  for (const auto& [wrong, right] : names) {
    EXPECT_EQ(message({}, {{"REGISTRY_STORAGE_S3_" + std::string(wrong), "x"}}),
              "environment variable REGISTRY_STORAGE_S3_" + std::string(wrong) +
                  " is unknown; did you mean REGISTRY_STORAGE_S3_" + right + "?");
  }
}

TEST(DriverParameters, BucketAndRegionCannotBeLeftOut) {
  auto none = environment({});
  auto no_bucket = read_s3_driver_parameters(configuration({{"region", "us-east-1"}}), none);
  EXPECT_EQ(no_bucket.error().message(), "s3 driver: parameter bucket is missing");
  auto no_region = read_s3_driver_parameters(configuration({{"bucket", "b"}}), none);
  EXPECT_EQ(no_region.error().message(),
            "s3 driver: parameter region is missing; without regionendpoint it chooses Amazon's "
            "endpoint, e.g. us-east-1");
  auto custom = read_s3_driver_parameters(
      configuration({{"bucket", "b"}, {"regionendpoint", "http://minio:9000"}}), none);
  EXPECT_EQ(custom->region, Region("us-east-1"));
}

TEST(DriverParameters, AnyWellFormedRegionIsGood) {
  EXPECT_EQ(host({{"region", "mx-central-7"}}), "https://s3.mx-central-7.amazonaws.com");
  EXPECT_EQ(message({{"region", "us_east/1"}}),
            "config.yml:7: parameter region: \"us_east/1\" is not the name of one of Amazon's "
            "regions, of lower-case letters, digits and '-': us-east-1");
  EXPECT_EQ(message({{"region", "a b"}, {"regionendpoint", "http://minio:9000"}}),
            "config.yml:7: parameter region: \"a b\" is not a region's name, of letters, digits, "
            "'-', '_' and '.'; us-east-1 suits most servers");
  EXPECT_EQ(message({}, {{"REGISTRY_STORAGE_S3_REGION", "us_east"}}).substr(0, 77),
            "environment variable REGISTRY_STORAGE_S3_REGION: parameter region: \"us_east\" ");
  EXPECT_EQ(message({{"region", "us_east"}, {"regionendpoint", "http://minio:9000"}}), "accepted");
}

TEST(DriverParameters, AmazonsHostsAreChosenByThreeSwitches) {
  EXPECT_EQ(host({{"usedualstack", "true"}}), "https://s3.dualstack.us-east-1.amazonaws.com");
  EXPECT_EQ(host({{"usefipsendpoint", "true"}}), "https://s3-fips.us-east-1.amazonaws.com");
  EXPECT_EQ(host({{"accelerate", "true"}}), "https://s3-accelerate.amazonaws.com");
  EXPECT_EQ(host({{"secure", "false"}}), "http://s3.us-east-1.amazonaws.com");
  for (const char* name : {"usedualstack", "accelerate", "usefipsendpoint"}) {
    EXPECT_EQ(message({{name, "true"}, {"regionendpoint", "http://minio:9000"}}),
              "s3 driver: usedualstack, accelerate and usefipsendpoint choose among Amazon's own "
              "endpoints; leave them or regionendpoint \"http://minio:9000\" out");
  }
  EXPECT_EQ(message({{"accelerate", "true"}, {"forcepathstyle", "true"}}),
            "s3 driver: parameter region \"us-east-1\": Transfer Acceleration has no path "
            "addressing; leave one of them out");
}

TEST(DriverParameters, ACustomEndpointIsAddressedByPathWhereItsNameAsksForIt) {
  EXPECT_EQ(address({{"regionendpoint", "http://10.0.0.1"}}), "http://10.0.0.1/b/");
  EXPECT_EQ(address({{"regionendpoint", "https://s3.example.com:9000"}}),
            "https://s3.example.com:9000/b/");
  EXPECT_EQ(address({{"regionendpoint", "https://s3.example.com"}, {"bucket", "a.b"}}),
            "https://s3.example.com/a.b/");
  EXPECT_EQ(address({{"regionendpoint", "https://s3.example.com"}}), "https://b.s3.example.com/");
  EXPECT_EQ(address({{"regionendpoint", "https://s3.example.com"}, {"forcepathstyle", "true"}}),
            "https://s3.example.com/b/");
  EXPECT_EQ(
      address({{"regionendpoint", "https://s3.example.com:9000"}, {"forcepathstyle", "false"}}),
      "https://b.s3.example.com:9000/");
  EXPECT_EQ(address({{"forcepathstyle", "true"}}), "https://s3.us-east-1.amazonaws.com/b/");
  EXPECT_EQ(address({{"regionendpoint", "http://10.0.0.1"}, {"forcepathstyle", "false"}}),
            "s3 driver: parameter bucket: endpoint http://10.0.0.1: virtual-host addressing needs "
            "a host name; use path addressing");
}

TEST(DriverParameters, SecureDecidesWhereTheEndpointHasNoScheme) {
  EXPECT_EQ(host({{"regionendpoint", "minio:9000"}}), "https://minio:9000");
  EXPECT_EQ(host({{"regionendpoint", "minio:9000"}, {"secure", "false"}}), "http://minio:9000");
  EXPECT_EQ(host({{"regionendpoint", "https://minio:9000"}, {"secure", "false"}}),
            "https://minio:9000");
  EXPECT_EQ(message({{"regionendpoint", "ftp://minio"}}),
            "config.yml:7: parameter regionendpoint: \"ftp://minio\" is not a host, with http:// "
            "or https:// before it and a port behind it if need be, and nothing else");
}

std::string redirect_address(Values values) {
  auto parameters = read(values);
  if (!parameters) return parameters.error().message();
  auto options = make_driver_options(*parameters);
  auto made = options->redirect_endpoint->address(parameters->bucket).value();
  return made.origin.origin() + made.target_prefix;
}

TEST(DriverParameters, RedirectsAreAddressedAsTheStoreIs) {
  EXPECT_EQ(redirect_address({{"regionendpoint", "http://minio:9000"},
                              {"redirectendpoint", "https://cdn.example.com/"}}),
            "https://cdn.example.com/b/");
  EXPECT_EQ(redirect_address({{"regionendpoint", "http://s3.internal"},
                              {"redirectendpoint", "https://cdn.example.com"}}),
            "https://b.cdn.example.com/");
  EXPECT_EQ(redirect_address({{"regionendpoint", "http://s3.internal"},
                              {"forcepathstyle", "true"},
                              {"redirectendpoint", "https://cdn.example.com"}}),
            "https://cdn.example.com/b/");
  for (const char* wrong : {"cdn.example.com", "https://", "ftp://cdn", "https://cdn/path",
                            "https://cdn/?q=1", "https://cdn#f"}) {
    EXPECT_EQ(message({{"redirectendpoint", wrong}}),
              "config.yml:7: parameter redirectendpoint: \"" + std::string(wrong) +
                  "\" is not http:// or https:// with a host, and no path or query behind it");
  }
}

TEST(DriverParameters, SignatureVersion2IsForOtherServersThanAmazons) {
  const char* refusal =
      "s3 driver: parameter v4auth: false works only with a regionendpoint that is not Amazon's, "
      "which takes no Signature Version 2";
  EXPECT_EQ(message({{"v4auth", "false"}}), refusal);
  EXPECT_EQ(message({{"v4auth", "false"}, {"regionendpoint", "https://s3.amazonaws.com"}}),
            refusal);
  auto p = read({{"v4auth", "false"}, {"regionendpoint", "http://ceph:7480"}});
  ASSERT_TRUE(p) << p.error().message();
  EXPECT_EQ(make_client_options(*p)->signature_version, SignatureVersion::v2);
  EXPECT_EQ(make_client_options(read({}).value())->signature_version, SignatureVersion::v4);
}

TEST(DriverParameters, AKeyIdCountsOnlyWithEncryption) {
  auto encryption = [](Values values) {
    return make_driver_options(read(values).value())->attributes.encryption;
  };
  EXPECT_EQ(encryption({{"keyid", "k"}}).algorithm, "");
  EXPECT_EQ(encryption({{"keyid", "k"}}).kms_key_id, "");
  EXPECT_EQ(encryption({{"encrypt", "true"}}).algorithm, "AES256");
  EXPECT_EQ(encryption({{"encrypt", "true"}, {"keyid", "k"}}).algorithm, "aws:kms");
  EXPECT_EQ(encryption({{"encrypt", "true"}, {"keyid", "k"}}).kms_key_id, "k");
}

TEST(DriverParameters, TheBudgetHoldsTwoParts) {
  EXPECT_EQ(memory_budget_bytes(read({{"chunksize", "1GiB"}}).value()), std::uint64_t(4) << 30);
  EXPECT_EQ(message({{"chunksize", "100MiB"}, {"memorybudget", "199MiB"}}),
            "s3 driver: parameter memorybudget: 208666624 bytes (199MiB) do not hold two parts of "
            "chunksize 104857600 bytes (100MiB); the least is 209715200 bytes (200MiB)");
  EXPECT_TRUE(read({{"chunksize", "100MiB"}, {"memorybudget", "200MiB"}}));
}

TEST(DriverParameters, NameNoDirectoryBucketOfAmazon) {
  EXPECT_EQ(message({{"bucket", "images--use1-az5--x-s3"}}),
            "s3 driver: parameter bucket: \"images--use1-az5--x-s3\" is a directory bucket (S3 "
            "Express One Zone), which wants sessions and lists in no order; a general purpose "
            "bucket is needed");
  EXPECT_TRUE(read({{"bucket", "b--x-s3"}, {"regionendpoint", "http://127.0.0.1:9000"}}));
}

TEST(DriverParameters, BecomeTheOptionsOfTheDriver) {
  auto p = read({{"rootdirectory", "root"},
                 {"storageclass", "STANDARD_IA"},
                 {"objectacl", "none"},
                 {"checksum", "crc32c"},
                 {"chunksize", "6MiB"},
                 {"uploadconcurrency", "2"},
                 {"readconcurrency", "3"},
                 {"readwindow", "7MiB"},
                 {"multipartcopychunksize", "8MiB"},
                 {"multipartcopythresholdsize", "9MiB"},
                 {"multipartcopymaxconcurrency", "4"},
                 {"payloadsigning", "never"}})
               .value();
  auto options = make_driver_options(p).value();
  EXPECT_EQ(options.bucket, Bucket("b"));
  EXPECT_EQ(options.root_directory, "root");
  EXPECT_EQ(options.attributes.storage_class, "STANDARD_IA");
  EXPECT_EQ(options.attributes.acl, "");
  EXPECT_EQ(options.checksum, ChecksumMode::crc32c);
  EXPECT_EQ(options.chunk_bytes, 6u << 20);
  EXPECT_EQ(options.upload_concurrency, 2u);
  EXPECT_EQ(options.read_concurrency, 3u);
  EXPECT_EQ(options.read_window_bytes, 7u << 20);
  EXPECT_EQ(options.copy_chunk_bytes, 8u << 20);
  EXPECT_EQ(options.copy_threshold_bytes, 9u << 20);
  EXPECT_EQ(options.copy_concurrency, 4u);
  EXPECT_EQ(make_client_options(p)->payload_signing, PayloadSigning::never);
}

TEST(DriverParameters, AreAllExplainedInTheDocumentation) {
  std::ifstream file(RINGPULL_SOURCE_DIR "/docs/configuration.md");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_TRUE(std::ranges::is_sorted(s3_driver_parameter_names()));
  for (std::string_view name : s3_driver_parameter_names()) {
    EXPECT_NE(text.find("`" + std::string(name) + "`"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace ringpull::s3
