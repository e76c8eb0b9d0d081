"""Verifies one UTC day of one chain: its digests, and every log file they name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from orgtrail.verify.digest import DigestCheck, LogFileEntry
from orgtrail.verify.findings import Problem, VerifyFinding, finding, unlisted_finding
from orgtrail.verify.keys import KeyRing
from orgtrail.verify.names import HOUR, ChainId, DigestName, Location, VerifiedTrail, log_time
from orgtrail.verify.objects import ChainDigest, ObjectChecker
from orgtrail.verify.request import LOG_SEARCH_SPAN
from orgtrail.verify.result import Count
from orgtrail.verify.state import KnownDigest, StateReader, StateRow, object_stamp
from orgtrail.verify.storage.store import ListedObject, ObjectUnreadableError, Store

_MAX_FINDINGS = 200
"""Findings of each kind that a day reports one by one."""
_LOG_BATCH = 256
"""Log files of one digest that are queued at a time."""
_MAX_UNVOUCHED = 10_000
"""Log files without a digest that a day reports by name, to limit memory."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayTask:
    """A day to verify, or some digests of it.

    Attributes:
        chain: the chain.
        location: where the trail wrote that day.
        day: the day of the folder.
        since: earliest end of a digest.
        until: latest end of a digest.
        window: start and end of the requested window.
        digests: bucket, key and name of the digests to verify; empty to list the day's folder.

    """

    chain: ChainId
    location: Location
    day: date
    since: datetime
    until: datetime
    window: tuple[datetime, datetime]
    digests: tuple[tuple[str, str, DigestName], ...] = ()


@dataclass(frozen=True, slots=True)
class UnvouchedLog:
    """A log file that no digest of the window names.

    Attributes:
        bucket: its bucket.
        key: its key.
        at: the minute in its name; None if the name is not one of this chain's log files.
        day: the day of its folder; None if it is in no day's folder.

    """

    bucket: str
    key: str
    at: datetime | None
    day: date | None

    @property
    def is_misnamed(self) -> bool:
        """Whether name and folder disagree, or one of them has no time."""
        return self.at is None or self.day is None or self.at.date() != self.day

    def belongs_to(self, since: datetime, until: datetime) -> bool:
        """Return whether it belongs to a window: by name, or by folder if the two disagree."""
        if self.day is None:
            return True
        if self.at is not None and since <= self.at <= until:
            return True
        start = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        return self.is_misnamed and start <= until and since < start + _DAY

    def possible_digest_ends(self) -> tuple[datetime, datetime] | None:
        """Return the first and last end of digests that may name it; None if none can."""
        if self.at is None or self.day is None or abs(self.at.date() - self.day) > _DAY:
            return None
        return self.at, self.at + LOG_SEARCH_SPAN + HOUR


@dataclass(slots=True)
class DayResult:
    """The result of one day.

    Attributes:
        task: the task.
        digests: its digests; the comparison within the chain may still find problems.
        logs: numbers of log files by verdict.
        window_logs: those of them whose names have a minute of the requested window.
        findings: findings about log files and listings.
        omitted: numbers of findings beyond the limit, by kind.
        unvouched: log files of the window in the folder that none of its valid digests names.
        more_unvouched: number of such log files beyond the limit.
        named_elsewhere: bucket and key of log files its digests name outside of its folder.
        plain: number of files that arrived uncompressed.
        next_digest: key and end of the folder's first digest after the window.
        has_other_trails: whether the folder has digests of another trail.
        rows: rows for the state file.
        trusted: numbers of digests and log files taken from an earlier run.

    """

    task: DayTask
    digests: list[ChainDigest] = field(default_factory=list)
    logs: Count = field(default_factory=Count)
    window_logs: Count = field(default_factory=Count)
    findings: list[VerifyFinding] = field(default_factory=list)
    omitted: dict[str, int] = field(default_factory=dict)
    unvouched: list[UnvouchedLog] = field(default_factory=list)
    more_unvouched: int = 0
    named_elsewhere: set[tuple[str, str]] = field(default_factory=set)
    plain: int = 0
    next_digest: tuple[str, datetime] | None = None
    has_other_trails: bool = False
    rows: list[StateRow] = field(default_factory=list)
    trusted: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class _DigestToRead:
    """A digest to read; `listed` is None if it was not listed."""

    bucket: str
    key: str
    name: DigestName
    listed: ListedObject | None = None


