"""How orgtrail tells its user what happened: one clear message, an exit code, no traceback."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from orgtrail.settings.faults import OrgtrailError, SettingsWarning, StoppedError, internal_fault

FINE, BAD, FAILED = 0, 1, 2
"""Exit codes: the answer is good; it is bad; there is none, or not a whole one."""

_PATIENCE = 2.0
"""Seconds within which a second signal is the same as the first."""
_SIGNALS = ("SIGTERM", "SIGHUP")
"""Signals that end a command as Ctrl-C does."""
_ALL_SIGNALS = (*_SIGNALS, "SIGINT")


def told(work: Callable[[], object]) -> int:
    """Do some work, and tell in plain words what stopped it.

    Returns:
        the exit code: what the work returns if that is a number, else 0; 2 where it could not be
        done, was interrupted, could not be written, or where the fault is our own.

    """
    if sys.stdout is None:
        # `>&-`: nobody could read the answer.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        _say("standard output is closed: give the command one, or a file")
        return FAILED
    with suppress(AttributeError, OSError, ValueError):
        # A terminal that cannot show a letter shows its number.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    with _ended_by_signals():
        return _done(work)


def _done(work: Callable[[], object]) -> int:
    try:
        with _telling():
            result = work()
            sys.stdout.flush()
    except OrgtrailError as error:
        if isinstance(error, StoppedError):
            _ignore_signals()
        _say(str(error))
        return FAILED
    except KeyboardInterrupt:
        _ignore_signals()
        _say("interrupted; the output is as it was before")
        return FAILED
    except BrokenPipeError:
        # Whoever read the answer has gone, and said so.
        _discard_output()
        return FAILED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _discard_output()
        _say(f"{where}{error.strerror or error}")
        return FAILED
    except Exception as error:  # noqa: BLE001  # never exit code 1, and never a traceback
        _discard_output()
        _say(
            f"orgtrail failed, and the fault is its own: {internal_fault(error)}; please report it"
        )
        return FAILED
    return result if isinstance(result, int) else FINE


def visible(text: str) -> str:
    """Return a text of somebody else's as it may be printed: nothing in it moves the terminal.

    Whoever names an object or calls the API chooses the text.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _say(text: str) -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _discard_output() -> None:
    """Drop what is still to be written, so that Python does not try once more as it ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _numbers(names: Iterable[str]) -> list[int]:
    """Return the numbers of those signals that this system has."""
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _ignore_signals() -> None:
    """Let no second signal break into the last words."""
    if threading.current_thread() is threading.main_thread():
        for number in _numbers(_ALL_SIGNALS):
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, once; leave all handlers as they were found."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _numbers(_ALL_SIGNALS)}
    stopped = 0.0

    def stop(_number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        now = time.monotonic()
        if stopped:
            # The work is being ended; who asks again much later will not wait for that.
            if now - stopped > _PATIENCE:
                raise KeyboardInterrupt
            return
        stopped = now
        as_ctrl_c = signal.getsignal(signal.SIGINT)
        if callable(as_ctrl_c):
            as_ctrl_c(signal.SIGINT, frame)
        else:
            raise KeyboardInterrupt

    for number in _numbers(_SIGNALS):
        # What is ignored on purpose (nohup) stays so.
        if before[number] == signal.SIG_DFL:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


@contextmanager
def _telling() -> Iterator[None]:
    """Tell warnings about settings in one line each, and leave all others to Python."""
    ordinary = warnings.formatwarning

    def worded(
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
        warnings.formatwarning = worded
        try:
            yield
        finally:
            warnings.formatwarning = ordinary
