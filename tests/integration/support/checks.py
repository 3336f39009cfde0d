"""The frame of a test program: steps with their times, checks, one clear last line."""

import contextlib
import faulthandler
import signal
import sys
import time
import traceback


class CheckFailed(Exception):
    """A check does not hold; the text says what was expected and what came."""


class NotToBeHad(Exception):
    """The system's archive does not have a program that the test drives."""


class TimeIsUp(BaseException):
    """The test's own deadline, or a request to stop: servers are stopped and files removed."""


_started = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - _started:6.1f} s] {text}", flush=True)


@contextlib.contextmanager
def step(title):
    """Names what is being done, with its time; a failure inside is reported under that name."""
    start = time.monotonic()
    try:
        yield
    except (Exception, TimeIsUp) as error:
        say(f"FAILED after {time.monotonic() - start:.1f} s: {title}")
        if not hasattr(error, "step"):
            error.step = title
        raise
    say(f"{title} ({time.monotonic() - start:.1f} s)")


def check(condition, text):
    if not condition:
        raise CheckFailed(text)


def check_equal(actual, expected, what):
    if actual != expected:
        raise CheckFailed(f"{what}: expected {_short(expected)}, got {_short(actual)}")


def _short(value):
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:400]}... ({len(text)} characters)"


def wait_until(ready, what, seconds_max, pause_s=0.02):
    """Polls ready() until it gives something true, which is returned."""
    deadline = time.monotonic() + seconds_max
    while True:
        result = ready()
        if result:
            return result
        if time.monotonic() > deadline:
            raise CheckFailed(f"waited {seconds_max} s in vain for {what}")
        time.sleep(pause_s)


def run_test(name, test, seconds_max):
    """Runs test() and exits. The last line says PASS, or FAIL with the step and the reason, or SKIP
    with exit code 77 when ./check found that the system's archive lacks a program.

    The deadline is below ctest's own, which kills without letting the servers' logs be printed.
    """
    def give_up(number, _frame):
        reason = f"not done after {seconds_max} s" if number == signal.SIGALRM else "stopped"
        raise TimeIsUp(f"{reason} ({signal.Signals(number).name})")

    # SIGINT may be inherited as ignored, and the programs started here would inherit that again.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, give_up)
    signal.alarm(seconds_max)
    faulthandler.enable()
    try:
        test()
    except NotToBeHad as error:
        print(f"SKIP {name}: {error}", flush=True)
        sys.exit(77)
    except (Exception, TimeIsUp) as error:
        traceback.print_exc(file=sys.stdout)
        reason = str(error).strip().splitlines() or [type(error).__name__]
        print(f"FAIL {name}: {getattr(error, 'step', 'set-up')}: {reason[0]}", flush=True)
        sys.exit(1)
    say("done")
    print(f"PASS {name}", flush=True)
    sys.exit(0)
