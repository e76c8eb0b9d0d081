"""A chain as a whole: what its digests say of each other, and which time they cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orgtrail.integrity.day import Count, Day
from orgtrail.integrity.findings import Finding, finding
from orgtrail.integrity.judging import Fault
from orgtrail.integrity.link import Link
from orgtrail.integrity.names import HOUR, MINUTE, ChainId, Trail, log_time

_SETTLED = timedelta(minutes=15)
"""A log file may be delivered this much after the minute in its name."""
_TOLD = 200
"""Log files without a digest that are told one by one, of a chain."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is verified.

    Attributes:
        since: its begin.
        until: its end.
        due: until when digests must have come: `until`, or two hours ago.

    """

    since: datetime
    until: datetime
    due: datetime


@dataclass(slots=True)
class Chain:
    """The result of one chain.

    Attributes:
        id: account and region.
        digests: verdicts on digests.
        logs: verdicts on the log files that valid digests name.
        idle: valid digests of hours in which nothing was delivered.
        backfills: digests that were delivered afterwards.
        unvouched: log files of the window that no valid digest names.
        covered: the time that valid digests cover within the window.
        findings: what is wrong or unknown.
        notes: what is worth knowing and is no finding.
        trusted: digests and log files taken from an earlier run.

    """

    id: ChainId
    digests: Count = field(default_factory=Count)
    logs: Count = field(default_factory=Count)
    idle: int = 0
    backfills: int = 0
    unvouched: int = 0
    covered: list[tuple[datetime, datetime]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trusted: tuple[int, int] = (0, 0)


def dangling(
    trail: Trail, chain: ChainId, links: Sequence[Link], after: Link | None, since: datetime
) -> list[tuple[str, str, datetime]]:
    """Return bucket, key and end of digests of the window that others name and no listing has."""
    known = {(each.bucket, each.key) for each in links}
    found = {}
    for each in [*links, *([after] if after else [])]:
        before = each.previous
        if before is None or (before.bucket, before.key) in known:
            continue
        name = trail.digest_end(chain, before.key)
        # A name that says nothing is judged by the period of the one that names it.
        end = name.end if name else each.start or each.named_end
        if end >= since:
            found[before.bucket, before.key] = end
    return [(bucket, key, end) for (bucket, key), end in found.items()]


def is_short(links: Sequence[Link], window: Window) -> bool:
    """Tell whether the digests end before the window does."""
    ends = [each.named_end for each in links if not each.backfill]
    return window.since < window.due and max(ends, default=window.since) < window.due


def conclude(
    id: ChainId, window: Window, days: Sequence[Day], links: Sequence[Link], after: Link | None
) -> Chain:
    """Make a chain of its days.

    Args:
        id: the chain.
        window: the time.
        days: what each day gave.
        links: all digests of the window, also those that are missing.
        after: the first digest after the window, where one was asked for.

    """
    chain = Chain(id)
    for day in days:
        chain.logs.plus(day.logs)
        chain.findings += day.findings
        chain.trusted = (chain.trusted[0] + day.trusted[0], chain.trusted[1] + day.trusted[1])
        chain.findings += _cut(id, day)
        chain.unvouched += day.more
    links = _vouched(links, after)
    for each in links:
        chain.digests.add(each.fault)
        chain.backfills += each.backfill
        chain.idle += each.is_valid and not each.files
        if each.fault:
            chain.findings.append(finding(id, each.fault.kind, each.key, each.fault.told))
    stray = _stray(days, window)
    _Coverage(chain, window, links, after, stray).tell()
    _tell_stray(chain, window, stray, others=any(day.others for day in days))
    chain.findings.sort(key=lambda each: (each.key, each.kind))
    return chain


def _vouched(links: Sequence[Link], after: Link | None) -> list[Link]:
    """Compare each digest with what the next one says of it."""
    said = {
        (each.previous.bucket, each.previous.key): (each, each.previous)
        for each in [*links, *([after] if after else [])]
        if each.previous and not each.backfill
    }
    result = []
    for each in sorted(links, key=lambda one: (one.named_end, one.key)):
        by, words = said.get((each.bucket, each.key), (None, None))
        if (
            by
            and words
            and each.is_valid
            and (
                words.value.lower() != each.value
                or words.signature.lower() != each.signature.lower()
            )
        ):
            told = f"is signed, but is not the one that {by.key} vouches for"
            result.append(replace(each, fault=Fault("digest-link", told)))
        else:
            result.append(each)
    return result


def _cut(id: ChainId, day: Day) -> Iterator[Finding]:
    for kind, count in day.cut.items():
        yield finding(id, kind, "", f"{count} more on {day.task.day}, not told one by one")


def _stray(days: Sequence[Day], window: Window) -> list[tuple[datetime | None, str]]:
    """Return log files of the window that no valid digest of any day names."""
    named = {(day.task.place.bucket, key) for day in days for key in day.elsewhere}
    found = []
    for day in days:
        for key in day.unnamed:
            if (day.task.place.bucket, key) in named or key.endswith("/"):
                continue
            at = log_time(key)
            if at is None or window.since <= at <= window.until:
                found.append((at, key))
    return found


def _tell_stray(
    chain: Chain, window: Window, stray: list[tuple[datetime | None, str]], *, others: bool
) -> None:
    """Tell log files that lie in covered time and that no digest names."""
    last = max((end for _, end in chain.covered), default=window.due)
    told = "another trail writes here too: verify that one as well" if others else ""
    count = 0
    for at, key in stray:
        if at is not None and at > last - _SETTLED and (at < last or at >= window.due):
            # A digest to come may name it.
            continue
        chain.unvouched += 1
        if at is None or any(a <= at <= b - _SETTLED for a, b in chain.covered):
            count += 1
            if count <= _TOLD:
                chain.findings.append(finding(chain.id, "unvouched-log", key, told))
    if count > _TOLD:
        more = f"{count - _TOLD} more, not told one by one"
        chain.findings.append(finding(chain.id, "unvouched-log", "", more))


class _Coverage:
    """Walks along the time of one chain."""

    def __init__(
        self,
        chain: Chain,
        window: Window,
        links: list[Link],
        after: Link | None,
        stray: list[tuple[datetime | None, str]],
    ) -> None:
        self._chain = chain
        self._window = window
        self._links = [each for each in links if not each.backfill]
        self._after = after
        self._times = [at for at, _ in stray if at is not None]

    def tell(self) -> None:
        """Find what is covered, and tell what is not."""
        window, at, first = self._window, self._window.since, True
        sound = [each for each in self._links if each.is_valid]
        if self._after and self._after.is_valid:
            sound.append(self._after)
        for each in sorted(sound, key=lambda one: one.start or one.named_end):
            assert each.start is not None
            assert each.end is not None
            if min(each.start, window.due) > at:
                self._uncovered(at, min(each.start, window.due), each, first=first)
            elif each.previous is None and not first:
                self._chain.notes.append(
                    f"{self._chain.id}: the chain was begun again at {each.start:%Y-%m-%d %H:%M:%S}"
                    "Z without a gap: logging or validation was turned off and on"
                )
            begin, end = max(each.start, window.since), min(each.end, window.until)
            if begin < end:
                self._cover(begin, end)
            at, first = max(at, each.end), False
        if at < window.due:
            self._uncovered(at, window.due, None, first=first)

    def _cover(self, begin: datetime, end: datetime) -> None:
        covered = self._chain.covered
        if covered and begin <= covered[-1][1]:
            covered[-1] = (covered[-1][0], max(end, covered[-1][1]))
        else:
            covered.append((begin, end))

    def _uncovered(self, begin: datetime, end: datetime, next: Link | None, *, first: bool) -> None:
        """Tell a period that no valid digest covers, unless digests with a fault stand for it."""
        faulty = [
            each
            for each in self._links
            if not each.is_valid and begin < each.named_end <= end + HOUR
        ]
        if faulty and end - begin <= len(faulty) * HOUR + MINUTE:
            return
        if not self._links and next is None:
            kind, why = "no-digests", "there is no digest of this time"
        elif next is None:
            kind, why = "ends-early", "the last digest ends before it"
        elif first and next.previous is None:
            kind, why = "starts-late", "the chain begins after it"
        elif next.previous is None:
            kind, why = (
                "gap",
                "logging or log file validation was off, and a new chain begins after it",
            )
        else:
            kind, why = "gap", "digests before and after it leave it out"
        files = sum(begin <= at < end for at in self._times)
        count = (
            f"{files} log files lie in it that no digest vouches for"
            if files
            else ("no log file lies in it")
        )
        period = f"{begin:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ} is not covered"
        self._chain.findings.append(finding(self._chain.id, kind, "", f"{period}: {why}; {count}"))
