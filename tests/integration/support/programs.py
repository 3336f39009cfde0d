"""Finds and runs foreign programs."""

import os
import shutil
import signal
import subprocess

from .checks import CheckFailed, NotToBeHad

# Which Debian or Ubuntu package installs a program that the tests run.
PACKAGES = {
    "aws": "awscli",
    "ceph": "ceph-common",
    "ceph-mon": "ceph-mon",
    "ceph-osd": "ceph-osd",
    "docker-registry": "docker-registry",
    "go": "golang-go",
    "groff": "groff-base",
    "monmaptool": "ceph-common",
    "nginx": "nginx-light",
    "openssl": "openssl",
    "radosgw": "radosgw",
    "radosgw-admin": "radosgw",
    "rclone": "rclone",
    "s3cmd": "s3cmd",
    "setpriv": "util-linux",
    "skopeo": "skopeo",
    "umoci": "umoci",
}

# The distribution's own programs come first: a wrapper of the same name earlier on PATH (of pip or
# pyenv) would bring another version, or another Python without its modules.
SYSTEM_DIRECTORIES = ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin")

# Settings of the surrounding shell that would change what a client or server does.
FOREIGN_SETTINGS = (
    "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "BOTO_CONFIG",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)
FOREIGN_PREFIXES = ("AWS_", "REGISTRY_", "RCLONE_", "S3_", "CEPH_")


def find_program(name):
    """The path of a program; a missing one fails with the command that installs it. Where ./check
    found that it cannot be installed, the test is skipped by that reason."""
    path = shutil.which(name, path=os.pathsep.join(SYSTEM_DIRECTORIES)) or shutil.which(name)
    if path:
        return path
    if "/" in str(name):
        raise CheckFailed(f"{name} is not there; build it first")
    package = PACKAGES.get(name, name)
    if package in os.environ.get("RINGPULL_ABSENT_PACKAGES", "").split():
        raise NotToBeHad(f"the package {package} is not in this system's archive")
    raise CheckFailed(f"{name} is not installed; run: "
                      f"apt-get install -y --no-install-recommends {package}")


def clean_environment(home, **settings):
    """The environment without credentials, CA bundles and proxies of the surrounding shell."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in FOREIGN_SETTINGS and not name.startswith(FOREIGN_PREFIXES)}
    environment.update(HOME=str(home), LC_ALL="C.UTF-8", AWS_EC2_METADATA_DISABLED="true")
    environment.update(settings)
    return environment


def dies_with_us(argv):
    """argv that the kernel kills when this process dies, however it dies."""
    return [find_program("setpriv"), "--pdeathsig", "KILL", "--", find_program(argv[0]),
            *map(str, argv[1:])]


class Completed:
    """What a finished program left: exit code, stdout and stderr as text."""

    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    def __str__(self):
        command = " ".join(map(str, self.argv))
        return f"$ {command}\nexit code {self.code}\nstdout: {self.out}\nstderr: {self.err}"


def run_program(*argv, env=None, cwd=None, stdin=None, seconds_max=120, expect=0):
    """Runs a program to its end. `expect` is the exit code demanded, or None for any."""
    try:
        done = subprocess.run(dies_with_us(argv), env=env, cwd=cwd, input=stdin or b"",
                              capture_output=True, timeout=seconds_max)
    except subprocess.TimeoutExpired as late:
        raise CheckFailed(f"{argv[0]} did not end within {seconds_max} s: {late}") from late
    result = Completed(argv, done.returncode, done.stdout.decode(errors="replace"),
                       done.stderr.decode(errors="replace"))
    if expect is not None and result.code != expect:
        reason = (result.err.strip() or result.out.strip() or "no output").splitlines()[-1]
        raise CheckFailed(f"{argv[0]} exited with {result.code} instead of {expect}: {reason}\n"
                          f"{result}")
    return result


class Server:
    """A program in the background, its output in one log file.

    stop() sends `stop_signal` and waits; a program that does not end within five seconds is killed.
    """

    def __init__(self, name, argv, log, env=None, cwd=None, stop_signal=signal.SIGTERM):
        self.name, self.log, self.stop_signal = name, log, stop_signal
        with open(log, "ab") as output:
            self.process = subprocess.Popen(dies_with_us(argv), env=env, cwd=cwd, stdout=output,
                                            stderr=output, stdin=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    def fail_if_dead(self):
        if self.process.poll() is not None:
            raise CheckFailed(f"{self.name} ended early with code {self.process.returncode}; "
                              f"its log is above")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
