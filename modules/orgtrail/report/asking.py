"""Answers to a report's questions, by DuckDB over a copy of the logs, or by Athena."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sqlglot import exp

from orgtrail.drafts import temporary_folder
from orgtrail.errors import OrgtrailError
from orgtrail.logs.files import has_layout, log_files
from orgtrail.query import local, triage
from orgtrail.query.dialect import parse
from orgtrail.query.render import condition, on_table
from orgtrail.report.model import Answers, OnProgress, ReportRequest, Rows, Unchecked
from orgtrail.report.questions import COVERAGE, TAMPERING, ReportQuestion, sql
from orgtrail.report.volume import Period, PeriodVolume, counted, list_volume

if TYPE_CHECKING:
    from orgtrail.query.athena import Athena

_MAX_LISTED = 20
"""How many unreadable files are listed; the others are counted."""


def answers(
    request: ReportRequest, questions: list[ReportQuestion], folder: Path, progress: OnProgress
) -> Answers:
    """Run all questions.

    Args:
        request: the environment and the period.
        questions: the questions.
        folder: the folder for answers that are too long for JSON.
        progress: called with the current step.

    Raises:
        OrgtrailError: the copy of the logs does not exist. Failed queries of the live table do not
            raise; they are in `unchecked` of the answers.

    """
    if request.logs:
        return _ask_folder(request, request.logs, questions, folder, progress)
    return _ask_table(request, questions, folder, progress)


def _ask_folder(
    request: ReportRequest,
    logs: Path,
    questions: list[ReportQuestion],
    folder: Path,
    progress: OnProgress,
) -> Answers:
    found = Answers(volume=PeriodVolume())
    assert found.volume is not None
    trees = _trees(request, questions)
    period = Period(request.since, request.until)
    files = counted(log_files(logs, request.bounds), period, found.volume)
    with local.load_logs(
        [*trees.values()], files, lambda count: progress(f"{count:,} log files read")
    ) as stage:
        _ask_loaded(stage, trees, folder, found, progress)
    if stage.reading.files and not has_layout(logs):
        found.volume = None
        found.unchecked.append(
            Unchecked(
                "coverage", "the volume of the period", "the files are not in folders of days"
            )
        )
    unread = stage.reading.unread
    for path in sorted(unread)[:_MAX_LISTED]:
        found.unchecked.append(
            Unchecked("activity", f"log file {Path(path).relative_to(logs)}", unread[path])
        )
    if len(unread) > _MAX_LISTED:
        more = f"{len(unread) - _MAX_LISTED} further log files"
        found.unchecked.append(Unchecked("activity", more, "they could not be read either"))
    for path, count in sorted(stage.reading.odd.items())[:_MAX_LISTED]:
        found.unchecked.append(
            Unchecked("activity", f"{count} record{'s' * (count != 1)} of "
                      f"{Path(path).relative_to(logs)}", "not of CloudTrail's format")
        )  # fmt: skip
    return found


def _trees(request: ReportRequest, questions: list[ReportQuestion]) -> dict[str, exp.Query]:
    return {each.query: parse(sql(request, each), each.query) for each in questions}


def _ask_loaded(
    stage: local.LoadedLogs,
    trees: dict[str, exp.Query],
    folder: Path,
    found: Answers,
    progress: OnProgress,
) -> None:
    for name, tree in trees.items():
        progress(f"asking {name}")
        try:
            columns, rows = stage.ask(tree).rows()
            found.tables[name] = Rows.of(columns, rows, folder, name, ids=name in TAMPERING)
        except OrgtrailError as error:
            found.unchecked.append(Unchecked("activity", f"the question {name}", str(error)))


def _ask_table(
    request: ReportRequest, questions: list[ReportQuestion], folder: Path, progress: OnProgress
) -> Answers:
    """Ask Athena: for the records that any question needs at once, and for the coverage of all."""
    from orgtrail.query.athena import Athena

    found = Answers()
    athena = Athena(request.env, request.session)
    try:
        found.volume = list_volume(athena, request.since, request.until)
    except OrgtrailError as error:
        found.unchecked.append(Unchecked("coverage", "the volume of the period", str(error)))
    trees = _trees(request, questions)
    del trees[COVERAGE]
    try:
        ran = athena.run(on_table(sql(request, _of(questions, COVERAGE)), _table(request)))
        found.tables[COVERAGE] = Rows.of(ran.columns, ran.rows, folder, COVERAGE)
    except OrgtrailError as error:
        found.unchecked.append(Unchecked("activity", COVERAGE, str(error)))
    progress("records of the period are fetched")
    with ExitStack() as stack:
        copy = stack.enter_context(temporary_folder())
        try:
            count = _fetch(request, athena, [*trees.values()], copy)
        except OrgtrailError as error:
            found.unchecked.append(Unchecked("activity", "every question", str(error)))
            return found
        files = log_files(copy) if count else []
        stage = stack.enter_context(local.load_logs([*trees.values()], files))
        _ask_loaded(stage, trees, folder, found, progress)
    return found


def _fetch(request: ReportRequest, athena: Athena, trees: Sequence[exp.Query], to: Path) -> int:
    """Fetch the records that any of the queries needs as log files; return their number."""
    count = 0
    for part, statement in enumerate(triage.scan_statements(trees, condition(request.bounds))):
        ran = athena.run(on_table(statement, _table(request)))
        count += triage.write_log_files(trees, ran.rows, to, part)
    return count


def _of(questions: list[ReportQuestion], name: str) -> ReportQuestion:
    return next(each for each in questions if each.query == name)


def _table(request: ReportRequest) -> str:
    return request.env.catalog.table
