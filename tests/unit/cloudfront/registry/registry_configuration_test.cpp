// The registry's configuration file: what of it is read, what variables change, and what is said
// about mistakes.
#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

#include <ringpull/cloudfront/registry_configuration.hpp>

#include "tests/support/temp_dir.hpp"

namespace ringpull::cloudfront {
namespace {

Result<RegistryConfiguration> parse(const std::string& text,
                                    const EnvironmentVariables& variables = {}) {
  return parse_registry_configuration(text, "config.yml", variables);
}

std::string message(const std::string& text, const EnvironmentVariables& variables = {},
                    ErrorKind kind = ErrorKind::invalid_argument) {
  auto parsed = parse(text, variables);
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().kind(), kind) << parsed.error().message();
  return parsed.error().message();
}

constexpr const char* kStorage = R"(version: 0.1
storage:
  s3:
    region: eu-west-3
    bucket: images
)";

std::string storage_and(const std::string& more) { return kStorage + more; }

TEST(RegistryConfiguration, ReadsTheDriver) {
  auto parsed = parse(kStorage);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->s3.region, s3::Region("eu-west-3"));
  EXPECT_EQ(parsed->s3.bucket, s3::Bucket("images"));
  EXPECT_TRUE(parsed->middlewares.empty());
  EXPECT_FALSE(parsed->redirect_disabled);
}

TEST(RegistryConfiguration, KnowsTheDriverByBothNames) {
  auto parsed = parse("storage: {s3aws: {region: eu-west-3, bucket: images}}");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->s3.bucket, s3::Bucket("images"));
}

