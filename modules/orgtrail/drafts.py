"""Folders that a run writes into and removes; what a killed run left, the next one removes.

A run holds a lock (flock) on each of its folders, and the system frees it when the run dies. So a
folder that can be locked belongs to nobody.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orgtrail.ending import when_stopped
from orgtrail.signals import held

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows has no flock: nothing is swept there
    flock = None  # type: ignore[assignment]

_DRAFT = ".orgtrail-draft-"
_TEMPORARY = "orgtrail-run-"
_NAME = re.compile(rf"(?:{re.escape(_DRAFT)}|{_TEMPORARY})[a-z0-9_]{{8}}")
"""The names of our folders: a prefix, and eight characters of `tempfile.mkdtemp`."""

_live: dict[Path, int | None] = {}
"""The folders of this run, and the descriptor that holds the lock of each."""


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """Yield a hidden folder in `parent`, to write what then moves into place; remove it at the end.

    Raises:
        OSError: it cannot be made.

    """
    with _folder(_DRAFT, parent) as folder:
        yield folder


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder among the system's temporary files; remove it at the end.

    Raises:
        OSError: it cannot be made.

    """
    with _folder(_TEMPORARY, Path(tempfile.gettempdir())) as folder:
        yield folder


def folder_until_exit() -> Path:
    """Return a temporary folder that is removed when the process ends.

    Raises:
        OSError: it cannot be made.

    """
    with held():
        parent = Path(tempfile.gettempdir())
        sweep(parent)
        folder = _make(_TEMPORARY, parent)
        atexit.register(_remove, folder)
    return folder


def sweep(parent: Path) -> None:
    """Remove the folders that killed runs of this user left in a folder."""
    with suppress(OSError):
        for each in [*os.scandir(parent)]:
            if _NAME.fullmatch(each.name) and Path(each.path) not in _live:
                _sweep(Path(each.path))


def foreign_drafts(parent: Path) -> list[str]:
    """Return the names of drafts in a folder: those of runs that still write, after `sweep`."""
    return sorted(each.name for each in parent.iterdir() if _NAME.fullmatch(each.name))


@contextmanager
def _folder(prefix: str, parent: Path) -> Iterator[Path]:
    folder = None
    try:
        with held():
            sweep(parent)
            folder = _make(prefix, parent)
        yield folder
    finally:
        if folder:
            with held():
                _remove(folder)


def _make(prefix: str, parent: Path) -> Path:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        try:
            lock = _lock(folder)
        except BlockingIOError:
            # Another run swept it in the moment before it was locked.
            continue
        if folder.is_dir():
            _live[folder] = lock
            return folder


def _lock(folder: Path) -> int | None:
    """Lock a folder; return None where there are no locks, as on some network file systems.

    Raises:
        BlockingIOError: another run holds the lock.

    """
    if flock is None:
        return None
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        flock(lock, LOCK_EX | LOCK_NB)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return lock


def _sweep(folder: Path) -> None:
    """Remove a folder if it is this user's, and no run holds its lock."""
    try:
        if folder.lstat().st_uid != os.getuid():
            return
        lock = _lock(folder)
    except OSError:
        return
    if lock is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove(folder: Path) -> None:
    gone = folder.with_name(folder.name[:-8] + secrets.token_hex(4))
    # Another process, such as Node, may still write there: it does not find a name that is gone.
    with suppress(OSError):
        folder.rename(gone)
    for each in (gone, folder):
        shutil.rmtree(each, ignore_errors=True)
    lock = _live.pop(folder, None)
    if lock is not None:
        os.close(lock)


def _remove_all() -> None:
    for each in [*_live]:
        _remove(each)


when_stopped(_remove_all)
