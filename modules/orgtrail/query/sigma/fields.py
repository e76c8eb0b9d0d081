"""Maps field names in Sigma rules to SQL over the table's columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orgtrail.records import FIELDS, JSON, List, Map, Struct, Type

_STEP = re.compile(r"(?P<name>(?!\d+(?:\[|$))[\w :/@+#=-]+)(?P<at>(?:\[\d{1,6}\])*)", re.ASCII)
"""One step of a JSON path, with optional list indexes: `name`, `x-amz-acl`, `items[0]`.

A bare number is excluded: Athena would also read it as a list index, DuckDB would not."""
_NOT_IN_RECORDS = re.compile("[\0\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_KNOWN = {each.name.lower(): each for each in FIELDS}


class UnsupportedRuleError(ValueError):
    """The rule cannot become a query; the message tells its user why."""


@dataclass(frozen=True, slots=True)
class FieldSql:
    """SQL that reads a field from one of its possible places in a record.

    Attributes:
        text: expression for the field's text; null if a record lacks the field.
        of: expression for a list, whose elements are `one` in `text`; empty for a single value.

    """

    text: str
    of: str = ""


def literal(text: str) -> str:
    """Return a text as an SQL literal; a backslash has no special meaning.

    Raises:
        UnsupportedRuleError: the text has a character that is invalid in queries.

    """
    if _NOT_IN_RECORDS.search(text):
        raise UnsupportedRuleError("a value has a character that no record has (null or surrogate)")
    return "'" + text.replace("'", "''") + "'"


def field_sql(field: str) -> tuple[FieldSql, ...]:
    """Find a field of a record by name; case is ignored except within JSON.

    Raises:
        UnsupportedRuleError: records have no such field.

    """
    first, *rest = field.split(".")
    known = _KNOWN.get(first.lower())
    if known is None:
        raise UnsupportedRuleError(f"{field}: a record has no field {first!r}")
    return _within(field, known.name.lower(), known.type, rest)


def _within(
    field: str, sql: str, kind: Type, rest: list[str], of: str = ""
) -> tuple[FieldSql, ...]:
    match kind:
        case Struct(fields) if rest:
            for name, inner in fields:
                if name.lower() == rest[0].lower():
                    return _within(field, f"{sql}.{name.lower()}", inner, rest[1:], of)
            raise UnsupportedRuleError(f"{field}: a record has no {rest[0]!r} there")
        case List(inner):
            return _within(field, "one", inner, rest, sql)
        case Map() if rest:
            return (FieldSql(f"element_at({sql}, {literal('.'.join(rest))})", of),)
        case _ if rest and kind == JSON:
            steps = [_step(field, each) for each in rest]
            return (
                FieldSql(_value(sql, "".join(steps))),
                FieldSql(_value("one"), _elements(sql, steps)),
            )
        case _ if rest:
            raise UnsupportedRuleError(f"{field}: it is text there, and has no {rest[0]!r}")
    return (FieldSql(_text(sql, kind), of),)


def _step(field: str, name: str) -> str:
    found = _STEP.fullmatch(name)
    if found is None:
        raise UnsupportedRuleError(f"{field}: {name!r} is no name that can be looked for in JSON")
    name = found["name"]
    return (f".{name}" if _PLAIN.fullmatch(name) else f'["{name}"]') + found["at"]


def _value(sql: str, path: str = "") -> str:
    """Return a value in JSON: a scalar as text, anything else as JSON; JSON null as SQL null."""
    # Without a path, the expression is JSON already.
    json = f"json_extract({sql}, '${path}')" if path else sql
    return f"coalesce(json_extract_scalar({sql}, '${path}'), nullif(json_format({json}), 'null'))"


def _elements(sql: str, steps: list[str]) -> str:
    """Return the list of all values at a path that may pass through lists.

    Rules treat a list as each of its elements, as in `containerDefinitions.command`.
    """
    found = ""
    for step in steps:
        at = f"json_extract({'one' if found else sql}, '${step}')"
        listed = f"coalesce(TRY_CAST({at} AS array(json)), ARRAY[{at}])"
        found = f"flatten(transform({found}, one -> {listed}))" if found else listed
    return found


def _text(sql: str, kind: Type) -> str:
    """Return the text of an entire field; the members of an object are joined with spaces."""
    match kind:
        case Struct():
            return f"nullif(concat_ws(' ', {', '.join(_leaves(sql, kind))}), '')"
        case List(of):
            return f"array_join(transform({sql}, one -> {_text('one', of)}), ' ')"
        case Map():
            return f"array_join(map_values({sql}), ' ')"
        case _ if kind == JSON:
            # A policy inside JSON is escaped text; rules are written without its backslashes.
            text = f"nullif(CAST({sql} AS varchar), 'null')"
            plain = rf"""replace({text}, '\"', '"')"""
            return f"coalesce({text} || nullif({plain}, {text}), {text})"
    return sql


def _leaves(sql: str, kind: Type) -> Iterator[str]:
    if isinstance(kind, Struct):
        for name, inner in kind.fields:
            yield from _leaves(f"{sql}.{name.lower()}", inner)
    else:
        yield _text(sql, kind)


EVERYTHING = f"""concat_ws(' ', {
    ", ".join(leaf for each in FIELDS for leaf in _leaves(each.name.lower(), each.type))
})"""
"""The text of an entire record, for keywords without a field."""