TEST(RegistryConfiguration, LeavesTheRestOfTheFileAlone) {
  auto parsed = parse(storage_and(R"(  cache: {blobdescriptor: redis}
  delete: {enabled: true}
  maintenance: {uploadpurging: {enabled: false}}
  tag: {concurrencylimit: 5}
http: [what, {ever: this}, is]
http: given twice
? [a, list, as, a, key]
: works
middleware:
  registry: 7
  repository: [{nonsense: true}]
)"));
  EXPECT_TRUE(parsed) << parsed.error().message();
}

template <class Options>
const Options& options_of(const RegistryConfiguration& configuration, std::size_t index) {
  return std::get<Options>(configuration.middlewares.at(index).options);
}

TEST(RegistryConfiguration, ReadsMiddlewaresInTheirOrderButNotThoseDisabled) {
  auto parsed = parse(storage_and(R"(middleware:
  storage:
    - name: redirect
      options: {baseurl: "https://a.example"}
    - name: of-somebody-else
      disabled: true
      options: [what, ever]
    - name: cloudfront
      disabled: false
      options:
        baseurl: cdn.example
        duration: 3000s
        privatekey: [/a.pem, /b.pem]
        keypairid: A, B
        ipfilteredby:
    - name: rewrite
)"));
  ASSERT_TRUE(parsed) << parsed.error().message();
  ASSERT_EQ(parsed->middlewares.size(), 3u);
  EXPECT_EQ(options_of<RedirectBase>(*parsed, 0).url.origin(), "https://a.example");
  const auto& cloudfront = options_of<CloudFrontOptions>(*parsed, 1);
  EXPECT_EQ(parsed->middlewares[1].origin, "config.yml:13: middleware.storage[2]");
  EXPECT_EQ(cloudfront.base_url.to_string(), "https://cdn.example/");
  EXPECT_EQ(cloudfront.duration, std::chrono::seconds(3000));
  EXPECT_EQ(cloudfront.ip_filter, IpFilter::none);
  ASSERT_EQ(cloudfront.keys.size(), 2u);
  EXPECT_EQ(cloudfront.keys[1].path, "/b.pem");
  EXPECT_EQ(cloudfront.keys[1].key_pair_id, "B");
  EXPECT_EQ(options_of<RewriteOptions>(*parsed, 2).host, "");
}

TEST(RegistryConfiguration, HandsOnWhatThereIsToSayAboutMiddlewares) {
  auto parsed = parse(storage_and(R"(middleware:
  storage:
    - name: cloudfront
      options: {baseurl: cdn.example, privatekey: /a, keypairid: A, updatefrenquency: 1h}
    - name: redirect
      options: {baseurl: "https://a.example"}
)"));
  ASSERT_TRUE(parsed) << parsed.error().message();
  ASSERT_EQ(parsed->warnings.size(), 1u);
  EXPECT_TRUE(parsed->warnings[0].starts_with(
      "config.yml:9: middleware.storage[0].options: parameter updatefrenquency: "))
      << parsed->warnings[0];
}

TEST(RegistryConfiguration, DisablesRedirects) {
  EXPECT_TRUE(parse(storage_and("  redirect: {disable: true}")).value().redirect_disabled);
  EXPECT_FALSE(parse(storage_and("  redirect: {disable: no}")).value().redirect_disabled);
  EXPECT_FALSE(parse(storage_and("  redirect: {disable: }")).value().redirect_disabled);
  EXPECT_FALSE(parse(storage_and("  redirect:")).value().redirect_disabled);
  EXPECT_EQ(message(storage_and("  redirect: {disable: perhaps}")),
            "config.yml:6: storage.redirect: parameter disable: \"perhaps\" is not a boolean: true "
            "or false");
  EXPECT_EQ(message(storage_and("  redirect: {disabled: true}")),
            "config.yml:6: storage.redirect.disabled: this is unknown; did you mean disable?");
}

TEST(RegistryConfiguration, FollowsAliasesAndMergeKeys) {
  auto parsed = parse(R"(x-common: &common
  region: eu-west-3
  bucket: common
  secure: &secure false
x-more: &more {useragent: more, bucket: more}
storage:
  s3:
    <<: [*common, *more]
    bucket: own
    encrypt: *secure
)");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->s3.bucket, s3::Bucket("own"));
  EXPECT_EQ(parsed->s3.region, s3::Region("eu-west-3"));
  EXPECT_EQ(parsed->s3.user_agent, "more");
  EXPECT_FALSE(parsed->s3.secure);
  EXPECT_FALSE(parsed->s3.encrypt);
}

TEST(RegistryConfiguration, SaysWhereAMergedParameterStands) {
  EXPECT_EQ(message(R"(x: &common
  chunksize: 4
storage:
  s3:
    <<: *common
    region: eu-west-3
    bucket: images
)"),
            "config.yml:2: storage.s3: parameter chunksize: \"4\" is not a size from 5242880 bytes "
            "(5MiB) to 5368709120 bytes (5GiB); write bytes, or a number with KiB, MiB or GiB");
}

TEST(RegistryConfiguration, TakesValuesAsTheyAreWritten) {
  auto parsed = parse(R"(storage:
  s3:
    region: 'eu-west-3'
    bucket: "\x69mages"
    accesskey: 0042
    secretkey: "null"
    loglevel: off
    useragent: >-
      two
      lines
    keyid: ~
)");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->s3.bucket, s3::Bucket("images"));
  EXPECT_EQ(parsed->s3.access_key, "0042");
  EXPECT_EQ(parsed->s3.secret_key.reveal(), "null");
  EXPECT_EQ(parsed->s3.user_agent, "two lines");
  EXPECT_EQ(parsed->s3.key_id, "");
}

TEST(RegistryConfiguration, TakesAByteOrderMarkAndEmptyDocumentsBehind) {
  EXPECT_EQ(message(std::string("\xEF\xBB\xBF") + kStorage), "accepted");
  EXPECT_EQ(message(std::string("--- # first\n") + kStorage + "...\n---\n"), "accepted");
  EXPECT_EQ(message(std::string(kStorage) + "---\nstorage: {s3: {bucket: other}}\n"),
            "config.yml:7: a second document, of which a registry takes no notice; leave it out");
}

TEST(RegistryConfiguration, SaysWhatIsNoConfiguration) {
  for (const char* text : {"", "\n\n", "# nothing\n"}) {
    EXPECT_EQ(message(text), "config.yml:1: storage is missing") << text;
  }
  EXPECT_EQ(message("# first\nhttp: {}\n"), "config.yml:2: storage is missing");
  EXPECT_EQ(message("- a\n- b\n"), "config.yml:1: a configuration is a mapping, not a list");
  EXPECT_EQ(message("storage: {s3: {bucket: b, region: *secret/key}}"),
            "config.yml:1: this is not YAML: the referenced anchor is not defined, at column 35");
  EXPECT_EQ(message("storage:\n  s3:\n    region: r\n   bucket: b\n"),
            "config.yml:4: this is not YAML: end of map not found, at column 4");
  EXPECT_EQ(message("version: 0.2\nstorage: {s3: {bucket: b, region: r}}"),
            "config.yml:1: version: \"0.2\" is not 0.1, the only version of this file that there "
            "is");
  EXPECT_EQ(message("version: [0.1]\nstorage: {s3: {bucket: b, region: r}}"),
            "config.yml:1: version: one value is wanted here, not a list");
}

TEST(RegistryConfiguration, SaysWhatIsWrongWithTheDriver) {
  EXPECT_EQ(message("storage:"), "config.yml:1: storage: it names no storage driver; s3 is one");
  EXPECT_EQ(message("storage: {cache: {}, tag: {}}"),
            "config.yml:1: storage: it names no storage driver; s3 is one");
  EXPECT_EQ(message("storage: [s3]"),
            "config.yml:1: storage: a mapping is wanted here, not a list");
  EXPECT_EQ(message("storage:\n  filesystem: {rootdirectory: /var}\n", {}, ErrorKind::unsupported),
            "config.yml:2: storage.filesystem: this storage driver is not in Ringpull, which has "
            "s3");
  EXPECT_EQ(message(storage_and("  filesystem: {rootdirectory: /var}")),
            "config.yml:6: storage.filesystem: a second storage driver beside s3 (config.yml:3); a "
            "registry has one");
  EXPECT_EQ(message("storage:\n  s3: {region: r}\n  s3: {bucket: b}\n"),
            "config.yml:3: storage.s3: given twice; it stands at config.yml:2 as well");
  EXPECT_EQ(message("storage:\n  s3: [region]\n"),
            "config.yml:2: storage.s3: a mapping is wanted here, not a list");
}

TEST(RegistryConfiguration, SaysWhatIsWrongWithAParameter) {
  EXPECT_EQ(message(storage_and("    regoin: x")),
            "config.yml:6: storage.s3: parameter regoin is unknown; did you mean region?");
  EXPECT_EQ(message(storage_and("    secure: maybe")),
            "config.yml:6: storage.s3: parameter secure: \"maybe\" is not a boolean: true or "
            "false");
  EXPECT_EQ(message(storage_and("    region: x")),
            "config.yml:6: storage.s3.region: given twice; it stands at config.yml:4 as well");
  EXPECT_EQ(message(storage_and("    keyid: [x]")),
            "config.yml:6: storage.s3.keyid: one value is wanted here, not a list");
  EXPECT_EQ(message(storage_and("    [a, b]: x")),
            "config.yml:6: storage.s3: a name is wanted here, not a list");
  EXPECT_EQ(message("storage:\n  s3:\n    region: r\n"),
            "config.yml:2: storage.s3 (the section that begins here): s3 driver: parameter bucket "
            "is missing");
  EXPECT_EQ(message("storage: s3"),
            "config.yml:1: storage.s3 (the section that begins here): s3 driver: parameter bucket "
            "is missing");
  EXPECT_EQ(message("storage:\n  s3:\n    bucket: b\n    region: us_east\n").substr(0, 66),
            "config.yml:4: storage.s3: parameter region: \"us_east\" is not the n");
}

TEST(RegistryConfiguration, SaysWhatIsWrongWithAMiddleware) {
  auto with = [](const std::string& list) {
    return storage_and("middleware:\n  storage:\n" + list);
  };
  EXPECT_EQ(message(with("    - name: alicdn\n"), {}, ErrorKind::unsupported),
            "config.yml:8: middleware.storage[0].name: \"alicdn\" is not a storage middleware of "
            "Ringpull; cloudfront, redirect and rewrite are");
  EXPECT_EQ(message(with("    - name: redirect\n      options: {baseurl: }\n")),
            "config.yml:9: middleware.storage[0].options (the section that begins here): parameter "
            "baseurl is missing: where the registry's files are, as a URL");
  EXPECT_EQ(message(with("    - name: redirect\n")).substr(0, 101),
            "config.yml:8: middleware.storage[0] (the section that begins here): parameter baseurl "
            "is missing: whe");
  EXPECT_EQ(message(with("    - name: redirect\n      options: {baseurl: [[]]}\n")),
            "config.yml:9: middleware.storage[0].options.baseurl[0]: one value is wanted here, not "
            "a list");
  EXPECT_EQ(message(with("    - name: redirect\n      options: {base: x}\n")),
            "config.yml:9: middleware.storage[0].options: parameter base is unknown; did you mean "
            "baseurl?");
  EXPECT_EQ(message(with("    - options: {}\n")),
            "config.yml:8: middleware.storage[0]: its name is missing");
  EXPECT_EQ(message(with("    - name: redirect\n      option: {}\n")),
            "config.yml:9: middleware.storage[0].option: this is unknown; did you mean options?");
  EXPECT_EQ(message(with("    - redirect\n")),
            "config.yml:8: middleware.storage[0]: a mapping is wanted here, not a single value");
  EXPECT_EQ(message(with("    name: redirect\n")),
            "config.yml:7: middleware.storage: a list is wanted here, not a mapping");
  EXPECT_EQ(message(with("    - name: redirect\n      options: {baseurl: a, baseurl: b}\n")),
            "config.yml:9: middleware.storage[0].options.baseurl: given twice; it stands at "
            "config.yml:9 as well");
  EXPECT_EQ(message(storage_and("middleware: {storage: []}\nmiddleware: {storage: []}\n")),
            "config.yml:7: middleware: given twice; it stands at config.yml:6 as well");
}

TEST(RegistryConfiguration, NoMessageHoldsASecret) {
  const std::vector<std::string> spellings = {"    secretkey: *hunter2",
                                              "    secretkey: @hunter2",
                                              "    secretkey: \"hunter2\\q\"",
                                              "    secretkey: [hunter2]",
                                              "    secretkey: a: hunter2",
                                              "    secretkey: !hunter2 [x]",
                                              "    secretkey: hunter2\n    secretkey: hunter2",
                                              "    secretkey: \"hunter2\xC3\xA4\""};
  for (const std::string& spelling : spellings) {
    std::string text = message(storage_and(spelling));
    EXPECT_NE(text, "accepted") << spelling;
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  }
}

// Bounds.

TEST(RegistryConfiguration, RefusesAFileThatIsTooLarge) {
  std::string text = kStorage;
  text.resize(kRegistryConfigurationBytesMax, '#');
  EXPECT_EQ(message(text), "accepted");
  text += '#';
  EXPECT_EQ(message(text, {}, ErrorKind::too_large),
            "config.yml: larger than 1048576 bytes, which no configuration is");
}

TEST(RegistryConfiguration, RefusesTooManyValuesAndLevels) {
  std::string many = "x: [";
  for (int i = 0; i < 30'000; ++i) many += "a,";
  EXPECT_EQ(message(many + "]\n", {}, ErrorKind::too_large),
            "config.yml:1: more than 20000 values are no configuration");
  EXPECT_EQ(
      message("x: " + std::string(100, '[') + std::string(100, ']'), {}, ErrorKind::too_large),
      "config.yml:1: nested deeper than 64 levels");
}

TEST(RegistryConfiguration, RefusesAliasesThatMultiply) {
  std::string merge = "a0: &a0 {x0: 1, y0: 2}\n";
  std::string list = "b0: &b0 [x, x]\n";
  for (int i = 1; i < 30; ++i) {
    std::string n = std::to_string(i);
    std::string m = std::to_string(i - 1);
    merge += "a" + n + ": &a" + n + " {<<: [*a" + m + ", *a" + m + "], x" + n + ": 1}\n";
    list += "b" + n + ": &b" + n + " [*b" + m + ", *b" + m + "]\n";
  }
  EXPECT_EQ(message(merge + "storage: {s3: {<<: *a29}}\n", {}, ErrorKind::too_large).substr(0, 12),
            "config.yml:2");
  EXPECT_EQ(message(list + kStorage), "accepted");
  EXPECT_EQ(message("storage: &s {s3: *s}"),
            "config.yml:1: an alias stands inside of what it stands for");
}

// Variables.

TEST(RegistryConfiguration, VariablesGoBeforeTheFile) {
  auto parsed = parse(storage_and(R"(  redirect: {disable: false}
middleware:
  storage:
    - name: redirect
      options: {baseurl: "https://a.example"}
)"),
                      {{"REGISTRY_STORAGE_S3_BUCKET", "other"},
                       {"REGISTRY_STORAGE_S3_SECRETKEY", "*# 'raw"},
                       {"REGISTRY_STORAGE_S3_ACCESSKEY", "id"},
                       {"REGISTRY_STORAGE_REDIRECT_DISABLE", "true"},
                       {"REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR", "[nothing of ours"},
                       {"REGISTRY_MIDDLEWARE_REPOSITORY", "[nothing of ours"},
                       {"REGISTRY_HTTP_ADDR", ":5000"},
                       {"REGISTRY_MIDDLEWARE_STORAGE_0_OPTIONS_BASEURL", "https://b.example"},
                       {"REGISTRY_MIDDLEWARE_STORAGE_1_NAME", "rewrite"},
                       {"REGISTRY_MIDDLEWARE_STORAGE_1_OPTIONS_HOST", "c.example"}});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->s3.bucket, s3::Bucket("other"));
  EXPECT_EQ(parsed->s3.region, s3::Region("eu-west-3"));
  EXPECT_EQ(parsed->s3.secret_key.reveal(), "*# 'raw");
  EXPECT_TRUE(parsed->redirect_disabled);
  ASSERT_EQ(parsed->middlewares.size(), 2u);
  EXPECT_EQ(options_of<RedirectBase>(*parsed, 0).url.origin(), "https://b.example");
  EXPECT_EQ(options_of<RewriteOptions>(*parsed, 1).host, "c.example");
}

TEST(RegistryConfiguration, AVariableReplacesAWholeSection) {
  auto parsed = parse("storage: {filesystem: {rootdirectory: /var}}",
                      {{"REGISTRY_STORAGE", "s3"},
                       {"REGISTRY_STORAGE_S3", "{region: eu-west-3, bucket: images}"},
                       {"REGISTRY_STORAGE_S3_CHUNKSIZE", "16MiB"},
                       {"REGISTRY_MIDDLEWARE_STORAGE",
                        "[{name: redirect, options: {baseurl: 'https://a.example'}}]"}});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->s3.bucket, s3::Bucket("images"));
  EXPECT_EQ(parsed->s3.chunk_bytes, 16u << 20);
  ASSERT_EQ(parsed->middlewares.size(), 1u);
  EXPECT_EQ(parsed->middlewares[0].origin,
            "environment variable REGISTRY_MIDDLEWARE_STORAGE: middleware.storage[0]");
}

TEST(RegistryConfiguration, VariablesAloneAreEnough) {
  auto parsed = parse(
      "", {{"REGISTRY_STORAGE_S3_BUCKET", "images"}, {"REGISTRY_STORAGE_S3_REGION", "eu-west-3"}});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->s3.bucket, s3::Bucket("images"));
}

TEST(RegistryConfiguration, AVariableReachesWhatWasMerged) {
  auto parsed =
      parse("x: &x {s3: &s {region: eu-west-3, bucket: images}}\nstorage: {<<: *x}\ny: *s\n",
            {{"REGISTRY_STORAGE_S3_BUCKET", "other"}});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->s3.bucket, s3::Bucket("other"));
  EXPECT_EQ(parsed->s3.region, s3::Region("eu-west-3"));
}

