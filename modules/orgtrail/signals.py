"""Signals: Ctrl-C, SIGTERM and SIGHUP end a command in the same way, and once."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ExtensionFileLoader
from types import FrameType
from typing import Any

_REPEAT_SECONDS = 2.0
"""A second signal within this time counts as the same as the first: `timeout` sends two."""
_SOON = 0.01
"""Seconds after which an interruption that Python lost, or that must wait, comes again."""
_HANDLERS: dict[str, Any] = {
    "SIGINT": signal.default_int_handler,
    "SIGTERM": signal.SIG_DFL,
    "SIGHUP": signal.SIG_DFL,
    "SIGALRM": signal.SIG_DFL,
}
"""The signals, and the handlers that ours takes the place of: what is ignored stays ignored, as
under nohup. SIGALRM brings a lost interruption again."""


class _State:
    """What came so far; no dataclass, whose import takes longer than all of this module.

    Attributes:
        stopped: when the last signal was acted on, monotonic; 0 for never.
        holding: how many blocks hold signals back.
        waiting: whether a signal came while it was held back.
        cancel: what ends the work in place of an exception; None for nothing.

    """

    def __init__(self) -> None:
        self.stopped = 0.0
        self.holding = 0
        self.waiting = False
        self.cancel: Callable[[], None] | None = None


_state = _State()


def numbers(*names: str) -> list[int]:
    """Return the numbers of the signals that this system has."""
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _stop(_number: int, frame: FrameType | None) -> None:
    if _in_native_import(frame) and hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, _SOON)
        return
    now = time.monotonic()
    if _state.stopped and now - _state.stopped <= _REPEAT_SECONDS:
        # The work is already stopping; a much later signal means that the user will not wait.
        return
    if _state.holding:
        _state.waiting = True
        return
    is_first, _state.stopped = not _state.stopped, now
    if _state.cancel and is_first:
        _state.waiting = True
        _state.cancel()
        return
    raise KeyboardInterrupt


def _in_native_import(frame: FrameType | None) -> bool:
    """Return whether a module of C or C++ is being set up: an exception there ends the process."""
    while frame is not None:
        if isinstance(frame.f_locals.get("self"), ExtensionFileLoader):
            return True
        frame = frame.f_back
    return False


def install(*names: str) -> dict[int, Any]:
    """Make signals act as Ctrl-C does; return the handlers that were there before.

    Args:
        names: the signals; by default SIGINT, SIGTERM, SIGHUP, and the alarm that repeats them.

    """
    before = {}
    for name in names or _HANDLERS:
        for number in numbers(name):
            # A thread other than the main one cannot set handlers.
            with suppress(ValueError):
                if signal.getsignal(number) == _HANDLERS[name]:
                    before[number] = signal.signal(number, _stop)
    return before


@contextmanager
def _installed(*names: str) -> Iterator[None]:
    """Install our handlers within this block."""
    before = install(*names)
    if before:
        _state.stopped, _state.waiting = 0.0, False
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def as_ctrl_c() -> Iterator[None]:
    """Make SIGTERM and SIGHUP act as Ctrl-C does; restore all handlers afterwards."""
    _state.stopped, _state.holding, _state.waiting = 0.0, 0, False
    with _installed():
        yield


def bring_again(lost: Any) -> None:
    """Repeat an interruption that Python would print and drop: one in a destructor or a callback.

    It is a hook for `sys.unraisablehook`. What fails because all is being stopped is not told.
    """
    if issubclass(lost.exc_type, KeyboardInterrupt) and hasattr(signal, "setitimer"):
        _state.stopped = 0.0
        signal.setitimer(signal.ITIMER_REAL, _SOON)
    elif not _state.stopped:
        sys.__unraisablehook__(lost)


def came() -> bool:
    """Return whether a signal was acted on: what fails then may fail because of it."""
    return bool(_state.stopped)


@contextmanager
def cancelling(cancel: Callable[[], None]) -> Iterator[None]:
    """Call `cancel` at the first signal within this block, and raise KeyboardInterrupt at its end.

    An exception that a signal raises inside an event loop can be lost together with the callback
    that it hits, and what waits for that callback then waits for ever.
    """
    # A program of its own that calls us has Python's handlers. The alarm belongs to ours.
    with _installed("SIGINT", "SIGALRM"):
        _state.cancel = cancel
        try:
            yield
        finally:
            _state.cancel = None
            if _state.waiting and not _state.holding:
                _state.waiting = False
                raise KeyboardInterrupt


@contextmanager
def held() -> Iterator[None]:
    """Hold signals back within this block, which must be short: they act when it ends."""
    _state.holding += 1
    try:
        yield
    finally:
        _state.holding -= 1
        if _state.waiting and not _state.holding:
            _state.waiting = False
            _state.stopped = time.monotonic()
            raise KeyboardInterrupt


def ignore() -> None:
    """Ignore further signals: the command has said its last word."""
    for number in numbers("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM"):
        with suppress(ValueError):
            signal.signal(number, signal.SIG_IGN)
