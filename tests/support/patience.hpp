#pragma once
// HTTP without limits that a pause of the test's whole process could run into: then a test fails by
// what its program does, and not by when the machine let it. For tests of which time is no part.

#include <chrono>

#include <ringpull/http/client.hpp>
#include <ringpull/http/server.hpp>

namespace ringpull::testing {

inline http::ClientOptions patient_client_options() {
  http::ClientOptions options;
  options.limits.connect = std::chrono::hours(1);
  options.limits.first_byte = std::chrono::hours(1);
  options.limits.stall = std::chrono::hours(1);
  return options;
}

inline http::ServerOptions patient_server_options() {
  http::ServerOptions options;
  options.idle = std::chrono::hours(1);
  options.stall = std::chrono::hours(1);
  return options;
}

}  // namespace ringpull::testing
