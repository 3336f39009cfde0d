// The files of tests/golden/config, as documentation has them: each *.yml is what its *.txt says.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <vector>

#include <ringpull/cloudfront/registry_configuration.hpp>
#include <ringpull/s3/duration_text.hpp>

namespace ringpull::cloudfront {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string or_none(const std::string& text) { return text.empty() ? "none" : text; }

std::string line_of(const s3::S3DriverParameters& s3) {
  s3::S3DriverOptions options = s3::make_driver_options(s3).value();
  const s3::Encryption& encryption = options.attributes.encryption;
  bool has_key = !s3.access_key.empty() && !s3.secret_key.empty();
  std::string text = "bucket " + s3.bucket.str() + ", region " + s3.region.str() + ", root \"" +
                     s3.root_directory + "\"\n";
  text += "endpoint " + s3::make_endpoint(s3).value().url().origin() + "\n";
  text += has_key ? "key " + s3.access_key + "\n" : "keys from the chain\n";
  text += "class " + or_none(s3.storage_class) + ", acl " + or_none(s3.object_acl) +
          ", encryption " + or_none(encryption.algorithm);
  if (!encryption.kms_key_id.empty()) text += " by " + encryption.kms_key_id;
  return text + "\n";
}

std::string filter_of(const CloudFrontOptions& options) {
  if (options.ip_filter == IpFilter::none) return "none";
  std::string text = options.ip_filter == IpFilter::aws ? "aws" : "aws_region";
  for (const std::string& region : options.regions) text += " " + region;
  return text + " by " + options.ip_ranges_url.to_string() + " each " +
         s3::duration_text(options.update_frequency);
}

std::string line_of(const CloudFrontOptions& options) {
  std::string text = "cloudfront " + options.base_url.to_string() + " for " +
                     s3::duration_text(options.duration) + ", filter " + filter_of(options);
  for (const KeyFile& key : options.keys) text += ", key " + key.key_pair_id + " in " + key.path;
  return text + "\n";
}

std::string line_of(const RedirectBase& base) { return "redirect " + base.url.to_string() + "\n"; }

std::string line_of(const RewriteOptions& options) {
  std::string scheme = !options.scheme                          ? "-"
                       : *options.scheme == http::Scheme::https ? "https"
                                                                : "http";
  return "rewrite " + scheme + " " + options.host + " without " + options.trim_path_prefix + "\n";
}

std::string description(const RegistryConfiguration& configuration) {
  std::string text = line_of(configuration.s3);
  text += configuration.redirect_disabled ? "redirects off\n" : "redirects on\n";
  for (const MiddlewareConfiguration& middleware : configuration.middlewares) {
    text += std::visit([](const auto& options) { return line_of(options); }, middleware.options);
  }
  for (const std::string& warning : configuration.warnings) text += "warning " + warning + "\n";
  return text;
}

std::vector<fs::path> examples() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(RINGPULL_SOURCE_DIR "/tests/golden/config")) {
    if (entry.path().extension() == ".yml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

TEST(ConfigurationExamples, MeanWhatIsWrittenBesideThem) {
  std::vector<fs::path> files = examples();
  ASSERT_EQ(files.size(), 7u);
  for (const fs::path& file : files) {
    std::string name = file.filename().string();
    auto parsed = parse_registry_configuration(text_of(file), name, {});
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(description(*parsed), text_of(fs::path(file).replace_extension(".txt"))) << file;
  }
}

}  // namespace
}  // namespace ringpull::cloudfront
