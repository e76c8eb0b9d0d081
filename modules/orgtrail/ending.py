"""How every command ends: with 0, 1 or 2, one clear line, and nothing left behind."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from orgtrail import signals
from orgtrail.errors import (
    EXIT_FAILED,
    EXIT_OK,
    OrgtrailError,
    SettingsWarning,
    StoppedError,
    describe_internal_error,
)
from orgtrail.notes import complain, is_quiet, set_quiet

INTERRUPTED = "interrupted; the output is as it was before"


@dataclass(slots=True)
class _State:
    """How the process ends.

    Attributes:
        stopped: whether a signal ended the command.
        written: the output that is in its place and whole; None for none yet.
        cleanups: what to do then in place of Python's `atexit`.

    """

    stopped: bool = False
    written: Path | None = None
    cleanups: list[Callable[[], None]] = field(default_factory=list)


_state = _State()


def when_stopped(cleanup: Callable[[], None]) -> None:
    """Call a function when a signal ends the process, which does not wait for `atexit` then."""
    _state.cleanups.append(cleanup)


def written(output: Path) -> None:
    """Tell that an output is in its place and whole: who interrupts from now on finds it so."""
    _state.written = output


def leave(code: int) -> int:
    """End the process with a code: return it, or exit at once if a signal ended the command.

    What Python does at its end can then not change the code: both streams are written.
    """
    signals.ignore()
    for stream, otherwise in ((sys.stdout, EXIT_FAILED), (sys.stderr, code)):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            _discard(stream)
            code = otherwise
    if _state.stopped:
        for cleanup in _state.cleanups:
            with suppress(Exception):
                cleanup()
        os._exit(code)
    return code


def run_cli(work: Callable[[], object]) -> int:
    """Run a command; report an error in one clear message, without a traceback.

    Returns:
        the exit code: the work's result if it is a number, else 0; 2 if the work failed or was
        interrupted, its output could not be written, or it hit a bug in orgtrail.

    """
    set_quiet(False)
    if sys.stderr is None:
        # `2>&-`: nobody hears notes; the answer and the exit code are as ever.
        sys.stderr = _nowhere()
    if sys.stdout is None:
        # `>&-`: nobody could read the answer.
        sys.stdout = _nowhere()
        complain("standard output is closed: give the command one, or a file")
        return EXIT_FAILED
    with suppress(AttributeError, OSError, ValueError):
        # Show the code of a character that the terminal cannot display.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    _state.written = None
    with signals.as_ctrl_c():
        try:
            return _run(work)
        except KeyboardInterrupt:
            # It came while the message of another fault was written.
            return _interrupted()


def _run(work: Callable[[], object]) -> int:
    try:
        with _short_warnings():
            result = work()
            sys.stdout.flush()
    except OrgtrailError as error:
        if isinstance(error, StoppedError):
            return _stopped(str(error))
        # DuckDB, for one, ends with an error of its own when a signal comes.
        return _interrupted() if signals.came() else _failed(str(error))
    except BrokenPipeError:
        # The reader of the pipe is gone, and the shell reports that.
        return _failed("")
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        where = error.filename or ("the output cannot be written" if full else "")
        return _failed(f"{where}{': ' * bool(where)}{error.strerror or error}")
    except BaseException as error:  # noqa: BLE001  # never exit code 1, and never a traceback
        if _is_interruption(error) or signals.came():
            return _interrupted()
        return _failed(explain(error))
    return result if isinstance(result, int) else EXIT_OK


def explain(error: BaseException) -> str:
    """Describe an error that no command expected, in one line."""
    match error:
        case MemoryError():
            return "there is not enough memory for this"
        case ImportError():
            reason = " ".join(str(error).split())
            return f"orgtrail cannot load what it needs: {reason}; install it again"
        case _:
            return (
                f"orgtrail failed, and the fault is its own: {describe_internal_error(error)}; "
                "please report it"
            )


def _is_interruption(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(map(_is_interruption, error.exceptions))
    return isinstance(error, KeyboardInterrupt)


def _failed(message: str) -> int:
    _discard(sys.stdout)
    if message:
        complain(message)
    return EXIT_FAILED


def _interrupted() -> int:
    output = _state.written
    return _stopped(f"interrupted; {output} was written before" if output else INTERRUPTED)


def _stopped(message: str) -> int:
    """End in a hurry: threads that still work are not waited for."""
    signals.ignore()
    _state.stopped = True
    _discard(sys.stdout)
    complain(message)
    return EXIT_FAILED


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def _discard(stream: TextIO) -> None:
    """Drop buffered output, so that Python does not try to write it again on exit."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


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
            return "" if is_quiet() else f"warning: {message}\n"
        return ordinary(message, category, filename, lineno, line)

    with warnings.catch_warnings():
        warnings.simplefilter("always", SettingsWarning)
        warnings.formatwarning = formatted
        try:
            yield
        finally:
            warnings.formatwarning = ordinary
