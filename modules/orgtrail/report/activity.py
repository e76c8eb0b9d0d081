"""The activity section: each question with its answer, and what happened, in words."""

from __future__ import annotations

import re
from collections import ChainMap

from orgtrail.query.questions import find_question
from orgtrail.report.model import Answers, Event, Json, ReportRequest, Unchecked
from orgtrail.report.questions import (
    COVERAGE,
    KEYS,
    PATIENTS,
    TAMPERING,
    ReportQuestion,
    patient_tables,
)
from orgtrail.settings.environment import Environment

_SESSION = re.compile(
    r"arn:[\w-]+:sts::\d{12}:assumed-role/(?P<role>[^/]+)/(?P<session>.+)", re.ASCII
)
_USER = re.compile(r"arn:[\w-]+:iam::\d{12}:user/(?:.*/)?(?P<name>[^/]+)", re.ASCII)


EVIDENCE = "trail, archive, its key, guardrails or catalog"
"""What `changes` counts attempts on."""


def activity(
    request: ReportRequest, questions: list[ReportQuestion], answers: Answers
) -> list[Json]:
    """Return the activity section."""
    return [
        _answered(request, each, answers)
        for each in questions
        if each.query != COVERAGE
        and each.query in answers.tables
        and (each.is_shown_empty or answers.tables[each.query].total)
    ]


def unrecorded_data(request: ReportRequest, answers: Answers) -> list[Unchecked]:
    """Return the data events that an auditor may expect but the file does not enable."""
    # The logs may have such calls all the same, of a trail that is changed or of another one.
    if patient_tables(request.env) or (
        PATIENTS in answers.tables and answers.tables[PATIENTS].total
    ):
        return []
    what = (
        "calls on DynamoDB tables by person: recording.data of the file names none, so the trail "
        "does not record them"
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


def changes(env: Environment, answers: Answers) -> dict[str, dict[str, Event]] | None:
    """Return the attempts to change the evidence by the questions that found them, and by id.

    Those on keys are only the ones in the logging account, whose key may be the audit's.

    Returns None if one of the questions was not answered.
    """
    if not all(name in answers.tables for name in TAMPERING):
        return None
    return {
        name: {
            event: each
            for event, each in answers.tables[name].summary.events.items()
            if name != KEYS or each.account == env.logging.id
        }
        for name in TAMPERING
    }


def once(found: dict[str, dict[str, Event]]) -> list[Event]:
    """Return the events of several questions; one that several find counts once."""
    return [*ChainMap(*found.values()).values()]


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
