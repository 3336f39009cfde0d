"""What is made from --help: man pages that groff renders without a warning, and completions as
bash and zsh do them.

Usage: manual_test.py RINGPULL
"""

import os
import pty
import re
import sys

from support.checks import check, check_equal, run_test, step, wait_until
from support.programs import dies_with_us, find_program, run_program
from support.workspace import Workspace

BASH = """
source <("$1" completion bash)
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_ringpull ringpull "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""

# `ready` appears once keys are read one by one; Ctrl-X writes the edited line to a file and ends.
ZSHRC = """
fpath=({functions} $fpath)
autoload -Uz compinit
compinit -D -u
unsetopt beep
zle-line-init() {{ : >{ready} }}
show() {{ print -r -- $BUFFER >{result}; exit }}
zle -N zle-line-init
zle -N show
bindkey '^X' show
"""


def commands_of(tool):
    shown = run_program(tool, "--help").out.split("Subcommands:")[1]
    return re.findall(r"^  ([a-z]+) ", shown, re.MULTILINE)


def options_of(tool, command):
    shown = run_program(tool, command, "--help").out
    heads = re.findall(r"^  (-[^ ]*)", shown, re.MULTILINE)
    options = {name for head in heads for name in head.split(",")}
    check("--help" in options, f"--help of {command} is read wrongly: {options}")
    return options


def render(page):
    done = run_program("groff", "-man", "-ww", "-Tascii", "-P-c", page)
    check_equal(done.err, "", f"what groff has to say about {page.name}")
    return re.sub(r"\s+", " ", re.sub(".\b", "", done.out))


def check_pages(tool, space):
    directory = space.directory("man1")
    run_program(tool, "man", "--directory", directory)
    commands = commands_of(tool)
    names = {"ringpull.1", *(f"ringpull-{command}.1" for command in commands)}
    check_equal({page.name for page in directory.iterdir()}, names, "the pages")
    whole = render(directory / "ringpull.1")
    for command in commands:
        check(f"ringpull-{command}(1)" in whole, f"ringpull(1) does not name {command}")
        page = directory / f"ringpull-{command}.1"
        text = render(page)
        for option in options_of(tool, command):
            check(re.search(rf"[ ,]{option}[ ,]", text), f"{page.name} has no {option}")
        check_equal(run_program(tool, "man", command).out, page.read_text(), f"man {command}")
    check("130 interrupted" in whole, "ringpull(1) has no exit codes")
    code = run_program(tool, "man", "nonsense", expect=2).err
    check('no command "nonsense"' in code, f"another line: {code}")


def check_directory_that_is_none(tool, space):
    done = run_program(tool, "man", "--directory", space.path / "nowhere", expect=10)
    check("nowhere/ringpull.1" in done.err, f"the line does not name the file: {done.err}")


class Bash:
    """Completes as readline asks: the words before the cursor, split as bash splits them."""

    def __init__(self, tool, space):
        self.tool, self.space = tool, space

    def complete(self, *words):
        done = run_program("bash", "--norc", "-c", BASH, "-", self.tool, "ringpull", *words,
                           cwd=self.space.directory("here"))
        check_equal(done.err, "", f"what bash has to say about {words}")
        return sorted(line for line in done.out.splitlines() if line)


def check_bash(tool, space):
    bash = Bash(tool, space)
    (space.directory("here") / "notes.txt").touch()
    (space.directory("here") / "folder").mkdir()
    check_equal(bash.complete(""), sorted(commands_of(tool)), "commands")
    check_equal(bash.complete("sand"), ["sandbox"], "a command's beginning")
    check_equal(bash.complete("--v"), ["--version"], "the program's options")
    for command in commands_of(tool):
        check_equal(set(bash.complete(command, "-")), options_of(tool, command),
                    f"options of {command}")
    check_equal(bash.complete("completion", ""), ["bash", "zsh"], "choices of an operand")
    check_equal(bash.complete("ls", "--signature", ""), ["v2", "v4"], "choices")
    check_equal(bash.complete("ls", "--signature", "="), ["v2", "v4"], "choices behind =")
    check_equal(bash.complete("ls", "--signature", "=", "v4"), ["v4"], "a choice behind =")
    check_equal(bash.complete("ls", "--json", "--re"), ["--recursive", "--region"],
                "an option behind a flag")
    check_equal(bash.complete("ls", "--ca", "no"), ["notes.txt"], "files of an option")
    check_equal(bash.complete("sandbox", "--dir", ""), ["folder"], "directories of an option")
    check_equal(bash.complete("put", ""), ["folder", "notes.txt"], "files of an operand")
    check_equal(bash.complete("put", "notes.txt", ""), [], "nothing for a URL")
    # bash makes three words of s3://b/k.
    url = ("s3", ":", "//b/k")
    check_equal(bash.complete("get", *url, "no"), ["notes.txt"], "the file behind a URL")
    check_equal(bash.complete("put", "--endpoint", "http", "://", "h", ""), ["folder", "notes.txt"],
                "the file behind an option with a URL")
    check_equal(bash.complete("put", "--", ""), ["folder", "notes.txt"], "the file behind --")
    check_equal(bash.complete("get", "s3", ":"), [], "nothing inside a URL")
    check_equal(bash.complete("get", "s3", ":", "//b"), [], "nothing inside a URL")


class Zsh:
    """An interactive zsh on a terminal: types a line and gives what it has become."""

    def __init__(self, tool, space):
        self.space = space
        self.functions = space.directory("functions")
        self.script = self.functions / "_ringpull"
        self.script.write_text(run_program(tool, "completion", "zsh").out)
        run_program("zsh", "-n", self.script)

    def complete(self, typed):
        home = self.space.directory("zsh")
        ready, result = home / "ready", home / "line"
        ready.unlink(missing_ok=True)
        result.unlink(missing_ok=True)
        (home / ".zshrc").write_text(ZSHRC.format(functions=self.functions, ready=ready,
                                                  result=result))
        argv = dies_with_us(["zsh", "-i"])
        environment = self.space.environment(ZDOTDIR=str(home), TERM="dumb")
        here = self.space.directory("here")
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(here)
            os.execve(argv[0], argv, environment)
        try:
            os.set_blocking(terminal, False)
            self._wait_for(terminal, ready.exists, "zsh to read keys")
            os.write(terminal, f"{typed}\t\x18".encode())
            self._wait_for(terminal, lambda: result.exists() and result.read_text(),
                           f"zsh to complete {typed!r}")
            return result.read_text().rstrip("\n")
        finally:
            os.close(terminal)  # a hang-up, where it has not ended
            os.waitpid(child, 0)

    @staticmethod
    def _wait_for(terminal, condition, what):
        def drained():  # so that zsh never waits for its terminal
            try:
                os.read(terminal, 65536)
            except OSError:
                pass  # nothing there, or nobody
            return condition()

        wait_until(drained, what, seconds_max=30)


def check_zsh(tool, space):
    find_program("zsh")
    zsh = Zsh(tool, space)
    for typed, line in (("ringpull sand", "ringpull sandbox "),
                        ("ringpull ls --recu", "ringpull ls --recursive "),
                        ("ringpull ls --ca no", "ringpull ls --ca notes.txt "),
                        ("ringpull ls --ca=no", "ringpull ls --ca=notes.txt "),
                        ("ringpull sandbox --dir f", "ringpull sandbox --dir folder/"),
                        ("ringpull completion z", "ringpull completion zsh "),
                        ("ringpull get s3://b/k no", "ringpull get s3://b/k notes.txt "),
                        ("ringpull get no", "ringpull get no")):
        check_equal(zsh.complete(typed), line, f"what zsh makes of {typed!r}")


def test(executable):
    with Workspace() as space:
        with step("man pages"):
            check_pages(executable, space)
            check_directory_that_is_none(executable, space)
        with step("bash"):
            check_bash(executable, space)
        with step("zsh"):
            check_zsh(executable, space)


run_test("manual", lambda: test(os.path.abspath(sys.argv[1])), seconds_max=110)
