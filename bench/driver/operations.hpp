#pragma once
// What a registry asks of its storage, as bench/go_driver has docker distribution's driver do it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <ringpull/engine/result.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/s3/s3_driver.hpp>

#include "bench/driver/content.hpp"

namespace ringpull::bench {

class OperationOptions {
 public:
  OperationOptions() = default;

  std::string endpoint;
  std::string bucket;
  std::uint64_t chunk_bytes = std::uint64_t(10) << 20;
  std::uint64_t size_bytes = std::uint64_t(1) << 30;  ///< of each file
  /// How often; of put_content, get_content and stat, on how many files.
  std::size_t count = 1;
  std::size_t files = 1000;  ///< in the tree that fill makes, list expects and delete removes
  bool verify = false;       ///< compare what is read with what should be there
};

/// One run of an operation.
class Operation {
 public:
  Operation(s3::S3Driver& driver_in, const OperationOptions& options_in)
      : driver(driver_in), options(options_in) {}

  s3::S3Driver& driver;
  const OperationOptions& options;
  const Content content;
  std::uint64_t bytes = 0;  ///< of file content that went through
};

struct NamedOperation {
  const char* name;
  engine::Task<Result<void>> (*work)(Operation&);
};

/// Named as the methods of docker distribution's StorageDriver; `fill` makes the tree.
const std::vector<NamedOperation>& named_operations();

}  // namespace ringpull::bench
