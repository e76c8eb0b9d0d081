"""What a verification yields as it goes, and the verdict over all of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from orgtrail.integrity.chain import Chain
from orgtrail.integrity.day import Count
from orgtrail.integrity.findings import Effect, Finding
from orgtrail.integrity.names import ChainId


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be verified: the chains, and the number of days of all of them."""

    chains: tuple[ChainId, ...]
    days: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A day of a chain is done; `files` were looked at."""

    chain: ChainId
    files: int


@dataclass(frozen=True, slots=True)
class Note:
    """Worth knowing, and no finding."""

    text: str


_MOST = 10_000
"""Findings of a kind that are kept."""

Event = Planned | Progress | Chain | Finding | Note


@dataclass(slots=True)
class Result:
    """The sum of what was yielded; of each kind of finding no more than fit into memory.

    Attributes:
        chains: number of chains.
        digests: verdicts on digests.
        logs: verdicts on log files.
        unvouched: log files that no valid digest names.
        idle: digests of hours in which nothing was delivered.
        backfills: digests that were delivered afterwards.
        findings: the findings.
        kinds: how many there are of each kind.
        notes: what is no finding.
        trusted: digests and log files taken from an earlier run.

    """

    chains: int = 0
    digests: Count = field(default_factory=Count)
    logs: Count = field(default_factory=Count)
    unvouched: int = 0
    idle: int = 0
    backfills: int = 0
    findings: list[Finding] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    trusted: tuple[int, int] = (0, 0)

    def add(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case Chain():
                self.chains += 1
                self.digests.plus(event.digests)
                self.logs.plus(event.logs)
                self.unvouched += event.unvouched
                self.idle += event.idle
                self.backfills += event.backfills
                for each in event.findings:
                    self._find(each)
                self.notes += event.notes
                digests, logs = self.trusted
                self.trusted = (digests + event.trusted[0], logs + event.trusted[1])
            case Finding():
                self._find(event)
            case Note():
                self.notes.append(event.text)

    def _find(self, found: Finding) -> None:
        self.kinds[found.kind] += 1
        if self.kinds[found.kind] <= _MOST:
            self.findings.append(found)
        elif self.kinds[found.kind] == _MOST + 1:
            told = (
                f"more than {_MOST} of this kind: the others are counted, and not told one by one"
            )
            self.findings.append(Finding("", "", found.kind, "", told))

    @property
    def verdict(self) -> str:
        """`valid`, `invalid` (something was altered or taken away), else `unproven`."""
        if self.digests.invalid or self.logs.invalid:
            return "invalid"
        if any(each.effect is Effect.INVALID for each in self.findings):
            return "invalid"
        if self.findings or self.digests.unread or self.logs.unread or not self.digests.total:
            return "unproven"
        return "valid"

    def told(self) -> dict[str, Any]:
        """Return the result as the command prints it in JSON."""
        return {
            "verdict": self.verdict,
            "chains": self.chains,
            "digests": _counts(self.digests),
            "logs": _counts(self.logs),
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


def _counts(count: Count) -> dict[str, int]:
    return {"valid": count.valid, "invalid": count.invalid, "unread": count.unread}
