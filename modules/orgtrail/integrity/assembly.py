"""One chain from its days: wherever the trail wrote, and whatever its digests name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import date, datetime

from orgtrail.integrity.chain import (
    Chain,
    Neighbours,
    Window,
    conclude,
    dangling,
    is_short,
    strays,
    undecided,
)
from orgtrail.integrity.day import Day, Task
from orgtrail.integrity.discovery import had_days
from orgtrail.integrity.judging import Judge
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.link import Link, link
from orgtrail.integrity.misplaced import Misplaced, days_below, outside_days
from orgtrail.integrity.names import HOUR, ChainId, DigestName, Place, place_of
from orgtrail.integrity.request import Request
from orgtrail.integrity.result import Note
from orgtrail.integrity.storage.store import Listed, Store, UnreadableError
from orgtrail.integrity.stray import Stray

_TOGETHER = 100
"""Digests that others name and no listing has, which are read at a time."""
_BESIDE_DAYS, _BESIDE_DIGESTS = 10, 200
"""Days that are listed, and digests that are read, beside the window for what they name."""

_SILENT = {"no-digests", "starts-late"}
"""Findings about a chain that has nothing in the window."""


class Assembly:
    """Has the days of a chain verified, and puts it together.

    Args:
        request: what is asked.
        store: where to look for what no listing has.
        keys: public keys.
        do: verifies a day.
        now: the time.

    Attributes:
        former: other places that the trail wrote to in the window, with the account.

    """

    def __init__(
        self,
        request: Request,
        store: Store,
        keys: KeyRing,
        do: Callable[[Task], Awaitable[Day]],
        now: datetime,
    ) -> None:
        self._request = request
        self._store = store
        self._keyring = keys
        self._do = do
        self._now = now
        self.former: set[tuple[Place, str]] = set()

    async def chain(self, id: ChainId, window: Window, *, gone: bool) -> Chain | Note:
        """Verify a chain.

        Args:
            id: which.
            window: the time.
            gone: whether its account is known to be none of the organization's.

        Returns:
            the chain, or a note of why there is none.

        """
        here = self._request.trail.place
        odd_here, days = await asyncio.gather(self._outside(id, here), self._everywhere(id))
        former = {day.task.place for day in days} - {here}
        odd = [odd_here, *[await self._outside(id, each) for each in sorted(former)]]
        links = [each for day in days for each in day.links]
        joined = window.joined
        if joined and any(each.is_valid and each.named_end < joined for each in links):
            # It left and came again: what was there before is not excused.
            window = replace(window, since=window.asked)
        after = await self._after(id, days, links, window)
        if after and after.is_valid and after.period[0] < window.until:
            # It covers some of the window, so that what it names belongs to it.
            name = DigestName(after.named_end, backfill=False)
            days.append(await self._do(self._task(id, (after.bucket, after.key, name))))
            links += days[-1].links
            after = None
        days += await self._named(id, links, after)
        found = strays(days, [(each.bucket, key) for each in odd for key in each.keys])
        beside = await self._beside(id, undecided(found, links, window), days, links)
        chain = conclude(id, window, days, links, after, found, beside)
        for each in odd:
            chain.unvouched += each.more
            chain.findings += each.findings(id)
        silent = {each.kind for each in chain.findings} <= _SILENT
        if (
            gone
            and silent
            and not (links or chain.unvouched)
            and not await had_days(
                self._hidden, self._request, self._request.trail.place.digests(id)
            )
        ):
            return Note(
                f"{id}: is of no account of the organization today, and has nothing in the window"
            )
        return chain

    async def _outside(self, id: ChainId, place: Place) -> Misplaced:
        return await outside_days(self._store, self._request, id, place, self._now)

    async def _hidden(self, prefix: str) -> frozenset[str]:
        try:
            return await self._store.hidden_folders(self._request.trail.place.bucket, prefix)
        except UnreadableError:
            # That versions may not be listed is noted already.
            return frozenset()

    async def _everywhere(self, id: ChainId) -> list[Day]:
        """Verify a chain's days where the trail writes, and where it wrote before."""
        days: list[Day] = []
        done: set[Place] = set()
        places = {self._request.trail.place}
        while places:
            tasks = [
                self._day(id, place, day)
                for place in places
                for day in await days_below(self._store, self._request, id, place)
            ]
            some = await asyncio.gather(*tasks)
            days += some
            done |= places
            self.former |= {(each, id.account) for each in places - {self._request.trail.place}}
            places = {place for day in some for place in self._moved(id, day.links)} - done
        return days

    def _moved(self, id: ChainId, links: Iterable[Link]) -> Iterator[Place]:
        """Return the places that digests of the window name their predecessors in."""
        for each in links:
            if before := each.previous:
                bucket = self._store.bucket_of(before.bucket)
                if place := place_of(bucket, before.key, id):
                    yield place

    async def _day(self, id: ChainId, place: Place, day: date) -> Day:
        request = self._request
        window = (request.since, request.until)
        return await self._do(Task(id, place, day, request.since, request.until + HOUR, window))

    def _task(self, id: ChainId, *digests: tuple[str, str, DigestName]) -> Task:
        """Return the task of verifying digests by their keys, and what they name."""
        end = digests[0][2].end
        return Task(id, self._request.trail.place, end.date(), end, end, (end, end), digests)

    async def _after(
        self, id: ChainId, days: Sequence[Day], links: Sequence[Link], window: Window
    ) -> Link | None:
        """Read the first digest after the window, for what it says of the one before."""
        place, until = self._request.trail.place, self._request.until + HOUR
        known = [day.following for day in days if day.following and day.task.place == place]
        following = min(known, key=lambda one: one[1], default=None)
        # The next hour's may lie in the folder of a day that was not listed.
        beyond = until.date() != (until + HOUR).date() and until + HOUR <= window.settled
        if following is None and (beyond or is_short(links, window)):
            following = await self._listed_after(id, until)
        if following is None:
            return None
        key, end = following
        read = await Judge(self._store, self._keyring, id).digest(place.bucket, key)
        return link(place.bucket, key, end, read, backfill=False)

    async def _listed_after(self, id: ChainId, until: datetime) -> tuple[str, datetime] | None:
        """Return key and end of the first digest that ends after a time."""
        trail, place = self._request.trail, self._request.trail.place
        last = f"{trail.digest_at(id, until)}~"
        try:
            async with aclosing(self._digests(id, place.digests(id), last)) as listed:
                async for each, name in listed:
                    if not name.backfill and name.end > until:
                        return each.key, name.end
        except UnreadableError:
            # What it would have told stays unknown: the chain ends early.
            pass
        return None

    async def _named(self, id: ChainId, links: list[Link], after: Link | None) -> list[Day]:
        """Verify digests that others name and no listing has, and the log files that they name."""
        days: list[Day] = []
        asked: set[tuple[str, str, DigestName]] = set()
        while True:
            named = dangling(self._request.trail, id, links, after, self._request.since)
            named = [each for each in named if each not in asked]
            if not named:
                return days
            asked |= {*named}
            for at in range(0, len(named), _TOGETHER):
                some = named[at : at + _TOGETHER]
                days.append(await self._do(self._task(id, *some)))
                links += days[-1].links

    async def _beside(
        self, id: ChainId, doubtful: Sequence[Stray], days: Sequence[Day], links: Sequence[Link]
    ) -> Neighbours:
        """Read the digests beside the window that may name log files which none in it does."""
        spans = [span for each in doubtful if (span := each.may_be_named_by())]
        if not spans:
            return Neighbours()
        dates = sorted({end.date() for span in spans for end in span})[:_BESIDE_DAYS]
        known = {each.key for each in links}
        judge = Judge(self._store, self._keyring, id)
        found: list[Link] = []
        named: set[tuple[str, str]] = set()
        for place in {day.task.place for day in days}:
            for day in dates:
                prefix = place.digests(id, day)
                try:
                    keys = [
                        (each.key, name)
                        async for each, name in self._digests(id, prefix, bucket=place.bucket)
                        if each.key not in known and any(a <= name.end <= b for a, b in spans)
                    ]
                except UnreadableError:
                    # Its files stay unvouched for.
                    continue
                for key, name in keys[: _BESIDE_DIGESTS - len(found)]:
                    read = await judge.digest(place.bucket, key)
                    found.append(link(place.bucket, key, name.end, read, backfill=name.backfill))
                    if read.digest and not read.fault:
                        named |= {
                            (self._store.bucket_of(one.bucket), one.key) for one in read.digest.logs
                        }
        return Neighbours(tuple(found), frozenset(named))

    async def _digests(
        self, id: ChainId, prefix: str, after: str = "", bucket: str = ""
    ) -> AsyncGenerator[tuple[Listed, DigestName], None]:
        trail = self._request.trail
        objects = self._store.objects(bucket or trail.place.bucket, prefix, after)
        async with aclosing(objects) as listed:
            async for each in listed:
                if name := trail.digest_end(id, each.key):
                    yield each, name
