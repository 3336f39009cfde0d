// `man` and `completion`: what --help says, for man(1) and for shells.

#include <fmt/format.h>
#include <fstream>
#include <memory>

#include <ringpull/engine/loop.hpp>

#include "tools/commands/commands.hpp"
#include "tools/console/advice.hpp"
#include "tools/console/output.hpp"
#include "tools/manual/completion.hpp"
#include "tools/manual/man_page.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

struct ManArguments {
  ManArguments() = default;
  std::string command;
  std::string directory;
};

ExitCode print(const std::string& command, const std::string& text) {
  auto loop = engine::Loop::create(engine::LoopOptions());
  if (!loop) return report(command, loop.error());
  auto outcome = (*loop)->run([&text] { return write_out(text); });
  return outcome ? ExitCode::success : report(command, outcome.error());
}

Result<void> write_page(const std::string& path, const std::string& page) {
  std::ofstream file(path, std::ios::binary);
  file << page;
  file.close();
  if (!file) return fail(Error::from_errno(errno, "write " + path).with_kind(ErrorKind::io));
  return {};
}

Result<void> write_pages(const Program& program, const std::string& directory) {
  auto write = [&](const CommandEntry& command) {
    std::string path = fmt::format("{}/{}.1", directory, page_name(program, command));
    return write_page(path, man_page(program, command, RINGPULL_VERSION));
  };
  RINGPULL_CHECK(write(program.itself));
  for (const CommandEntry& command : program.commands) RINGPULL_CHECK(write(command));
  return {};
}

Result<std::string> page_of(const Program& program, const std::string& name) {
  if (name.empty()) return man_page(program, program.itself, RINGPULL_VERSION);
  for (const CommandEntry& command : program.commands) {
    if (command.name == name) return man_page(program, command, RINGPULL_VERSION);
  }
  return fail(ErrorKind::invalid_argument,
              fmt::format("there is no command \"{}\"; `{} --help` lists what there is", name,
                          program.name));
}

ExitCode run_man(const CommandLine& line, const ManArguments& arguments) {
  Program program = describe(line);
  if (!arguments.directory.empty()) {
    auto written = write_pages(program, arguments.directory);
    return written ? ExitCode::success : report("man", written.error());
  }
  auto page = page_of(program, arguments.command);
  return page ? print("man", *page) : report("man", page.error());
}

}  // namespace

void add_completion(CommandLine& line) {
  auto shell = std::make_shared<std::string>();
  Command command = line.add("completion", "Print the completion script of a shell");
  command.option("shell", *shell, "The shell that is to load it")
      .required()
      .one_of({"bash", "zsh"});
  command.footer("For this session: source <(ringpull completion bash)");
  command.on_chosen([&line, shell] {
    Program program = describe(line);
    return print("completion",
                 *shell == "bash" ? bash_completion(program) : zsh_completion(program));
  });
}

void add_man(CommandLine& line) {
  auto arguments = std::make_shared<ManArguments>();
  Command command = line.add("man", "Print the man page of the program or of a command");
  Option name =
      command.option("command", arguments->command, "Of which command; default: of the program");
  command
      .option("--directory", arguments->directory,
              "Write all pages into this directory, ringpull.1 and ringpull-COMMAND.1")
      .value_name("DIR")
      .excludes(name);
  command.footer("To read one: ringpull man get | man -l -");
  command.on_chosen([&line, arguments] { return run_man(line, *arguments); });
}

}  // namespace ringpull::tools
