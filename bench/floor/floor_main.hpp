#pragma once
// The command line that all floor programs share, and bench/pull.cpp with them.

#include "bench/floor/floor.hpp"

namespace ringpull::bench {

using FloorProgram = int (*)(const FloorOptions&, FloorResult&);

/// Reads the options, runs the program, prints its result; returns the exit code.
int floor_main(int argc, char** argv, const char* name, FloorProgram program);

}  // namespace ringpull::bench
