"""One UTC day of one chain: its digests, and every log file that those name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, datetime

from orgtrail.integrity.digest import Named
from orgtrail.integrity.findings import KINDS, Effect, Finding, finding
from orgtrail.integrity.judging import Fault, Judge, ReadDigest
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.link import Link, link
from orgtrail.integrity.memory import Memory, Row, stamp
from orgtrail.integrity.names import ChainId, DigestName, Place, Trail
from orgtrail.integrity.storage.store import Listed, Store, UnreadableError

_TOGETHER = 256
"""Log files of one digest that wait for a slot at a time."""

_UNNAMED = 10_000
"""Log files without a digest that a day tells by name, so that no day fills the memory."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to verify.

    Attributes:
        chain: the chain.
        place: where the trail wrote then.
        day: the folder.
        since: the end of the first digest, at the earliest.
        until: the end of the last one, at the latest.

    """

    chain: ChainId
    place: Place
    day: date
    since: datetime
    until: datetime


@dataclass(slots=True)
class Count:
    """Verdicts on files."""

    valid: int = 0
    invalid: int = 0
    unread: int = 0

    def add(self, fault: Fault | None) -> None:
        """Count one verdict."""
        if fault is None:
            self.valid += 1
        elif KINDS[fault.kind][0] is Effect.INVALID:
            self.invalid += 1
        else:
            self.unread += 1

    def plus(self, other: Count) -> None:
        """Count those of another, too."""
        self.valid += other.valid
        self.invalid += other.invalid
        self.unread += other.unread

    @property
    def total(self) -> int:
        """How many there are."""
        return self.valid + self.invalid + self.unread


@dataclass(slots=True)
class Day:
    """What a day gave.

    Attributes:
        task: what was asked.
        links: its digests; their verdicts are final once the chain is whole.
        logs: verdicts on log files.
        findings: about log files and listings; `most` of them, the others counted.
        cut: how many findings were left out, by kind.
        unnamed: log files of the folder that none of its valid digests names.
        more: how many of them were too many to be told by name.
        elsewhere: files that its digests name and that are not in its folder.
        others: whether digests of another trail lie here.
        rows: what a state file keeps.
        trusted: digests and log files taken from an earlier run.

    """

    task: Task
    links: list[Link] = field(default_factory=list)
    logs: Count = field(default_factory=Count)
    findings: list[Finding] = field(default_factory=list)
    cut: dict[str, int] = field(default_factory=dict)
    unnamed: list[str] = field(default_factory=list)
    more: int = 0
    elsewhere: set[str] = field(default_factory=set)
    others: bool = False
    rows: list[Row] = field(default_factory=list)
    trusted: tuple[int, int] = (0, 0)


async def verify_day(
    task: Task, trail: Trail, store: Store, keys: KeyRing, memory: Memory | None, most: int
) -> Day:
    """Verify a day.

    Args:
        task: which.
        trail: the trail.
        store: where it lies.
        keys: public keys.
        memory: what earlier runs found; None to read everything.
        most: findings of each kind that are told one by one.

    """
    return await _Verification(task, trail, store, keys, memory, most).run()


class _Verification:
    """The state of one day's verification."""

    def __init__(
        self,
        task: Task,
        trail: Trail,
        store: Store,
        keys: KeyRing,
        memory: Memory | None,
        most: int,
    ) -> None:
        self._task = task
        self._trail = trail
        self._store = store
        self._judge = Judge(store, keys, task.chain)
        self._memory = memory
        self._most = most
        self._told: dict[str, int] = {}
        self._claimed: set[tuple[str, str]] = set()
        self._day = Day(task)

    async def run(self) -> Day:
        """List, then read all digests at once and the logs of each as soon as it is valid."""
        task, day = self._task, self._day
        bucket = task.place.bucket
        try:
            digests, logs = await asyncio.gather(self._digests(), self._logs())
        except UnreadableError as error:
            self._find(
                "unlisted",
                task.place.digests(task.chain, task.day),
                f"{error.kind}: {error.reason}",
            )
            return day
        known: dict[str, Row] = {}
        if self._memory:
            known = self._memory.digests(bucket, task.place.digests(task.chain, task.day))
        await asyncio.gather(
            *(self._digest(each, name, logs, known) for each, name in digests.items())
        )
        day.links.sort(key=lambda each: (each.named_end, each.key))
        here = task.place.bucket
        named = {key for at, key in self._claimed if at == here}
        day.unnamed = sorted(logs.keys() - named)
        day.more = max(0, len(day.unnamed) - _UNNAMED)
        del day.unnamed[_UNNAMED:]
        day.elsewhere = named - logs.keys()
        if len(day.links) != len(digests) or day.logs.total != len(self._claimed):
            raise AssertionError(f"{task}: the counts do not reconcile")
        return day

    async def _digests(self) -> dict[Listed, DigestName]:
        task = self._task
        found: dict[Listed, DigestName] = {}
        async for each in self._store.objects(
            task.place.bucket, task.place.digests(task.chain, task.day)
        ):
            name = self._trail.digest_end(task.chain, each.key)
            if name is None:
                self._day.others = True
            elif task.since <= name.end <= task.until:
                found[each] = name
        return found

    async def _logs(self) -> dict[str, Listed]:
        task = self._task
        prefix = task.place.logs(task.chain, task.day)
        return {each.key: each async for each in self._store.objects(task.place.bucket, prefix)}

    async def _digest(
        self,
        listed: Listed,
        name: DigestName,
        logs: dict[str, Listed],
        known: dict[str, Row],
    ) -> None:
        bucket, row = self._task.place.bucket, known.get(listed.key)
        trusted = row is not None and row.stamp == stamp(listed)
        marks: dict[Named, str] = {}
        if row is not None and trusted:
            made, marks = row.read()
            named = [*marks]
        else:
            read = await self._judge.digest(bucket, listed.key)
            made = link(bucket, listed.key, name.end, read, backfill=name.backfill)
            named = _named(read)
        self._day.links.append(made)
        if not made.is_valid:
            return
        results: list[tuple[str, bool]] = []
        for at in range(0, len(named), _TOGETHER):
            some = (
                self._log(each, logs, marks.get(each, "")) for each in named[at : at + _TOGETHER]
            )
            results += await asyncio.gather(*some)
        digests, files = self._day.trusted
        self._day.trusted = (digests + trusted, files)
        if not trusted or any(fresh for _, fresh in results):
            kept = [(each, mark) for each, (mark, _) in zip(named, results, strict=True)]
            self._day.rows.append(Row.of(stamp(listed), made, kept))

    async def _log(self, named: Named, logs: dict[str, Listed], mark: str) -> tuple[str, bool]:
        """Give a verdict on a log file; return its stamp if valid, and whether it was read."""
        where = (named.bucket, named.key)
        if where in self._claimed:
            return mark, False
        self._claimed.add(where)
        listed = logs.get(named.key) if named.bucket == self._task.place.bucket else None
        now = stamp(listed) if listed else ""
        if mark and mark == now:
            digests, files = self._day.trusted
            self._day.trusted = (digests, files + 1)
            self._day.logs.add(None)
            return mark, False
        fault = await self._judge.log(named)
        self._day.logs.add(fault)
        if fault:
            here = named.bucket == self._task.place.bucket
            self._find(
                fault.kind, named.key if here else f"s3://{named.bucket}/{named.key}", fault.told
            )
        return ("" if fault else now), True

    def _find(self, kind: str, key: str, told: str) -> None:
        count = self._told[kind] = self._told.get(kind, 0) + 1
        if count > self._most:
            self._day.cut[kind] = self._day.cut.get(kind, 0) + 1
        else:
            self._day.findings.append(finding(self._task.chain, kind, key, told))


def _named(read: ReadDigest) -> list[Named]:
    return [*read.digest.logs] if read.digest and not read.fault else []
