"""Verifies one chain: its days at every location the trail wrote to, and digests outside of them.

All digests of a day are read at once, rather than one after another backwards along the chain;
`coverage` then compares each digest with the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime

from orgtrail.verify.coverage import (
    NearbyDigests,
    ends_early,
    evaluate_chain,
    find_unvouched_logs,
    may_be_named_nearby,
    unlisted_digests,
)
from orgtrail.verify.day import DayResult, DayTask, UnvouchedLog
from orgtrail.verify.discovery import (
    UnexpectedObjects,
    existing_days,
    had_objects_in_window,
    objects_outside_days,
)
from orgtrail.verify.keys import KeyRing
from orgtrail.verify.names import HOUR, ChainId, DigestName, Location, location_of_digest
from orgtrail.verify.objects import ChainDigest, ObjectChecker
from orgtrail.verify.request import VerifyRequest, Window
from orgtrail.verify.result import ChainResult, Note
from orgtrail.verify.storage.store import ListedObject, ObjectUnreadableError, Store

_DIGEST_BATCH = 100
"""Unlisted digests that are read at a time."""
_MAX_NEARBY_DAYS, _MAX_NEARBY_DIGESTS = 10, 200
"""Days listed, and digests read, just outside of the window."""
_NO_FILE_KINDS = {"no-digests", "starts-late"}
"""The only findings that a chain without files in the window can have."""


class ChainVerifier:
    """Verifies chains, a day at a time.

    Attributes:
        former_locations: other locations the trail wrote to in the window, with the account.

    """

    def __init__(
        self,
        request: VerifyRequest,
        store: Store,
        keys: KeyRing,
        verify_day: Callable[[DayTask], Awaitable[DayResult]],
        now: datetime,
    ) -> None:
        self._request = request
        self._store = store
        self._keys = keys
        self._verify_day = verify_day
        self._now = now
        self.former_locations: set[tuple[Location, str]] = set()

    async def verify(
        self, id: ChainId, window: Window, *, is_former_account: bool
    ) -> ChainResult | Note:
        """Verify a chain.

        Args:
            id: the chain.
            window: the window of its account.
            is_former_account: whether its account is known to have left the organization.

        Returns:
            the result, or a note if the account left before the window.

        """
        here = self._request.trail.location
        unexpected_here, days = await asyncio.gather(self._outside(id, here), self._all_days(id))
        former = {day.task.location for day in days} - {here}
        unexpected = [unexpected_here, *[await self._outside(id, each) for each in sorted(former)]]
        digests = [each for day in days for each in day.digests]
        joined = window.joined
        if joined and any(each.is_valid and each.named_end < joined for each in digests):
            # The account left and rejoined, so the time before it last joined counts too.
            window = replace(window, since=window.start)
        after = await self._digest_after(id, days, digests, window)
        if after and after.is_valid and after.period[0] < window.until:
            # It covers part of the window, so its log files must be verified too.
            name = DigestName(after.named_end, backfill=False)
            days.append(await self._verify_day(self._task(id, (after.bucket, after.key, name))))
            digests += days[-1].digests
            after = None
        days += await self._unlisted(id, digests, after)
        found = find_unvouched_logs(
            days, [(each.bucket, key) for each in unexpected for key in each.keys]
        )
        nearby = await self._nearby(id, may_be_named_nearby(found, digests, window), days, digests)
        chain = evaluate_chain(id, window, days, digests, after, found, nearby)
        for each in unexpected:
            chain.unvouched += each.more
            chain.findings += each.findings(id)
        silent = {each.kind for each in chain.findings} <= _NO_FILE_KINDS
        if (
            is_former_account
            and silent
            and not (digests or chain.unvouched)
            and not await had_objects_in_window(
                self._hidden, self._request, self._request.trail.location.digests(id)
            )
        ):
            return Note(
                f"{id}: is of no account of the organization today, and has nothing in the window"
            )
        return chain

    async def _outside(self, id: ChainId, location: Location) -> UnexpectedObjects:
        return await objects_outside_days(self._store, self._request, id, location, self._now)

    async def _hidden(self, prefix: str) -> frozenset[str]:
        try:
            return await self._store.version_folders(self._request.trail.location.bucket, prefix)
        except ObjectUnreadableError:
            # A note about missing permissions to list versions exists already.
            return frozenset()

    async def _all_days(self, id: ChainId) -> list[DayResult]:
        """Verify a chain's days in the trail's location, and in earlier ones that digests name."""
        request = self._request
        until, window = request.until + HOUR, (request.since, request.until)
        days: list[DayResult] = []
        done: set[Location] = set()
        locations = {request.trail.location}
        while locations:
            tasks = [
                self._verify_day(DayTask(id, location, day, request.since, until, window))
                for location in locations
                for day in await existing_days(self._store, request, id, location)
            ]
            some = await asyncio.gather(*tasks)
            days += some
            done |= locations
            self.former_locations |= {
                (each, id.account) for each in locations - {request.trail.location}
            }
            locations = {
                location for day in some for location in self._previous_locations(id, day.digests)
            } - done
        return days

    def _previous_locations(
        self, id: ChainId, digests: Iterable[ChainDigest]
    ) -> Iterator[Location]:
        """Yield the locations of the previous digests that digests name."""
        for each in digests:
            if previous := each.previous:
                bucket = self._store.listed_bucket(previous.bucket)
                if location := location_of_digest(bucket, previous.key, id):
                    yield location

    def _task(self, id: ChainId, *digests: tuple[str, str, DigestName]) -> DayTask:
        """Return the task to verify digests by their keys."""
        end = digests[0][2].end
        window = (self._request.since, self._request.until)
        return DayTask(id, self._request.trail.location, end.date(), end, end, window, digests)

    async def _digest_after(
        self, id: ChainId, days: Sequence[DayResult], digests: Sequence[ChainDigest], window: Window
    ) -> ChainDigest | None:
        """Read the first digest after the window, which vouches for the last one of the window."""
        location, until = self._request.trail.location, self._request.until + HOUR
        known = [
            day.next_digest for day in days if day.next_digest and day.task.location == location
        ]
        next_digest = min(known, key=lambda one: one[1], default=None)
        # The next hour's digest may be in the folder of a day that was not listed.
        beyond = until.date() != (until + HOUR).date() and until + HOUR <= window.delivered_until
        if next_digest is None and (beyond or ends_early(digests, window)):
            next_digest = await self._first_listed_after(id, until)
        if next_digest is None:
            return None
        key, end = next_digest
        read = await ObjectChecker(self._store, self._keys, id).check_digest(location.bucket, key)
        return ChainDigest.of(location.bucket, key, end, read, backfill=False)

    async def _first_listed_after(
        self, id: ChainId, until: datetime
    ) -> tuple[str, datetime] | None:
        """Return key and end of the first listed digest that ends after a time."""
        trail, location = self._request.trail, self._request.trail.location
        last = f"{trail.digest_prefix(id, until)}~"
        try:
            async with aclosing(self._digests(id, location.digests(id), last)) as listed:
                async for each, name in listed:
                    if not name.backfill and name.end > until:
                        return each.key, name.end
        except ObjectUnreadableError:
            # Without it, the chain is reported to end early.
            pass
        return None

    async def _unlisted(
        self, id: ChainId, digests: list[ChainDigest], after: ChainDigest | None
    ) -> list[DayResult]:
        """Verify the unlisted digests that other digests name as previous."""
        days: list[DayResult] = []
        done: set[tuple[str, str, DigestName]] = set()
        while True:
            named = unlisted_digests(self._request.trail, id, digests, after, self._request.since)
            named = [each for each in named if each not in done]
            if not named:
                return days
            done |= {*named}
            for at in range(0, len(named), _DIGEST_BATCH):
                some = named[at : at + _DIGEST_BATCH]
                days.append(await self._verify_day(self._task(id, *some)))
                digests += days[-1].digests

    async def _nearby(
        self,
        id: ChainId,
        candidates: Sequence[UnvouchedLog],
        days: Sequence[DayResult],
        digests: Sequence[ChainDigest],
    ) -> NearbyDigests:
        """Read the digests just outside of the window that may name log files of the window."""
        periods = [period for each in candidates if (period := each.possible_digest_ends())]
        if not periods:
            return NearbyDigests()
        dates = sorted({end.date() for period in periods for end in period})[:_MAX_NEARBY_DAYS]
        known = {each.key for each in digests}
        checker = ObjectChecker(self._store, self._keys, id)
        found: list[ChainDigest] = []
        named: set[tuple[str, str]] = set()
        for location in {day.task.location for day in days}:
            for day in dates:
                prefix = location.digests(id, day)
                try:
                    keys = [
                        (each.key, name)
                        async for each, name in self._digests(id, prefix, bucket=location.bucket)
                        if each.key not in known and any(a <= name.end <= b for a, b in periods)
                    ]
                except ObjectUnreadableError:
                    # The log files remain without a digest.
                    continue
                for key, name in keys[: _MAX_NEARBY_DIGESTS - len(found)]:
                    read = await checker.check_digest(location.bucket, key)
                    found.append(
                        ChainDigest.of(location.bucket, key, name.end, read, backfill=name.backfill)
                    )
                    if read.digest and not read.problem:
                        named |= {
                            (self._store.listed_bucket(one.bucket), one.key)
                            for one in read.digest.logs
                        }
        return NearbyDigests(tuple(found), frozenset(named))

    async def _digests(
        self, id: ChainId, prefix: str, after: str = "", bucket: str = ""
    ) -> AsyncGenerator[tuple[ListedObject, DigestName], None]:
        trail = self._request.trail
        objects = self._store.list_objects(bucket or trail.location.bucket, prefix, after)
        async with aclosing(objects) as listed:
            async for each in listed:
                if name := trail.digest_name(id, each.key):
                    yield each, name
