"""Who does the work: this process, and others beside it, each with many requests in flight."""

from __future__ import annotations

import asyncio
import gc
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from orgtrail.errors import OrgtrailError
from orgtrail.integrity.day import Day, Task, verify_day
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.memory import Memory
from orgtrail.integrity.names import Trail
from orgtrail.integrity.sealing import Seal
from orgtrail.integrity.storage.addresses import Addresses
from orgtrail.integrity.storage.folder import Folder
from orgtrail.integrity.storage.s3 import S3
from orgtrail.integrity.storage.signing import Credentials
from orgtrail.integrity.storage.store import Store

FINDINGS = 200
"""Findings of each kind that a day of a chain tells one by one."""

_WORKER = "orgtrail.integrity.worker"
_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Briefing:
    """What every worker has to know.

    Attributes:
        trail: the trail.
        keys: public keys.
        source: addresses of buckets, or the folder that is a copy of one.
        slots: requests in flight, of one worker.
        state: a state file to read from, and what its rows are sealed with.

    """

    trail: Trail
    keys: KeyRing
    source: Addresses | Path
    slots: int
    state: tuple[Path, Seal] | None


class WorkerError(Exception):
    """A fault of our own in another process; the message says which and where."""


class Alone:
    """Does them in this process.

    Args:
        briefing: what to know.
        credentials: gives those of the moment; they may be renewed.

    """

    def __init__(self, briefing: Briefing, credentials: Callable[[], Credentials | None]) -> None:
        self._briefing = briefing
        self._credentials = credentials
        self.store = _opened(briefing, credentials())
        self._memory = Memory(*briefing.state) if briefing.state else None

    def close(self) -> None:
        """Close what it reads from."""
        if isinstance(self.store, S3):
            self.store.close()
        if self._memory:
            self._memory.close()

    async def do(self, task: Task) -> Day:
        """Verify one day of a chain."""
        credentials = self._credentials()
        if isinstance(self.store, S3) and credentials:
            self.store.credentials = credentials
        briefing = self._briefing
        return await verify_day(
            task, briefing.trail, self.store, briefing.keys, self._memory, FINDINGS
        )


class Crew:
    """The process itself, and others that help it; a task goes to the one with the least to do.

    Args:
        alone: this process's share; it is closed in the end.
        credentials: gives those of the moment.

    """

    def __init__(self, alone: Alone, credentials: Callable[[], Credentials | None]) -> None:
        self._alone = alone
        self._credentials = credentials
        self._hands: list[_Hand] = []
        self._own = 0

    async def hire(self, number: int) -> None:
        """Start other processes; they get ready while this one goes on."""
        self._hands = [await _Hand.hired() for _ in range(number)]

    async def brief(self, briefing: Briefing) -> None:
        """Tell them what they have to know."""
        for each in self._hands:
            await each.tell((briefing, self._credentials()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await asyncio.gather(*(each.dismiss(at_once=kind is not None) for each in self._hands))
        finally:
            self._alone.close()

    async def do(self, task: Task) -> Day:
        """Verify one day of a chain."""
        hand = min(self._hands, key=lambda each: each.load, default=None)
        if hand and hand.load <= self._own:
            return await hand.do(task, self._credentials())
        self._own += 1
        try:
            return await self._alone.do(task)
        finally:
            self._own -= 1


class _Hand:
    """One process, and what it was asked for."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._asked: dict[int, asyncio.Future[Day]] = {}
        self._next = 0
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def hired(cls) -> _Hand:
        command = (sys.executable, "-m", _WORKER)
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        return cls(process)

    @property
    def load(self) -> int:
        return len(self._asked)

    async def do(self, task: Task, credentials: Credentials | None) -> Day:
        if self._listening.done():
            raise _ended()
        number = self._next = self._next + 1
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            await self.tell((number, task, credentials))
            day: Day = await answer
        except ConnectionError:
            raise _ended() from None
        finally:
            self._asked.pop(number, None)
        return day

    async def dismiss(self, *, at_once: bool) -> None:
        assert self._process.stdin
        if at_once and self._process.returncode is None:
            self._process.kill()
        self._process.stdin.close()
        await self._process.wait()
        self._listening.cancel()

    async def tell(self, what: object) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(frame(what))
            await self._process.stdin.drain()
        except ConnectionError:
            raise _ended() from None

    async def _listen(self) -> None:
        assert self._process.stdout
        while (answer := await received(self._process.stdout)) is not None:
            number, day = answer
            future = self._asked.get(number)
            if future and not future.done():
                if isinstance(day, Day):
                    future.set_result(day)
                else:
                    future.set_exception(day if isinstance(day, Exception) else WorkerError(day))
        for future in self._asked.values():
            if not future.done():
                future.set_exception(ConnectionError())


def _opened(briefing: Briefing, credentials: Credentials | None) -> Store:
    if isinstance(briefing.source, Path):
        return Folder(briefing.source, briefing.trail.place.bucket, briefing.trail.place.root)
    assert credentials is not None
    return S3(briefing.source, credentials, briefing.slots)


def _ended() -> OrgtrailError:
    return OrgtrailError("a worker of verify has ended; run again, with fewer --workers")


@contextmanager
def lazy_collection() -> Iterator[None]:
    """Look for circles of garbage less often: they are few here, and looking is a fifth of all."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def frame(what: object) -> bytes:
    """Pack something for the other process."""
    data = pickle.dumps(what, protocol=pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(_LENGTH, "big") + data


async def received(stream: asyncio.StreamReader) -> tuple[int, object] | None:
    """Unpack what the other process sent; None where it has ended."""
    try:
        length = int.from_bytes(await stream.readexactly(_LENGTH), "big")
        data = await stream.readexactly(length)
    except asyncio.IncompleteReadError:
        return None
    # From a process of our own, over a pipe of our own.
    answer: tuple[int, object] = pickle.loads(data)  # noqa: S301
    return answer
