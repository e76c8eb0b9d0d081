"""Bounds of a query: the time range, accounts and regions that it covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EARLIER = timedelta(days=1)
LATER = timedelta(days=2)
"""A file may be stored under the day before or after its events, or later if it is late."""

TIME_CONDITION = """day >= :first_day AND day <= :last_day
    AND eventtime >= :since AND eventtime < :until"""
"""Partitions come first because they prune; then the exact time."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a query covers.

    Attributes:
        since: the first moment.
        until: the end, exclusive.
        accounts: account ids; empty for all.
        regions: regions as folders name them; empty for all.

    """

    since: datetime
    until: datetime
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    @property
    def first_day(self) -> str:
        """The first partition that may contain an event of the time range."""
        return (self.since.astimezone(UTC) - EARLIER).strftime("%Y/%m/%d")

    @property
    def last_day(self) -> str:
        """The last partition that may contain an event of the time range."""
        last = min(self.until.astimezone(UTC), datetime.max.replace(tzinfo=UTC) - LATER)
        return (last + LATER).strftime("%Y/%m/%d")

    @property
    def values(self) -> dict[str, str]:
        """The times as SQL literals, by the names that `sql` uses."""
        return {
            "first_day": f"'{self.first_day}'",
            "last_day": f"'{self.last_day}'",
            "since": f"'{_comparable(self.since)}'",
            "until": f"'{_comparable(self.until)}'",
        }

    @property
    def sql(self) -> str:
        """The condition in SQL, with names (`:since`) for the times."""
        parts = [TIME_CONDITION]
        for column, chosen in (("account", self.accounts), ("region", self.regions)):
            if chosen:
                listed = ", ".join(f"'{each}'" for each in chosen)
                parts.append(f"AND {column} IN ({listed})")
        return "\n    ".join(parts)


def stamp(moment: datetime) -> str:
    """Format a time as records do: `2026-11-25T10:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _comparable(moment: datetime) -> str:
    """Format a time for comparison as text: without `Z`, which sorts after `.123Z`."""
    return stamp(moment).removesuffix("Z")
