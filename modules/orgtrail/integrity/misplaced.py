"""Objects where CloudTrail writes none, which a reader of the archive may take for log files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from orgtrail.integrity.findings import Finding, finding, unlisted
from orgtrail.integrity.names import ChainId, days_below, months_below, years_below
from orgtrail.integrity.request import Request
from orgtrail.integrity.storage.store import Listed, Store, UnreadableError

Part = Callable[[Sequence[str]], tuple[list[str], list[str]]]
"""Parts names of folders into those that are as they should be, and others."""

_KEPT = 10_000
"""Objects that are kept by name, of a chain or an account."""
_TOLD = 200
"""Objects that are told by name, of an account."""


@dataclass(slots=True)
class Misplaced:
    """What lies where CloudTrail writes nothing.

    Attributes:
        bucket: the bucket.
        keys: objects with content.
        more: how many there are beside those.
        unlisted: prefixes that could not be listed, and why.

    """

    bucket: str
    keys: list[str] = field(default_factory=list)
    more: int = 0
    unlisted: list[tuple[str, UnreadableError]] = field(default_factory=list)

    def add(self, objects: Iterable[Listed]) -> None:
        """Take objects; a key like a folder's counts where it has content."""
        for each in objects:
            if not each.size and each.key.endswith("/"):
                continue
            if len(self.keys) < _KEPT:
                self.keys.append(each.key)
            else:
                self.more += 1

    async def add_below(self, store: Store, prefix: str) -> None:
        """Take all objects below a prefix."""
        try:
            async for each in store.objects(self.bucket, prefix):
                self.add([each])
                if self.more:
                    # Enough is known: nobody reads a million names.
                    return
        except UnreadableError as error:
            self.unlisted.append((prefix, error))

    def findings(self, chain: ChainId) -> Iterator[Finding]:
        """Yield what could not be listed, and how many objects are not told by name."""
        for prefix, error in self.unlisted:
            yield unlisted(chain, prefix, error)
        if self.more:
            told = f"{self.more} or more beside those told by name"
            yield finding(chain, "unvouched-log", "", told)

    def told(self, chain: ChainId) -> Iterator[Finding]:
        """Yield a finding for each object, where no digest can name any."""
        told = "it lies where CloudTrail writes no log file"
        for key in self.keys[:_TOLD]:
            yield finding(chain, "unvouched-log", key, told)
        if len(self.keys) > _TOLD:
            more = f"{len(self.keys) - _TOLD} more, not told one by one"
            yield finding(chain, "unvouched-log", "", more)


async def outside_days(store: Store, request: Request, chain: ChainId, now: datetime) -> Misplaced:
    """Find what lies in a chain's folder of log files, and in no folder of a day.

    Years and months that the window does not touch are not looked into.

    Args:
        store: where the trail writes.
        request: what is asked.
        chain: the chain.
        now: the time; folders of days to come are misplaced, too.

    """
    place = request.trail.place
    found = Misplaced(place.bucket)
    root = place.logs(chain)
    days = request.days()
    years, months = {f"{day:%Y}" for day in days}, {f"{day:%Y/%m}" for day in days}

    async def good_below(prefix: str, part: Part) -> list[str]:
        """Return the folders that are as they should be, and note all else."""
        try:
            level = await store.level(place.bucket, prefix)
        except UnreadableError as error:
            found.unlisted.append((prefix, error))
            return []
        found.add(level.objects)
        good, odd = part(level.folders)
        for name in odd:
            await found.add_below(store, f"{prefix}{name}/")
        return good

    for year in await good_below(root, partial(years_below, now=now)):
        if year not in years:
            continue
        part = partial(months_below, year=int(year), now=now)
        for month in await good_below(f"{root}{year}/", part):
            if f"{year}/{month}" in months:
                part = partial(days_below, year=int(year), month=int(month), now=now)
                await good_below(f"{root}{year}/{month}/", part)
    return found
