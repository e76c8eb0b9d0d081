"""A chain as a whole: what its digests say of each other, and which time they cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from orgtrail.integrity.day import Count, Day
from orgtrail.integrity.findings import Finding, finding
from orgtrail.integrity.judging import Fault
from orgtrail.integrity.link import Link
from orgtrail.integrity.names import HOUR, MINUTE, ChainId, DigestName, Trail
from orgtrail.integrity.stray import LATEST, SETTLED, Stray

_TOLD = 200
"""Log files without a digest that are told one by one, of a chain."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is verified.

    Attributes:
        asked: its begin.
        joined: when the account came to the organization, if that is known.
        since: from when digests must be there: its begin, or some time after the account joined.
        until: its end.
        settled: until when digests must have come: two hours ago.

    """

    asked: datetime
    joined: datetime | None
    since: datetime
    until: datetime
    settled: datetime

    @property
    def due(self) -> datetime:
        """Until when it must be covered."""
        return min(self.until, self.settled)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Valid digests beside those of the window, read for what they name.

    Attributes:
        links: their places in the chain.
        named: the log files that they name, by bucket and key.

    """

    links: tuple[Link, ...] = ()
    named: frozenset[tuple[str, str]] = frozenset()


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
        findings: what is wrong or unknown.
        notes: what is worth knowing and is no finding.
        trusted: digests and log files taken from an earlier run.
        plain: files of a copy that came unpacked.

    """

    id: ChainId
    digests: Count = field(default_factory=Count)
    logs: Count = field(default_factory=Count)
    idle: int = 0
    backfills: int = 0
    unvouched: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trusted: tuple[int, int] = (0, 0)
    plain: int = 0


def dangling(
    trail: Trail, chain: ChainId, links: Sequence[Link], after: Link | None, since: datetime
) -> list[tuple[str, str, DigestName]]:
    """Return bucket, key and name of digests of the window that others name, not the listing."""
    known = {(each.bucket, each.key) for each in links}
    found = {}
    for each in [*links, *([after] if after else [])]:
        before = each.previous
        if before is None or (before.bucket, before.key) in known:
            continue
        name = trail.digest_end(chain, before.key)
        # A name that says nothing is judged by the period of the one that names it.
        name = name or DigestName(each.start or each.named_end, backfill=each.backfill)
        if name.end >= since:
            found[before.bucket, before.key] = name
    return [(bucket, key, name) for (bucket, key), name in found.items()]


def is_short(links: Sequence[Link], window: Window) -> bool:
    """Tell whether the digests end before the window does."""
    ends = [each.named_end for each in links if not each.backfill]
    return window.since < window.due and max(ends, default=window.since) < window.due


def strays(days: Sequence[Day], places: Iterable[tuple[str, str]]) -> list[Stray]:
    """Return the log files of a window that no valid digest of it names.

    Args:
        days: what each day gave.
        places: bucket and key of log files that lie in the folder of no day.

    """
    named = {each for day in days for each in day.elsewhere}
    found = [each for day in days for each in day.unnamed]
    found += [Stray(bucket, key, None, None) for bucket, key in places]
    return [each for each in found if (each.bucket, each.key) not in named]


def undecided(found: Iterable[Stray], links: Sequence[Link], window: Window) -> list[Stray]:
    """Return those that a digest beside the window may name."""
    spans = _Spans(each.period for each in links if each.is_valid and not each.backfill)
    return [
        each
        for each in found
        if each.may_be_named_by()
        and each.at is not None
        and each.at + SETTLED + HOUR <= window.settled
        and ((each.is_odd and each.at < window.asked) or not spans.hold(each.at, each.at + LATEST))
    ]


def conclude(
    id: ChainId,
    window: Window,
    days: Sequence[Day],
    links: Sequence[Link],
    after: Link | None,
    found: Sequence[Stray] = (),
    beside: Neighbours = Neighbours(),
) -> Chain:
    """Make a chain of its days.

    Args:
        id: the chain.
        window: the time.
        days: what each day gave.
        links: all digests of the window, also those that are missing.
        after: the first digest after the window, where one was asked for.
        found: log files that no digest of the window names.
        beside: digests beside the window, where they were asked for.

    """
    chain = Chain(id)
    for day in days:
        chain.logs.plus(day.logs)
        chain.findings += day.findings
        chain.trusted = (chain.trusted[0] + day.trusted[0], chain.trusted[1] + day.trusted[1])
        chain.findings += _cut(id, day)
        chain.unvouched += day.more
        if day.more:
            told = f"{day.more} more on {day.task.day}: too many to look for each in other digests"
            chain.findings.append(finding(id, "unvouched-log", "", told))
        chain.plain += day.plain
    links = _vouched(links, after)
    for each in links:
        chain.digests.add(each.fault)
        chain.backfills += each.backfill
        chain.idle += each.is_valid and not each.files
        if each.fault:
            fault = each.fault
            chain.findings.append(finding(id, fault.kind, each.key, fault.told, fault.step))
    stray = [each for each in found if (each.bucket, each.key) not in beside.named]
    _Coverage(chain, window, links, after, stray).tell()
    spans = _Spans(
        each.period
        for each in (*links, *beside.links, *([after] if after else []))
        if each.is_valid and not each.backfill
    )
    _tell_stray(chain, window, spans, stray, others=any(day.others for day in days))
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


class _Spans:
    """Times put together where they meet."""

    def __init__(self, periods: Iterable[tuple[datetime, datetime]]) -> None:
        self.all: list[tuple[datetime, datetime]] = []
        for begin, end in sorted(periods):
            if self.all and begin <= self.all[-1][1]:
                self.all[-1] = (self.all[-1][0], max(end, self.all[-1][1]))
            elif begin < end:
                self.all.append((begin, end))

    def hold(self, begin: datetime, end: datetime) -> bool:
        """Tell whether they hold all of a time."""
        return any(a <= begin and end <= b for a, b in self.all)


def _tell_stray(
    chain: Chain, window: Window, spans: _Spans, stray: list[Stray], *, others: bool
) -> None:
    """Tell log files that no digest names though each that could was read."""
    other = "another trail writes here too: verify that one as well" if others else ""
    count = 0
    for each in stray:
        told = other
        if each.day is None:
            told = "it lies in the folder of no day"
        elif each.is_odd:
            told = "its name is not one of this folder"
        elif each.at is not None and not spans.hold(each.at, each.at + SETTLED):
            if each.at + SETTLED + HOUR > window.settled:
                # A digest to come may name it.
                continue
            end = min(each.at + SETTLED, window.due)
            if window.since <= end and not spans.hold(max(each.at, window.since), end):
                # It is counted with the period that is not covered.
                chain.unvouched += 1
                continue
            told = "each digest that may name it and can be read does not"
        chain.unvouched += 1
        count += 1
        if count <= _TOLD:
            chain.findings.append(finding(chain.id, "unvouched-log", each.key, told))
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
        stray: list[Stray],
    ) -> None:
        self._chain = chain
        self._window = window
        self._links = [each for each in links if not each.backfill]
        self._after = after
        self._times = [each.at for each in stray if each.at is not None and not each.is_odd]

    def tell(self) -> None:
        """Find what is covered, and tell what is not."""
        window, at, first = self._window, self._window.since, True
        sound = [each for each in self._links if each.is_valid]
        if self._after and self._after.is_valid:
            sound.append(self._after)
        for each in sorted(sound, key=lambda one: one.period):
            begin, end = each.period
            if min(begin, window.due) > at:
                self._uncovered(at, min(begin, window.due), each, first=first)
            at, first = max(at, end), False
        if at < window.due:
            self._uncovered(at, window.due, None, first=first)

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
        elif next.previous is None:
            why = (
                "a new chain begins after it, and the first digest of a chain vouches for nothing "
                "before its end"
            )
            if first:
                kind = "starts-late"
            else:
                kind, why = "gap", f"logging or log file validation was off; {why}"
        else:
            kind, why = "gap", "digests before and after it leave it out"
        files = sum(begin < at + MINUTE and at < end for at in self._times)
        count = (
            f"{files} log files lie in it that no digest vouches for"
            if files
            else ("no log file lies in it")
        )
        period = f"{begin:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ} is not covered"
        self._chain.findings.append(finding(self._chain.id, kind, "", f"{period}: {why}; {count}"))
