"""A complete verification: finds chains, distributes their days to workers, and yields results."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from orgtrail.errors import OrgtrailError
from orgtrail.signals import cancelling
from orgtrail.verify.aws import AwsClient
from orgtrail.verify.chain import ChainVerifier
from orgtrail.verify.day import DayResult, DayTask
from orgtrail.verify.discovery import ArchiveContents, discover, objects_outside_regions
from orgtrail.verify.findings import advice_for, finding
from orgtrail.verify.keys import KeyRing, read_key_file
from orgtrail.verify.missing import (
    coverage_notes,
    empty_archive,
    enabled_regions_unknown,
    former_accounts,
    missing_accounts,
    missing_region_findings,
    missing_regions,
    not_due,
)
from orgtrail.verify.names import ALL_CHAINS, ChainId
from orgtrail.verify.request import VerifyRequest
from orgtrail.verify.result import ChainResult, Event, Note, Planned, Progress
from orgtrail.verify.state import StateFile
from orgtrail.verify.storage.folder import PUBLIC_KEYS_FILE, refuse_pipe
from orgtrail.verify.storage.http import Credentials
from orgtrail.verify.storage.store import ObjectUnreadableError
from orgtrail.verify.workers import LocalWorker, WorkerConfig, WorkerPool, infrequent_gc

_DAYS_PER_PROCESS = 48
"""Days of chains that make another process worthwhile."""
_DAYS_AT_ONCE = 24
"""Days of chains per process that are verified at a time."""
_CHAINS_AT_ONCE = 80
"""Chains that are verified at a time."""

_OTHER_KEY = (
    "{path}: was sealed with another key than this user's, so nothing in it was trusted and every "
    "file was read; docs/integrity.md tells where the key lies"
)
_UNPACKED = (
    "{count} files came unpacked: something between decodes them (Content-Encoding: gzip), or "
    "somebody wrote them so; what is in them was compared with what CloudTrail signed"
)
_UNPACKED_COPY = (
    "{count} files of the copy are unpacked: whoever made it decoded them (Content-Encoding: "
    "gzip); what is in them was compared with what CloudTrail signed"
)


def verify(request: VerifyRequest, state: StateFile | None = None) -> Iterator[Event]:
    """Verify every chain of an organization trail, and yield results as they arrive.

    Add each event to a `Result` for counts and the verdict.

    Args:
        request: what to verify.
        state: the state file to read and update; None to read every file.

    Yields:
        the plan, then progress, chains, findings about accounts and notes.

    Raises:
        OrgtrailError: the bucket cannot be listed, there are no credentials, or a given file
            cannot be read.

    """
    task: asyncio.Task[object] | None = None
    is_stopped = False

    async def next_event(events: AsyncGenerator[Event, None]) -> Event | None:
        nonlocal task
        task = asyncio.current_task()
        if is_stopped:
            # The signal came between two events.
            raise asyncio.CancelledError
        return await anext(events, None)

    async def closing(events: AsyncGenerator[Event, None]) -> None:
        await events.aclose()

    def stop() -> None:
        nonlocal is_stopped
        is_stopped = True
        if task:
            task.cancel()

    # The only event loop that works with libcurl on every system.
    with (
        asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner,
        infrequent_gc(),
        cancelling(lambda: _soon(runner.get_loop(), stop)),
    ):
        events = _Run(request, state).events()
        try:
            while (event := runner.run(next_event(events))) is not None:
                yield event
        finally:
            # After a second signal the generator is still running; the runner then cancels it.
            with suppress(RuntimeError):
                runner.run(closing(events))


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    # A loop that is closed has nothing left to stop.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


class _Run:
    """One run."""

    def __init__(self, request: VerifyRequest, state: StateFile | None) -> None:
        self._now = datetime.now(UTC)
        self._request = request = request.bounded(self._now)
        self._state = state
        self._aws = None if request.logs else AwsClient(request.trail.home, request.session)
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=1000)
        self._expected = dict(request.expected)
        self._members: frozenset[str] | None = None
        self._keys = KeyRing()
        self._reader_gone = False
        self._verified_chains: set[ChainId] = set()
        self._plain = 0

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield events while the work goes on."""
        work = asyncio.create_task(self._work())
        try:
            while (event := await self._queue.get()) is not None:
                yield event
            await work
        finally:
            self._reader_gone = True
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _work(self) -> None:
        try:
            await self._verify()
        finally:
            # Without a reader, a full queue would block.
            if not self._reader_gone:
                await self._queue.put(None)

    def _credentials(self) -> Credentials | None:
        return self._aws.credentials() if self._aws else None

    async def _verify(self) -> None:
        request, state = self._request, self._state
        source = self._aws.addresses() if self._aws else request.logs
        assert source is not None
        # realpath: `resolve` raises at a loop of links, before the store can say what is wrong.
        where = os.path.realpath(source) if isinstance(source, Path) else source.plain  # noqa: ASYNC240
        self._signer = state.signer_for(str(where)) if state else None
        saved = (state.path, self._signer) if state and self._signer else None
        processes = max(1, min(request.processes or _cores(), request.workers))
        slots = max(1, request.workers // processes)
        config = WorkerConfig(request.trail, self._keys, source, slots, saved)
        local_worker = LocalWorker(config, self._credentials)
        async with WorkerPool(local_worker, self._credentials) as self._workers:
            self._store = local_worker.store
            found = await self._discover()
            days = len(found.chains) * len(request.days())
            if not request.processes:
                processes = min(processes, 1 + days // _DAYS_PER_PROCESS)
            self._slots = asyncio.Semaphore(_DAYS_AT_ONCE * processes)
            # The processes start while the keys are fetched.
            await self._workers.start(processes - 1)
            await asyncio.to_thread(self._load_keys, sorted({each.region for each in found.chains}))
            await self._workers.configure(config)
            await self._emit(not_due(request, self._now))
            await self._emit(found.findings)
            await self._emit(empty_archive(request, found))
            earlier = state.chains() if state else frozenset[ChainId]()
            expected, members = self._expected, self._members
            await self._emit(missing_accounts(request, found, expected, self._now))
            await self._emit(former_accounts(request, found, expected, earlier, members))
            await self._queue.put(Planned(tuple(found.chains), days))
            await self._chains(found.chains)
            await self._end(found, earlier)

    async def _emit(self, events: Iterable[Event]) -> None:
        for each in events:
            await self._queue.put(each)

    async def _end(self, found: ArchiveContents, earlier: frozenset[ChainId]) -> None:
        """Report what is known only once all chains are verified."""
        request, state = self._request, self._state
        expected = {
            account: self._expected.get(account)
            for account in {*self._expected, *(each.account for each in self._verified_chains)}
        }
        missing = missing_regions(
            request, found, expected, self._verified_chains, earlier, self._now
        )
        enabled = self._aws.enabled_regions if self._aws else enabled_regions_unknown
        await self._emit(await asyncio.to_thread(missing_region_findings, missing, enabled))
        if state:
            if state.is_altered:
                reason = f"{state.path}: what earlier runs knew of accounts and regions was altered"
                await self._queue.put(finding(ALL_CHAINS, "state-altered", "", reason))
            state.add_chains(self._verified_chains)
            if state.has_other_key:
                await self._queue.put(Note(_OTHER_KEY.format(path=state.path)))
        for region, (reason, step) in sorted(self._keys.errors.items()):
            if region in self._keys:
                await self._queue.put(Note(f"{reason}; {step}"))
        if self._plain:
            reason = _UNPACKED_COPY if request.logs else _UNPACKED
            await self._queue.put(Note(reason.format(count=self._plain)))
        await self._emit(Note(each) for each in found.notes)
        await self._emit(coverage_notes(request, self._verified_chains, self._now))

    async def _discover(self) -> ArchiveContents:
        request, aws = self._request, self._aws
        members = asyncio.create_task(asyncio.to_thread(aws.members)) if aws else None
        try:
            found = await discover(self._store, request)
        except ObjectUnreadableError as error:
            location = request.trail.location
            raise OrgtrailError(
                f"s3://{location.bucket}/{location.root}: cannot be listed: "
                f"{error.reason}; {advice_for(error)}"
            ) from None
        known = await members if members else []
        if isinstance(known, str):
            await self._queue.put(Note(known))
        elif members:
            self._members = frozenset(each.id for each in known)
            self._expected |= {each.id: each.joined for each in known if each.is_active}
        return found

    def _load_keys(self, regions: list[str]) -> None:
        request, keys = self._request, self._keys
        if request.public_keys:
            keys.update(read_key_file(request.public_keys))
        elif self._aws:
            self._aws.fetch_keys(keys, regions, request.since, request.until)
        else:
            assert request.logs
            path = request.logs / PUBLIC_KEYS_FILE
            refuse_pipe(path)
            keys.update(read_key_file(path))

    async def _chains(self, chains: list[ChainId]) -> None:
        waiting = iter(chains)
        request = self._request
        verifier = ChainVerifier(request, self._store, self._keys, self._verify_day, self._now)

        async def verify_waiting() -> None:
            for chain_id in waiting:
                account = chain_id.account
                window = request.window(self._expected.get(account), self._now)
                # Accounts that the request names are never treated as former ones.
                is_former_account = (
                    self._members is not None
                    and account not in self._expected
                    and account not in request.accounts
                )
                chain = await verifier.verify(chain_id, window, is_former_account=is_former_account)
                if isinstance(chain, ChainResult):
                    self._plain += chain.plain
                    if chain.digests.valid:
                        self._verified_chains.add(chain_id)
                await self._queue.put(chain)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(_CHAINS_AT_ONCE, len(chains))):
                    group.create_task(verify_waiting())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        for location, account in sorted(verifier.former_locations):
            unexpected = await objects_outside_regions(self._store, request, location, account)
            await self._emit(unexpected.all_findings(ChainId(account, "")))

    async def _verify_day(self, task: DayTask) -> DayResult:
        async with self._slots:
            result = await self._workers.verify_day(task)
        if self._state and self._signer:
            self._state.write_rows(result.rows, self._signer)
            result.rows.clear()
        await self._queue.put(Progress(task.chain, len(result.digests) + result.logs.total))
        return result


def _cores() -> int:
    """Return the number of cores this process may use."""
    if sys.platform == "win32":
        # On Windows, an event loop supports libcurl's sockets or subprocesses, not both.
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
