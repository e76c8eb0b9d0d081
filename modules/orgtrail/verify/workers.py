"""Workers: this process and separate worker processes verify days of chains.

A worker process reads messages from stdin and writes results to stdout. Messages are pickled, and
each starts with its length.
"""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from orgtrail.errors import OrgtrailError, describe_internal_error
from orgtrail.verify.day import DayResult, DayTask, DayVerifier
from orgtrail.verify.keys import KeyRing
from orgtrail.verify.names import VerifiedTrail
from orgtrail.verify.state import StateReader
from orgtrail.verify.state_key import StateSigner
from orgtrail.verify.storage.folder import FolderStore
from orgtrail.verify.storage.http import Credentials
from orgtrail.verify.storage.s3 import S3Store
from orgtrail.verify.storage.s3_api import S3Addresses
from orgtrail.verify.storage.store import Store

_COMMAND = ("-c", "from orgtrail.verify.workers import main; main()")
"""Arguments of Python that start a worker process."""
_LENGTH_BYTES = 8
"""Size of the length before each message."""


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """The configuration of a worker.

    Attributes:
        trail: the trail.
        keys: public keys.
        source: addresses of buckets, or a folder with a copy of the bucket.
        slots: requests in flight per worker.
        state: a state file to read, and the signer of its rows; None to read every file.

    """

    trail: VerifiedTrail
    keys: KeyRing
    source: S3Addresses | Path
    slots: int
    state: tuple[Path, StateSigner] | None


class WorkerError(Exception):
    """A bug in a worker process; the message says what happened, and where."""


class LocalWorker:
    """Verifies days in this process."""

    def __init__(self, config: WorkerConfig, credentials: Callable[[], Credentials | None]) -> None:
        self._config = config
        self._credentials = credentials
        self.store = _open_store(config, credentials())
        self._state_reader = StateReader(*config.state) if config.state else None
        self._turn = asyncio.Lock()

    def close(self) -> None:
        """Close the store and the state file."""
        if isinstance(self.store, S3Store):
            self.store.close()
        if self._state_reader:
            self._state_reader.close()

    async def verify_day(self, task: DayTask) -> DayResult:
        """Verify one day of a chain."""
        credentials = self._credentials()
        if isinstance(self.store, S3Store) and credentials:
            self.store.credentials = credentials
        config = self._config
        day = DayVerifier(task, config.trail, self.store, config.keys, self._state_reader)
        if isinstance(self.store, S3Store):
            return await day.run()
        # Reading a folder never waits, so that many days in a row would leave the event loop no
        # moment to take the answers of worker processes, and these would be idle.
        async with self._turn:
            return await day.run()


class WorkerPool:
    """A local worker and worker processes; each task goes to the one with the fewest tasks."""

    def __init__(
        self, local_worker: LocalWorker, credentials: Callable[[], Credentials | None]
    ) -> None:
        self._local_worker = local_worker
        self._credentials = credentials
        self._processes: list[_WorkerProcess] = []
        self._local_load = 0

    async def start(self, number: int) -> None:
        """Start worker processes, without waiting until they are ready."""
        self._processes = [await _WorkerProcess.start() for _ in range(number)]

    async def configure(self, config: WorkerConfig) -> None:
        """Send the configuration to the worker processes."""
        for each in self._processes:
            await each.send((config, self._credentials()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await asyncio.gather(*(each.stop(at_once=kind is not None) for each in self._processes))
        finally:
            self._local_worker.close()

    async def verify_day(self, task: DayTask) -> DayResult:
        """Verify one day of a chain."""
        process = min(self._processes, key=lambda each: each.load, default=None)
        if process and process.load <= self._local_load:
            return await process.verify_day(task, self._credentials())
        self._local_load += 1
        try:
            return await self._local_worker.verify_day(task)
        finally:
            self._local_load -= 1


class _WorkerProcess:
    """One worker process, and its pending tasks."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._pending: dict[int, asyncio.Future[DayResult]] = {}
        self._last_number = 0
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls) -> _WorkerProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *_COMMAND, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        return cls(process)

    @property
    def load(self) -> int:
        return len(self._pending)

    async def verify_day(self, task: DayTask, credentials: Credentials | None) -> DayResult:
        if self._listener.done():
            raise _worker_ended()
        number = self._last_number = self._last_number + 1
        answer = self._pending[number] = asyncio.get_running_loop().create_future()
        try:
            await self.send((number, task, credentials))
            day: DayResult = await answer
        except ConnectionError:
            raise _worker_ended() from None
        finally:
            self._pending.pop(number, None)
        return day

    async def stop(self, *, at_once: bool) -> None:
        assert self._process.stdin
        if at_once and self._process.returncode is None:
            self._process.kill()
        self._process.stdin.close()
        await self._process.wait()
        self._listener.cancel()

    async def send(self, message: object) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(pack_message(message))
            await self._process.stdin.drain()
        except ConnectionError:
            raise _worker_ended() from None

    async def _listen(self) -> None:
        assert self._process.stdout
        while (answer := await read_message(self._process.stdout)) is not None:
            number, day = answer
            future = self._pending.get(number)
            if future and not future.done():
                if isinstance(day, DayResult):
                    future.set_result(day)
                else:
                    future.set_exception(day if isinstance(day, Exception) else WorkerError(day))
        for future in self._pending.values():
            if not future.done():
                future.set_exception(ConnectionError())


def _open_store(config: WorkerConfig, credentials: Credentials | None) -> Store:
    if isinstance(config.source, Path):
        return FolderStore(config.source, config.trail.location.bucket, config.trail.location.root)
    assert credentials is not None
    return S3Store(config.source, credentials, config.slots)


def _worker_ended() -> OrgtrailError:
    return OrgtrailError("a worker of verify has ended; run again, with fewer --workers")


@contextmanager
def infrequent_gc() -> Iterator[None]:
    """Collect cyclic garbage less often: there is little, but it took a fifth of the run's time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def pack_message(message: object) -> bytes:
    """Return the bytes of a message."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


async def read_message(stream: asyncio.StreamReader) -> tuple[int, object] | None:
    """Read a message; None if the other process has ended."""
    try:
        length = int.from_bytes(await stream.readexactly(_LENGTH_BYTES), "big")
        data = await stream.readexactly(length)
    except asyncio.IncompleteReadError:
        return None
    # Only our own process can write to this pipe.
    answer: tuple[int, object] = pickle.loads(data)  # noqa: S301
    return answer


def main() -> None:
    """Run a worker process."""
    with infrequent_gc():
        asyncio.run(_serve())


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    tasks = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(tasks), sys.stdin.buffer)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    first: Any = await read_message(tasks)
    if first is None:
        return
    config: WorkerConfig = first[0]
    credentials: list[Credentials | None] = [first[1]]
    running: set[asyncio.Task[None]] = set()

    async def answer(number: int, task: DayTask) -> None:
        try:
            result: object = await worker.verify_day(task)
        except OrgtrailError as error:
            result = error
        except Exception as error:  # noqa: BLE001  # the parent process raises it
            result = describe_internal_error(error)
        out.write(pack_message((number, result)))
        out.flush()

    with closing(LocalWorker(config, lambda: credentials[0])) as worker:
        while (received := await read_message(tasks)) is not None:
            message: Any = received
            number, task, credentials[0] = message
            work = asyncio.create_task(answer(number, task))
            running.add(work)
            work.add_done_callback(running.discard)
        await asyncio.gather(*running)
