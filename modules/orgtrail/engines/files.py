"""Log files in a folder that has the archive's key layout, and what of each can be read."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from orgtrail.queries.bounds import Bounds
from orgtrail.records import LARGEST_LOG
from orgtrail.settings.faults import OrgtrailError

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_LOGS = "CloudTrail"
_SUFFIXES = (".json.gz", ".json")
_GZIP = b"\x1f\x8b"

SIZE_LIMIT = LARGEST_LOG
"""Bytes of one file once unpacked that are read."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file and what its folder says.

    Attributes:
        path: where it lies.
        account: the account of its folder.
        region: the region of its folder.
        day: the day of its folder, `yyyy/MM/dd`.

    """

    path: str
    account: str
    region: str
    day: str


class UnreadableError(Exception):
    """Why a file cannot be read."""


def log_files(root: Path, bounds: Bounds | None = None) -> Iterator[LogFile]:
    """Find log files, going only into folders within the bounds.

    Args:
        root: the bucket's copy, or any folder in it above the days.
        bounds: time, accounts and regions; None for all.

    Raises:
        OrgtrailError: the folder is absent, or has no account's log folder in it; while files are
            taken, that one below it cannot be listed.

    """
    if not root.is_dir():
        raise OrgtrailError(f"{root}: is no folder; --logs takes a copy of the archive bucket")
    found = [*_log_folders(root)]
    if not found:
        raise OrgtrailError(
            f"{root}: has no log files in the layout "
            "AWSLogs/[o-organization/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/"
        )
    return chain.from_iterable(
        _of_account(account, folder, bounds)
        for account, folder in found
        if not bounds or not bounds.accounts or account in bounds.accounts
    )


def accounts_and_regions(root: Path) -> dict[str, list[str]]:
    """Return the regions that each account has a folder for."""
    return {
        account: [name for name, _ in _folders(folder)] for account, folder in _log_folders(root)
    }


def text(path: str) -> str:
    """Read a file, unpacked.

    Raises:
        UnreadableError: it is empty, cut off, not gzip, too large or not UTF-8.

    """
    try:
        # Path.open costs as much as the reading.
        with open(path, "rb", opener=_without_waiting) as file:
            data = file.read()
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from None
    if not data:
        raise UnreadableError("empty file")
    if data.startswith(_GZIP) or path.endswith(".gz"):
        data = _unpacked(data)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UnreadableError("not UTF-8") from None


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe is empty then, and nobody waits for a writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _unpacked(data: bytes) -> bytes:
    parts: list[bytes] = []
    size = 0
    while data:
        stream = zlib.decompressobj(wbits=31)
        try:
            part = stream.decompress(data, SIZE_LIMIT - size + 1)
        except zlib.error as error:
            what = "not gzip" if not parts and not data.startswith(_GZIP) else "broken gzip"
            raise UnreadableError(f"{what}: {error}") from None
        size += len(part)
        if size > SIZE_LIMIT:
            raise UnreadableError(f"more than {SIZE_LIMIT} bytes once unpacked")
        if not stream.eof:
            raise UnreadableError("truncated gzip")
        parts.append(part)
        data = stream.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _log_folders(
    root: Path, within: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[tuple[str, str]]:
    """Find `ACCOUNT/CloudTrail` folders, also where the root is one or lies below one."""
    try:
        above = root.resolve()
        about = root.stat()
    except (OSError, RuntimeError) as error:
        raise OrgtrailError(f"{root}: cannot be listed: {error}") from None
    here = (about.st_dev, about.st_ino)
    if here in within:
        raise OrgtrailError(f"{root}: is a link to a folder that it lies in; take the link away")
    if above.name == _LOGS and _ACCOUNT.fullmatch(above.parent.name):
        yield above.parent.name, str(root)
        return
    if _ACCOUNT.fullmatch(above.name):
        yield from ((above.name, path) for name, path in _folders(str(root)) if name == _LOGS)
        return
    for name, path in _folders(str(root)):
        if _ACCOUNT.fullmatch(name):
            yield from ((name, inner) for each, inner in _folders(path) if each == _LOGS)
        else:
            yield from _log_folders(Path(path), within | {here})


def _of_account(account: str, folder: str, bounds: Bounds | None) -> Iterator[LogFile]:
    first = bounds.first_day.split("/") if bounds else []
    last = bounds.last_day.split("/") if bounds else []
    for region, inside in _folders(folder):
        if bounds and bounds.regions and region not in bounds.regions:
            continue
        for day, place in _days(inside, first, last):
            for entry in _scan(place):
                if entry.name.endswith(_SUFFIXES) and not _is_folder(entry):
                    yield LogFile(entry.path, account, region, day)


def _days(folder: str, first: list[str], last: list[str]) -> Iterator[tuple[str, str]]:
    """Find `YYYY/MM/DD` folders between two days."""

    def within(parts: list[str]) -> bool:
        length = len(parts)
        return not first or first[:length] <= parts <= last[:length]

    def down(folder: str, parts: list[str]) -> Iterator[tuple[str, str]]:
        for name, path in _folders(folder):
            here = [*parts, name]
            if not within(here):
                continue
            if len(here) == 3:
                yield "/".join(here), path
            else:
                yield from down(path, here)

    return down(folder, [])


def _folders(folder: str) -> list[tuple[str, str]]:
    return [(each.name, each.path) for each in _scan(folder) if _is_folder(each)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads nowhere, or round.
        return False


def _scan(folder: str) -> list[os.DirEntry[str]]:
    by_name: Callable[[os.DirEntry[str]], str] = lambda each: each.name  # noqa: E731
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=by_name)
    except OSError as error:
        raise OrgtrailError(f"{folder}: cannot be listed: {error.strerror}") from None
