"""A report's request, and the evidence that it gathers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from orgtrail.check.run import Report
from orgtrail.doctor.model import Outcome
from orgtrail.logs.bounds import Bounds, stamp
from orgtrail.query.parquet import Row, write_parquet
from orgtrail.query.triage import PRINCIPALS, TIMES, first_of
from orgtrail.report.volume import PeriodVolume
from orgtrail.settings.environment import Environment

Json = dict[str, Any]
OnProgress = Callable[[str], None]
"""Called with the current step."""
SUCCESS = "success"
"""What questions call the outcome of a call that was not refused."""
KEPT = 5_000
"""How many rows of an answer the JSON has; a Parquet file has all rows of a longer answer."""


@dataclass(frozen=True)
class ReportRequest:
    """The request for a report.

    Args:
        file: the environment file.
        env: its settings.
        since: start of the period.
        until: end of the period.
        logs: a copy of the archive; None to query the live accounts.
        role: name of a role to assume in each account; overrides the file.
        profile: a profile; overrides the file.
        session: a boto3 session in the logging account; None if it is not needed.
        remarks: a file of a reviewer's remarks on controls; None for none.
        older: an older report to compare with, its folder or its JSON; None for none.

    """

    file: Path
    env: Environment
    since: datetime
    until: datetime
    logs: Path | None = None
    role: str | None = None
    profile: str | None = None
    session: Any = None
    remarks: Path | None = None
    older: Path | None = None

    @property
    def bounds(self) -> Bounds:
        """The period, for queries."""
        return Bounds(self.since, self.until)

    @property
    def options(self) -> str:
        """Source and period of the logs, as options of `orgtrail query run`."""
        where = f"--logs {self.logs} --env {self.file}" if self.logs else f"--env {self.file}"
        return f"{where} --from {stamp(self.since)} --to {stamp(self.until)}{self.access}"

    @property
    def access(self) -> str:
        """The AWS credentials used, as command-line options; empty for those of the file."""
        if self.logs:
            return ""
        options = {"--role": self.role, "--profile": self.profile}
        return "".join(f" {name} {value}" for name, value in options.items() if value)


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that the report could not check; the report lists it at the top.

    Args:
        section: the section that lacks it.
        what: what was not checked.
        why: the reason, and what to do.

    """

    section: str
    what: str
    why: str

    def as_json(self) -> Json:
        """Return it as JSON."""
        return {"section": self.section, "what": self.what, "why": self.why}


_MANY = 1_000
"""Most names and addresses that a summary tells apart."""


_COUNTED = {
    "failures": ("failed call", "failed calls"),
    "successes": ("successful call", "successful calls"),
    "files_read": ("log file read", "log files read"),
    "calls": ("call", "calls"),
    "attempts": ("refused call", "refused calls"),
    "refusals": ("refused call", "refused calls"),
}
"""What the numbers of a row count, for one and for many."""
DONE, REFUSED, FAILED = (_COUNTED[name] for name in ("successes", "attempts", "failures"))
_MAKERS = tuple(each for each in PRINCIPALS if each != "source_ip")
"""Columns of who did it: an address is only where from."""
_WORDS = tuple(dict.fromkeys(_COUNTED.values()))


class Event(NamedTuple):
    """One event of an answer."""

    account: str
    is_done: bool
    who: str
    address: str


@dataclass
class Summary:
    """What the rows of an answer come to.

    Args:
        counts: how many calls of which kind, such as successful and refused ones.
        hours: rows by the hour that they begin in, `2026-11-25T10`.
        who: the principals, at most 1,000.
        addresses: the addresses, at most 1,000.
        events: the events by their ids, for answers whose rows are single events.

    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    hours: Counter[str] = field(default_factory=Counter)
    who: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    events: dict[str, Event] = field(default_factory=dict)

    def in_words(self) -> list[str]:
        """Return what was counted, each in words: `1 successful call`."""
        return [
            f"{count:,} {words[count != 1]}" for words in _WORDS if (count := self.counts[words])
        ]

    def counting(self, columns: list[str], rows: Iterable[Row], *, ids: bool) -> Iterator[Row]:
        """Yield rows unchanged, and sum them up."""
        place = {name: number for number, name in enumerate(columns)}
        time, who = place.get(first_of(TIMES, columns)), place.get(first_of(_MAKERS, columns))
        outcome, address = place.get("outcome"), place.get("source_ip")
        counted = [(words, place[name]) for name, words in _COUNTED.items() if name in place]
        event = place.get("event_id") if ids else None
        for row in rows:
            if outcome is not None:
                self.counts[DONE if row[outcome] == SUCCESS else REFUSED] += 1
                if event is not None:
                    name = str(row[event] or f"without an id, {len(self.events)}")
                    self.events[name] = Event(
                        str(row[place["account_id"]]),
                        row[outcome] == SUCCESS,
                        *(str(row[at] or "") if at is not None else "" for at in (who, address)),
                    )
            for words, at in counted:
                self.counts[words] += _number(row[at])
            if time is not None and row[time]:
                self.hours[str(row[time])[:13]] += 1
            for known, place_of in ((self.who, who), (self.addresses, address)):
                if place_of is not None and row[place_of] and len(known) < _MANY:
                    known.add(str(row[place_of]))
            yield row


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


@dataclass(frozen=True)
class Rows:
    """An answer: the column names, the first rows, and the number of rows.

    Args:
        columns: the column names.
        rows: the first rows, at most `KEPT`.
        total: the number of all rows.
        whole: the file with all rows; empty if `rows` has them all.
        summary: what all rows come to.

    """

    columns: list[str]
    rows: list[Row]
    total: int
    whole: str = ""
    summary: Summary = field(default_factory=Summary)

    @classmethod
    def of(
        cls, columns: list[str], rows: Iterable[Row], folder: Path, name: str, *, ids: bool = False
    ) -> Rows:
        """Build an answer from a stream of rows; write a long one to a file in the folder.

        Args:
            columns: the names of the columns.
            rows: the rows.
            folder: the folder for a long answer.
            name: the question's name.
            ids: whether the summary keeps which events the rows are.

        """
        summary = Summary()
        source = summary.counting(columns, rows, ids=ids)
        first = [*islice(source, KEPT)]
        more = next(source, None)
        if more is None:
            return cls(columns, first, len(first), summary=summary)
        place = f"activity/{name}.parquet"
        (folder / "activity").mkdir(exist_ok=True)
        total = write_parquet(columns, chain(first, [more], source), folder / place)
        return cls(columns, first, total, place, summary)

    def dicts(self) -> list[Json]:
        """Return the rows as dictionaries by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass
class Answers:
    """The answers from the logs.

    Args:
        tables: rows by the name of the question.
        unchecked: what could not be queried or read.
        volume: the log files of the period; None if unknown.

    """

    tables: dict[str, Rows] = field(default_factory=dict)
    unchecked: list[Unchecked] = field(default_factory=list)
    volume: PeriodVolume | None = None


@dataclass(frozen=True)
class Evidence:
    """Everything that a report's verdicts are based on.

    Args:
        request: the request for the report.
        report: the result of `orgtrail check`.
        outcomes: the doctor's outcomes; None if it did not run.
        answers: the answers from the logs.
        integrity: the integrity section.
        coverage: the coverage section; None if the logs could not be queried.

    """

    request: ReportRequest
    report: Report
    outcomes: list[Outcome] | None
    answers: Answers
    integrity: Json
    coverage: Json | None
