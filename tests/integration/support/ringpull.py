"""The `ringpull` tool under test."""

import json
import signal
import subprocess

from .checks import CheckFailed, check, check_equal, wait_until
from .programs import dies_with_us, run_program


class Ringpull:
    """Runs the tool against one endpoint, its keys given by AWS_* variables; with `config` on the
    storage that this file of a registry describes.

    Whatever it prints is searched for the secret key: none may show, in success or failure.
    """

    def __init__(self, executable, space, endpoint, options=("--path-style",), config=None,
                 variables=None):
        self.executable, self._space, self._options = executable, space, options
        self.endpoint, self._config, self._variables = endpoint, config, variables or {}

    def run(self, command, *arguments, expect=0, seconds_max=120):
        done = run_program(*self._argv(command, arguments), env=self._environment(), expect=expect,
                           seconds_max=seconds_max)
        self._search_for_secrets(done.out + done.err)
        return done

    def list(self, url):
        """What `ls --json` prints for each object below a prefix, by key."""
        lines = self.run("ls", "--recursive", "--json", url).out.splitlines()
        return {item["key"]: item for item in map(json.loads, lines)}

    def stat(self, url):
        return json.loads(self.run("stat", "--json", url).out)

    def get(self, url, path, *options):
        return self.run("get", *options, url, path)

    def put(self, path, url, *options):
        return self.run("put", *options, path, url)

    def error_line(self, command, *arguments):
        """Exit code and the one line on stderr of a command that must fail."""
        return self.error_line_of(*self._argv(command, arguments)[1:])

    def error_line_of(self, *arguments, **settings):
        """The same of a whole command line, with further variables of the environment; one of
        None is taken away."""
        environment = {**self._environment(), **settings}
        environment = {name: value for name, value in environment.items() if value is not None}
        done = run_program(self.executable, *arguments, env=environment, expect=None,
                           seconds_max=60)
        self._search_for_secrets(done.out + done.err)
        command = arguments[0]
        check(done.code not in (0, 130) and 0 < done.code < 126,
              f"expected an exit code of the documented table\n{done}")
        check_equal(done.out, "", f"stdout of a failed {command}")
        check(done.err.count("\n") == 1 and done.err.endswith("\n"),
              f"expected exactly one line on stderr\n{done}")
        return done.code, done.err.strip()

    def interrupt(self, command, *arguments, when, seconds_max=10):
        """Starts a command, sends SIGINT as soon as when() is true, and gives what it left."""
        argv = self._argv(command, arguments)
        with subprocess.Popen(dies_with_us(argv), env=self._environment(), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                wait_until(lambda: when() or process.poll() is not None,
                           f"the moment to interrupt {command}", seconds_max=60, pause_s=0.005)
                if process.poll() is not None:
                    raise CheckFailed(f"{command} ended before it could be interrupted: "
                                      f"{process.communicate()}")
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=seconds_max)
            except subprocess.TimeoutExpired as late:
                raise CheckFailed(f"{command} still ran {seconds_max} s after SIGINT") from late
            finally:
                process.kill()
        self._search_for_secrets(out + err)
        return process.returncode, err

    def _argv(self, command, arguments):
        if self._config:
            return (self.executable, command, "-c", self._config, *arguments)
        trust = ("--ca", self.endpoint.ca) if self.endpoint.ca else ()
        return (self.executable, command, "--endpoint", self.endpoint.url,
                "--region", self.endpoint.region, *self._options, *trust, *arguments)

    def _environment(self):
        return self._space.environment(**self.endpoint.settings(), **self._variables)

    def _search_for_secrets(self, text):
        check(self.endpoint.secret_key not in text, "the secret key shows in the tool's output")
