"""The questions of a report, answered by DuckDB over a copy of the logs, or by Athena."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from orgtrail.errors import OrgtrailError
from orgtrail.logs.files import has_layout, log_files
from orgtrail.query import local
from orgtrail.query.dialect import parse
from orgtrail.query.questions import find_question, query_placeholders
from orgtrail.query.render import on_table, to_run
from orgtrail.report.model import Answers, Json, OnProgress, ReportRequest, Rows, Unchecked
from orgtrail.report.volume import Period, PeriodVolume, counted, list_volume
from orgtrail.settings.environment import Environment

COVERAGE = "coverage"
PATIENTS = "dynamodb-access"


@dataclass(frozen=True, slots=True)
class ReportQuestion:
    """A question of the question pack, as used in the report.

    Args:
        query: its name in the pack.
        title: its title in an auditor's words.
        given: the values of its parameters.

    """

    query: str
    title: str
    given: dict[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> str:
        """The parameters as options of `orgtrail query run`."""
        return "".join(f" --param {name}='{value}'" for name, value in self.given.items())


def questions(env: Environment) -> list[ReportQuestion]:
    """Return the questions for an environment's logs."""
    found = [
        ReportQuestion("logging-account-access", "Who entered the logging account"),
        ReportQuestion("log-readers", "Who read the archive"),
        ReportQuestion("athena-queries", "Who ran Athena queries"),
        ReportQuestion("trail-history", "When the trail was made, and what became of it"),
        ReportQuestion("trail-tampering", "Attempts to stop or change the trail"),
        ReportQuestion("trail-narrowed", "Changes that let the trail see less"),
        ReportQuestion("log-bucket-tampering", "Attempts to change the archive bucket"),
        ReportQuestion("log-object-tampering", "Attempts to change or delete log files"),
        ReportQuestion("kms-key-disabled", "Attempts to disable or delete keys"),
        ReportQuestion("organization-policies", "Changes of the organization's policies"),
        ReportQuestion("athena-guardrails", "Changes of the audit catalog"),
    ]
    if tables := patient_tables(env):
        given = {"tables": ",".join(tables)}
        found.append(ReportQuestion(PATIENTS, f"Calls on {', '.join(tables)}, by person", given))
    return [*found, ReportQuestion(COVERAGE, "Events by account and day")]


def recorded_data(env: Environment) -> str:
    """Describe the data events that the file enables; empty if there are none."""
    data = [each.service for each in env.recording.data] if env.recording else []
    return f"data events of {', '.join(dict.fromkeys(data))}" if data else ""


def patient_tables(env: Environment) -> list[str]:
    """Return the DynamoDB tables for which the file enables data events."""
    found: dict[str, None] = {}
    for events in env.recording.data if env.recording else ():
        if events.service == "dynamodb":
            for arn in events.arns or ():
                found[arn.rpartition("table/")[2].partition("/")[0]] = None
    return list(found)


_MAX_LISTED = 20
"""How many unreadable files are listed; the others are counted."""
_THREADS = 4
"""How many Athena queries run at a time."""


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


def _sql(request: ReportRequest, question: ReportQuestion) -> str:
    facts = query_placeholders(request.env)
    return to_run(find_question(question.query), request.bounds, question.given, facts)


def _ask_folder(
    request: ReportRequest,
    logs: Path,
    questions: list[ReportQuestion],
    folder: Path,
    progress: OnProgress,
) -> Answers:
    found = Answers(volume=PeriodVolume())
    assert found.volume is not None
    trees = {each.query: parse(_sql(request, each), each.query) for each in questions}
    period = Period(request.since, request.until)
    files = counted(log_files(logs, request.bounds), period, found.volume)
    with local.load_logs(
        [*trees.values()], files, lambda count: progress(f"{count:,} log files read")
    ) as stage:
        for name, tree in trees.items():
            progress(f"asking {name}")
            try:
                columns, rows = stage.ask(tree).rows()
                found.tables[name] = Rows.of(columns, rows, folder, name)
            except OrgtrailError as error:
                found.unchecked.append(Unchecked("activity", f"the question {name}", str(error)))
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
            Unchecked("activity", f"{count} records of {Path(path).relative_to(logs)}",
                      "they are no CloudTrail records")
        )  # fmt: skip
    return found


