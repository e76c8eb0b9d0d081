"""The volume of a report's period: its log files, counted by the minutes in their names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orgtrail.cost.estimate import LARGE
from orgtrail.logs.files import LogFile
from orgtrail.query.athena import Athena
from orgtrail.verify.names import MINUTE

_IN_NAME = re.compile(r"_(\d{8}T\d{4})Z_[^/]*\Z", re.ASCII)
"""The minute in a log file's name.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html"""
_FORMAT = "%Y%m%dT%H%M"
_THREADS = 8
"""How many folders are listed at a time."""


@dataclass(slots=True)
class PeriodVolume:
    """Log files of a period.

    Attributes:
        files: their number.
        bytes: their size, compressed.
        large: the bytes of those of 128 KB and more.

    """

    files: int = 0
    bytes: int = 0
    large: int = 0

    def add(self, size: int) -> None:
        """Count a file of the given size in bytes."""
        self.files += 1
        self.bytes += size
        self.large += size if size >= LARGE else 0

    @property
    def large_share(self) -> float:
        """The share of the bytes that is in files of 128 KB and more, from 0 to 1."""
        return self.large / self.bytes if self.bytes else 0.0


class Period:
    """Tells which log files are of a period: from its start on, and before its end.

    Args:
        since: start of the period.
        until: its end.

    """

    def __init__(self, since: datetime, until: datetime) -> None:
        """Turn both into minutes as names have them."""
        self._first, self._end = _minute(since), _minute(until)

    def has(self, path: str, day: str) -> bool:
        """Return whether a log file is of the period, by the minute in its name.

        Args:
            path: its path or key.
            day: the day of its folder, `yyyy/MM/dd`, which decides if the name has no minute.

        """
        match = _IN_NAME.search(path)
        at = match[1] if match else f"{day.replace('/', '')}T0000"
        return self._first <= at < self._end


def counted(files: Iterable[LogFile], period: Period, volume: PeriodVolume) -> Iterator[LogFile]:
    """Yield log files of a copy unchanged, and add those of the period to the volume."""
    for each in files:
        if each.day and period.has(each.path, each.day):
            try:
                size = os.stat(each.path).st_size  # noqa: PTH116  # a Path costs as much again
            except OSError:
                size = 0  # reading the file reports the error
            volume.add(size)
        yield each


def list_volume(athena: Athena, since: datetime, until: datetime) -> PeriodVolume:
    """List the archive's log files of a period, and return their volume.

    Raises:
        OrgtrailError: the table or the bucket cannot be read.

    """
    table, period, volume = athena.projection(), Period(since, until), PeriodVolume()
    first = since.astimezone(UTC).date()
    last = (until.astimezone(UTC) - timedelta(microseconds=1)).date()

    def sizes(place: tuple[str, str]) -> list[int]:
        return [
            size for key, day, size in athena.log_files(*place, first, last)
            if period.has(key, day)
        ]  # fmt: skip

    places = [(account, region) for account in table.accounts for region in table.regions]
    with ThreadPoolExecutor(_THREADS) as pool:
        for found in pool.map(sizes, places):
            for size in found:
                volume.add(size)
    return volume


def _minute(moment: datetime) -> str:
    """Return the first minute that does not begin before a moment."""
    whole = moment.astimezone(UTC).replace(second=0, microsecond=0)
    return (whole if whole == moment else whole + MINUTE).strftime(_FORMAT)
