#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include <ringpull/engine/error.hpp>

#include "tools/console/advice.hpp"
#include "tools/console/exit_code.hpp"

namespace ringpull::tools {

/// Each adds one subcommand to the application; when it is chosen, `code` becomes what it answered.
void add_bench(CLI::App& app, ExitCode& code);
void add_cat(CLI::App& app, ExitCode& code);
void add_check(CLI::App& app, ExitCode& code);
void add_completion(CLI::App& app, ExitCode& code);
void add_get(CLI::App& app, ExitCode& code);
void add_ls(CLI::App& app, ExitCode& code);
void add_man(CLI::App& app, ExitCode& code);
void add_mv(CLI::App& app, ExitCode& code);
void add_put(CLI::App& app, ExitCode& code);
void add_rm(CLI::App& app, ExitCode& code);
void add_sandbox(CLI::App& app, ExitCode& code);
void add_sign(CLI::App& app, ExitCode& code);
void add_stat(CLI::App& app, ExitCode& code);
void add_walk(CLI::App& app, ExitCode& code);

}  // namespace ringpull::tools
