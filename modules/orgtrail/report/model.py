"""What a report is asked for, and what it finds out before it judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from orgtrail.check.run import Report
from orgtrail.doctor.model import Outcome
from orgtrail.logs.bounds import Bounds, stamp
from orgtrail.query.parquet import Row, write_parquet
from orgtrail.settings.environment import Environment

Json = dict[str, Any]
OnProgress = Callable[[str], None]
"""Gets what the report is doing now."""
KEPT = 5_000
"""Rows of an answer that JSON has; one that is longer is whole in a Parquet file beside it."""


@dataclass(frozen=True)
class ReportRequest:
    """What a report is asked for.

    Args:
        file: the environment file.
        env: its settings.
        since: start of the period.
        until: end of the period.
        logs: a copy of the archive; None to ask the live accounts.
        role: name of a role to assume in each account, in place of the file's.
        profile: a profile, in place of those of the file.
        session: a session of boto3 in the logging account; None where it is not asked.

    """

    file: Path
    env: Environment
    since: datetime
    until: datetime
    logs: Path | None = None
    role: str | None = None
    profile: str | None = None
    session: Any = None

    @property
    def bounds(self) -> Bounds:
        """The period, for queries."""
        return Bounds(self.since, self.until)

    @property
    def options(self) -> str:
        """Where questions are put to, and for when, as options of `orgtrail query run`."""
        where = f"--logs {self.logs} --env {self.file}" if self.logs else f"--env {self.file}"
        return f"{where} --from {stamp(self.since)} --to {stamp(self.until)}{self.access}"

    @property
    def access(self) -> str:
        """By whom AWS was asked, as options of the command line; empty for the file's own."""
        if self.logs:
            return ""
        options = {"--role": self.role, "--profile": self.profile}
        return "".join(f" {name} {value}" for name, value in options.items() if value)


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that the report could not find out; it is said at the top.

    Args:
        section: the section that it is missing from.
        what: what was not checked.
        why: why not, and what to do.

    """

    section: str
    what: str
    why: str

    def as_json(self) -> Json:
        """Return it for programs."""
        return {"section": self.section, "what": self.what, "why": self.why}


@dataclass(frozen=True)
class Rows:
    """An answer: names of columns, the first rows, and how many there are.

    Args:
        columns: names.
        rows: the rows, `KEPT` of them at most.
        total: how many there are.
        whole: the file that has all of them, where JSON has not.
        outcomes: how often each value is in the column `outcome`, in all rows.

    """

    columns: list[str]
    rows: list[Row]
    total: int
    whole: str = ""
    outcomes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: list[str], rows: Iterable[Row], folder: Path, name: str) -> Rows:
        """Take an answer as it comes; a long one goes to a file in the folder."""
        outcomes: Counter[str] = Counter()
        source = _counted(columns, rows, outcomes)
        first = [*islice(source, KEPT)]
        more = next(source, None)
        if more is None:
            return cls(columns, first, len(first), outcomes=outcomes)
        place = f"activity/{name}.parquet"
        (folder / "activity").mkdir(exist_ok=True)
        total = write_parquet(columns, chain(first, [more], source), folder / place)
        return cls(columns, first, total, place, outcomes)

    def dicts(self) -> list[Json]:
        """Return the rows with their names."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass
class Answers:
    """What the logs say.

    Args:
        tables: rows by the name of the question.
        unchecked: what could not be asked or read.
        bytes: of the log files, compressed; None where nobody counted.
        files: how many; None where nobody counted.
        large_share: the part of the bytes in files of 128 KB and more.

    """

    tables: dict[str, Rows] = field(default_factory=dict)
    unchecked: list[Unchecked] = field(default_factory=list)
    bytes: int | None = None
    files: int | None = None
    large_share: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """All that a report has found before it judges.

    Args:
        request: what it was asked for.
        report: of `orgtrail check`.
        outcomes: of the doctor; None where it was not asked.
        answers: of the logs.
        integrity: the section.
        coverage: the section; None where the logs were not asked.

    """

    request: ReportRequest
    report: Report
    outcomes: list[Outcome] | None
    answers: Answers
    integrity: Json
    coverage: Json | None


def _counted(columns: list[str], rows: Iterable[Row], outcomes: Counter[str]) -> Iterator[Row]:
    place = columns.index("outcome") if "outcome" in columns else None
    for row in rows:
        if place is not None:
            outcomes[str(row[place])] += 1
        yield row
