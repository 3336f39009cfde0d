#pragma once
// What tests do with files, in one call each.

#include <gtest/gtest.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/s3/storage_driver.hpp>

#include "tests/conformance/content.hpp"

namespace ringpull::conformance {

using engine::Task;
using s3::StorageDriver;

Task<Result<Bytes>> get(StorageDriver& driver, std::string_view path);
/// By a reader.
Task<Result<Bytes>> read(StorageDriver& driver, std::string_view path, std::uint64_t offset = 0);
/// A new file, by a writer.
Task<Result<void>> write(StorageDriver& driver, std::string_view path,
                         std::span<const std::byte> bytes);
/// The same, received where the writer has prepared, in pieces of up to `piece` bytes.
Task<Result<void>> receive(StorageDriver& driver, std::string_view path,
                           std::span<const std::byte> bytes, std::size_t piece);
/// Opens a writer, writes and closes it; gives the size that it says in the end.
Task<Result<std::uint64_t>> write_and_suspend(StorageDriver& driver, std::string_view path,
                                              std::span<const std::byte> bytes, bool append);
Task<Result<std::uint64_t>> append_and_commit(StorageDriver& driver, std::string_view path,
                                              std::span<const std::byte> bytes);
/// Reads from `offset` to the end and compares with what `content` says; how many bytes.
Task<Result<std::uint64_t>> verify(StorageDriver& driver, std::string_view path,
                                   const Content& content, std::uint64_t offset = 0);

/// Files whose content is their path; of names that blanks separate, or of a list.
Task<Result<void>> put_files(StorageDriver& driver, std::string_view paths);
Task<Result<void>> put_files(StorageDriver& driver, const std::vector<std::string>& paths);
/// All files of the store, in byte order.
Task<Result<std::vector<std::string>>> files(StorageDriver& driver);

/// That it failed as the contract says, with driver and path in its text.
void expect_path_not_found(const Error& error, std::string_view path);
void expect_invalid_path(const Error& error);

template <class T>
void expect_path_not_found(const Result<T>& outcome, std::string_view path) {
  if (outcome) {
    ADD_FAILURE() << path << " was found";
    return;
  }
  expect_path_not_found(outcome.error(), path);
}

template <class T>
void expect_invalid_path(const Result<T>& outcome, std::string_view path) {
  if (outcome) {
    ADD_FAILURE() << "\"" << path << "\" was taken for a path";
    return;
  }
  expect_invalid_path(outcome.error());
}

}  // namespace ringpull::conformance
