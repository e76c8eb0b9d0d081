"""Queries in Athena's dialect: what they read, and how DuckDB says the same."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from orgtrail import records
from orgtrail.queries.rendering import TABLE
from orgtrail.settings.faults import OrgtrailError

PATH = "$path"
"""Athena's hidden column: the file that a record is in."""

MACROS = (
    "CREATE OR REPLACE TEMP MACRO from_iso8601_timestamp(t) AS "
    "CAST(replace(t, 'Z', '') AS TIMESTAMP)",
)
"""Functions of Athena that DuckDB lacks and that no translation reaches."""


def parsed(sql: str, name: str) -> exp.Query:
    """Parse one question.

    Args:
        sql: the text, in Athena's dialect.
        name: where it comes from, for errors.

    Raises:
        OrgtrailError: it does not parse, or is not a single question.

    """
    try:
        statements = [each for each in sqlglot.parse(sql, read="athena") if each is not None]
    except SqlglotError as error:
        first = str(error).splitlines()[0]
        raise OrgtrailError(f"{name}: is not SQL of Athena: {first}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise OrgtrailError(f"{name}: must be one SELECT; nothing else is run")
    return statements[0]


def scans(tree: exp.Query) -> list[exp.Table]:
    """Return where a question reads the table (its own names for parts are not)."""
    own = {each.alias_or_name.lower() for each in tree.find_all(exp.CTE)}
    return [
        each
        for each in tree.find_all(exp.Table)
        if each.name and (each.db or each.name.lower() not in own)
    ]


def columns(tree: exp.Query) -> list[records.Field]:
    """Return the fields of a record that a question names, all of them for `*`."""
    read = {id(each) for each in scans(tree)}
    for star in tree.find_all(exp.Star):
        select = star.find_ancestor(exp.Select)
        if isinstance(star.parent, exp.Count) or select is None:
            continue
        if any(id(each) in read for each in select.find_all(exp.Table)):
            return [*records.FIELDS]
    named = {each.name.lower() for each in tree.find_all(exp.Identifier)}
    return [each for each in records.FIELDS if each.name.lower() in named]


def names_path(tree: exp.Query) -> bool:
    """Whether a question asks which file a record is in."""
    return any(each.name == PATH for each in tree.find_all(exp.Identifier))


def narrowed(tree: exp.Query, conditions: str) -> exp.Query:
    """Return a question with conditions on each reading of the table."""
    if not conditions:
        return tree
    tree = tree.copy()
    for table in scans(tree):
        select = table.find_ancestor(exp.Select)
        if select is not None:
            select.where(conditions, dialect="athena", copy=False)
    return tree


def duckdb(tree: exp.Query) -> str:
    """Say the same in DuckDB's dialect, over a table that is named as queries call it."""
    tree = tree.copy()
    for table in scans(tree):
        alias = table.alias
        table.replace(exp.to_table(TABLE, alias=alias or None))
    for every in [*tree.find_all(exp.RegexpReplace)]:
        every.set("modifiers", exp.Literal.string("g"))  # DuckDB would stop after the first
    for each in [*tree.find_all(exp.RegexpExtract)]:
        # DuckDB gives empty text where nothing matches, Athena null.
        each.replace(exp.Nullif(this=each.copy(), expression=exp.Literal.string("")))
    return tree.sql(dialect="duckdb", pretty=True)
