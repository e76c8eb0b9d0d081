"""A whole verification: find the chains, share out their days, and put each together again."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from orgtrail.errors import OrgtrailError
from orgtrail.integrity import keys as key_files
from orgtrail.integrity.absent import (
    as_findings,
    former_accounts,
    limits,
    missing_accounts,
    missing_regions,
    not_asked,
    not_due,
    nothing,
)
from orgtrail.integrity.assembly import Assembly
from orgtrail.integrity.aws import Aws
from orgtrail.integrity.chain import Chain, Window
from orgtrail.integrity.crew import Alone, Briefing, Crew, lazy_collection
from orgtrail.integrity.day import Day, Task
from orgtrail.integrity.discovery import Found, chains_below
from orgtrail.integrity.findings import advice_on, finding
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.memory import State
from orgtrail.integrity.misplaced import outside_regions
from orgtrail.integrity.names import ALL, ChainId
from orgtrail.integrity.request import Request
from orgtrail.integrity.result import Event, Note, Planned, Progress
from orgtrail.integrity.storage.folder import PUBLIC_KEYS, refuse_pipe
from orgtrail.integrity.storage.signing import Credentials
from orgtrail.integrity.storage.store import UnreadableError

_DAYS_EACH = 48
"""Days of chains that are worth a further process."""
_DAYS = 24
"""Days of chains that a process works on at a time."""
_CHAINS = 80
"""Chains that are under way at a time."""
_FOREIGN = (
    "{path}: was sealed with another key than this user's, so nothing in it was trusted and every "
    "file was read; docs/integrity.md tells where the key lies"
)
_PLAIN = (
    "{count} files came unpacked: something between decodes them (Content-Encoding: gzip), or "
    "somebody wrote them so; what is in them was compared with what CloudTrail signed"
)
_PLAIN_COPY = (
    "{count} files of the copy are unpacked: whoever made it decoded them (Content-Encoding: "
    "gzip); what is in them was compared with what CloudTrail signed"
)


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
            # Where a signal broke into it, it still runs: the runner cancels it as it closes.
            with suppress(RuntimeError):
                runner.run(closing(events))


class _Run:
    """The state of one run."""

    def __init__(self, request: Request, state: State | None) -> None:
        self._now = datetime.now(UTC)
        self._request = request = request.bounded(self._now)
        self._state = state
        self._aws = None if request.logs else Aws(request.trail.home, request.session)
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=1000)
        self._expected = dict(request.expected)
        self._members: frozenset[str] | None = None
        self._keyring = KeyRing()
        self._left = False
        self._alive: set[ChainId] = set()
        self._plain = 0

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield what comes, while the work goes on."""
        work = asyncio.create_task(self._work())
        try:
            while (event := await self._queue.get()) is not None:
                yield event
            await work
        finally:
            self._left = True
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _work(self) -> None:
        try:
            await self._all()
        finally:
            # Where the reader is gone, nobody empties a full queue.
            if not self._left:
                await self._queue.put(None)

    def _credentials(self) -> Credentials | None:
        return self._aws.credentials() if self._aws else None

    async def _all(self) -> None:
        request, state = self._request, self._state
        source = self._aws.addresses() if self._aws else request.logs
        assert source is not None
        where = source.resolve() if isinstance(source, Path) else source.plain
        self._seal = state.seal(str(where)) if state else None
        memory = (state.path, self._seal) if state and self._seal else None
        processes = max(1, min(request.processes or _cores(), request.workers))
        slots = max(1, request.workers // processes)
        briefing = Briefing(request.trail, self._keyring, source, slots, memory)
        alone = Alone(briefing, self._credentials)
        async with Crew(alone, self._credentials) as self._crew:
            self._store = alone.store
            found = await self._discovered()
            days = len(found.chains) * len(request.days())
            if not request.processes:
                processes = min(processes, 1 + days // _DAYS_EACH)
            self._slots = asyncio.Semaphore(_DAYS * processes)
            # They start while the keys are asked for.
            await self._crew.hire(processes - 1)
            await asyncio.to_thread(self._get_keys, sorted({each.region for each in found.chains}))
            await self._crew.brief(briefing)
            await self._tell(not_due(request, self._now))
            await self._tell(found.findings)
            await self._tell(nothing(request, found))
            earlier = state.chains() if state else frozenset[ChainId]()
            expected, members = self._expected, self._members
            await self._tell(missing_accounts(request, found, expected, self._now))
            await self._tell(former_accounts(request, found, expected, earlier, members))
            await self._queue.put(Planned(tuple(found.chains), days))
            await self._chains(found.chains)
            await self._end(found, earlier)

    async def _tell(self, events: Iterable[Event]) -> None:
        for each in events:
            await self._queue.put(each)

    async def _end(self, found: Found, earlier: frozenset[ChainId]) -> None:
        """Tell what only all chains together show."""
        request, state = self._request, self._state
        expected = {
            account: self._expected.get(account)
            for account in {*self._expected, *(each.account for each in self._alive)}
        }
        lacking = missing_regions(request, found, expected, self._alive, earlier, self._now)
        enabled = self._aws.enabled_regions if self._aws else not_asked
        await self._tell(await asyncio.to_thread(as_findings, lacking, enabled))
        if state:
            if state.is_altered:
                told = f"{state.path}: what earlier runs knew of accounts and regions was altered"
                await self._queue.put(finding(ALL, "state-altered", "", told))
            state.note_chains(self._alive)
            if state.is_foreign:
                await self._queue.put(Note(_FOREIGN.format(path=state.path)))
        for region, (told, step) in sorted(self._keyring.denied.items()):
            if region in self._keyring:
                await self._queue.put(Note(f"{told}; {step}"))
        if self._plain:
            told = _PLAIN_COPY if request.logs else _PLAIN
            await self._queue.put(Note(told.format(count=self._plain)))
        await self._tell(Note(each) for each in found.notes)
        await self._tell(limits(request, self._alive, self._now))

    async def _discovered(self) -> Found:
        request, aws = self._request, self._aws
        members = asyncio.create_task(asyncio.to_thread(aws.members)) if aws else None
        try:
            found = await chains_below(self._store, request)
        except UnreadableError as error:
            raise OrgtrailError(
                f"s3://{request.trail.place.bucket}/{request.trail.place.root}: cannot be listed: "
                f"{error.reason}; {advice_on(error)}"
            ) from None
        known = await members if members else []
        if isinstance(known, str):
            await self._queue.put(Note(known))
        elif members:
            self._members = frozenset(each.id for each in known)
            self._expected |= {each.id: each.joined for each in known if each.is_active}
        return found

    def _get_keys(self, regions: list[str]) -> None:
        request, ring = self._request, self._keyring
        if request.public_keys:
            ring.take(key_files.read(request.public_keys))
        elif self._aws:
            self._aws.fill(ring, regions, request.since, request.until)
        else:
            assert request.logs
            path = request.logs / PUBLIC_KEYS
            refuse_pipe(path)
            ring.take(key_files.read(path))

    def _window(self, account: str) -> Window:
        return self._request.window(self._expected.get(account), self._now)

    async def _chains(self, chains: list[ChainId]) -> None:
        waiting = iter(chains)
        assembly = Assembly(self._request, self._store, self._keyring, self._day, self._now)

        async def next_ones() -> None:
            for one in waiting:
                chain = await assembly.chain(
                    one, self._window(one.account), gone=self._is_gone(one.account)
                )
                if isinstance(chain, Chain):
                    self._plain += chain.plain
                    if chain.digests.valid:
                        self._alive.add(one)
                await self._queue.put(chain)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(_CHAINS, len(chains))):
                    group.create_task(next_ones())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        for place, account in sorted(assembly.former):
            odd = await outside_regions(self._store, self._request, place, account)
            await self._tell(odd.all(ChainId(account, "")))

    def _is_gone(self, account: str) -> bool:
        """Tell whether the organization has no such account, and nobody asks for it by name."""
        return (
            self._members is not None
            and account not in self._expected
            and account not in self._request.accounts
        )

    async def _day(self, task: Task) -> Day:
        async with self._slots:
            result = await self._crew.do(task)
        if self._state and self._seal:
            self._state.keep(result.rows, self._seal)
            result.rows.clear()
        await self._queue.put(Progress(task.chain, len(result.links) + result.logs.total))
        return result


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if sys.platform == "win32":
        # There a loop has either sockets that libcurl can use, or processes.
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
