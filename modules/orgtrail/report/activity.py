"""The section of activity: each question with its rows, who the person is, how to ask it again."""

from __future__ import annotations

import re
from collections import Counter

from orgtrail.queries import query
from orgtrail.report.asking import Answers, Asked, Json, Unchecked
from orgtrail.report.questions import COVERAGE, Question, patient_tables

_SESSION = re.compile(
    r"arn:[\w-]+:sts::\d{12}:assumed-role/(?P<role>[^/]+)/(?P<session>.+)", re.ASCII
)
_USER = re.compile(r"arn:[\w-]+:iam::\d{12}:user/(?:.*/)?(?P<name>[^/]+)", re.ASCII)
SUCCESS = "success"
TAMPERING = (
    "trail-tampering", "trail-narrowed", "log-bucket-tampering", "log-object-tampering",
    "kms-key-disabled",
)  # fmt: skip
"""The questions whose rows are attempts to change the evidence."""


def activity(asked: Asked, questions: list[Question], answers: Answers) -> list[Json]:
    """Return the section."""
    return [
        _answered(asked, each, answers)
        for each in questions
        if each.query != COVERAGE and each.query in answers.tables
    ]


def not_asked(asked: Asked) -> list[Unchecked]:
    """Return what an auditor may miss, because the file does not say it."""
    if patient_tables(asked.env):
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
    """Count the attempts to change the evidence: those that were done, and those refused.

    None where one of the questions was not answered.
    """
    if not all(name in answers.tables for name in TAMPERING):
        return None
    outcomes: Counter[str] = Counter()
    for name in TAMPERING:
        outcomes.update(answers.tables[name].outcomes)
    return outcomes[SUCCESS], outcomes.total() - outcomes[SUCCESS]


def _answered(asked: Asked, question: Question, answers: Answers) -> Json:
    about, found = query(question.query), answers.tables[question.query]
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
        "repeat": f"orgtrail query run {question.query} {asked.options}{question.parameters}",
    }
