#pragma once
// What the parts of S3Driver share. Each part is a few free functions over this, with paths that
// were checked already.

#include <chrono>
#include <string>
#include <string_view>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/s3_driver_options.hpp>

#include "s3/src/driver/core/keys.hpp"

namespace ringpull::inline v0::s3::driver {

inline constexpr std::string_view kDriverName = "s3aws";

/// For what is left to do once a change has failed or was stopped: enough for several attempts at a
/// server that is restarting.
inline constexpr auto kCleanupTime = std::chrono::minutes(1);
/// The same where somebody who stopped a call waits for it to end: a few attempts at a server that
/// answers, and no long wait for one that does not.
inline constexpr auto kStoppedCleanupTime = std::chrono::seconds(5);

/// For a look at uploads that a lost answer may have left behind, which nobody should wait for
/// long: they have no parts.
inline constexpr auto kTwinSearchTime = std::chrono::seconds(2);

struct Core {
  Core(const S3DriverOptions& options_in, Client& client_in, engine::BufferPool& pool_in)
      : options(options_in),
        client(client_in),
        pool(pool_in),
        keys(options_in.root_directory),
        server(options_in.server) {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  const S3DriverOptions options;
  Client& client;
  engine::BufferPool& pool;
  const KeyMap keys;
  /// Starts as the options say; loses what the server turns out not to have.
  ServerTraits server;
  engine::Duration stopped_cleanup_time = kStoppedCleanupTime;
  engine::Duration twin_search_time = kTwinSearchTime;
};

/// For all that a call which fails or was stopped still has to do.
engine::Task<engine::Deadline> cleanup_deadline(const Core& core);

/// The Error of a request, as one of the driver's: names driver, action and path. Only an object
/// that the server says is missing becomes path_not_found; a bucket or an upload that is gone, or
/// a server that was not reached, keeps its own code and text.
Error storage_failure(Error error, std::string_view action, std::string_view path);

}  // namespace ringpull::inline v0::s3::driver
