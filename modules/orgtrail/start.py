"""Starts `orgtrail` and `main.py`. What goes wrong while their modules load ends them with 2.

Nothing is imported before the guards below but what Python has loaded already.
"""

from __future__ import annotations

import os
import sys

if False:  # the same as TYPE_CHECKING, without its import
    from collections.abc import Callable


def main() -> int:
    """Run the `orgtrail` command; return the exit code."""
    return _launch(_command)


def app() -> int:
    """Run `main.py`; return the exit code."""
    return _launch(_synthesis)


def _command() -> int:
    from orgtrail.cli import main as command

    return command()


def _synthesis() -> int:
    from orgtrail.cdktf.app import main as synthesis

    return synthesis()


def _launch(run: Callable[[], int]) -> int:
    """Run a command, and leave with its exit code, or with 2 if it cannot start."""
    try:
        _fill_descriptors()
        from orgtrail import signals

        signals.install()
        sys.unraisablehook = signals.bring_again
        from orgtrail.ending import leave

        return leave(run())
    except KeyboardInterrupt:
        _say("interrupted; the output is as it was before")
    except BaseException as error:  # noqa: BLE001  # never exit code 1, and never a traceback
        _say(f"orgtrail cannot start: {type(error).__name__}: {' '.join(str(error).split())}")
    os._exit(2)


def _fill_descriptors() -> None:
    """Put the null device where `<&-`, `>&-` or `2>&-` left nothing.

    Otherwise the next file that is opened becomes stdout or stderr.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _say(text: str) -> None:
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError, KeyboardInterrupt):
        pass
