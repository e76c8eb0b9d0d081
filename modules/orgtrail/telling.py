"""How orgtrail tells its user what happened: one clear message, an exit code, no traceback."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orgtrail.settings.faults import OrgtrailError, SettingsWarning

FINE, BAD, FAILED = 0, 1, 2
"""Exit codes: the answer is good; it is bad; there is none, or not a whole one."""


def told(work: Callable[[], object]) -> int:
    """Do some work, and tell in plain words what stopped it.

    Returns:
        the exit code: what the work returns if that is a number, else 0; 2 where it could not be
        done.

    """
    try:
        with _telling():
            result = work()
    except OrgtrailError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the output is as it was before\n")
        return FAILED
    return result if isinstance(result, int) else FINE


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
