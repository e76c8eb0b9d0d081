"""Queries in Athena's dialect: what they read, and what they ask of each record."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from orgtrail import records
from orgtrail.errors import OrgtrailError
from orgtrail.queries.rendering import TABLE

PATH = "$path"
"""Athena's hidden column: the file that a record is in."""

_NESTED = {
    each.name.lower(): each.type
    for each in records.FIELDS
    if isinstance(each.type, records.Struct | records.List)
}
JSON_COLUMNS = {each.name.lower() for each in records.FIELDS if each.type == records.JSON}


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
    named = parts(tree)
    return [each for each in records.FIELDS if named is None or each.name.lower() in named]


def parts(tree: exp.Query) -> set[str] | None:
    """Return the names of everything that a question reads, in lower case; None for `*`.

    Of a field with parts that it reads as a whole, all parts are among them.
    """
    read = {id(each) for each in scans(tree)}
    for star in tree.find_all(exp.Star):
        select = star.find_ancestor(exp.Select)
        if isinstance(star.parent, exp.Count) or select is None:
            continue
        if any(id(each) in read for each in select.find_all(exp.Table)):
            return None
    named = {each.name.lower() for each in tree.find_all(exp.Identifier)}
    for column in tree.find_all(exp.Column):
        kind = _NESTED.get(column.name.lower())
        if kind and not column.table and not isinstance(column.parent, exp.Transform):
            named |= _within(kind)
    return named


def _within(kind: records.Type) -> set[str]:
    match kind:
        case records.Struct(fields):
            inner = [_within(each) for _, each in fields]
            return {name.lower() for name, _ in fields}.union(*inner)
        case records.List(of):
            return _within(of)
        case _:
            return set()


def names_path(tree: exp.Query) -> bool:
    """Whether a question asks which file a record is in."""
    return any(each.name == PATH for each in tree.find_all(exp.Identifier))


def narrowed(tree: exp.Query, conditions: str, tables: Collection[str]) -> exp.Query:
    """Return a question with conditions on each reading of the table, whatever it is joined to.

    Args:
        tree: the question.
        conditions: they are laid on the table before anything else.
        tables: what the table is called; others are left.

    """
    tree = tree.copy()
    names = [each.name.lower() for each in (*columns(tree), *records.PARTITIONS)]
    if names_path(tree):
        names.append(f'"{PATH}"')
    for table in scans(tree):
        if table.name.lower() not in tables:
            continue
        bare = exp.to_table(table.name, db=table.db or None)
        within = exp.select(*names, dialect="athena").from_(bare)
        within = within.where(conditions, dialect="athena")
        table.replace(within.subquery(table.alias_or_name))
    return tree


def reads_json(tree: exp.Query) -> bool:
    """Whether a question reads a field whose shape the service decides."""
    return any(each.type == records.JSON for each in columns(tree))


def needed(trees: Sequence[exp.Query], *, cheaply: bool = False) -> exp.Expr | None:
    """Return the condition that records meet which any of some questions looks at; None for all.

    Args:
        trees: the questions.
        cheaply: leave out what is read from JSON, so that more records meet it than are needed.

    """
    found: list[dict[str, exp.Expr]] = []
    for tree in trees:
        for table in scans(tree):
            select = table.find_ancestor(exp.Select)
            where = select.args.get("where") if select else None
            asked = None
            # What a join asks may be about its other side, and a name of its own is nobody else's.
            if select and where and not select.args.get("joins") and not table.alias:
                asked = _weakened(where.this, cheaply=cheaply)
            if asked is None:
                return None
            parts = asked.flatten() if isinstance(asked, exp.And) else [asked]
            found.append({each.sql(): each for each in parts})
    if not found:
        return None
    # The period, which all ask, is asked once.
    shared = {sql: each for sql, each in found[0].items() if all(sql in one for one in found)}
    rest = [[each for sql, each in one.items() if sql not in shared] for one in found]
    others = [exp.or_(*(exp.and_(*each) for each in rest))] if all(rest) else []
    return exp.and_(*shared.values(), *others) if shared or others else None


def _weakened(asked: exp.Expr, *, cheaply: bool) -> exp.Expr | None:
    """Return a condition without what a record alone does not tell, or not cheaply; None for any.

    Whatever meets the condition meets what is returned.
    """
    asked = asked.unnest()
    if isinstance(asked, (exp.And, exp.Or)):
        parts = [_weakened(each, cheaply=cheaply) for each in asked.flatten()]
        left = [each for each in parts if each is not None]
        if isinstance(asked, exp.And):
            return exp.and_(*left) if left else None
        return exp.or_(*left) if len(left) == len(parts) else None
    used = [each.name.lower() for each in asked.find_all(exp.Identifier)]
    beside = PATH in used or asked.find(exp.Query)
    if beside or (cheaply and not JSON_COLUMNS.isdisjoint(used)):
        return None
    return asked.copy()


def event_names(asked: exp.Expr | None) -> set[str] | None:
    """Return the names that an event must have one of to meet a condition; None for any."""
    asked = asked.unnest() if asked else None
    if isinstance(asked, exp.And):
        found = map(event_names, asked.flatten())
        return next((each for each in found if each is not None), None)
    if isinstance(asked, exp.Or):
        parts = [event_names(each) for each in asked.flatten()]
        return None if None in parts else set[str]().union(*(each or () for each in parts))
    if isinstance(asked, (exp.In, exp.EQ)) and asked.this.name.lower() == "eventname":
        values = asked.expressions if isinstance(asked, exp.In) else [asked.expression]
        if values and all(isinstance(each, exp.Literal) for each in values):
            return {each.name for each in values}
    return None


def strangers(tree: exp.Query, tables: Collection[str]) -> list[str]:
    """Return what a question reads beside the table."""
    return sorted({each.name for each in scans(tree)} - {*tables} - {TABLE})
