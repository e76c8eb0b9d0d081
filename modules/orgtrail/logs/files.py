"""Finds log files: in a folder with the archive's key layout, or in any other.

Without the layout a file's path says nothing: account, region and day come from its records.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds
from orgtrail.logs.decompression import first_bytes

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_DELIVERED = re.compile(r"\d{12}_CloudTrail_[\w-]+_\d{8}T\d{4}Z_\w+\.json(\.gz)?", re.ASCII)
"""How CloudTrail names a log file."""
_LOGS = "CloudTrail"
_SUFFIXES = (".json.gz", ".json")
_SIGNATURES = (b'"eventName"', b'"eventSource"', b'"CloudTrailEvent"')
"""A file with records has one of these near its start."""
_ZIP = b"PK\x03\x04"
"""Not read, but reported: only the owner knows which of its files are meant."""
_COMPRESSED = (".gz", ".zst", ".zstd")
_LOOSE = (".json", ".jsonl", ".ndjson", ".csv", ".log", ".cloudtrail")
"""Suffixes of files outside the layout, compressed or not."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file, with the account, region and day of its folder.

    Attributes:
        path: its path.
        account: the account of its folder; like the next two, empty without the layout.
        region: the region of its folder.
        day: the day of its folder, `yyyy/MM/dd`.

    """

    path: str
    account: str = ""
    region: str = ""
    day: str = ""


class LogFiles(Iterator[LogFile]):
    """Log files as they are found.

    Args:
        files: the files.
        outside: paths of files outside the layout that may be log files; they are skipped.

    """

    def __init__(self, files: Iterable[LogFile], outside: list[str]) -> None:
        """Start before the first file."""
        self.outside = outside
        self._files = iter(files)

    def __next__(self) -> LogFile:
        """Return the next file."""
        return next(self._files)


def log_files(root: Path, bounds: Bounds | None = None) -> LogFiles:
    """Find log files; in the layout, only folders within the bounds are entered.

    Args:
        root: the bucket's copy, or any folder in it above the days; or a file, or a folder of
            files in any order.
        bounds: time, accounts and regions; None for all.

    Raises:
        OrgtrailError: the root does not exist, or has no file that may be a log file; during
            iteration, a folder cannot be listed.

    """
    if root.is_file():
        return LogFiles([LogFile(str(root))], [])
    if not root.is_dir():
        raise OrgtrailError(
            f"{root}: is no folder and no file; --logs takes a copy of the archive bucket, "
            "or files of CloudTrail records"
        )
    outside: list[str] = []
    found = [*_log_folders(root, outside)]
    if found:
        return LogFiles(
            chain.from_iterable(
                _of_account(account, folder, bounds)
                for account, folder in found
                if not bounds or not bounds.accounts or account in bounds.accounts
            ),
            outside,
        )
    loose = _loose(str(root))
    first = next(loose, None)
    if first is None:
        raise OrgtrailError(
            f"{root}: has no log files, neither in the layout "
            "AWSLogs/[o-organization/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ nor as files "
            f"that end in {', '.join(_LOOSE)}, packed with gzip or zstd or not"
        )
    return LogFiles(chain((first,), loose), [])


def accounts_and_regions(root: Path) -> dict[str, list[str]]:
    """Return the regions for which each account has a folder; empty without the layout."""
    if not root.is_dir():
        return {}
    return {
        account: [name for name, _ in _folders(folder)]
        for account, folder in _log_folders(root, [])
    }


def has_layout(root: Path) -> bool:
    """Return whether the log files are in the archive's layout; others may be old hand-overs."""
    return root.is_dir() and next(_log_folders(root, []), None) is not None


def _log_folders(
    root: Path, outside: list[str], within: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[tuple[str, str]]:
    """Find `ACCOUNT/CloudTrail` folders, even if the root is one or is inside one."""
    here = _identity(root, within)
    above = root.resolve()
    if above.name == _LOGS and _ACCOUNT.fullmatch(above.parent.name):
        yield above.parent.name, str(root)
        return
    if _ACCOUNT.fullmatch(above.name):
        yield from ((above.name, path) for name, path in _folders(str(root)) if name == _LOGS)
        return
    entries = _scan(str(root))
    outside += [each.path for each in entries if not _is_folder(each) and _may_be_logs(each)]
    for name, path in _of_folders(entries):
        if _ACCOUNT.fullmatch(name):
            yield from ((name, inner) for each, inner in _folders(path) if each == _LOGS)
        else:
            yield from _log_folders(Path(path), outside, within | {here})


def _identity(folder: Path, within: frozenset[tuple[int, int]]) -> tuple[int, int]:
    """Return a folder's device and inode; refuse a link to one of its own parents."""
    try:
        about = folder.stat()
    except OSError as error:
        raise OrgtrailError(f"{folder}: cannot be listed: {error}") from None
    here = (about.st_dev, about.st_ino)
    if here in within:
        raise OrgtrailError(f"{folder}: is a link to a folder that it is in; remove the link")
    return here


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


def _loose(folder: str, within: frozenset[tuple[int, int]] = frozenset()) -> Iterator[LogFile]:
    """Find files that may contain records, at any depth."""
    here = _identity(Path(folder), within)
    for entry in _scan(folder):
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            yield from _loose(entry.path, within | {here})
            continue
        if _has_loose_suffix(entry.name) or _may_be_logs(entry):
            yield LogFile(entry.path)


def _has_loose_suffix(name: str) -> bool:
    name = name.lower()
    compressed = next((each for each in _COMPRESSED if name.endswith(each)), "")
    return name.removesuffix(compressed).endswith(_LOOSE)


def _may_be_logs(entry: os.DirEntry[str]) -> bool:
    """Return whether a file may have records, by its name or first bytes; a zip archive may."""
    if _DELIVERED.fullmatch(entry.name):
        return True
    start = first_bytes(entry.path)
    return start.startswith(_ZIP) or any(each in start for each in _SIGNATURES)


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
    return _of_folders(_scan(folder))


def _of_folders(entries: list[os.DirEntry[str]]) -> list[tuple[str, str]]:
    return [(each.name, each.path) for each in entries if _is_folder(each)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A broken link, or a loop of links.
        return False


def _scan(folder: str) -> list[os.DirEntry[str]]:
    by_name: Callable[[os.DirEntry[str]], str] = lambda each: each.name  # noqa: E731
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=by_name)
    except OSError as error:
        raise OrgtrailError(f"{folder}: cannot be listed: {error.strerror}") from None
