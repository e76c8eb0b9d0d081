"""Judges a chain as a whole: its digests against each other, and the time they cover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orgtrail.verify.day import DayResult, UnvouchedLog
from orgtrail.verify.findings import Problem, finding
from orgtrail.verify.names import HOUR, MINUTE, ChainId, DigestName, VerifiedTrail
from orgtrail.verify.objects import ChainDigest
from orgtrail.verify.request import LOG_SEARCH_SPAN, MAX_LOG_DELAY, Window
from orgtrail.verify.result import ChainResult

_MAX_REPORTED = 200
"""Log files without a digest that are reported by name, per chain."""


@dataclass(frozen=True, slots=True)
class NearbyDigests:
    """Digests just outside of the window, read for the log files they name.

    Attributes:
        digests: the digests.
        named: bucket and key of the log files that valid ones name.

    """

    digests: tuple[ChainDigest, ...] = ()
    named: frozenset[tuple[str, str]] = frozenset()


def unlisted_digests(
    trail: VerifiedTrail,
    chain: ChainId,
    digests: Sequence[ChainDigest],
    after: ChainDigest | None,
    since: datetime,
) -> list[tuple[str, str, DigestName]]:
    """Return bucket, key and name of the unlisted digests that others name as previous."""
    known = {(each.bucket, each.key) for each in digests}
    found = {}
    for each in [*digests, *([after] if after else [])]:
        before = each.previous
        if before is None or (before.bucket, before.key) in known:
            continue
        name = trail.digest_name(chain, before.key)
        # Without a valid name, its end is the start of the next digest's period.
        name = name or DigestName(each.start or each.named_end, backfill=each.backfill)
        if name.end >= since:
            found[before.bucket, before.key] = name
    return [(bucket, key, name) for (bucket, key), name in found.items()]


def ends_early(digests: Sequence[ChainDigest], window: Window) -> bool:
    """Return whether the digests end before the window does."""
    ends = [each.named_end for each in digests if not each.backfill]
    return window.since < window.due and max(ends, default=window.since) < window.due


def find_unvouched_logs(
    days: Sequence[DayResult], outside_days: Iterable[tuple[str, str]]
) -> list[UnvouchedLog]:
    """Return the log files of the window that none of its valid digests names."""
    named = {each for day in days for each in day.named_elsewhere}
    found = [each for day in days for each in day.unvouched]
    found += [UnvouchedLog(bucket, key, None, None) for bucket, key in outside_days]
    return [each for each in found if (each.bucket, each.key) not in named]


def may_be_named_nearby(
    found: Iterable[UnvouchedLog], digests: Sequence[ChainDigest], window: Window
) -> list[UnvouchedLog]:
    """Return the log files that a digest just outside of the window may name."""
    periods = _Periods(each.period for each in digests if each.is_valid and not each.backfill)
    return [
        each
        for each in found
        if each.possible_digest_ends()
        and each.at is not None
        and each.at + MAX_LOG_DELAY + HOUR <= window.delivered_until
        and (
            (each.is_misnamed and each.at < window.start)
            or not periods.contain(each.at, each.at + LOG_SEARCH_SPAN)
        )
    ]


def evaluate_chain(
    id: ChainId,
    window: Window,
    days: Sequence[DayResult],
    digests: Sequence[ChainDigest],
    after: ChainDigest | None,
    found: Sequence[UnvouchedLog] = (),
    nearby: NearbyDigests = NearbyDigests(),
) -> ChainResult:
    """Combine the days of a chain, and check it as a whole.

    Args:
        id: the chain.
        window: the window of its account.
        days: results of its days.
        digests: all digests of the window, including missing ones.
        after: the first digest after the window, if it was read.
        found: log files that no digest of the window names.
        nearby: digests just outside of the window, if they were read.

    """
    chain = ChainResult(id)
    for day in days:
        chain.logs.merge(day.logs)
        chain.window_logs.merge(day.window_logs)
        chain.findings += day.findings
        chain.trusted = (chain.trusted[0] + day.trusted[0], chain.trusted[1] + day.trusted[1])
        for kind, count in day.omitted.items():
            reason = f"{count} more on {day.task.day}, not told one by one"
            chain.findings.append(finding(id, kind, "", reason))
        chain.unvouched += day.more_unvouched
        if day.more_unvouched:
            reason = (
                f"{day.more_unvouched} more on {day.task.day}: too many to look for each in other "
                "digests"
            )
            chain.findings.append(finding(id, "unvouched-log", "", reason))
        chain.plain += day.plain
    digests = _compare_with_next(digests, after)
    for each in digests:
        chain.digests.add(each.problem)
        chain.backfills += each.backfill
        chain.idle += each.is_valid and not each.log_count
        if each.problem:
            problem = each.problem
            chain.findings.append(finding(id, problem.kind, each.key, problem.reason, problem.step))
    unvouched_logs = [each for each in found if (each.bucket, each.key) not in nearby.named]
    chain.later += len(found) - len(unvouched_logs)
    _Coverage(chain, window, digests, after, unvouched_logs).report()
    periods = _Periods(
        each.period
        for each in (*digests, *nearby.digests, *([after] if after else []))
        if each.is_valid and not each.backfill
    )
    has_other_trails = any(day.has_other_trails for day in days)
    _report_unvouched(chain, window, periods, unvouched_logs, has_other_trails=has_other_trails)
    chain.findings.sort(key=lambda each: (each.key, each.kind))
    return chain


def _compare_with_next(
    digests: Sequence[ChainDigest], after: ChainDigest | None
) -> list[ChainDigest]:
    """Compare each digest with the hash and signature that the next digest records for it."""
    named_by = {
        (each.previous.bucket, each.previous.key): (each, each.previous)
        for each in [*digests, *([after] if after else [])]
        if each.previous and not each.backfill
    }
    result = []
    for each in sorted(digests, key=lambda one: (one.named_end, one.key)):
        following, previous = named_by.get((each.bucket, each.key), (None, None))
        if (
            following
            and previous
            and each.is_valid
            and (
                previous.hash_value.lower() != each.sha256
                or previous.signature.lower() != each.signature.lower()
            )
        ):
            reason = f"is signed, but is not the one that {following.key} vouches for"
            result.append(replace(each, problem=Problem("digest-link", reason)))
        else:
            result.append(each)
    return result


class _Periods:
    """A union of periods."""

    def __init__(self, periods: Iterable[tuple[datetime, datetime]]) -> None:
        self.all: list[tuple[datetime, datetime]] = []
        for start, end in sorted(periods):
            if self.all and start <= self.all[-1][1]:
                self.all[-1] = (self.all[-1][0], max(end, self.all[-1][1]))
            elif start < end:
                self.all.append((start, end))

    def contain(self, start: datetime, end: datetime) -> bool:
        """Return whether one of the merged periods contains a period completely."""
        return any(a <= start and end <= b for a, b in self.all)


def _report_unvouched(
    chain: ChainResult,
    window: Window,
    periods: _Periods,
    unvouched_logs: list[UnvouchedLog],
    *,
    has_other_trails: bool,
) -> None:
    """Report log files that are missing from every digest that could name them."""
    other = "another trail writes here too: verify that one as well" if has_other_trails else ""
    count = 0
    for each in unvouched_logs:
        reason = other
        if each.day is None:
            reason = "it is in the folder of no day"
        elif each.is_misnamed:
            reason = "its name is not one of this folder"
        elif each.at is not None and not periods.contain(each.at, each.at + MAX_LOG_DELAY):
            if each.at + MAX_LOG_DELAY + HOUR > window.delivered_until:
                # A digest that has not been delivered yet may name it.
                chain.later += 1
                continue
            end = min(each.at + MAX_LOG_DELAY, window.due)
            if window.since <= end and not periods.contain(max(each.at, window.since), end):
                # The finding about the period without digests counts it.
                chain.unvouched += 1
                continue
            reason = "each digest that may name it and can be read does not"
        chain.unvouched += 1
        count += 1
        if count <= _MAX_REPORTED:
            chain.findings.append(finding(chain.id, "unvouched-log", each.key, reason))
    if count > _MAX_REPORTED:
        reason = f"{count - _MAX_REPORTED} more, not told one by one"
        chain.findings.append(finding(chain.id, "unvouched-log", "", reason))


class _Coverage:
    """Finds the parts of the window that no valid digest of a chain covers."""

    def __init__(
        self,
        chain: ChainResult,
        window: Window,
        digests: list[ChainDigest],
        after: ChainDigest | None,
        unvouched_logs: list[UnvouchedLog],
    ) -> None:
        self._chain = chain
        self._window = window
        self._digests = [each for each in digests if not each.backfill]
        self._after = after
        self._log_times = [
            each.at for each in unvouched_logs if each.at is not None and not each.is_misnamed
        ]

    def report(self) -> None:
        """Report each period that is not covered."""
        window, at, first = self._window, self._window.since, True
        valid = [each for each in self._digests if each.is_valid]
        if self._after and self._after.is_valid:
            valid.append(self._after)
        for each in sorted(valid, key=lambda one: one.period):
            start, end = each.period
            if min(start, window.due) > at:
                self._uncovered(at, min(start, window.due), each, first=first)
            at, first = max(at, end), False
        if at < window.due:
            self._uncovered(at, window.due, None, first=first)

    def _uncovered(
        self, start: datetime, end: datetime, next: ChainDigest | None, *, first: bool
    ) -> None:
        """Report a period without valid digests, unless invalid digests account for it."""
        invalid = [
            each
            for each in self._digests
            if not each.is_valid and start < each.named_end <= end + HOUR
        ]
        if invalid and end - start <= len(invalid) * HOUR + MINUTE:
            return
        if not self._digests and next is None:
            kind, why = "no-digests", "there is no digest of this time"
        elif next is None:
            kind, why = "ends-early", "the last digest ends before it"
        elif next.previous is None:
            why = (
                "a new chain begins after it, and the first digest of a chain covers nothing "
                "before its end"
            )
            if first:
                kind = "starts-late"
            else:
                kind, why = "gap", f"logging or log file validation was off; {why}"
        else:
            kind, why = "gap", "digests before and after it leave it out"
        log_files = sum(start < at + MINUTE and at < end for at in self._log_times)
        count = (
            f"{log_files} log files are in it that no digest covers"
            if log_files
            else "no log file is in it"
        )
        period = f"{start:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ} is not covered"
        self._chain.findings.append(finding(self._chain.id, kind, "", f"{period}: {why}; {count}"))
