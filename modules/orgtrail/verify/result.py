"""The events of a verification, and the verdict they add up to."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from orgtrail.verify.findings import KINDS, Effect, Problem, VerifyFinding
from orgtrail.verify.names import ChainId


@dataclass(slots=True)
class Count:
    """Numbers of files by verdict."""

    valid: int = 0
    invalid: int = 0
    unread: int = 0

    def add(self, problem: Problem | None) -> None:
        """Count one file."""
        if problem is None:
            self.valid += 1
        elif KINDS[problem.kind][0] is Effect.INVALID:
            self.invalid += 1
        else:
            self.unread += 1

    def merge(self, other: Count) -> None:
        """Add the numbers of another count."""
        self.valid += other.valid
        self.invalid += other.invalid
        self.unread += other.unread

    @property
    def total(self) -> int:
        """The number of files."""
        return self.valid + self.invalid + self.unread


@dataclass(slots=True)
class ChainResult:
    """The result of one chain.

    Attributes:
        id: account and region.
        digests: numbers of digests by verdict.
        logs: numbers of log files that valid digests name, by verdict.
        window_logs: those of them whose names have a minute of the window.
        later: log files of the window that a digest after the window names, or one to come.
        idle: valid digests for hours without log files.
        backfills: digests that CloudTrail delivered later.
        unvouched: log files of the window that no valid digest names.
        findings: what is wrong or unknown.
        notes: information that is not a finding.
        trusted: numbers of digests and log files taken from an earlier run.
        plain: number of files that arrived uncompressed.

    """

    id: ChainId
    digests: Count = field(default_factory=Count)
    logs: Count = field(default_factory=Count)
    window_logs: Count = field(default_factory=Count)
    later: int = 0
    idle: int = 0
    backfills: int = 0
    unvouched: int = 0
    findings: list[VerifyFinding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trusted: tuple[int, int] = (0, 0)
    plain: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """The chains to verify, and the total number of days over all chains."""

    chains: tuple[ChainId, ...]
    days: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A day of a chain is done; `files` is its number of digests and log files."""

    chain: ChainId
    files: int


@dataclass(frozen=True, slots=True)
class Note:
    """Information that is not a finding."""

    text: str


_MAX_KEPT = 10_000
"""Findings of one kind that are kept."""

Event = Planned | Progress | ChainResult | VerifyFinding | Note


@dataclass(slots=True)
class Result:
    """The sum of all events. Keeps a limited number of findings of each kind, to save memory.

    Attributes:
        chains: number of chains.
        digests: numbers of digests by verdict.
        logs: numbers of log files by verdict.
        window_logs: those of them whose names have a minute of the window.
        later: log files of the window that a digest after the window names, or one to come.
        unvouched: log files that no valid digest names.
        idle: digests for hours without log files.
        backfills: digests that CloudTrail delivered later.
        findings: the findings.
        kinds: number of findings of each kind.
        notes: information that is not a finding.
        trusted: numbers of digests and log files taken from an earlier run.

    """

    chains: int = 0
    digests: Count = field(default_factory=Count)
    logs: Count = field(default_factory=Count)
    window_logs: Count = field(default_factory=Count)
    later: int = 0
    unvouched: int = 0
    idle: int = 0
    backfills: int = 0
    findings: list[VerifyFinding] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    trusted: tuple[int, int] = (0, 0)

    def add(self, event: Event) -> None:
        """Add an event."""
        match event:
            case ChainResult():
                self.chains += 1
                self.digests.merge(event.digests)
                self.logs.merge(event.logs)
                self.window_logs.merge(event.window_logs)
                self.later += event.later
                self.unvouched += event.unvouched
                self.idle += event.idle
                self.backfills += event.backfills
                for each in event.findings:
                    self._add_finding(each)
                self.notes += event.notes
                digests, logs = self.trusted
                self.trusted = (digests + event.trusted[0], logs + event.trusted[1])
            case VerifyFinding():
                self._add_finding(event)
            case Note():
                self.notes.append(event.text)

    def _add_finding(self, found: VerifyFinding) -> None:
        self.kinds[found.kind] += 1
        if self.kinds[found.kind] <= _MAX_KEPT:
            self.findings.append(found)
        elif self.kinds[found.kind] == _MAX_KEPT + 1:
            reason = (
                f"more than {_MAX_KEPT} of this kind: the others are counted, and not told one by "
                "one"
            )
            self.findings.append(VerifyFinding("", "", found.kind, "", reason))

    @property
    def verdict(self) -> str:
        """`valid`, `invalid` (something was altered or deleted) or `unproven`."""
        if self.digests.invalid or self.logs.invalid:
            return "invalid"
        if any(each.effect is Effect.INVALID for each in self.findings):
            return "invalid"
        if self.findings or self.digests.unread or self.logs.unread or not self.digests.total:
            return "unproven"
        return "valid"

    def to_dict(self) -> dict[str, Any]:
        """Return the result in the form that `--format json` prints."""
        return {
            "verdict": self.verdict,
            "chains": self.chains,
            "digests": asdict(self.digests),
            "logs": asdict(self.logs),
            "window_logs": {**asdict(self.window_logs), "later": self.later},
            "unvouched": self.unvouched,
            "idle": self.idle,
            "backfills": self.backfills,
            "trusted": {"digests": self.trusted[0], "logs": self.trusted[1]},
            "findings": [
                {
                    "account": each.account,
                    "region": each.region,
                    "kind": each.kind,
                    "key": each.key,
                    "detail": each.detail,
                }
                for each in sorted(
                    self.findings,
                    key=lambda one: (one.account, one.region, one.key, one.kind, one.detail),
                )
            ],
            "notes": sorted(self.notes),
        }
