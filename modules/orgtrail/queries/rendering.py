"""Queries with their parameters filled in: to run, to save in the console, or to prepare."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from orgtrail.errors import OrgtrailError
from orgtrail.queries import Parameter, Query
from orgtrail.queries.bounds import CHOSEN, FIXED, Bounds, recent
from orgtrail.queries.expressions import with_evidence

TABLE = "organization_trail"
"""What queries call the table."""

_KEPT = 1_024
"""Texts that are kept for the next environment: of most questions all have the same."""

_TOKEN = re.compile(r"'(?:[^']|'')*'|--[^\n]*|(?<![:\w]):(?P<name>[a-z_]+)\b")

_TABLE = re.compile(rf"'(?:[^']|'')*'|--[^\n]*|\b(?P<name>{TABLE})\b")


def filled(text: str, value: Callable[[str], str]) -> str:
    """Replace each `:name` outside of strings and comments."""
    return _TOKEN.sub(lambda each: value(each["name"]) if each["name"] else each[0], text)


def to_run(
    query: Query,
    bounds: Bounds,
    given: Mapping[str, str],
    facts: Mapping[str, str],
    *,
    evidence: bool = False,
) -> str:
    """Return a query with literals for everything.

    Args:
        query: the query.
        bounds: time, accounts and regions.
        given: parameters that the user sets.
        facts: facts of the environment, for the others.
        evidence: whether rows that count also give the ids of the events, as `event_ids`, JSON.

    Raises:
        OrgtrailError: a parameter is unknown, or not of its type.

    """
    values = bounds.values | _literals(query, given, facts)
    for each in query.parameters:
        if each.required and values[each.name] == "''":
            raise OrgtrailError(
                f"{query.name}: needs --param {each.name}=...: {each.meaning}"
                + (", or --env FILE" if each.fact else "")
            )
    return _bounded(with_evidence(query.sql, told=evidence), bounds.sql, values.__getitem__)


@lru_cache(maxsize=_KEPT)
def on_table(sql: str, table: str) -> str:
    """Return a query over a table of another name."""
    return _TABLE.sub(lambda each: table if each["name"] else each[0], sql)


def to_save(query: Query, facts: Mapping[str, str]) -> str:
    """Return a query that looks back from whenever it runs, with defaults for the rest."""
    return _saved(query, tuple(_literals(query, {}, facts).items()))


@lru_cache(maxsize=_KEPT)
def _saved(query: Query, literals: tuple[tuple[str, str], ...]) -> str:
    values = recent(query.hours) | dict(literals)
    return _bounded(with_evidence(query.sql, told=False), FIXED, values.__getitem__)


@lru_cache(maxsize=_KEPT)
def to_prepare(query: Query) -> tuple[str, tuple[str, ...]]:
    """Return a query with `?` for each parameter, and their names in order."""
    order: list[str] = []

    def ask(name: str) -> str:
        order.append(name)
        return "?"

    sql = _bounded(with_evidence(query.sql, told=False), FIXED + CHOSEN, ask)
    return sql, tuple(order)


def _bounded(sql: str, bounds: str, value: Callable[[str], str]) -> str:
    """Put the bounds and a value for every other name into a query."""
    return filled(sql, lambda name: filled(bounds, value) if name == "bounds" else value(name))


def _literals(query: Query, given: Mapping[str, str], facts: Mapping[str, str]) -> dict[str, str]:
    known = {each.name: each for each in query.parameters}
    for name in given:
        if name not in known:
            may = f"it has {', '.join(known)}" if known else "it has none"
            raise OrgtrailError(f"--param {name}: is no parameter of {query.name}; {may}")
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
