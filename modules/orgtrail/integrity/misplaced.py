"""Objects where CloudTrail writes none, which a reader of the archive may take for log files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from orgtrail.integrity import names
from orgtrail.integrity.findings import Finding, finding, unlisted
from orgtrail.integrity.names import ChainId, Place
from orgtrail.integrity.request import Request
from orgtrail.integrity.storage.store import Level, Listed, Store, UnreadableError

Part = Callable[[Sequence[str]], tuple[list[str], list[str]]]
"""Parts names of folders into those that are as they should be, and others."""

_SHORT = 40
"""Days of a window that are asked for without looking which are there."""
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

    def all(self, chain: ChainId) -> Iterator[Finding]:
        """Yield all of it, where no digest can name any of the objects."""
        yield from self.told(chain)
        yield from self.findings(chain)

    def findings(self, chain: ChainId) -> Iterator[Finding]:
        """Yield what could not be listed, and how many objects are not told by name."""
        for prefix, error in self.unlisted:
            yield unlisted(chain, prefix, error)
        if self.more:
            told = f"{self.more} or more beside those told by name"
            yield finding(chain, "unvouched-log", "", told)

    def told(self, chain: ChainId) -> Iterator[Finding]:
        """Yield a finding for each object."""
        told = "it lies where CloudTrail writes no log file"
        for key in self.keys[:_TOLD]:
            yield finding(chain, "unvouched-log", key, told)
        if len(self.keys) > _TOLD:
            more = f"{len(self.keys) - _TOLD} more, not told one by one"
            yield finding(chain, "unvouched-log", "", more)


async def outside_regions(
    store: Store, request: Request, place: Place, account: str, level: Level | None = None
) -> Misplaced:
    """Find what lies in an account's folder of log files, and in no folder of a region.

    Args:
        store: where the trail writes.
        request: what is asked.
        place: where the trail wrote.
        account: the account.
        level: what lies right below that folder, if that is known.

    """
    found, prefix = Misplaced(place.bucket), f"{place.root}{account}/{names.LOGS}/"
    try:
        level = level or await store.level(place.bucket, prefix)
    except UnreadableError as error:
        found.unlisted.append((prefix, error))
        return found
    found.add(level.objects)
    for name in level.folders:
        if not names.is_region(name) and request.asks_region(name.lower()):
            await found.add_below(store, f"{prefix}{name}/")
    return found


async def days_below(store: Store, request: Request, chain: ChainId, place: Place) -> list[date]:
    """Return the days of the window that may have a folder of digests or of log files.

    Over a short window that is every day; over a long one months are listed, so that nobody asks
    for thousands of days before there was a trail.

    Args:
        store: where the trail writes.
        request: what is asked.
        chain: the chain.
        place: where it wrote.

    """
    days = request.days()
    if len(days) <= _SHORT:
        return days
    there: set[str] = set()
    for root in (place.digests(chain), place.logs(chain)):
        try:
            years = (await store.level(place.bucket, root)).folders
            for month in sorted({f"{day:%Y/%m}" for day in days if f"{day:%Y}" in years}):
                inside = await store.level(place.bucket, f"{root}{month}/")
                there |= {f"{month}/{day}" for day in inside.folders}
        except UnreadableError:
            # The days tell it, each by itself.
            return days
    return [day for day in days if f"{day:%Y/%m/%d}" in there]


async def outside_days(
    store: Store, request: Request, chain: ChainId, place: Place, now: datetime
) -> Misplaced:
    """Find what lies in a chain's folder of log files, and in no folder of a day.

    Years and months that the window does not touch are not looked into.

    Args:
        store: where the trail writes.
        request: what is asked.
        chain: the chain.
        place: where it wrote.
        now: the time; folders of days to come are misplaced, too.

    """
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

    for year in await good_below(root, partial(names.years_below, now=now)):
        if year not in years:
            continue
        part = partial(names.months_below, year=int(year), now=now)
        for month in await good_below(f"{root}{year}/", part):
            if f"{year}/{month}" in months:
                part = partial(names.days_below, year=int(year), month=int(month), now=now)
                await good_below(f"{root}{year}/{month}/", part)
    return found
