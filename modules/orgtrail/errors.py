"""Errors as users see them: error classes, exit codes, and the end of a command."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

SettingPath = tuple[str | int, ...]
"""The path of a setting in its file: `("guardrails", "exempt_roles", 0)`."""

NOT_GIVEN = object()
"""The value of a setting that the file does not have."""

EXIT_OK, EXIT_BAD, EXIT_FAILED = 0, 1, 2
"""Exit codes: the answer is good; it is bad; there is no answer, or only a partial one."""

_REPEAT_SECONDS = 2.0
"""A second signal within this time counts as the same as the first."""
_SIGNALS = ("SIGTERM", "SIGHUP")
"""Signals that end a command as Ctrl-C does."""
_ALL_SIGNALS = (*_SIGNALS, "SIGINT")


class OrgtrailError(Exception):
    """Any error that orgtrail reports to its user in plain words, without a traceback."""


class StoppedError(OrgtrailError):
    """The user or a signal stopped the work; the message says what was kept."""


class SettingsWarning(UserWarning):
    """A valid setting has a consequence that the reader may not expect."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One setting, the rule that it breaks, the given value, and a hint."""

    setting: SettingPath
    rule: str
    given: object = NOT_GIVEN
    hint: str = ""

    def __str__(self) -> str:
        """Write setting, rule, value and hint in one line."""
        subject = f"{dotted(self.setting)} {self.rule}".lstrip()
        got = "" if self.given is NOT_GIVEN else f"; got {_as_hcl(self.given)}"
        return f"{subject}{got}{'; ' + self.hint if self.hint else ''}"


@dataclass(frozen=True, slots=True)
class SettingsSource:
    """The file that settings came from, and the line of each setting in it."""

    name: str
    lines: Mapping[SettingPath, int] = field(default_factory=dict)

    def line(self, setting: SettingPath) -> int:
        """Return the line of a setting, or of the nearest object around it; 0 if unknown."""
        around = (setting[:end] for end in range(len(setting), -1, -1))
        return next((self.lines[each] for each in around if each in self.lines), 0)

    def at(self, setting: SettingPath) -> str:
        """Return `file:line` of a setting, or the file alone if its line is unknown."""
        line = self.line(setting)
        return f"{self.name}:{line}" if line else self.name


class SettingsError(OrgtrailError):
    """Every fault of one environment file, one line each, in the order of the file.

    Attributes:
        faults: the faults.
        source: the file that they are in; None for settings built in Python.

    """

    def __init__(self, faults: Iterable[Fault], source: SettingsSource | None = None) -> None:
        """Sort the faults by line and format them."""
        self.source = source
        self.faults = tuple(
            sorted(faults, key=lambda fault: source.line(fault.setting) if source else 0)
        )
        super().__init__("\n".join(with_location(fault, source) for fault in self.faults))


def with_location(fault: Fault, source: SettingsSource | None) -> str:
    """Format a fault, with its file and line if the source is known."""
    return f"{source.at(fault.setting)}: {fault}" if source else str(fault)


def dotted(setting: SettingPath) -> str:
    """Write a path as a user would: `guardrails.exempt_roles[0]`."""
    text = ""
    for part in setting:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text


def _as_hcl(value: object) -> str:
    """Write a value as HCL would, cut to 80 characters."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"


def describe_internal_error(error: BaseException) -> str:
    """Describe a bug in orgtrail in one line: the error and its place in the code."""
    places = traceback.extract_tb(error.__traceback__)
    ours = [each for each in places if "orgtrail" in each.filename] or [*places]
    file = ours[-1].filename.replace("\\", "/").rpartition("/")[2] if ours else ""
    place = f" ({file}:{ours[-1].lineno})" if ours else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' * bool(text)}{text[:300]}{place}"


def printable(text: str) -> str:
    """Escape the control characters of untrusted text, so that it cannot control the terminal.

    Anyone who names an object or calls the API controls such text.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def run_cli(work: Callable[[], object]) -> int:
    """Run a command; report an error in one clear message, without a traceback.

    Returns:
        the exit code: the work's result if it is a number, else 0; 2 if the work failed or was
        interrupted, its output could not be written, or it hit a bug in orgtrail.

    """
    if sys.stdout is None:
        # `>&-`: nobody could read the answer.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        _say("standard output is closed: give the command one, or a file")
        return EXIT_FAILED
    with suppress(AttributeError, OSError, ValueError):
        # Show the code of a character that the terminal cannot display.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    with _signals_as_ctrl_c():
        return _run(work)


def _run(work: Callable[[], object]) -> int:
    try:
        with _short_warnings():
            result = work()
            sys.stdout.flush()
    except OrgtrailError as error:
        if isinstance(error, StoppedError):
            _ignore_signals()
        _say(str(error))
        return EXIT_FAILED
    except KeyboardInterrupt:
        _ignore_signals()
        _say("interrupted; the output is as it was before")
        return EXIT_FAILED
    except BrokenPipeError:
        # The reader of the pipe is gone, and the shell reports that.
        _discard_output()
        return EXIT_FAILED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _discard_output()
        _say(f"{where}{error.strerror or error}")
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001  # never exit code 1, and never a traceback
        _discard_output()
        _say(
            f"orgtrail failed, and the fault is its own: {describe_internal_error(error)}; "
            "please report it"
        )
        return EXIT_FAILED
    return result if isinstance(result, int) else EXIT_OK


def _say(text: str) -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _discard_output() -> None:
    """Drop buffered output, so that Python does not try to write it again on exit."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _numbers(names: Iterable[str]) -> list[int]:
    """Return the numbers of the signals that this system supports."""
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _ignore_signals() -> None:
    """Keep a second signal from interrupting the last message."""
    if threading.current_thread() is threading.main_thread():
        for number in _numbers(_ALL_SIGNALS):
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def _signals_as_ctrl_c() -> Iterator[None]:
    """Make SIGTERM and SIGHUP act as Ctrl-C does, once; restore all handlers afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _numbers(_ALL_SIGNALS)}
    stopped = 0.0

    def stop(_number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        now = time.monotonic()
        if stopped:
            # The work is already stopping; a much later signal means that the user will not wait.
            if now - stopped > _REPEAT_SECONDS:
                raise KeyboardInterrupt
            return
        stopped = now
        as_ctrl_c = signal.getsignal(signal.SIGINT)
        if callable(as_ctrl_c):
            as_ctrl_c(signal.SIGINT, frame)
        else:
            raise KeyboardInterrupt

    for number in _numbers(_SIGNALS):
        # A signal that is ignored on purpose (nohup) stays ignored.
        if before[number] == signal.SIG_DFL:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


@contextmanager
def _short_warnings() -> Iterator[None]:
    """Print warnings about settings in one line each, and leave all others to Python."""
    ordinary = warnings.formatwarning

    def formatted(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        line: str | None = None,
    ) -> str:
        if issubclass(category, SettingsWarning):
            return f"warning: {message}\n"
        return ordinary(message, category, filename, lineno, line)

    with warnings.catch_warnings():
        warnings.simplefilter("always", SettingsWarning)
        warnings.formatwarning = formatted
        try:
            yield
        finally:
            warnings.formatwarning = ordinary
