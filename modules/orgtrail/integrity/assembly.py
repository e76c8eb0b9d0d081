"""One chain from its days: wherever the trail wrote, and whatever its digests name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import date

from orgtrail.integrity.chain import Chain, Window, conclude, dangling, is_short
from orgtrail.integrity.day import Day, Task
from orgtrail.integrity.judging import Judge
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.link import Link, link
from orgtrail.integrity.names import HOUR, ChainId, Place, place_of
from orgtrail.integrity.request import Request
from orgtrail.integrity.result import Note
from orgtrail.integrity.storage.store import Store, UnreadableError

_STEPS = 1000
"""Digests that are asked for one by one because others name them, of a chain."""


class Assembly:
    """Has the days of a chain verified, and puts it together.

    Args:
        request: what is asked.
        store: where to look for what no listing has.
        keys: public keys.
        do: verifies a day.

    """

    def __init__(
        self, request: Request, store: Store, keys: KeyRing, do: Callable[[Task], Awaitable[Day]]
    ) -> None:
        self._request = request
        self._store = store
        self._keyring = keys
        self._do = do

    async def chain(self, id: ChainId, window: Window, *, known: bool) -> Chain | Note:
        """Verify a chain.

        Args:
            id: which.
            window: the time.
            known: whether its account is one of the organization's.

        Returns:
            the chain, or a note of why there is none.

        """
        days = await self._everywhere(id)
        links = [each for day in days for each in day.links]
        after = await self._after(id) if is_short(links, window) else None
        links += await self._named(id, links, after)
        chain = conclude(id, window, days, links, after)
        if not links and not chain.unvouched:
            begun_later = after is not None and after.is_valid and after.previous is None
            if begun_later or not known:
                why = "begins after the window" if begun_later else "is of no account of today"
                return Note(f"{id}: {why}, and has nothing in the window")
        return chain

    async def _everywhere(self, id: ChainId) -> list[Day]:
        """Verify a chain's days where the trail writes, and where it wrote before."""
        days: list[Day] = []
        done: set[Place] = set()
        places = {self._request.trail.place}
        while places:
            tasks = [self._day(id, place, day) for place in places for day in self._request.days()]
            some = await asyncio.gather(*tasks)
            days += some
            done |= places
            places = {place for day in some for place in self._moved(id, day)} - done
        return days

    def _moved(self, id: ChainId, day: Day) -> Iterator[Place]:
        """Return the other places that digests of the window name their predecessors in."""
        for each in day.links:
            before = each.previous
            if before and each.start and each.start >= self._request.since:
                place = place_of(before.bucket, before.key, id)
                if place and place != day.task.place:
                    yield place

    async def _day(self, id: ChainId, place: Place, day: date) -> Day:
        request = self._request
        task = Task(id, place, day, request.since, request.until + HOUR)
        return await self._do(task)

    async def _after(self, id: ChainId) -> Link | None:
        """Read the first digest after the window, for what it says of the one before."""
        trail, place = self._request.trail, self._request.trail.place
        until = self._request.until + HOUR
        stem = f"{id.account}_CloudTrail-Digest_{id.region}_{trail.name}_{trail.home}_"
        last = f"{place.digests(id, until.date())}{stem}{until:%Y%m%dT%H%M%SZ}~"
        try:
            async with aclosing(
                self._store.objects(place.bucket, place.digests(id), last)
            ) as listed:
                async for each in listed:
                    name = trail.digest_end(id, each.key)
                    if name and not name.backfill and name.end > until:
                        judge = Judge(self._store, self._keyring, id)
                        read = await judge.digest(place.bucket, each.key)
                        return link(place.bucket, each.key, name.end, read, backfill=False)
        except UnreadableError:
            pass
        return None

    async def _named(self, id: ChainId, links: list[Link], after: Link | None) -> list[Link]:
        """Look for digests that others name and no listing has."""
        judge = Judge(self._store, self._keyring, id)
        more: list[Link] = []
        for _ in range(_STEPS):
            named = dangling(self._request.trail, id, [*links, *more], after, self._request.since)
            if not named:
                break
            for bucket, key, end in named:
                read = await judge.digest(bucket, key)
                more.append(link(bucket, key, end, read, backfill=False))
        return more
