"""Analyzes queries in Athena's dialect, and translates them for DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from orgtrail import records
from orgtrail.errors import OrgtrailError
from orgtrail.query.render import TABLE

PATH = "$path"
"""Athena's hidden column for the file that a record is in."""

_NESTED = {
    each.name.lower(): each.type
    for each in records.FIELDS
    if isinstance(each.type, records.Struct | records.List)
}
_JSON_COLUMNS = {each.name.lower() for each in records.FIELDS if each.type == records.JSON}


def parse(sql: str, name: str) -> exp.Query:
    """Parse one SELECT.

    Args:
        sql: the text, in Athena's dialect.
        name: its origin, for error messages.

    Raises:
        OrgtrailError: the text does not parse, or is not a single SELECT.

    """
    try:
        statements = [each for each in sqlglot.parse(sql, read="athena") if each is not None]
    except SqlglotError as error:
        first = str(error).splitlines()[0]
        raise OrgtrailError(f"{name}: is not SQL of Athena: {first}") from None
    except RecursionError:
        raise OrgtrailError(f"{name}: must not be nested so deeply") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise OrgtrailError(f"{name}: must be one SELECT; nothing else is run")
    return statements[0]


# What a query reads.


def table_scans(tree: exp.Query) -> list[exp.Table]:
    """Return every table reference in a query, except those to its WITH queries."""
    own = {each.alias_or_name.lower() for each in tree.find_all(exp.CTE)}
    return [
        each
        for each in tree.find_all(exp.Table)
        if each.name and (each.db or each.name.lower() not in own)
    ]


def other_tables(tree: exp.Query, tables: Collection[str]) -> list[str]:
    """Return the tables that a query reads, except the given ones and `TABLE`."""
    return sorted({each.name for each in table_scans(tree)} - {*tables} - {TABLE})


def fields_read(tree: exp.Query) -> list[records.Field]:
    """Return the top-level fields of a record that a query reads, all of them for `*`."""
    named = names_read(tree)
    return [each for each in records.FIELDS if named is None or each.name.lower() in named]


def names_read(tree: exp.Query) -> set[str] | None:
    """Return the names of all fields that a query reads, in lower case; None for `*`.

    If it reads an entire field that has nested fields, the nested ones are included.
    """
    read = {id(each) for each in table_scans(tree)}
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
            named |= _nested_names(kind)
    return named


def _nested_names(kind: records.Type) -> set[str]:
    match kind:
        case records.Struct(fields):
            inner = [_nested_names(each) for _, each in fields]
            return {name.lower() for name, _ in fields}.union(*inner)
        case records.List(of):
            return _nested_names(of)
        case _:
            return set()


def reads_path(tree: exp.Query) -> bool:
    """Return whether a query reads the path of a record's file."""
    return any(each.name == PATH for each in tree.find_all(exp.Identifier))


def reads_json(tree: exp.Query) -> bool:
    """Return whether a query reads a field whose shape depends on the service, stored as JSON."""
    return any(each.type == records.JSON for each in fields_read(tree))


def with_condition(tree: exp.Query, condition: str, tables: Collection[str]) -> exp.Query:
    """Return a query with a condition on every scan of the table, before any join.

    Args:
        tree: the query.
        condition: the condition, in Athena's dialect.
        tables: names of the table; scans of other tables are unchanged.

    """
    tree = tree.copy()
    names = [each.name.lower() for each in (*fields_read(tree), *records.PARTITIONS)]
    if reads_path(tree):
        names.append(f'"{PATH}"')
    for table in table_scans(tree):
        if table.name.lower() not in tables:
            continue
        bare = exp.to_table(table.name, db=table.db or None)
        within = exp.select(*names, dialect="athena").from_(bare)
        within = within.where(condition, dialect="athena")
        table.replace(within.subquery(table.alias_or_name))
    return tree


# Which records a query needs.


def pushdown_condition(trees: Sequence[exp.Query], *, cheap: bool = False) -> exp.Expr | None:
    """Return a condition that selects at least the records that the queries need; None for all.

    Args:
        trees: the queries.
        cheap: whether to omit conditions on JSON, so that more records than needed match.

    """
    found: list[dict[str, exp.Expr]] = []
    for tree in trees:
        for table in table_scans(tree):
            select = table.find_ancestor(exp.Select)
            where = select.args.get("where") if select else None
            needed = None
            # With a join, a condition may be on the other side; an alias is local.
            if select and where and not select.args.get("joins") and not table.alias:
                needed = _weakened(where.this, cheap=cheap)
            if needed is None:
                return None
            parts = needed.flatten() if isinstance(needed, exp.And) else [needed]
            found.append({each.sql(): each for each in parts})
    if not found:
        return None
    # Conditions that all queries share, like the time range, are written only once.
    shared = {sql: each for sql, each in found[0].items() if all(sql in one for one in found)}
    rest = [[each for sql, each in one.items() if sql not in shared] for one in found]
    others = [exp.or_(*(exp.and_(*each) for each in rest))] if all(rest) else []
    return exp.and_(*shared.values(), *others) if shared or others else None


def _weakened(condition: exp.Expr, *, cheap: bool) -> exp.Expr | None:
    """Weaken a condition to one that can be checked on a single record (and cheaply).

    Every record that meets the given condition meets the returned one. None matches any record.
    """
    condition = condition.unnest()
    if isinstance(condition, (exp.And, exp.Or)):
        parts = [_weakened(each, cheap=cheap) for each in condition.flatten()]
        left = [each for each in parts if each is not None]
        if isinstance(condition, exp.And):
            return exp.and_(*left) if left else None
        return exp.or_(*left) if len(left) == len(parts) else None
    used = [each.name.lower() for each in condition.find_all(exp.Identifier)]
    if PATH in used or condition.find(exp.Query):
        return None
    if cheap and not _JSON_COLUMNS.isdisjoint(used):
        return None
    return condition.copy()


