"""`orgtrail query triage`: runs all questions on a folder of logs or on Athena."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from zoneinfo import ZoneInfo

from orgtrail.cli.query_options import Times, query_bounds
from orgtrail.cli.query_output import (
    file_progress,
    in_zone,
    open_output,
    report_reading,
    scan_progress,
)
from orgtrail.cli.query_run import check_estimate
from orgtrail.drafts import temporary_folder
from orgtrail.errors import EXIT_FAILED, EXIT_OK, printable
from orgtrail.logs.bounds import Bounds, stamp
from orgtrail.logs.files import log_files
from orgtrail.notes import complain, note
from orgtrail.query import triage
from orgtrail.query.local import LoadedLogs, load_logs
from orgtrail.query.parquet import Row
from orgtrail.query.questions import query_placeholders
from orgtrail.query.render import condition, on_table
from orgtrail.query.run import check_folder_has
from orgtrail.records import CLOUDTRAIL_LAUNCH

if TYPE_CHECKING:
    from sqlglot import exp

    from orgtrail.logs.reader import ReadReport
    from orgtrail.query.sigma import Rules
    from orgtrail.settings.environment import Environment

_MOST_LINES = 10
"""Most hits of one question that text shows; the others are counted."""
_LIVE_DEFAULT = timedelta(days=1)
"""The time range of Athena if none is given."""


@dataclass(frozen=True, slots=True)
class TriageRequest:
    """The options of a triage.

    Attributes:
        environment: the settings, if a file was given.
        rules: the user's Sigma rules.
        times: `--from`, `--to` and `--last`.
        accounts: ids of accounts; empty for all.
        regions: regions; empty for all.
        limit: the most hits of one question; None for all, or `_MOST_LINES` in text.
        format: text, json or csv.
        zone: the time zone of times; None for UTC.
        out: a file to write to; None for stdout.

    """

    environment: Environment | None
    rules: Rules
    times: Times
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    limit: int | None
    format: str
    zone: ZoneInfo | None
    out: Path | None

    @property
    def facts(self) -> dict[str, str]:
        """The defaults of parameters."""
        return query_placeholders(self.environment) if self.environment else {}

    @property
    def selection(self) -> triage.Selection:
        """The questions to run."""
        return triage.select_questions(self.facts, [each.question for each in self.rules.questions])

    @property
    def bounds(self) -> Bounds | None:
        """The bounds; None if no time is given."""
        if not any(self.times):
            return None
        return query_bounds(self.times, list(self.accounts), list(self.regions), hours=None)

    def bounds_between(self, since: datetime, until: datetime) -> Bounds:
        """Return bounds of a time range with the accounts and regions of the options."""
        return Bounds(since, until, self.accounts, self.regions)


def on_folder(request: TriageRequest, root: Path) -> int:
    """Triage a folder of logs; return the exit code: 2 if not all could be read or answered."""
    launch = CLOUDTRAIL_LAUNCH
    check_folder_has(root, request.bounds_between(launch, launch))
    selection = request.selection
    wide = request.bounds or request.bounds_between(launch, datetime.max.replace(tzinfo=UTC))
    files = log_files(root, wide)
    with ExitStack() as stack:
        # The progress bar ends before hits are written.
        with file_progress() as progress:
            trees = selection.trees(wide, request.facts)
            logs = stack.enter_context(load_logs(trees, files, progress))
        bounds = request.bounds or request.bounds_between(launch, triage.end_of(logs))
        code = _answer(request, selection, trees, logs, bounds, with_reading=True)
        return max(code, report_reading(logs.reading, root, None))


def on_athena(
    request: TriageRequest, *, max_bytes: int | None, access: tuple[str | None, str | None]
) -> int:
    """Triage with Athena by one scan; return the exit code. `access` is a role and a profile.

    Raises:
        OrgtrailError: the scan would read more than the limit, or fails.

    """
    from orgtrail.aws import session_in
    from orgtrail.query.athena import Athena

    environment = request.environment
    assert environment is not None
    selection = request.selection
    now = datetime.now(UTC).replace(microsecond=0)
    bounds = request.bounds or request.bounds_between(now - _LIVE_DEFAULT, now)
    athena = Athena(environment, session_in(environment, "logging", *access))
    trees = selection.trees(bounds, request.facts)
    statements = triage.scan_statements(trees, condition(bounds))
    estimate = athena.estimate(bounds)
    check_estimate("triage", estimate, environment, max_bytes, scans=len(statements))
    count, scanned, dollars = 0, 0, 0.0
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        for part, sql in enumerate(statements):
            with scan_progress() as progress:
                result = athena.run(on_table(sql, environment.catalog.table), progress)
            count += triage.write_log_files(trees, result.rows, folder, part)
            scanned, dollars = scanned + result.scanned, dollars + result.dollars
        note(f"{count} records that a question may need; {scanned} bytes scanned, ${dollars:.4f}")
        logs = stack.enter_context(load_logs(trees, log_files(folder) if count else []))
        return _answer(request, selection, trees, logs, bounds, with_reading=False)


def _answer(
    request: TriageRequest,
    selection: triage.Selection,
    trees: list[exp.Query],
    logs: LoadedLogs,
    bounds: Bounds,
    *,
    with_reading: bool,
) -> int:
    """Run all questions on the loaded logs, and write the hits; return the exit code."""
    found, failed = triage.find_hits(logs, selection, trees, bounds, request.facts)
    with open_output(request.out) as to:
        if request.format == "json":
            reading = logs.reading if with_reading else None
            _write_json(request, selection, found, failed, reading, bounds, to)
        elif request.format == "csv":
            _write_csv(request, found, to)
        else:
            _write_text(request, selection, found, bounds, to)
    rules = request.rules
    for name, reason in selection.left_out.items():
        note(f"{name}: not asked: {reason}")
    for rule, reason in rules.left_out:
        say = complain if _is_gap(reason) else note
        say(f"{printable(rule)}: not asked: {printable(reason)}")
    for name, reason in failed.items():
        complain(f"{name}: not answered: {reason}")
    gap = any(_is_gap(reason) for _, reason in rules.left_out)
    nothing = rules.left_out and not rules.questions
    return EXIT_FAILED if failed or gap or nothing else EXIT_OK


def _is_gap(reason: str) -> bool:
    """Return whether a rule was left out that should run; rules for other logs do not matter."""
    return "log source" not in reason


def _write_text(
    request: TriageRequest,
    selection: triage.Selection,
    found: list[triage.Hits],
    bounds: Bounds,
    to: TextIO,
) -> None:
    total = Counter[str]()
    for each in found:
        total[each.question.severity] += each.count
    counted = ", ".join(f"{total[each]} {each}" for each in triage.SEVERITIES if total[each])
    since = bounds.since
    start = f"{stamp(since)} to " if since > CLOUDTRAIL_LAUNCH else "all up to "
    to.write(
        f"{len(selection.questions)} questions about {start}{stamp(bounds.until)}: "
        f"{counted or 'no hits'}\n"
    )
    most = _MOST_LINES if request.limit is None else request.limit
    for each in found:
        hits = "1 hit" if each.count == 1 else f"{each.count} hits"
        question = each.question
        head = f"{question.severity.upper()}  {question.name}: {printable(question.title)}"
        to.write(f"\n{head} ({hits})\n")
        for row in _rows(request, each, most):
            line = each.line(row)
            parts = (
                line.time, line.account, line.region, line.principal, line.what, line.outcome
            )  # fmt: skip
            to.write("  " + "  ".join(printable(one) for one in parts if one) + "\n")
        if each.count > most:
            to.write(f"  ... and {each.count - most} more\n")


def _write_json(
    request: TriageRequest,
    selection: triage.Selection,
    found: list[triage.Hits],
    failed: dict[str, str],
    reading: ReadReport | None,
    bounds: Bounds,
    to: TextIO,
) -> None:
    """Write hits as they arrive, since they may not fit into memory."""
    about: dict[str, Any] = {"from": stamp(bounds.since), "to": stamp(bounds.until)}
    if reading:
        about["read"] = {
            "files": reading.files,
            "events": reading.events,
            "aggregated": reading.aggregated,
            "insights": reading.insights,
            "unread": [{"file": name, "reason": why} for name, why in reading.unread.items()],
        }
    left = {**selection.left_out, **dict(request.rules.left_out), **failed}
    about["not_asked"] = [{"name": name, "reason": why} for name, why in left.items()]
    to.write(json.dumps(about, indent=2)[:-2] + ',\n  "questions": [')
    with_hits = {each.question.name for each in found}
    rest = [each for each in selection.questions if each.name not in with_hits | failed.keys()]
    for number, (question, hits) in enumerate(
        [*((each.question, each) for each in found), *((each, None) for each in rest)]
    ):
        to.write(",\n    " if number else "\n    ")
        head = {
            "name": question.name,
            "title": question.title,
            "severity": question.severity,
            "mitre": list(question.mitre),
            "count": hits.count if hits else 0,
        }
        to.write(json.dumps(head)[:-1] + ', "hits": [')
        for at, row in enumerate(_rows(request, hits, request.limit) if hits else ()):
            assert hits is not None
            named = dict(zip(hits.columns, row, strict=True))
            to.write(("," if at else "") + "\n      " + json.dumps(named, default=str))
        to.write("]}")
    to.write("\n  ]\n}\n")


def _write_csv(request: TriageRequest, found: list[triage.Hits], to: TextIO) -> None:
    writer = csv.writer(to)
    names = ("severity", "question", "time", "account", "region", "principal", "what", "outcome",
             "row")  # fmt: skip
    writer.writerow(names)
    for each in found:
        for row in _rows(request, each, request.limit):
            line = each.line(row)
            whole = json.dumps(dict(zip(each.columns, row, strict=True)), default=str)
            writer.writerow(
                (each.question.severity, each.question.name, line.time, line.account, line.region,
                 line.principal, line.what, line.outcome, whole)
            )  # fmt: skip


def _rows(request: TriageRequest, hits: triage.Hits, limit: int | None) -> Iterable[Row]:
    return in_zone(hits.rows(limit), request.zone)
