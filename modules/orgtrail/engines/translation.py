"""How DuckDB says what a query in Athena's dialect says."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orgtrail.engines.dialect import JSON_COLUMNS, scans
from orgtrail.queries.rendering import TABLE


def duckdb(tree: exp.Query, name: str = TABLE) -> str:
    """Say the same in DuckDB's dialect, over a table of a name; by default as queries call it."""
    tree = tree.copy()
    for table in scans(tree):
        # Whoever names a column by its table goes on to.
        alias = table.alias or ("" if name == TABLE else TABLE)
        table.replace(exp.to_table(name, alias=alias or None))
    return translated(tree)


def translated(tree: exp.Expr) -> str:
    """Say a question, or a part of one, in DuckDB's dialect; it is of no use afterwards."""
    tree = exp.Paren(this=tree)
    for listed in [*tree.find_all(exp.Transform)]:
        if found := _members(listed):
            listed.replace(found)
    # The innermost first: what is put in place of one holds those within it.
    for each in reversed([*tree.find_all(*_OTHERWISE)]):
        place = exp.Null()
        each.replace(place)
        place.replace(_OTHERWISE[type(each)](each))
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
    return each


def _null_for_nothing(each: exp.Expr) -> exp.Expr:
    """DuckDB gives empty text where nothing is found, Athena null."""
    return exp.Nullif(this=each, expression=exp.Literal.string(""))


def _text_alone(each: exp.Expr) -> exp.Expr:
    """DuckDB gives the JSON of an object or a list, Athena null; broken JSON is null there too."""
    found = exp.JSONExtract(this=_json(each.this), expression=each.expression)
    scalar = exp.JSONExtractScalar(this=found.this.copy(), expression=found.expression.copy())
    kind = exp.Anonymous(this="json_type", expressions=[found])
    nested = [exp.Literal.string(name) for name in ("OBJECT", "ARRAY")]
    return exp.case().when(exp.not_(exp.In(this=kind, expressions=nested)), scalar)


def _broken_is_null(each: exp.Expr) -> exp.Expr:
    return exp.JSONExtract(this=_json(each.this), expression=each.expression)


def _json(operand: exp.Expr) -> exp.Expr:
    # DuckDB holds these as JSON; any other text may be broken.
    known = isinstance(operand, exp.Column) and operand.name.lower() in JSON_COLUMNS
    return operand if known else exp.TryCast(this=operand, to=exp.DataType.build("json"))


def _whole_units(each: exp.Expr) -> exp.Expr:
    """DuckDB counts how often a unit begins between two times, Athena how many go into it."""
    unit = exp.Literal.string(each.text("unit").lower() or "day")
    times = (each.expression, each.this)
    return exp.Anonymous(this="date_sub", expressions=[unit, *times])


def _moment(each: exp.Expr) -> exp.Expr:
    """Records are in UTC, whatever the zone of the machine."""
    return exp.TryCast(this=each.this, to=exp.DataType.build("timestamp"))


def _tried_already(each: exp.Expr) -> exp.Expr:
    """DuckDB has no TRY around an aggregate; our reading of a moment needs none."""
    return each.this if isinstance(each.this, exp.TryCast) else each


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
