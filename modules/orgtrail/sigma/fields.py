"""Where the fields that Sigma rules name stand in the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orgtrail.records import FIELDS, JSON, List, Map, Struct, Type

_STEP = re.compile(r"(?P<name>(?!\d+(?:\[|$))[\w :/@+#=-]+)(?P<at>(?:\[\d{1,6}\])*)", re.ASCII)
"""One member of a JSON object, and which of its elements: `name`, `x-amz-acl`, `items[0]`.

A number alone is to Athena also a place in a list, and to DuckDB is not."""
_NOWHERE = re.compile("[\0\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_KNOWN = {each.name.lower(): each for each in FIELDS}


class InexpressibleError(ValueError):
    """Why a rule cannot be asked of the table, for its user."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place where a field may stand.

    Attributes:
        text: the expression of its text; null where a record does not have it.
        of: the list whose elements are called `one` in the text; empty where there is but one.

    """

    text: str
    of: str = ""


def literal(text: str) -> str:
    """Write a text as SQL does; a backslash stands for itself.

    Raises:
        InexpressibleError: it has what no query can have.

    """
    if _NOWHERE.search(text):
        raise InexpressibleError("a value has a character that no record has (null or surrogate)")
    return "'" + text.replace("'", "''") + "'"


def places(field: str) -> tuple[Place, ...]:
    """Find a field by its name in records; capitals do not matter outside of JSON.

    Raises:
        InexpressibleError: records have no such field.

    """
    first, *rest = field.split(".")
    known = _KNOWN.get(first.lower())
    if known is None:
        raise InexpressibleError(f"{field}: a record has no field {first!r}")
    return _within(field, known.name.lower(), known.type, rest)


def _within(field: str, sql: str, kind: Type, rest: list[str], of: str = "") -> tuple[Place, ...]:
    match kind:
        case Struct(fields) if rest:
            for name, inner in fields:
                if name.lower() == rest[0].lower():
                    return _within(field, f"{sql}.{name.lower()}", inner, rest[1:], of)
            raise InexpressibleError(f"{field}: a record has no {rest[0]!r} there")
        case List(inner):
            return _within(field, "one", inner, rest, sql)
        case Map() if rest:
            return (Place(f"element_at({sql}, {literal('.'.join(rest))})", of),)
        case _ if rest and kind == JSON:
            steps = [_step(field, each) for each in rest]
            return Place(_value(sql, "".join(steps))), Place(_value("one"), _elements(sql, steps))
        case _ if rest:
            raise InexpressibleError(f"{field}: it is text there, and has no {rest[0]!r}")
    return (Place(_text(sql, kind), of),)


def _step(field: str, name: str) -> str:
    found = _STEP.fullmatch(name)
    if found is None:
        raise InexpressibleError(f"{field}: {name!r} is no name that can be looked for in JSON")
    name = found["name"]
    return (f".{name}" if _PLAIN.fullmatch(name) else f'["{name}"]') + found["at"]


def _value(sql: str, path: str = "") -> str:
    """Write a value in JSON: its text if it is one, its JSON if it has parts; null is no value."""
    # Without a path it is JSON already.
    json = f"json_extract({sql}, '${path}')" if path else sql
    return f"coalesce(json_extract_scalar({sql}, '${path}'), nullif(json_format({json}), 'null'))"


def _elements(sql: str, steps: list[str]) -> str:
    """Write the list of all values at a path, whatever on the way to them is a list.

    Rules name `containerDefinitions.command`, as if a list were each of its elements.
    """
    found = ""
    for step in steps:
        at = f"json_extract({'one' if found else sql}, '${step}')"
        listed = f"coalesce(TRY_CAST({at} AS array(json)), ARRAY[{at}])"
        found = f"flatten(transform({found}, one -> {listed}))" if found else listed
    return found


def _text(sql: str, kind: Type) -> str:
    """Write the text of a whole field: of an object, that of its members, with spaces between."""
    match kind:
        case Struct():
            return f"nullif(concat_ws(' ', {', '.join(_leaves(sql, kind))}), '')"
        case List(of):
            return f"array_join(transform({sql}, one -> {_text('one', of)}), ' ')"
        case Map():
            return f"array_join(map_values({sql}), ' ')"
        case _ if kind == JSON:
            # A policy within it is text within text; rules are written without its backslashes.
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
"""The text of a whole record, in which words without a field are looked for."""
