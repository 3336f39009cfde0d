#include "bench/floor/floor_main.hpp"

int main(int argc, char** argv) {
  return ringpull::bench::floor_main(argc, argv, "floor_send_tls",
                                     ringpull::bench::run_floor_send_tls);
}
