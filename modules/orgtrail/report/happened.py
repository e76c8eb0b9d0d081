"""What happened in the period, in words with numbers, the most severe first, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from orgtrail.query.questions import find_question
from orgtrail.query.triage import SEVERITIES
from orgtrail.report.activity import EVIDENCE, changes, once
from orgtrail.report.model import DONE, FAILED, REFUSED, Answers, Json, ReportRequest, Rows, Summary
from orgtrail.report.questions import COVERAGE, PATIENTS, ReportQuestion
from orgtrail.settings.environment import Environment

_TOLD = SEVERITIES[:-1]
"""The severities that are told; what is only of interest stands in the section of activity."""
_MAX_HOURS = 72
"""Most hours that the picture has a column each for; longer periods have days."""
_WHOLE_TABLE = ("Scan", "ExportTableToPointInTime")
"""Calls that read a whole table.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations.html"""


def happened(
    request: ReportRequest, questions: list[ReportQuestion], answers: Answers
) -> Json | None:
    """Return what happened, None if the logs could not be asked.

    Args:
        request: the period.
        questions: the questions that were put.
        answers: the answers.

    """
    asked = [each for each in questions if each.query in answers.tables and each.query != COVERAGE]
    if not asked:
        return None
    found = [each for each in asked if _is_told(each, answers)]
    sentences = [*_of_evidence(request.env, answers), *_of_patients(answers)]
    sentences += [
        {
            "severity": find_question(each.query).severity,
            "queries": [each.query],
            "says": f"{each.title}: {in_words(answers.tables[each.query])}.",
        }
        for each in found
    ]
    sentences.sort(key=lambda each: SEVERITIES.index(each["severity"]))
    told = Counter(each["severity"] for each in sentences)
    return {
        "sentences": sentences,
        "counts": {name: told[name] for name in _TOLD},
        "asked": len(asked),
        "nothing": [each.title for each in asked if not answers.tables[each.query].total],
        "timeline": _timeline(request, found, answers),
    }


def in_words(rows: Rows) -> str:
    """Return an answer in words: how much of what was done and refused, by whom, from where."""
    summary = rows.summary
    what = " and ".join(summary.in_words()) or f"{rows.total:,} row{'s' * (rows.total != 1)}"
    # Who fails to sign in is only whom somebody says to be.
    whom = _few(summary.who, "as" if summary.counts[FAILED] else "by", "principals")
    return "".join((what, whom, _few(summary.addresses, "from", "addresses")))


def _few(names: set[str], word: str, many: str) -> str:
    """Name one, or count several."""
    if len(names) == 1:
        return f", {word} {next(iter(names)).rpartition('/')[2]}"
    return f", {word} {len(names):,} {many}" if names else ""


def _is_told(question: ReportQuestion, answers: Answers) -> bool:
    severity = find_question(question.query).severity
    return severity in _TOLD and answers.tables[question.query].total > 0


def _of_evidence(env: Environment, answers: Answers) -> Iterator[Json]:
    """Yield the sum of the attempts to change the evidence, which several questions tell of."""
    changed = changes(env, answers)
    events = once(changed) if changed else []
    if not changed or not events:
        return
    every = Summary(
        Counter(DONE if each.is_done else REFUSED for each in events),
        who={each.who for each in events if each.who},
        addresses={each.address for each in events if each.address},
    )
    yield {
        "severity": "critical",
        "queries": [name for name, found in changed.items() if found],
        "says": f"Attempts to change {EVIDENCE}, all together: "
        f"{in_words(Rows([], [], 0, summary=every))}.",
    }


def _of_patients(answers: Answers) -> Iterator[Json]:
    """Yield the reads of whole tables of patient data."""
    if PATIENTS not in answers.tables:
        return
    found = answers.tables[PATIENTS]
    reads = [row for row in found.dicts() if row["event_name"] in _WHOLE_TABLE and row["successes"]]
    if reads:
        count = sum(int(str(row["successes"])) for row in reads)
        who = {str(row["principal"]) for row in reads}
        addresses = {str(row["source_ip"]) for row in reads}
        tables = sorted({str(row["table_name"]).rpartition("/")[2] for row in reads})
        yield {
            "severity": "high",
            "queries": [PATIENTS],
            "says": f"Whole-table reads of {', '.join(tables)}: "
            f"{'at least ' if found.whole else ''}{count:,} "
            f"call{'s' * (count != 1)}{_few(who, 'by', 'principals')}"
            f"{_few(addresses, 'from', 'addresses')}.",
        }


def _timeline(request: ReportRequest, told: list[ReportQuestion], answers: Answers) -> Json:
    """Return the rows by severity and by hour, or by day in periods of more than three days."""
    span = request.until - request.since
    by_hour = span <= timedelta(hours=_MAX_HOURS)
    size, width = (timedelta(hours=1), 13) if by_hour else (timedelta(days=1), 10)
    at = request.since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if not by_hour:
        at = at.replace(hour=0)
    columns = []
    while at < request.until:
        columns.append(_named(at, width))
        at += size
    counts: dict[str, Counter[str]] = {name: Counter() for name in _TOLD}
    for each in told:
        for hour, count in answers.tables[each.query].summary.hours.items():
            counts[find_question(each.query).severity][hour.replace(" ", "T")[:width]] += count
    return {
        "unit": "hour" if by_hour else "day",
        "columns": columns,
        "rows": [
            {"severity": name, "counts": [counts[name][one] for one in columns]} for name in _TOLD
        ],
    }


def _named(at: datetime, width: int) -> str:
    return at.strftime("%Y-%m-%dT%H")[:width]
