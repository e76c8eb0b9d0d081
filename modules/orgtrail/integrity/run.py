"""A whole verification: find the chains, share out their days, and put each together again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from orgtrail.integrity import keys as key_files
from orgtrail.integrity.aws import Aws
from orgtrail.integrity.chain import Window, conclude, dangling, is_short
from orgtrail.integrity.crew import Alone, Briefing, Crew, lazy_collection
from orgtrail.integrity.day import Day, Task
from orgtrail.integrity.discovery import Found, chains_below
from orgtrail.integrity.findings import finding
from orgtrail.integrity.folder import PUBLIC_KEYS
from orgtrail.integrity.judging import Judge
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.link import Link, link
from orgtrail.integrity.memory import State
from orgtrail.integrity.names import HOUR, ChainId, Place, Trail, place_of
from orgtrail.integrity.result import Event, Note, Planned, Progress
from orgtrail.integrity.signing import Credentials
from orgtrail.integrity.store import UnreadableError
from orgtrail.settings.faults import OrgtrailError

WORKERS = 128
"""Requests in flight, of all processes together."""
LATE = timedelta(hours=2)
"""A digest may come this much after its period; CloudTrail delivers them within the hour."""

_DAYS_EACH = 48
"""Days of chains that are worth a further process."""
_DAYS = 24
"""Days of chains that a process works on at a time."""
_CHAINS = 48
"""Chains that are under way at a time."""
_STEPS = 1000
"""Digests that are asked for one by one because others name them, of a chain."""


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


def verify(request: Request, state: State | None = None) -> Iterator[Event]:
    """Verify every chain of an organization trail; yield results as they come.

    Give each event to a `Result` to have counts and the verdict.

    Args:
        request: what to verify.
        state: knows what earlier runs found valid, and takes what this one finds.

    Yields:
        what was planned, then progress, chains, findings about accounts and notes.

    Raises:
        OrgtrailError: the bucket cannot be listed, there are no credentials, or a file given
            cannot be read.

    """

    async def following(events: AsyncGenerator[Event, None]) -> Event | None:
        return await anext(events, None)

    async def closing(events: AsyncGenerator[Event, None]) -> None:
        await events.aclose()

    # The one loop that libcurl can use on every system.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner, lazy_collection():
        events = _Run(request, state).events()
        try:
            while (event := runner.run(following(events))) is not None:
                yield event
        finally:
            runner.run(closing(events))


class _Run:
    """The state of one run."""

    def __init__(self, request: Request, state: State | None) -> None:
        self._request = request
        self._state = state
        self._aws = None if request.logs else Aws(request.trail.home)
        now = datetime.now(UTC)
        self._due = min(request.until, now - LATE)
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=1000)
        self._expected = dict(request.expected)
        self._keyring = KeyRing()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield what comes, while the work goes on."""
        work = asyncio.create_task(self._work())
        try:
            while (event := await self._queue.get()) is not None:
                yield event
            await work
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _work(self) -> None:
        try:
            await self._all()
        finally:
            # The reader may be gone, and then nobody empties a full queue.
            if not (task := asyncio.current_task()) or not task.cancelling():
                await self._queue.put(None)

    def _credentials(self) -> Credentials | None:
        return self._aws.credentials() if self._aws else None

    async def _all(self) -> None:
        request, path = self._request, self._state.path if self._state else None
        source = self._aws.addresses() if self._aws else request.logs
        assert source is not None
        processes = max(1, min(request.processes or _cores(), request.workers))
        slots = max(1, request.workers // processes)
        briefing = Briefing(request.trail, self._keyring, source, slots, path)
        async with (
            Alone(briefing, self._credentials) as alone,
            Crew(alone, self._credentials) as self._crew,
        ):
            self._store = alone.store
            found = await self._discovered()
            days = len(found.chains) * len(self._days())
            if not request.processes:
                processes = min(processes, 1 + days // _DAYS_EACH)
            self._slots = asyncio.Semaphore(_DAYS * processes)
            # They start while the keys are asked for.
            await self._crew.hire(processes - 1)
            await asyncio.to_thread(self._get_keys, sorted({each.region for each in found.chains}))
            await self._crew.brief(briefing)
            await self._tell_absent(found)
            await self._queue.put(Planned(tuple(found.chains), days))
            await self._chains(found.chains)

    async def _discovered(self) -> Found:
        request, aws = self._request, self._aws
        members = asyncio.create_task(asyncio.to_thread(aws.members)) if aws else None
        try:
            found = await chains_below(
                self._store, request.trail.place, request.accounts, request.regions
            )
        except UnreadableError as error:
            raise OrgtrailError(
                f"s3://{request.trail.place.bucket}/{request.trail.place.root}: cannot be listed: "
                f"{error.reason}"
            ) from None
        known = await members if members else []
        if isinstance(known, str):
            await self._queue.put(Note(known))
        else:
            self._expected |= {each.id: each.joined for each in known}
        return found

    def _get_keys(self, regions: list[str]) -> None:
        request, ring = self._request, self._keyring
        if request.public_keys:
            ring.take(key_files.read(request.public_keys))
        elif self._aws:
            self._aws.fill(ring, regions, request.since, request.until)
        else:
            assert request.logs
            ring.take(key_files.read(request.logs / PUBLIC_KEYS))

    async def _tell_absent(self, found: Found) -> None:
        """Tell accounts that have no folder, and regions that some accounts lack."""
        request = self._request
        for account, joined in sorted(self._expected.items()):
            asked = not request.accounts or account in request.accounts
            if asked and account not in found.accounts and self._window(joined).since < self._due:
                chain = ChainId(account, "")
                told = "the account has no folder in the archive"
                await self._queue.put(finding(chain, "account-absent", "", told))
        regions = {each.region for each in found.chains}
        for account in sorted(found.accounts):
            lacking = regions - {each.region for each in found.chains if each.account == account}
            if lacking and (account in self._expected or not self._expected):
                text = f"{account}: has no chain in {', '.join(sorted(lacking))}, which others have"
                await self._queue.put(Note(text))

    def _window(self, joined: datetime | None) -> Window:
        since = self._request.since
        if joined:
            since = max(since, joined.astimezone(UTC) + LATE)
        return Window(since, self._request.until, self._due)

    def _days(self) -> list[date]:
        first, last = self._request.since.date(), (self._request.until + HOUR).date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    async def _chains(self, chains: list[ChainId]) -> None:
        waiting = iter(chains)

        async def next_ones() -> None:
            for chain in waiting:
                await self._chain(chain)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(_CHAINS, len(chains))):
                group.create_task(next_ones())

    async def _chain(self, id: ChainId) -> None:
        window = self._window(self._expected.get(id.account))
        days = await self._everywhere(id)
        links = [each for day in days for each in day.links]
        after = await self._after(id) if is_short(links, window) else None
        links += await self._named(id, links, after)
        chain = conclude(id, window, days, links, after)
        if not links and not chain.unvouched:
            known = not self._expected or id.account in self._expected
            begun_later = after is not None and after.is_valid and after.previous is None
            if begun_later or not known:
                why = "begins after the window" if begun_later else "is of no account of today"
                await self._queue.put(Note(f"{id}: {why}, and has nothing in the window"))
                return
        await self._queue.put(chain)

    async def _everywhere(self, id: ChainId) -> list[Day]:
        """Verify a chain's days where the trail writes, and where it wrote before."""
        days: list[Day] = []
        done: set[Place] = set()
        places = {self._request.trail.place}
        while places:
            tasks = [self._day(id, place, day) for place in places for day in self._days()]
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
        async with self._slots:
            result = await self._crew.do(task)
        if self._state:
            self._state.keep(result.rows)
            result.rows.clear()
        await self._queue.put(Progress(id, len(result.links) + result.logs.total))
        return result

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


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