def event_names(condition: exp.Expr | None) -> set[str] | None:
    """Return the event names that can meet a condition; None for any."""
    condition = condition.unnest() if condition else None
    if isinstance(condition, exp.And):
        found = map(event_names, condition.flatten())
        return next((each for each in found if each is not None), None)
    if isinstance(condition, exp.Or):
        parts = [event_names(each) for each in condition.flatten()]
        return None if None in parts else set[str]().union(*(each or () for each in parts))
    if isinstance(condition, (exp.In, exp.EQ)) and condition.this.name.lower() == "eventname":
        is_list = isinstance(condition, exp.In)
        values = condition.expressions if is_list else [condition.expression]
        if values and all(isinstance(each, exp.Literal) for each in values):
            return {each.name for each in values}
    return None


# Translation for DuckDB.


def to_duckdb(tree: exp.Query, table: str = TABLE) -> str:
    """Translate a query to DuckDB's dialect, over a table of the given name."""
    tree = tree.copy()
    for each in table_scans(tree):
        # Columns qualified with the table's own name must still resolve.
        alias = each.alias or ("" if table == TABLE else TABLE)
        each.replace(exp.to_table(table, alias=alias or None))
    return expression_to_duckdb(tree)


def expression_to_duckdb(tree: exp.Expr) -> str:
    """Translate a query or a part of one to DuckDB's dialect; this changes the given tree."""
    tree = exp.Paren(this=tree)
    for transform in [*tree.find_all(exp.Transform)]:
        if found := _json_values(transform):
            transform.replace(found)
    # The innermost first: the replacement of an outer expression contains the inner ones.
    for each in reversed([*tree.find_all(*_REPLACEMENTS)]):
        place = exp.Null()
        each.replace(place)
        place.replace(_REPLACEMENTS[type(each)](each))
    return str(tree.this.sql(dialect="duckdb", pretty=True))


def _json_values(each: exp.Transform) -> exp.Expr | None:
    """Read several names from JSON in one pass, instead of one pass for each name.

    Replaces `transform(ARRAY['a', 'b'], one -> json_extract_scalar(column, '$.' || one))`.
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
        this="json_value", expressions=[_as_json(read.this), exp.Array(expressions=paths)]
    )
    one = exp.to_identifier("one")
    text = exp.Anonymous(this="json_extract_string", expressions=[one, exp.Literal.string("$")])
    to_text = exp.Lambda(this=text, expressions=[one.copy()])
    values_or_empty = exp.Coalesce(this=values, expressions=[exp.Array()])
    return exp.Anonymous(this="list_transform", expressions=[values_or_empty, to_text])


def _replace_all(each: exp.Expr) -> exp.Expr:
    """Replace all matches as Athena does; DuckDB's default is the first match only."""
    each.set("modifiers", exp.Literal.string("g"))
    return each


def _null_if_empty(each: exp.Expr) -> exp.Expr:
    """Return null if nothing is found as Athena does; DuckDB returns empty text."""
    return exp.Nullif(this=each, expression=exp.Literal.string(""))


def _scalar_only(each: exp.Expr) -> exp.Expr:
    """Return null for objects, lists and broken JSON as Athena does; DuckDB returns JSON."""
    found = exp.JSONExtract(this=_as_json(each.this), expression=each.expression)
    scalar = exp.JSONExtractScalar(this=found.this.copy(), expression=found.expression.copy())
    kind = exp.Anonymous(this="json_type", expressions=[found])
    nested = [exp.Literal.string(name) for name in ("OBJECT", "ARRAY")]
    return exp.case().when(exp.not_(exp.In(this=kind, expressions=nested)), scalar)


def _null_if_broken(each: exp.Expr) -> exp.Expr:
    return exp.JSONExtract(this=_as_json(each.this), expression=each.expression)


def _as_json(operand: exp.Expr) -> exp.Expr:
    # DuckDB stores these columns as JSON; any other text may be broken.
    known = isinstance(operand, exp.Column) and operand.name.lower() in _JSON_COLUMNS
    return operand if known else exp.TryCast(this=operand, to=exp.DataType.build("json"))


def _whole_units(each: exp.Expr) -> exp.Expr:
    """Count complete units as Athena does; DuckDB counts unit boundaries between two times."""
    unit = exp.Literal.string(each.text("unit").lower() or "day")
    times = (each.expression, each.this)
    return exp.Anonymous(this="date_sub", expressions=[unit, *times])


def _timestamp(each: exp.Expr) -> exp.Expr:
    """Cast to a timestamp without time zone, since records are in UTC."""
    return exp.TryCast(this=each.this, to=exp.DataType.build("timestamp"))


def _without_try(each: exp.Expr) -> exp.Expr:
    """Drop a TRY around a `_timestamp`: it is not needed, and DuckDB rejects it on aggregates."""
    return each.this if isinstance(each.this, exp.TryCast) else each


_REPLACEMENTS: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.RegexpReplace: _replace_all,
    exp.RegexpExtract: _null_if_empty,
    exp.SplitPart: _null_if_empty,
    exp.JSONExtractScalar: _scalar_only,
    exp.JSONExtract: _null_if_broken,
    exp.DateDiff: _whole_units,
    exp.FromISO8601Timestamp: _timestamp,
    exp.Try: _without_try,
}
"""Translations of engine differences that sqlglot does not handle."""
