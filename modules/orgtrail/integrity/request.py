"""What is asked of a verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from orgtrail.integrity import WORKERS
from orgtrail.integrity.chain import Window
from orgtrail.integrity.names import HOUR, Trail

LATE = timedelta(hours=2)
"""A digest may come this much after its period; CloudTrail delivers them within the hour."""


_FIRST = datetime(2013, 11, 13, tzinfo=UTC)
"""The day on which CloudTrail was announced."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be verified.

    Attributes:
        trail: the organization trail.
        since: from when.
        until: until when.
        accounts: only these; empty for all.
        regions: only these; empty for all.
        expected: accounts that must be there, and since when each is in the organization.
        workers: requests in flight.
        processes: how many; by default one for each core, as far as there is work.
        logs: a folder that is a copy of the bucket; None for the bucket.
        public_keys: a file of public keys; None to ask AWS, or for that beside the copy.
        session: a session of boto3 to ask AWS with; None for a new one.
        known_regions: regions that each account must have digests of, beside those that others
            have.
        multi_region: whether the trail records every region.

    """

    trail: Trail
    since: datetime
    until: datetime
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    expected: Mapping[str, datetime | None] = field(default_factory=dict)
    workers: int = WORKERS
    processes: int | None = None
    logs: Path | None = None
    public_keys: Path | None = None
    session: Any = None
    known_regions: frozenset[str] = frozenset()
    multi_region: bool = True

    def bounded(self, now: datetime) -> Request:
        """Return the same without the time in which nothing can have been delivered."""
        until = max(_FIRST, min(self.until, now + timedelta(days=1)))
        return replace(self, since=min(max(self.since, _FIRST), until), until=until)

    def asks_region(self, region: str) -> bool:
        """Tell whether a region is one of those that are verified."""
        return not self.regions or region in self.regions

    def asks_account(self, account: str) -> bool:
        """Tell whether an account is one of those that are verified."""
        return not self.accounts or account in self.accounts

    def days(self) -> list[date]:
        """Return the days whose folders may hold digests of the window."""
        first, last = self.since.date(), (self.until + HOUR).date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def window(self, joined: datetime | None, now: datetime) -> Window:
        """Return the window of an account, and until when its digests are due.

        Args:
            joined: when it came to the organization, if that is known.
            now: the time.

        """
        joined = joined.astimezone(UTC) if joined else None
        since = max(self.since, joined + LATE) if joined else self.since
        return Window(self.since, joined, since, self.until, now - LATE)