TEST(RegistryConfiguration, SaysWhichVariableIsWrong) {
  EXPECT_EQ(message(kStorage, {{"REGISTRY_STORAGE_S3_REGION", "\x01"}}).substr(0, 75),
            "environment variable REGISTRY_STORAGE_S3_REGION: storage.s3: parameter regi");
  EXPECT_EQ(message(kStorage, {{"REGISTRY_STORAGE_S3_CHUNKSIZE", "4x"}}).substr(0, 84),
            "environment variable REGISTRY_STORAGE_S3_CHUNKSIZE: storage.s3: parameter chunksize"
            ":");
  EXPECT_EQ(message(kStorage, {{"REGISTRY_STORAGE_S3_ACCESS_KEY", "id"}}),
            "environment variable REGISTRY_STORAGE_S3_ACCESS_KEY: storage.s3: parameter access_key "
            "is unknown; did you mean accesskey?");
  EXPECT_EQ(message(kStorage, {{"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/var"}}),
            "environment variable REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: storage.filesystem: a "
            "second storage driver beside s3 (config.yml:3); a registry has one");
  EXPECT_EQ(message(kStorage, {{"REGISTRY_MIDDLEWARE_STORAGE_1_NAME", "redirect"}}),
            "environment variable REGISTRY_MIDDLEWARE_STORAGE_1_NAME: the list has 0 entries, "
            "counted from 0; the next one is 0");
  EXPECT_EQ(message(storage_and("middleware: {storage: {}}\n"),
                    {{"REGISTRY_MIDDLEWARE_STORAGE_0_NAME", "redirect"}}),
            "environment variable REGISTRY_MIDDLEWARE_STORAGE_0_NAME: it names a part of a list, "
            "but config.yml:6 has a mapping");
  EXPECT_EQ(message(kStorage, {{"REGISTRY_MIDDLEWARE_STORAGE", "[{name: redirect"}}),
            "environment variable REGISTRY_MIDDLEWARE_STORAGE: this is not YAML: end of map flow "
            "not found, at column 1");
}

// Files.

TEST(RegistryConfiguration, ReadsAFileAndNamesItByItsPath) {
  testing::TempDir folder;
  std::string path = folder.file("config.yml");
  std::ofstream(path) << kStorage;
  EXPECT_TRUE(read_registry_configuration(path, {}));
  std::ofstream(path) << "storage:\n";
  auto wrong = read_registry_configuration(path, {});
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().message().starts_with(path + ":1: storage: "));
  auto missing = read_registry_configuration(folder.file("nothing.yml"), {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind(), ErrorKind::not_found);
}

}  // namespace
}  // namespace ringpull::cloudfront
