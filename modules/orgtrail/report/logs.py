"""The answers of the logs: of a copy of the archive by DuckDB, or of the live table by Athena."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orgtrail import naming
from orgtrail.costs.volume import LARGE
from orgtrail.engines import local
from orgtrail.engines.dialect import parsed
from orgtrail.errors import OrgtrailError
from orgtrail.logs.files import LogFile, has_layout, log_files
from orgtrail.queries import query
from orgtrail.queries.rendering import on_table, to_run
from orgtrail.report.asking import Answers, Asked, Rows, Unchecked
from orgtrail.report.questions import Question

Tell = Callable[[str], None]
_TOLD = 20
"""Files that are told by name; the others are counted."""
_AT_ONCE = 4
"""Queries that Athena is asked at a time."""


def answers(asked: Asked, questions: list[Question], folder: Path, tell: Tell) -> Answers:
    """Ask all questions.

    Args:
        asked: the environment and the period.
        questions: what to ask.
        folder: where answers that are too long for JSON go.
        tell: is told how far it is.

    Raises:
        OrgtrailError: there is no copy where the user says; what cannot be asked of the live
            table is among the answers instead.

    """
    if asked.logs:
        return _of_folder(asked, asked.logs, questions, folder, tell)
    return _of_table(asked, questions, folder, tell)


def _sql(asked: Asked, question: Question) -> str:
    facts = naming.query_placeholders(asked.env)
    return to_run(query(question.query), asked.bounds, question.given, facts)


def _of_folder(
    asked: Asked, logs: Path, questions: list[Question], folder: Path, tell: Tell
) -> Answers:
    found = Answers(bytes=0, files=0)
    trees = {each.query: parsed(_sql(asked, each), each.query) for each in questions}
    files = _weighed(log_files(logs, asked.bounds), asked, found)
    with local.staged(
        [*trees.values()], files, lambda count: tell(f"{count:,} log files read")
    ) as stage:
        for name, tree in trees.items():
            tell(f"asking {name}")
            try:
                columns, rows = stage.ask(tree).rows()
                found.tables[name] = Rows.of(columns, rows, folder, name)
            except OrgtrailError as error:
                found.unchecked.append(Unchecked("activity", f"the question {name}", str(error)))
    if stage.reading.files and not found.files and not has_layout(logs):
        found.bytes = found.files = None
        found.unchecked.append(
            Unchecked("coverage", "the volume of the period", "the files lie in no folders of days")
        )
    unread = stage.reading.unread
    for path in sorted(unread)[:_TOLD]:
        found.unchecked.append(
            Unchecked("activity", f"log file {Path(path).relative_to(logs)}", unread[path])
        )
    if len(unread) > _TOLD:
        more = f"{len(unread) - _TOLD} further log files"
        found.unchecked.append(Unchecked("activity", more, "they could not be read either"))
    for path, count in sorted(stage.reading.odd.items())[:_TOLD]:
        found.unchecked.append(
            Unchecked("activity", f"{count} records of {Path(path).relative_to(logs)}",
                      "they are no CloudTrail records")
        )  # fmt: skip
    return found


def _weighed(files: Iterator[LogFile], asked: Asked, found: Answers) -> Iterator[LogFile]:
    """Pass files on, and add up the sizes of those of the period's days."""
    first, last = f"{asked.since:%Y/%m/%d}", f"{asked.until:%Y/%m/%d}"
    large = 0
    assert found.bytes is not None
    assert found.files is not None
    for each in files:
        if first <= each.day <= last:
            try:
                size = os.stat(each.path).st_size  # noqa: PTH116  # a Path costs as much again
            except OSError:
                size = 0  # reading it tells why
            found.bytes += size
            found.files += 1
            large += size if size >= LARGE else 0
            found.large_share = large / found.bytes if found.bytes else 0.0
        yield each


def _of_table(asked: Asked, questions: list[Question], folder: Path, tell: Tell) -> Answers:
    from orgtrail.engines.athena import Athena

    found = Answers()
    athena = Athena(asked.env, asked.session)
    try:
        found.bytes = athena.estimate(asked.bounds).bytes
    except OrgtrailError as error:
        found.unchecked.append(Unchecked("coverage", "the volume of the period", str(error)))

    def ask(question: Question) -> Rows | str:
        sql = on_table(_sql(asked, question), asked.env.catalog.table)
        try:
            ran = athena.run(sql)
            rows = Rows.of(ran.columns, ran.rows, folder, question.query)
        except OrgtrailError as error:
            return str(error)
        tell(f"{question.query} answered")
        return rows

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for question, answer in zip(questions, pool.map(ask, questions), strict=True):
            if isinstance(answer, str):
                found.unchecked.append(Unchecked("activity", question.title, answer))
            else:
                found.tables[question.query] = answer
    return found
