"""What a command says on stderr beside its answer: errors, and notes unless it is quiet."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass


@dataclass(slots=True)
class _Settings:
    quiet: bool = False


_settings = _Settings()


def set_quiet(quiet: bool) -> None:  # noqa: FBT001  # the value of an option
    """Leave out notes, warnings and progress from now on, or show them again."""
    _settings.quiet = quiet


def is_quiet() -> bool:
    """Return whether only errors are to be said."""
    return _settings.quiet


def note(text: str) -> None:
    """Say something that does not make the answer worse: counts, hints, what comes next."""
    if not _settings.quiet:
        complain(text)


def complain(text: str) -> None:
    """Say what went wrong, or what is missing in the answer.

    Nothing happens if stderr is closed or full: the exit code tells it too.
    """
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def shows_progress() -> bool:
    """Return whether somebody watches: stderr is a terminal, and `--quiet` is not given."""
    with suppress(OSError, ValueError, AttributeError):
        return not _settings.quiet and sys.stderr.isatty()
    return False
