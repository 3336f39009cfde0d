#pragma once
// Man pages, written from what --help is made of.

#include <string>

#include "tools/manual/program.hpp"

namespace ringpull::tools {

/// "ringpull-ls", which man(1) finds for `man ringpull ls`; "ringpull" for the program itself.
std::string page_name(const Program& program, const CommandEntry& command);

/// A page of section 1 in the macros of man(7), for groff and mandoc alike. `command` is one of
/// program's or program.itself. Says the version and no date, so that builds can be reproduced.
std::string man_page(const Program& program, const CommandEntry& command,
                     const std::string& version);

}  // namespace ringpull::tools
