"""Queries in Athena's dialect: what they read, and how DuckDB says the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from orgtrail import records
from orgtrail.queries.rendering import TABLE
from orgtrail.settings.faults import OrgtrailError

PATH = "$path"
"""Athena's hidden column: the file that a record is in."""

MACROS: tuple[str, ...] = ()

_JSON = {each.name.lower() for each in records.FIELDS if each.type == records.JSON}
"""Columns that DuckDB holds as JSON; any other text may be broken."""


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


def needed(trees: Sequence[exp.Query], *, cheaply: bool = False) -> exp.Expr | None:
    """Return the condition that records meet which any of some questions looks at; None for all.

    Args:
        trees: the questions.
        cheaply: leave out what is read from JSON, so that more records meet it than are needed.

    """
    found: list[exp.Expr] = []
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
            found.append(asked)
    return exp.or_(*dict.fromkeys(found)) if found else None


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
    if beside or (cheaply and not _JSON.isdisjoint(used)):
        return None
    return asked.copy()


def strangers(tree: exp.Query, tables: Collection[str]) -> list[str]:
    """Return what a question reads beside the table."""
    return sorted({each.name for each in scans(tree)} - {*tables} - {TABLE})


def duckdb(tree: exp.Query) -> str:
    """Say the same in DuckDB's dialect, over a table that is named as queries call it."""
    tree = tree.copy()
    for table in scans(tree):
        alias = table.alias
        table.replace(exp.to_table(TABLE, alias=alias or None))
    return translated(tree)


def translated(tree: exp.Expr) -> str:
    """Say a question, or a part of one, in DuckDB's dialect."""
    tree = exp.Paren(this=tree.copy())
    for listed in [*tree.find_all(exp.Transform)]:
        if found := _members(listed):
            listed.replace(found)
    # The innermost first: what is put in place of one holds those within it.
    for each in reversed([*tree.find_all(*_OTHERWISE)]):
        each.replace(_OTHERWISE[type(each)](each))
    return str(tree.this.sql(dialect="duckdb", pretty=True))


def _members(each: exp.Transform) -> exp.Expr | None:
    """Say by one reading of the JSON what Athena says by one for each of some names.

    That is `transform(ARRAY['a', 'b'], one -> json_extract_scalar(column, '$.' || one))`.
    """
    names, read = each.this, each.expression.this
    if not isinstance(names, exp.Array) or not isinstance(read, exp.JSONExtractScalar):
        return None
    if not isinstance(read.expression, exp.DPipe):
        return None
    paths = [
        exp.Literal.string(read.expression.left.name + name.name) for name in names.expressions
    ]
    values = exp.Anonymous(
        this="json_value", expressions=[_json(read.this), exp.Array(expressions=paths)]
    )
    one = exp.to_identifier("one")
    text = exp.Anonymous(this="json_extract_string", expressions=[one, exp.Literal.string("$")])
    whole = exp.Lambda(this=text, expressions=[one.copy()])
    there = exp.Coalesce(this=values, expressions=[exp.Array()])
    return exp.Anonymous(this="list_transform", expressions=[there, whole])


def _replaces_all(each: exp.Expr) -> exp.Expr:
    """DuckDB would stop after the first."""
    each.set("modifiers", exp.Literal.string("g"))
    return each.copy()


def _null_for_nothing(each: exp.Expr) -> exp.Expr:
    """DuckDB gives empty text where nothing is found, Athena null."""
    return exp.Nullif(this=each.copy(), expression=exp.Literal.string(""))


def _text_alone(each: exp.Expr) -> exp.Expr:
    """DuckDB gives the JSON of an object or a list, Athena null; broken JSON is null there too."""
    found = exp.JSONExtract(this=_json(each.this), expression=each.expression.copy())
    kind = exp.func("json_type", found, dialect="duckdb")
    scalar = exp.JSONExtractScalar(this=_json(each.this), expression=each.expression.copy())
    nested = [exp.Literal.string(name) for name in ("OBJECT", "ARRAY")]
    return exp.case().when(exp.not_(exp.In(this=kind, expressions=nested)), scalar)


def _broken_is_null(each: exp.Expr) -> exp.Expr:
    return exp.JSONExtract(this=_json(each.this), expression=each.expression.copy())


def _json(operand: exp.Expr) -> exp.Expr:
    known = isinstance(operand, exp.Column) and operand.name.lower() in _JSON
    return (
        operand.copy() if known else exp.TryCast(this=operand.copy(), to=exp.DataType.build("json"))
    )


def _whole_units(each: exp.Expr) -> exp.Expr:
    """DuckDB counts how often a unit begins between two times, Athena how many go into it."""
    unit = exp.Literal.string(each.text("unit").lower() or "day")
    times = (each.expression.copy(), each.this.copy())
    return exp.Anonymous(this="date_sub", expressions=[unit, *times])


def _moment(each: exp.Expr) -> exp.Expr:
    """Records are in UTC, whatever the zone of the machine."""
    return exp.TryCast(this=each.this.copy(), to=exp.DataType.build("timestamp"))


def _tried_already(each: exp.Expr) -> exp.Expr:
    """DuckDB has no TRY around an aggregate; our reading of a moment needs none."""
    return (each.this if isinstance(each.this, exp.TryCast) else each).copy()


_OTHERWISE: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.RegexpReplace: _replaces_all,
    exp.RegexpExtract: _null_for_nothing,
    exp.SplitPart: _null_for_nothing,
    exp.JSONExtractScalar: _text_alone,
    exp.JSONExtract: _broken_is_null,
    exp.DateDiff: _whole_units,
    exp.FromISO8601Timestamp: _moment,
    exp.Try: _tried_already,
}
"""Where the two engines differ and no translation knows of it."""