def _ask_table(
    request: ReportRequest, questions: list[ReportQuestion], folder: Path, progress: OnProgress
) -> Answers:
    from orgtrail.query.athena import Athena

    found = Answers()
    athena = Athena(request.env, request.session)
    try:
        found.volume = list_volume(athena, request.since, request.until)
    except OrgtrailError as error:
        found.unchecked.append(Unchecked("coverage", "the volume of the period", str(error)))

    def ask(question: ReportQuestion) -> Rows | str:
        sql = on_table(_sql(request, question), request.env.catalog.table)
        try:
            ran = athena.run(sql)
            rows = Rows.of(ran.columns, ran.rows, folder, question.query)
        except OrgtrailError as error:
            return str(error)
        progress(f"{question.query} answered")
        return rows

    with ThreadPoolExecutor(_THREADS) as pool:
        for question, answer in zip(questions, pool.map(ask, questions), strict=True):
            if isinstance(answer, str):
                found.unchecked.append(Unchecked("activity", question.title, answer))
            else:
                found.tables[question.query] = answer
    return found


_SESSION = re.compile(
    r"arn:[\w-]+:sts::\d{12}:assumed-role/(?P<role>[^/]+)/(?P<session>.+)", re.ASCII
)
_USER = re.compile(r"arn:[\w-]+:iam::\d{12}:user/(?:.*/)?(?P<name>[^/]+)", re.ASCII)
SUCCESS = "success"
TAMPERING = (
    "trail-tampering", "trail-narrowed", "log-bucket-tampering", "log-object-tampering",
    "kms-key-disabled",
)  # fmt: skip
"""Questions that detect attempts to change the evidence."""


def activity(
    request: ReportRequest, questions: list[ReportQuestion], answers: Answers
) -> list[Json]:
    """Return the activity section."""
    return [
        _answered(request, each, answers)
        for each in questions
        if each.query != COVERAGE and each.query in answers.tables
    ]


def unrecorded_data(request: ReportRequest) -> list[Unchecked]:
    """Return the data events that an auditor may expect but the file does not enable."""
    if patient_tables(request.env):
        return []
    what = (
        "calls on patient data by person: recording.data of the file names no DynamoDB table, so "
        "the trail does not record them"
    )
    return [Unchecked("activity", what, "see recording in docs/settings.md")]


def person(principal: object) -> str:
    """Return who is behind a principal: a user's name, or the session of a role."""
    text = str(principal or "")
    if match := _SESSION.fullmatch(text):
        return match["session"]
    if match := _USER.fullmatch(text):
        return match["name"]
    return text


def changes(answers: Answers) -> tuple[int, int] | None:
    """Count the successful and the refused attempts to change the evidence.

    Returns None if one of the questions was not answered.
    """
    if not all(name in answers.tables for name in TAMPERING):
        return None
    outcomes: Counter[str] = Counter()
    for name in TAMPERING:
        outcomes.update(answers.tables[name].outcomes)
    return outcomes[SUCCESS], outcomes.total() - outcomes[SUCCESS]


def _answered(request: ReportRequest, question: ReportQuestion, answers: Answers) -> Json:
    about, found = find_question(question.query), answers.tables[question.query]
    rows = found.dicts()
    columns = list(found.columns)
    if "principal" in columns:
        columns.insert(columns.index("principal"), "person")
        rows = [{**row, "person": person(row["principal"])} for row in rows]
    return {
        "query": question.query,
        "title": question.title,
        "answers": about.answers,
        "severity": about.severity,
        "meaning": about.hit,
        "columns": columns,
        "rows": [{name: row[name] for name in columns} for row in rows],
        "total": found.total,
        "whole": found.whole,
        "repeat": f"orgtrail query run {question.query} {request.options}{question.parameters}",
    }
