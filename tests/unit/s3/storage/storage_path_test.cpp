#include <gtest/gtest.h>

#include <ringpull/s3/storage_error.hpp>
#include <ringpull/s3/storage_path.hpp>

namespace ringpull::s3 {
namespace {

TEST(StoragePath, TakesWhatARegistryWrites) {
  for (const char* path :
       {"/a", "/2", "/aa", "/a.a", "/0-9/abcdefg", "/abcdefg/z.75", "/abc/1.2.3.4.5-6_zyx/123.z/4",
        "/docker/docker-registry", "/123.abc", "/abc./abc", "/.abc", "/a--b", "/a-.b", "/_.abc",
        "/Docker/docker-registry", "/Abc/Cba", "/.", "/..", "/a/../b"}) {
    EXPECT_TRUE(is_storage_path(path)) << path;
    EXPECT_TRUE(is_storage_path_or_root(path)) << path;
  }
}

TEST(StoragePath, RefusesEverythingElse) {
  for (const char* path : {"", "abc", "123.abc", "//bcd", "/abc_123/", "/a//b", "/a b", "/a%20b",
                           "/\xC3\xA4", "/a\n", "/a*", "/a:b", "/a@b"}) {
    EXPECT_FALSE(is_storage_path(path)) << path;
    EXPECT_FALSE(is_storage_path_or_root(path)) << path;
  }
  EXPECT_FALSE(is_storage_path("/"));
  EXPECT_TRUE(is_storage_path_or_root("/"));
  EXPECT_FALSE(is_storage_path(std::string_view("/a\0b", 4)));
}

TEST(StoragePath, KnowsWhatLiesBelowWhatByComponents) {
  EXPECT_TRUE(is_at_or_below("/a", "/a"));
  EXPECT_TRUE(is_at_or_below("/a", "/a/b/c"));
  EXPECT_TRUE(is_at_or_below("/", "/"));
  EXPECT_TRUE(is_at_or_below("/", "/a"));
  EXPECT_FALSE(is_at_or_below("", "/a"));
  EXPECT_FALSE(is_at_or_below("/1.2", "/1.20"));
  EXPECT_FALSE(is_at_or_below("/a", "/ab"));
  EXPECT_FALSE(is_at_or_below("/a/b", "/a"));
}

TEST(StorageError, IsToldApartByItsCode) {
  Error missing = path_not_found("s3aws", "stat", "/a");
  EXPECT_EQ(missing.kind(), ErrorKind::not_found);
  EXPECT_EQ(missing.code(), StorageErrc::path_not_found);
  EXPECT_EQ(missing.message(), "s3aws: stat /a: path not found");

  Error path = invalid_path("s3aws", "list", "a/");
  EXPECT_EQ(path.kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(path.code(), StorageErrc::invalid_path);
  EXPECT_NE(path.code(), StorageErrc::invalid_offset);
  EXPECT_NE(path.message().find("s3aws: list \"a/\""), std::string::npos);

  Error offset = invalid_offset("s3aws", "/a", 7, "beyond what a file can hold");
  EXPECT_EQ(offset.kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(offset.code(), StorageErrc::invalid_offset);
  EXPECT_NE(offset.message().find("/a: invalid offset 7"), std::string::npos);

  Error method = unsupported_method("s3aws", "redirect_url");
  EXPECT_EQ(method.kind(), ErrorKind::unsupported);
  EXPECT_EQ(method.code(), StorageErrc::unsupported_method);
  EXPECT_STREQ(method.code().category().name(), "ringpull.storage");
}

}  // namespace
}  // namespace ringpull::s3