class DayVerifier:
    """Verifies one day.

    Args:
        task: the day.
        trail: the trail.
        store: where to read files.
        keys: public keys.
        state_reader: results of earlier runs; None to read every file.

    """

    def __init__(
        self,
        task: DayTask,
        trail: VerifiedTrail,
        store: Store,
        keys: KeyRing,
        state_reader: StateReader | None,
    ) -> None:
        self._task = task
        self._trail = trail
        self._store = store
        self._checker = ObjectChecker(store, keys, task.chain)
        self._state_reader = state_reader
        self._reported: dict[str, int] = {}
        self._named_files: dict[tuple[str, str], str] = {}
        self._day = DayResult(task)

    async def run(self) -> DayResult:
        """List the day, check all digests at once, and each one's logs as soon as it is valid."""
        task, day = self._task, self._day
        try:
            digests, logs = await asyncio.gather(self._digests(), self._logs())
        except ObjectUnreadableError as error:
            prefix = task.location.digests(task.chain, task.day)
            day.findings.append(unlisted_finding(task.chain, prefix, error))
            return day
        known: dict[str, StateRow] = {}
        if self._state_reader and not task.digests:
            prefix = task.location.digests(task.chain, task.day)
            known = self._state_reader.digests(task.location.bucket, prefix)
        await asyncio.gather(*(self._digest(each, logs, known.get(each.key)) for each in digests))
        day.digests.sort(key=lambda each: (each.named_end, each.key))
        here = self._store.listed_bucket(task.location.bucket)
        named = {key for at, key in self._named_files if at == here}
        without_digest = (
            UnvouchedLog(here, key, log_time(key, task.chain), task.day)
            for key in sorted(logs.keys() - named)
        )
        day.unvouched = [each for each in without_digest if each.belongs_to(*task.window)]
        day.more_unvouched = max(0, len(day.unvouched) - _MAX_UNVOUCHED)
        del day.unvouched[_MAX_UNVOUCHED:]
        day.named_elsewhere = {
            each for each in self._named_files if each[0] != here or each[1] not in logs
        }
        day.plain = self._checker.plain
        if len(day.digests) != len(digests) or day.logs.total != len(self._named_files):
            raise AssertionError(f"{task}: the counts do not reconcile")
        return day

    async def _digests(self) -> list[_DigestToRead]:
        task = self._task
        if task.digests:
            return [_DigestToRead(*each) for each in task.digests]
        found = {}
        bucket = task.location.bucket
        async for each in self._store.list_objects(
            bucket, task.location.digests(task.chain, task.day)
        ):
            name = self._trail.digest_name(task.chain, each.key)
            if name is None:
                self._day.has_other_trails = True
            elif task.since <= name.end <= task.until:
                found[each.key] = _DigestToRead(bucket, each.key, name, each)
            elif name.end > task.until and not name.backfill:
                next_digest = self._day.next_digest or (each.key, name.end)
                self._day.next_digest = min(
                    next_digest, (each.key, name.end), key=lambda one: one[1]
                )
        return [*found.values()]

    async def _logs(self) -> dict[str, ListedObject]:
        """List the log files of the day, without the empty objects that represent folders."""
        task = self._task
        if task.digests:
            return {}
        prefix = task.location.logs(task.chain, task.day)
        return {
            each.key: each
            async for each in self._store.list_objects(task.location.bucket, prefix)
            if each.size or not each.key.endswith("/")
        }

    async def _digest(
        self, digest: _DigestToRead, logs: dict[str, ListedObject], row: StateRow | None
    ) -> None:
        stamp = object_stamp(digest.listed) if digest.listed else ""
        known = row.read() if row and row.stamp == stamp else None
        if known and not self._checker.knows_key(known.signer):
            # The run that found it valid used a key that AWS does not list.
            known = None
        trusted = known is not None
        log_stamps: Mapping[LogFileEntry, str] = {}
        if known:
            checked, log_stamps, signer = known.digest, known.logs, known.signer
            named = [*log_stamps]
        else:
            read = await self._checker.check_digest(digest.bucket, digest.key, digest.listed)
            name = digest.name
            checked = ChainDigest.of(
                digest.bucket, digest.key, name.end, read, backfill=name.backfill
            )
            named, signer = _log_entries(read), read.signer
        self._day.digests.append(checked)
        if not checked.is_valid:
            return
        results: list[tuple[str, bool]] = []
        for at in range(0, len(named), _LOG_BATCH):
            some = (
                self._log(each, logs, log_stamps.get(each, ""))
                for each in named[at : at + _LOG_BATCH]
            )
            results += await asyncio.gather(*some)
        digests, files = self._day.trusted
        self._day.trusted = (digests + trusted, files)
        if stamp and (not trusted or any(fresh for _, fresh in results)):
            marked = [(each, seen) for each, (seen, _) in zip(named, results, strict=True)]
            known = KnownDigest(checked, dict(marked), signer)
            self._day.rows.append(known.row(self._task.location.bucket, stamp))

    async def _log(
        self, named: LogFileEntry, logs: dict[str, ListedObject], stamp: str
    ) -> tuple[str, bool]:
        """Check a log file; return its stamp if it is valid, and whether it was read."""
        bucket = self._store.listed_bucket(named.bucket)
        where, value = (bucket, named.key), named.hash_value.lower()
        if where in self._named_files:
            if self._named_files[where] != value:
                reason = "two digests name it, with different hashes, and it can have but one"
                self._add_log_finding(Problem("log-conflict", reason), named)
            return stamp, False
        self._named_files[where] = value
        here = self._store.listed_bucket(self._task.location.bucket)
        listed = logs.get(named.key) if bucket == here else None
        current = object_stamp(listed) if listed else ""
        if stamp and stamp == current:
            digests, files = self._day.trusted
            self._day.trusted = (digests, files + 1)
            self._count(named, None)
            return stamp, False
        problem = await self._checker.check_log(named, listed)
        self._count(named, problem)
        if problem:
            self._add_log_finding(problem, named)
        return ("" if problem else current), True

    def _count(self, named: LogFileEntry, problem: Problem | None) -> None:
        self._day.logs.add(problem)
        at, (since, until) = log_time(named.key, self._task.chain), self._task.window
        if at is not None and since <= at < until:
            self._day.window_logs.add(problem)

    def _add_log_finding(self, problem: Problem, named: LogFileEntry) -> None:
        here = named.bucket == self._task.location.bucket
        self._add_finding(problem, named.key if here else f"s3://{named.bucket}/{named.key}")

    def _add_finding(self, problem: Problem, key: str) -> None:
        count = self._reported[problem.kind] = self._reported.get(problem.kind, 0) + 1
        if count > _MAX_FINDINGS:
            self._day.omitted[problem.kind] = self._day.omitted.get(problem.kind, 0) + 1
        else:
            chain = self._task.chain
            self._day.findings.append(
                finding(chain, problem.kind, key, problem.reason, problem.step)
            )


def _log_entries(read: DigestCheck) -> list[LogFileEntry]:
    return [*read.digest.logs] if read.digest and not read.problem else []
