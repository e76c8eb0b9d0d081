"""One UTC day of one chain: its digests, and every log file that those name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from orgtrail.integrity.digest import Named
from orgtrail.integrity.findings import KINDS, Effect, Finding, finding, unlisted
from orgtrail.integrity.judging import Fault, Judge, ReadDigest
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.link import Link, link
from orgtrail.integrity.memory import Kept, Memory, Row, stamp
from orgtrail.integrity.names import ChainId, DigestName, Place, Trail, log_time
from orgtrail.integrity.storage.store import Listed, Store, UnreadableError
from orgtrail.integrity.stray import Stray

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
        window: begin and end of the window that is verified.
        digests: instead of what is listed, digests by bucket and key, with what their names say;
            none for a whole day.

    """

    chain: ChainId
    place: Place
    day: date
    since: datetime
    until: datetime
    window: tuple[datetime, datetime]
    digests: tuple[tuple[str, str, DigestName], ...] = ()


@dataclass(frozen=True, slots=True)
class _Digest:
    """A digest to read; `listed` is None where no listing has it."""

    bucket: str
    key: str
    name: DigestName
    listed: Listed | None = None


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
        unnamed: log files of the window in the folder that none of its valid digests names.
        more: how many of them were too many to be told by name.
        elsewhere: files that its digests name and that are not in its folder, by bucket and key.
        plain: files that came unpacked.
        following: key and end of the first digest of the folder that is after the window.
        others: whether digests of another trail lie here.
        rows: what a state file keeps.
        trusted: digests and log files taken from an earlier run.

    """

    task: Task
    links: list[Link] = field(default_factory=list)
    logs: Count = field(default_factory=Count)
    findings: list[Finding] = field(default_factory=list)
    cut: dict[str, int] = field(default_factory=dict)
    unnamed: list[Stray] = field(default_factory=list)
    more: int = 0
    elsewhere: set[tuple[str, str]] = field(default_factory=set)
    plain: int = 0
    following: tuple[str, datetime] | None = None
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
        self._claimed: dict[tuple[str, str], str] = {}
        self._day = Day(task)

    async def run(self) -> Day:
        """List, then read all digests at once and the logs of each as soon as it is valid."""
        task, day = self._task, self._day
        try:
            digests, logs = await asyncio.gather(self._digests(), self._logs())
        except UnreadableError as error:
            prefix = task.place.digests(task.chain, task.day)
            day.findings.append(unlisted(task.chain, prefix, error))
            return day
        known: dict[str, Row] = {}
        if self._memory and not task.digests:
            prefix = task.place.digests(task.chain, task.day)
            known = self._memory.digests(task.place.bucket, prefix)
        await asyncio.gather(*(self._digest(each, logs, known.get(each.key)) for each in digests))
        day.links.sort(key=lambda each: (each.named_end, each.key))
        here = self._store.bucket_of(task.place.bucket)
        named = {key for at, key in self._claimed if at == here}
        strays = (
            Stray(here, key, log_time(key, task.chain), task.day)
            for key in sorted(logs.keys() - named)
        )
        day.unnamed = [each for each in strays if each.lies_in(*task.window)]
        day.more = max(0, len(day.unnamed) - _UNNAMED)
        del day.unnamed[_UNNAMED:]
        day.elsewhere = {each for each in self._claimed if each[0] != here or each[1] not in logs}
        day.plain = self._judge.plain
        if len(day.links) != len(digests) or day.logs.total != len(self._claimed):
            raise AssertionError(f"{task}: the counts do not reconcile")
        return day

    async def _digests(self) -> list[_Digest]:
        task = self._task
        if task.digests:
            return [_Digest(*each) for each in task.digests]
        found = {}
        bucket = task.place.bucket
        async for each in self._store.objects(bucket, task.place.digests(task.chain, task.day)):
            name = self._trail.digest_end(task.chain, each.key)
            if name is None:
                self._day.others = True
            elif task.since <= name.end <= task.until:
                found[each.key] = _Digest(bucket, each.key, name, each)
            elif name.end > task.until and not name.backfill:
                following = self._day.following or (each.key, name.end)
                self._day.following = min(following, (each.key, name.end), key=lambda one: one[1])
        return [*found.values()]

    async def _logs(self) -> dict[str, Listed]:
        """List the log files of the day; a key like a folder's counts where it has content."""
        task = self._task
        if task.digests:
            return {}
        prefix = task.place.logs(task.chain, task.day)
        return {
            each.key: each
            async for each in self._store.objects(task.place.bucket, prefix)
            if each.size or not each.key.endswith("/")
        }

    async def _digest(self, digest: _Digest, logs: dict[str, Listed], row: Row | None) -> None:
        mark = stamp(digest.listed) if digest.listed else ""
        kept = row.read() if row and row.stamp == mark else None
        if kept and not self._judge.knows(kept.signer):
            # Other public keys than those of the run that found it valid.
            kept = None
        trusted = kept is not None
        marks: Mapping[Named, str] = {}
        if kept:
            made, marks, signer = kept.link, kept.logs, kept.signer
            named = [*marks]
        else:
            read = await self._judge.digest(digest.bucket, digest.key, digest.listed)
            name = digest.name
            made = link(digest.bucket, digest.key, name.end, read, backfill=name.backfill)
            named, signer = _named(read), read.signer
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
        if mark and (not trusted or any(fresh for _, fresh in results)):
            marked = [(each, seen) for each, (seen, _) in zip(named, results, strict=True)]
            kept = Kept(made, dict(marked), signer)
            self._day.rows.append(kept.row(self._task.place.bucket, mark))

    async def _log(self, named: Named, logs: dict[str, Listed], mark: str) -> tuple[str, bool]:
        """Give a verdict on a log file; return its stamp if valid, and whether it was read."""
        bucket = self._store.bucket_of(named.bucket)
        where, value = (bucket, named.key), named.value.lower()
        if where in self._claimed:
            if self._claimed[where] != value:
                told = "two digests name it, with different hashes, and it can have but one"
                self._find_log(Fault("log-conflict", told), named)
            return mark, False
        self._claimed[where] = value
        here = self._store.bucket_of(self._task.place.bucket)
        listed = logs.get(named.key) if bucket == here else None
        now = stamp(listed) if listed else ""
        if mark and mark == now:
            digests, files = self._day.trusted
            self._day.trusted = (digests, files + 1)
            self._day.logs.add(None)
            return mark, False
        fault = await self._judge.log(named, listed)
        self._day.logs.add(fault)
        if fault:
            self._find_log(fault, named)
        return ("" if fault else now), True

    def _find_log(self, fault: Fault, named: Named) -> None:
        here = named.bucket == self._task.place.bucket
        self._find(fault, named.key if here else f"s3://{named.bucket}/{named.key}")

    def _find(self, fault: Fault, key: str) -> None:
        count = self._told[fault.kind] = self._told.get(fault.kind, 0) + 1
        if count > self._most:
            self._day.cut[fault.kind] = self._day.cut.get(fault.kind, 0) + 1
        else:
            chain = self._task.chain
            self._day.findings.append(finding(chain, fault.kind, key, fault.told, fault.step))


def _named(read: ReadDigest) -> list[Named]:
    return [*read.digest.logs] if read.digest and not read.fault else []
