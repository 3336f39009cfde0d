#pragma once
// The subcommands, a source each. Each function adds one to the command line.

#include "tools/console/command_line.hpp"

namespace ringpull::tools {

void add_bench(CommandLine& line);
void add_cat(CommandLine& line);
void add_check(CommandLine& line);
void add_completion(CommandLine& line);
void add_get(CommandLine& line);
void add_ls(CommandLine& line);
void add_man(CommandLine& line);
void add_mv(CommandLine& line);
void add_put(CommandLine& line);
void add_rm(CommandLine& line);
void add_sandbox(CommandLine& line);
void add_sign(CommandLine& line);
void add_stat(CommandLine& line);
void add_walk(CommandLine& line);

}  // namespace ringpull::tools
