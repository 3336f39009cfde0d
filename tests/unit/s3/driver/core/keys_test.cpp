#include "s3/src/driver/core/keys.hpp"

#include <gtest/gtest.h>

#include <ringpull/s3/storage_error.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::s3::driver {
namespace {

TEST(DriverKeys, PutAPathBelowTheRootDirectoryWithoutALeadingSlash) {
  for (const char* root : {"", "/", "//"}) {
    KeyMap keys(root);
    EXPECT_EQ(keys.key("/a/b").str(), "a/b") << root;
    EXPECT_EQ(keys.prefix_below("/"), "") << root;
    EXPECT_EQ(keys.prefix_below("/a"), "a/") << root;
  }
  for (const char* root : {"x/y", "/x/y", "x/y/", "/x/y/"}) {
    KeyMap keys(root);
    EXPECT_EQ(keys.key("/a/b").str(), "x/y/a/b") << root;
    EXPECT_EQ(keys.prefix_below("/"), "x/y/") << root;
    EXPECT_EQ(keys.prefix_below("/a"), "x/y/a/") << root;
  }
}

TEST(DriverKeys, FindThePathOfAKeyAgain) {
  KeyMap keys("x");
  EXPECT_EQ(keys.path("x/a/b"), "/a/b");
  EXPECT_EQ(keys.directory_path("x/a/"), "/a");
  KeyMap top("");
  EXPECT_EQ(top.path("a/b"), "/a/b");
  EXPECT_EQ(top.directory_path("a/"), "/a");
}

TEST(DriverKeys, ShowNothingThatIsNoFile) {
  KeyMap keys("x");
  for (const char* key : {"y/a", "xa", "x/", "x", "x/a/", "x//a", "x/a b", ""}) {
    EXPECT_FALSE(keys.path(key)) << key;
  }
  EXPECT_FALSE(keys.path(keys.sidecar_key("/a").str()));
  for (const char* prefix : {"x/", "x/a", "x//", "y/a/", ""}) {
    EXPECT_FALSE(keys.directory_path(prefix)) << prefix;
  }
}

TEST(DriverFailure, NamesDriverActionAndPath) {
  Error missing = Error(ErrorKind::not_found, "NoSuchKey").with_service_code("NoSuchKey");
  Error error = storage_failure(std::move(missing), "stat", "/a");
  EXPECT_EQ(error.code(), StorageErrc::path_not_found);
  EXPECT_EQ(error.message(), "s3aws: stat /a: path not found: NoSuchKey");

  Error bucket = Error(ErrorKind::not_found, "no bucket").with_service_code("NoSuchBucket");
  bucket = storage_failure(std::move(bucket), "stat", "/a");
  EXPECT_NE(bucket.code(), StorageErrc::path_not_found);
  EXPECT_EQ(bucket.kind(), ErrorKind::not_found);

  Error down = storage_failure(Error(ErrorKind::unavailable, "503"), "list", "/");
  EXPECT_EQ(down.kind(), ErrorKind::unavailable);
  EXPECT_EQ(down.message(), "s3aws: list /: 503");
}

}  // namespace
}  // namespace ringpull::s3::driver
