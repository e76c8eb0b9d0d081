"""A whole verification: find the chains, share out their days, and put each together again."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime

from orgtrail.integrity import keys as key_files
from orgtrail.integrity.assembly import Assembly
from orgtrail.integrity.aws import Aws
from orgtrail.integrity.chain import Window
from orgtrail.integrity.crew import Alone, Briefing, Crew, lazy_collection
from orgtrail.integrity.day import Day, Task
from orgtrail.integrity.discovery import Found, chains_below
from orgtrail.integrity.findings import finding
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.memory import State
from orgtrail.integrity.names import ChainId
from orgtrail.integrity.request import Request
from orgtrail.integrity.result import Event, Note, Planned, Progress
from orgtrail.integrity.storage.folder import PUBLIC_KEYS
from orgtrail.integrity.storage.signing import Credentials
from orgtrail.integrity.storage.store import UnreadableError
from orgtrail.settings.faults import OrgtrailError

_DAYS_EACH = 48
"""Days of chains that are worth a further process."""
_DAYS = 24
"""Days of chains that a process works on at a time."""
_CHAINS = 48
"""Chains that are under way at a time."""


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
        self._aws = None if request.logs else Aws(request.trail.home, request.session)
        self._now = datetime.now(UTC)
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=1000)
        self._expected = dict(request.expected)
        self._keyring = KeyRing()
        self._left = False

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
        request, path = self._request, self._state.path if self._state else None
        source = self._aws.addresses() if self._aws else request.logs
        assert source is not None
        processes = max(1, min(request.processes or _cores(), request.workers))
        slots = max(1, request.workers // processes)
        briefing = Briefing(request.trail, self._keyring, source, slots, path)
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
        for account in sorted(self._expected):
            asked = not request.accounts or account in request.accounts
            window = self._window(account)
            if asked and account not in found.accounts and window.since < window.due:
                chain = ChainId(account, "")
                told = "the account has no folder in the archive"
                await self._queue.put(finding(chain, "account-absent", "", told))
        regions = {each.region for each in found.chains}
        for account in sorted(found.accounts):
            lacking = regions - {each.region for each in found.chains if each.account == account}
            if lacking and (account in self._expected or not self._expected):
                text = f"{account}: has no chain in {', '.join(sorted(lacking))}, which others have"
                await self._queue.put(Note(text))

    def _window(self, account: str) -> Window:
        return self._request.window(self._expected.get(account), self._now)

    async def _chains(self, chains: list[ChainId]) -> None:
        waiting = iter(chains)
        assembly = Assembly(self._request, self._store, self._keyring, self._day)

        async def next_ones() -> None:
            for one in waiting:
                known = not self._expected or one.account in self._expected
                window = self._window(one.account)
                await self._queue.put(await assembly.chain(one, window, known=known))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(_CHAINS, len(chains))):
                    group.create_task(next_ones())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _day(self, task: Task) -> Day:
        async with self._slots:
            result = await self._crew.do(task)
        if self._state:
            self._state.keep(result.rows)
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
