"""Accepted findings: entries of a rule, a place, a reason and perhaps a last day.

They come from options or from a baseline file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import ValidationError

from orgtrail.check.findings import Finding
from orgtrail.check.run import Report, rule_names
from orgtrail.errors import Fault, OrgtrailError, SettingsError, SettingsSource
from orgtrail.settings.types import Many, Section, TextRule

OPTION = "--accept"
_NonBlank = Annotated[str, TextRule("must say something", lambda text: bool(text.strip()))]


class _Entry(Section):
    """One entry of a baseline file: keys of a finding, the reason, and the last day."""

    rule: Annotated[str, TextRule("is no rule", lambda text: text in rule_names())]
    setting: _NonBlank
    reason: _NonBlank
    environment: _NonBlank | None = None
    until: date | None = None


class _Baseline(Section):
    accept: Many[_Entry] = ()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One accepted rule, and where it is stated.

    Args:
        source: the option, or the entry of a baseline file, for messages.
        rule: the rule's name.
        place: the setting or address of the finding; empty for every place.
        reason: why; None for an option.
        environment: the name of the environment or stack; None for any.
        until: the last day, in UTC, on which it accepts; None for every day.

    """

    source: str
    rule: str
    place: str = ""
    reason: str | None = None
    environment: str | None = None
    until: date | None = None

    def covers(self, report: Report, finding: Finding) -> bool:
        """Return whether this entry is about a finding of a report, on whatever day."""
        return (
            self.rule == finding.rule
            and self.place in ("", finding.setting)
            and self.environment in (None, report.name)
        )

    def ended(self, today: date) -> bool:
        """Return whether its last day is over."""
        return self.until is not None and today > self.until


@dataclass(frozen=True, slots=True)
class Acceptances:
    """All entries, from options and the baseline file.

    Args:
        entries: the entries.
        today: the day, in UTC, for which they are read; those that ended before accept nothing.

    """

    entries: tuple[Acceptance, ...]
    today: date

    def of(self, report: Report, finding: Finding) -> Acceptance | None:
        """Return the entry that accepts a finding, preferably with a reason; None if none does."""
        found = [
            each for each in self.entries
            if each.covers(report, finding) and not each.ended(self.today)
        ]  # fmt: skip
        return min(found, key=lambda each: each.reason is None, default=None)

    def open(self, report: Report) -> list[Finding]:
        """Return the findings of a report that are not accepted."""
        return [each for each in report.findings if self.of(report, each) is None]

    def ended(self, reports: Sequence[Report]) -> Iterator[str]:
        """Yield a message for each entry whose last day is over, if its finding is still there."""
        for entry in self.entries:
            if entry.ended(self.today) and _is_needed(entry, reports):
                yield (
                    f"{entry.source}: the acceptance of {entry.rule} at {entry.place} ended on "
                    f"{entry.until}; mend the finding, or give the entry a later date"
                )

    def stale(self, reports: Sequence[Report]) -> Iterator[str]:
        """Yield a message for each entry with a place that matches no finding of these reports.

        Skips entries for an environment that is not among the reports.
        """
        names = {each.name for each in reports}
        for entry in self.entries:
            if not entry.place or (entry.environment and entry.environment not in names):
                continue
            if not _is_needed(entry, reports):
                yield (
                    f"{entry.source}: no finding of {entry.rule} at {entry.place} is left to "
                    "accept; remove it"
                )


def _is_needed(entry: Acceptance, reports: Sequence[Report]) -> bool:
    return any(entry.covers(one, each) for one in reports for each in one.findings)


def read_acceptances(options: Sequence[str], baseline: Path | None, today: date) -> Acceptances:
    """Read the accepted findings from options and a baseline file.

    Args:
        options: `RULE` for every place, or `RULE@SETTING` for one.
        baseline: a TOML file of `[[accept]]` entries with rule, setting, reason and, to limit an
            entry, environment (one environment alone) and until (the last day, a date).
        today: the day, in UTC, for which they are read.

    Raises:
        OrgtrailError: the file cannot be read or is not TOML; an option does not name a rule.
        SettingsError: an entry lacks a key, has an unknown one or does not name a rule.

    """
    entries = (*map(_of_option, options), *(_of_file(baseline) if baseline else ()))
    return Acceptances(entries, today)


def _of_option(text: str) -> Acceptance:
    rule, sign, place = text.partition("@")
    source = f"{OPTION} {text}"
    if rule not in rule_names():
        raise OrgtrailError(f"{OPTION} {rule}: is no rule; {_suggestion(rule)}")
    if sign and not place:
        raise OrgtrailError(f"{source}: needs a setting after @; without @ it is for every place")
    return Acceptance(source, rule, place)


def _of_file(path: Path) -> Iterator[Acceptance]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OrgtrailError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise OrgtrailError(f"{path}: is not TOML: {error}") from None
    try:
        entries = _Baseline.model_validate(content).accept
    except ValidationError as error:
        faults = [_fault(each) for each in error.errors(include_url=False)]
        raise SettingsError(faults, SettingsSource(str(path))) from None
    for number, each in enumerate(entries):
        source = f"{path}: accept[{number}]"
        yield Acceptance(source, each.rule, each.setting, each.reason, each.environment, each.until)


def _fault(detail: Mapping[str, Any]) -> Fault:
    place, kind = tuple(detail["loc"]), detail["type"]
    match kind:
        case "missing":
            return Fault(place, "is required")
        case "extra_forbidden":
            known = _Entry if len(place) > 1 else _Baseline
            hint = f"the keys allowed here are {', '.join(known.model_fields)}"
            return Fault(place, "is not known", detail["input"], hint)
        case "rule":
            hint = _suggestion(detail["input"]) if place[-1] == "rule" else ""
            return Fault(place, detail["ctx"]["rule"], detail["input"], hint)
        case "date_type" | "date_from_datetime_inexact":
            hint = "write it without quotes and without a time: until = 2027-03-31"
            return Fault(place, "must be a date", detail["input"], hint)
        case "string_type":
            return Fault(place, "must be text in quotes", detail["input"])
    return Fault(place, "must be tables, each below a line [[accept]]", detail["input"])


def _suggestion(rule: str) -> str:
    """Return a hint at the rule that an unknown name may have meant."""
    known = rule_names()
    near = get_close_matches(rule, known, n=1)
    return f"did you mean {near[0]}?" if near else f"the rules are {', '.join(known)}"
