"""Renders SQL for Athena: questions to run, save or prepare, and the compaction.

DuckDB gets the same SQL, translated by `dialect`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from orgtrail import records
from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import EARLIER, LATER, TIME_CONDITION, Bounds
from orgtrail.query.expressions import with_evidence
from orgtrail.query.questions import Parameter, Question

TABLE = "organization_trail"
"""The table's name in the pack's queries."""

PLACE_CONDITION = """
    AND (:account = 'all' OR account = :account)
    AND (:region = 'all' OR region = :region)"""
"""For prepared statements, which cannot omit a condition."""

_CACHE_SIZE = 1_024
"""How many texts to cache: most questions have the same text in every environment."""

_COMPACTION_DAYS = 7
"""How many days back the daily compaction catches up on failed runs."""

_TOKEN = re.compile(r"'(?:[^']|'')*'|--[^\n]*|(?<![:\w]):(?P<name>[a-z_]+)\b")

_TABLE = re.compile(rf"'(?:[^']|'')*'|--[^\n]*|\b(?P<name>{TABLE})\b")


def fill(text: str, value: Callable[[str], str]) -> str:
    """Replace each `:name` outside of strings and comments."""
    return _TOKEN.sub(lambda each: value(each["name"]) if each["name"] else each[0], text)


def condition(bounds: Bounds) -> str:
    """Return the SQL condition of bounds, with literals."""
    return fill(bounds.sql, bounds.values.__getitem__)


def to_run(
    question: Question,
    bounds: Bounds,
    given: Mapping[str, str],
    facts: Mapping[str, str],
    *,
    evidence: bool = False,
) -> str:
    """Return a question's SQL to run, with all values as literals.

    Args:
        question: the question.
        bounds: time, accounts and regions.
        given: parameters that the user set.
        facts: facts of the environment, for the other parameters.
        evidence: whether to add the ids of counted events, as JSON in the column `event_ids`.

    Raises:
        OrgtrailError: a parameter is unknown, missing or of the wrong type.

    """
    values = bounds.values | _literals(question, given, facts)
    for each in question.parameters:
        if each.required and values[each.name] == "''":
            raise OrgtrailError(
                f"{question.name}: needs --param {each.name}=...: {each.meaning}"
                + (", or --env FILE" if each.fact else "")
            )
    sql = with_evidence(question.sql, included=evidence)
    return _with_bounds(sql, bounds.sql, values.__getitem__)


@lru_cache(maxsize=_CACHE_SIZE)
def on_table(sql: str, table: str) -> str:
    """Return the SQL with the table's name replaced."""
    return _TABLE.sub(lambda each: table if each["name"] else each[0], sql)


def to_save(question: Question, facts: Mapping[str, str]) -> str:
    """Return a question's SQL to save, with default parameters, up to the time of the run."""
    return _saved(question, tuple(defaults(question, facts).items()))


def defaults(question: Question, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults of a question's parameters as SQL literals, by name."""
    return _literals(question, {}, facts)


def saved_times(hours: int | str) -> dict[str, str]:
    """Return SQL expressions for the times of a saved question, by name.

    Args:
        hours: how far back it looks.

    """
    since = f"current_timestamp - interval '{hours}' hour"
    last = f"current_timestamp + interval '{LATER.days}' day"
    return {
        "first_day": _day(f"{since} - interval '{EARLIER.days}' day"),
        "last_day": _day(last),
        "since": f"date_format({since}, '%Y-%m-%dT%H:%i:%s')",
        "until": "date_format(current_timestamp, '%Y-%m-%dT%H:%i:%s')",
    }


@lru_cache(maxsize=_CACHE_SIZE)
def _saved(question: Question, literals: tuple[tuple[str, str], ...]) -> str:
    values = {**saved_times(question.hours), **dict(literals)}
    sql = with_evidence(question.sql, included=False)
    return _with_bounds(sql, TIME_CONDITION, values.__getitem__)


@lru_cache(maxsize=_CACHE_SIZE)
def to_prepare(question: Question) -> tuple[str, tuple[str, ...]]:
    """Return a question's SQL to prepare, with `?` for each parameter, and their names in order."""
    order: list[str] = []

    def positional(name: str) -> str:
        order.append(name)
        return "?"

    sql = with_evidence(question.sql, included=False)
    sql = _with_bounds(sql, TIME_CONDITION + PLACE_CONDITION, positional)
    return sql, tuple(order)


def _with_bounds(sql: str, bounds: str, value: Callable[[str], str]) -> str:
    """Replace `:bounds` by the condition, and every other name by its value."""
    return fill(sql, lambda name: fill(bounds, value) if name == "bounds" else value(name))


def _literals(
    question: Question, given: Mapping[str, str], facts: Mapping[str, str]
) -> dict[str, str]:
    known = {each.name: each for each in question.parameters}
    for name in given:
        if name not in known:
            may = f"it has {', '.join(known)}" if known else "it has none"
            raise OrgtrailError(f"--param {name}: is no parameter of {question.name}; {may}")
    return {
        name: _literal(each, given.get(name, facts.get(each.fact, each.default)))
        for name, each in known.items()
    }


def _literal(parameter: Parameter, value: str) -> str:
    if parameter.kind == "integer":
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            raise OrgtrailError(f"--param {parameter.name}: must be a whole number; got {value!r}")
        return value
    return "'" + value.replace("'", "''") + "'"


def compaction_statements(table: str, compacted: str, keep_days: int | None) -> dict[str, str]:
    """Return the statements that keep the compacted table up to date.

    Args:
        table: the table over the log files.
        compacted: the compacted table.
        keep_days: days after which rows are deleted; None to keep them.

    Returns:
        the statements by name: `take` runs every day, the others every week.

    """
    found = {"take": compaction_insert(table, compacted), "tidy": f"VACUUM {compacted}"}
    if keep_days is not None:
        oldest = _day(f"current_timestamp - interval '{keep_days}' day")
        found["forget"] = f"DELETE FROM {compacted} WHERE day < {oldest}"
    return found


def compaction_insert(table: str, compacted: str) -> str:
    """Return an INSERT of recent complete days that the compacted table lacks.

    CloudTrail stores a log file under the day of its delivery, so that past days get no more files.
    """
    since = _day(f"current_timestamp - interval '{_COMPACTION_DAYS}' day")
    names = ", ".join(each.name.lower() for each in (*records.FIELDS, *records.PARTITIONS))
    return f"""INSERT INTO {compacted} ({names})
SELECT {names}
FROM {table}
WHERE day >= {since}
  AND day < {_day("current_timestamp")}
  AND day NOT IN (SELECT day FROM {compacted} WHERE day >= {since})
ORDER BY day, account, region, eventtime"""


def _day(moment: str) -> str:
    return f"date_format({moment}, '%Y/%m/%d')"
