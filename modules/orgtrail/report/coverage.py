"""The section of coverage: accounts by days, what is silent, and the volume of the period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from orgtrail.report.asking import Answers, Asked, Json
from orgtrail.report.questions import COVERAGE

_MOST = 130
"""Columns of the picture; longer periods have weeks or months in them."""


def coverage(asked: Asked, answers: Answers) -> Json | None:
    """Return the section, None where the logs could not be asked."""
    if COVERAGE not in answers.tables:
        return None
    found: dict[tuple[str, str], Json] = {}
    for row in answers.tables[COVERAGE].dicts():
        found[str(row["account"]), str(row["event_day"])] = row
    names = {each.id: name for name, each in asked.env.accounts.items()}
    days = list(_days(asked.since, asked.until))
    accounts = sorted({*names, *(account for account, _ in found)})
    return {
        "repeat": f"orgtrail query run {COVERAGE} {asked.options}",
        "accounts": [
            {
                "id": account,
                "name": names.get(account, ""),
                "in_file": account in names,
                "events": sum(_count(found, account, day) for day in days),
                "days": {
                    f"{day}": {
                        "events": _count(found, account, day),
                        "hours": int(found.get((account, f"{day}"), {}).get(
                            "hours_with_events", 0)),
                    }
                    for day in days
                },
                "silent": _silences(found, account, [d for d in days if _is_whole(asked, d)]),
            }
            for account in accounts
        ],
        "picture": _picture(found, accounts, days),
        "events": sum(int(row["events"]) for row in found.values()),
        "data_events": sum(int(row["data_events"]) for row in found.values()),
        "bytes": answers.bytes,
        "files": answers.files,
        "days": len(days),
    }  # fmt: skip


def silent_days(section: Json) -> int:
    """Count the days of all accounts of the file that have no event."""
    return sum(
        span["days"] for each in section["accounts"] if each["in_file"] for span in each["silent"]
    )


def absent(section: Json) -> list[str]:
    """Return the accounts of the file that have no event in the whole period."""
    return [each["id"] for each in section["accounts"] if each["in_file"] and not each["events"]]


def _count(found: dict[tuple[str, str], Json], account: str, day: date) -> int:
    return int(found.get((account, f"{day}"), {}).get("events", 0))


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day, last = since.astimezone(UTC).date(), (until - timedelta(microseconds=1)).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _is_whole(asked: Asked, day: date) -> bool:
    """Tell whether the whole of a day is in the period: an hour without events is no silence."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return asked.since <= start and start + timedelta(days=1) <= asked.until


def _silences(found: dict[tuple[str, str], Json], account: str, days: list[date]) -> list[Json]:
    """Return each span of days without an event."""
    spans: list[Json] = []
    for day in days:
        if _count(found, account, day):
            continue
        if spans and spans[-1]["last"] == f"{day - timedelta(days=1)}":
            spans[-1]["last"] = f"{day}"
            spans[-1]["days"] += 1
        else:
            spans.append({"first": f"{day}", "last": f"{day}", "days": 1})
    return spans


def _picture(found: dict[tuple[str, str], Json], accounts: list[str], days: list[date]) -> Json:
    """Return columns and cells of the heat map: days, or weeks or months where they are many."""
    unit, label = _unit(len(days))
    columns: dict[str, list[date]] = defaultdict(list)
    for day in days:
        columns[label(day)].append(day)
    return {
        "unit": unit,
        "columns": list(columns),
        "cells": [
            {
                "account": account,
                "counts": [
                    sum(_count(found, account, day) for day in inside)
                    for inside in columns.values()
                ],
                "silent": [
                    sum(not _count(found, account, day) for day in inside)
                    for inside in columns.values()
                ],
            }
            for account in accounts
        ],
    }


def _unit(count: int) -> tuple[str, Callable[[date], str]]:
    if count <= _MOST:
        return "day", str
    if count <= _MOST * 7:
        return "week", lambda day: f"{day - timedelta(days=day.weekday())}"
    return "month", lambda day: f"{day:%Y-%m}"
