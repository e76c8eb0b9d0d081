"""Bounds of a query: the time, accounts and regions that it looks at, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EARLIER = timedelta(days=1)
LATER = timedelta(days=2)
"""A file may lie under the day before or after that of its events; late ones come later still."""

FIXED = """day >= :first_day AND day <= :last_day
    AND eventtime >= :since AND eventtime < :until"""
"""Partitions first, which prune; then the exact time."""

CHOSEN = """
    AND (:account = 'all' OR account = :account)
    AND (:region = 'all' OR region = :region)"""
"""What a statement with positional parameters asks; `all` leaves no condition."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a query looks at.

    Attributes:
        since: the first moment.
        until: the moment before which it ends.
        accounts: ids of accounts; empty for all.
        regions: regions as folders name them; empty for all.

    """

    since: datetime
    until: datetime
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    @property
    def first_day(self) -> str:
        """The first partition that may hold an event of the time."""
        return (self.since.astimezone(UTC) - EARLIER).strftime("%Y/%m/%d")

    @property
    def last_day(self) -> str:
        """The last partition."""
        last = min(self.until.astimezone(UTC), datetime.max.replace(tzinfo=UTC) - LATER)
        return (last + LATER).strftime("%Y/%m/%d")

    @property
    def values(self) -> dict[str, str]:
        """The times as literals."""
        return {
            "first_day": f"'{self.first_day}'",
            "last_day": f"'{self.last_day}'",
            "since": f"'{border(self.since)}'",
            "until": f"'{border(self.until)}'",
        }

    @property
    def sql(self) -> str:
        """The condition, with names for the times."""
        parts = [FIXED]
        for column, chosen in (("account", self.accounts), ("region", self.regions)):
            if chosen:
                listed = ", ".join(f"'{each}'" for each in chosen)
                parts.append(f"AND {column} IN ({listed})")
        return "\n    ".join(parts)


def stamp(moment: datetime) -> str:
    """Write a moment as records do: `2026-11-25T10:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def border(moment: datetime) -> str:
    """Write a moment for comparing as text: without its `Z`, which comes after `.123Z`."""
    return stamp(moment).removesuffix("Z")


def recent(hours: int) -> dict[str, str]:
    """Return expressions of Athena for the times of the last hours, whenever it runs."""
    since = f"current_timestamp - interval '{hours}' hour"
    return {
        "first_day": f"date_format({since} - interval '{EARLIER.days}' day, '%Y/%m/%d')",
        "last_day": f"date_format(current_timestamp + interval '{LATER.days}' day, '%Y/%m/%d')",
        "since": f"date_format({since}, '%Y-%m-%dT%H:%i:%s')",
        "until": "date_format(current_timestamp, '%Y-%m-%dT%H:%i:%s')",
    }
