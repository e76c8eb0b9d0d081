"""What to verify: the trail, the window, and which accounts and regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from orgtrail.records import CLOUDTRAIL_LAUNCH
from orgtrail.verify import DEFAULT_WORKERS
from orgtrail.verify.names import HOUR, VerifiedTrail

MAX_DIGEST_DELAY = timedelta(hours=2)
"""How late after its period a digest may arrive; CloudTrail delivers within the hour."""
MAX_LOG_DELAY = timedelta(minutes=15)
"""How late after the minute in its name a log file may be delivered."""
LOG_SEARCH_SPAN = timedelta(hours=3)
"""How far after its minute to search digests for a log file before reporting it."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time to verify for one account.

    Attributes:
        start: start of the requested window.
        joined: when the account joined the organization; None if unknown.
        since: start of the time digests must cover: `start`, or shortly after the account joined.
        until: end of the requested window.
        delivered_until: digests up to this time must have been delivered: two hours ago.

    """

    start: datetime
    joined: datetime | None
    since: datetime
    until: datetime
    delivered_until: datetime

    @property
    def due(self) -> datetime:
        """End of the time digests must cover."""
        return min(self.until, self.delivered_until)


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What to verify.

    Attributes:
        trail: the organization trail.
        since: start of the window, with a time zone.
        until: end of the window, with a time zone.
        accounts: account IDs to verify; empty for all.
        regions: regions to verify; empty for all.
        expected: accounts that must have digests, and when each joined the organization.
        workers: requests in flight, over all processes.
        processes: number of processes; None for one per core, if there is enough work.
        logs: a folder with a copy of the bucket; None to read the bucket.
        public_keys: a file of public keys; None to query AWS, or to use the file in the copy.
        session: the boto3 session to use; None for a new one.
        known_regions: regions of which every account must have digests, in addition to the
            regions that other accounts have.
        multi_region: whether the trail records every region.

    """

    trail: VerifiedTrail
    since: datetime
    until: datetime
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    expected: Mapping[str, datetime | None] = field(default_factory=dict)
    workers: int = DEFAULT_WORKERS
    processes: int | None = None
    logs: Path | None = None
    public_keys: Path | None = None
    session: Any = None
    known_regions: frozenset[str] = frozenset()
    multi_region: bool = True

    def bounded(self, now: datetime) -> VerifyRequest:
        """Return the request without the times for which nothing can have been delivered."""
        until = max(CLOUDTRAIL_LAUNCH, min(self.until, now + timedelta(days=1)))
        return replace(self, since=min(max(self.since, CLOUDTRAIL_LAUNCH), until), until=until)

    def includes_region(self, region: str) -> bool:
        """Return whether a region is to be verified."""
        return not self.regions or region in self.regions

    def includes_account(self, account: str) -> bool:
        """Return whether an account is to be verified."""
        return not self.accounts or account in self.accounts

    def days(self) -> list[date]:
        """Return the days whose folders may contain digests of the window."""
        first, last = self.since.date(), (self.until + HOUR).date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def window(self, joined: datetime | None, now: datetime) -> Window:
        """Return the window of an account."""
        joined = joined.astimezone(UTC) if joined else None
        since = max(self.since, joined + MAX_DIGEST_DELAY) if joined else self.since
        return Window(self.since, joined, since, self.until, now - MAX_DIGEST_DELAY)
