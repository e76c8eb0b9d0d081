"""The records that questions need, gathered by one scan of Athena into a folder of log files.

The questions are then asked of the folder: asked of Athena, each would scan the table again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlglot import exp

from orgtrail import naming, records
from orgtrail.engines import dialect
from orgtrail.queries.rendering import TABLE

_TOGETHER = 5_000
"""Records that are held before they are written."""
_LONGEST = 240_000
"""Bytes that the conditions of one query may have; the rest of it has a few thousand."""
_OR = "\n  OR "
_PLACE = tuple(each.name for each in records.PARTITIONS)

Row = tuple[object, ...]
Leaf = tuple[tuple[str, ...], str, bool]
"""Where in a record a value stands, the expression that reads it, and whether it is JSON."""


def selects(trees: Sequence[exp.Query], bounds: str) -> list[str]:
    """Return the SELECT of every record that any of some questions needs.

    There are several where one would be longer than Athena takes, 262,144 bytes.
    https://docs.aws.amazon.com/athena/latest/ug/service-limits.html

    Args:
        trees: the questions, over one period.
        bounds: the period's condition.

    """
    columns = ",\n  ".join(
        (*_PLACE, *(f"{read} AS c{n}" for n, (_, read, _) in enumerate(_leaves(trees))))
    )
    head = f"SELECT\n  {columns}\nFROM {TABLE}\nWHERE {bounds}"
    groups: list[list[str]] = [[]]
    for tree in trees:
        condition = dialect.needed([tree])
        if condition is None:
            return [head]
        sql = f"({condition.sql(dialect='athena', pretty=True)})"
        if sum(len(each.encode()) + 5 for each in (*groups[-1], sql)) > _LONGEST:
            groups.append([])
        groups[-1].append(sql)
    return [f"{head}\n  AND ({_OR.join(each)})" for each in groups if each]


def laid(trees: Sequence[exp.Query], rows: Iterable[Row], root: Path, part: int = 0) -> int:
    """Write the rows of such a SELECT as log files in the archive's layout; return how many.

    Args:
        trees: the questions.
        rows: the rows.
        root: the folder to write to.
        part: which of the SELECTs it is.

    """
    leaves = _leaves(trees)
    held: dict[tuple[str, ...], list[str]] = {}
    count = 0
    for count, row in enumerate(rows, 1):  # it is returned
        place = tuple(str(each) for each in row[: len(_PLACE)])
        held.setdefault(place, []).append(json.dumps(_record(leaves, row[len(_PLACE) :])))
        if count % _TOGETHER == 0:
            _write(held, root, f"{part}-{count}")
            held = {}
    _write(held, root, f"{part}-{count}")
    return count


def _write(held: dict[tuple[str, ...], list[str]], root: Path, number: str) -> None:
    for (account, region, day), texts in held.items():
        folder = root / "AWSLogs" / account / naming.LOGS / region / day
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{account}_CloudTrail_{region}_{day.replace('/', '')}T0000Z_{number}.json"
        file.write_text(f'{{"Records":[{",".join(texts)}]}}', encoding="utf-8")


def _record(leaves: Sequence[Leaf], values: Sequence[object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for (path, _, is_json), value in zip(leaves, values, strict=True):
        if value is None:
            continue
        at = found
        for name in path[:-1]:
            at = at.setdefault(name, {})
        at[path[-1]] = _parsed(str(value)) if is_json else value
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _leaves(trees: Sequence[exp.Query]) -> list[Leaf]:
    named = {each.name for tree in trees for each in dialect.columns(tree)} | {"eventName"}
    return [
        leaf
        for each in records.FIELDS
        if each.name in named
        for leaf in _below((each.name,), each.name.lower(), each.type)
    ]


def _below(path: tuple[str, ...], read: str, kind: records.Type) -> Iterator[Leaf]:
    match kind:
        case records.Struct(fields):
            for name, each in fields:
                yield from _below((*path, name), f"{read}.{name.lower()}", each)
        case records.Map():
            yield path, f"json_format(CAST({read} AS json))", True
        case records.List(records.Struct(fields)):
            names = [name for name, each in fields if each == records.STRING]
            listed = ", ".join(f"'{name}'" for name in names)
            values = ", ".join(f"one.{name.lower()}" for name in names)
            each_one = f"transform({read}, one -> map(ARRAY[{listed}], ARRAY[{values}]))"
            yield path, f"json_format(CAST({each_one} AS json))", True
        case records.List(of):
            assert of == records.STRING, path
            yield path, f"json_format(CAST({read} AS json))", True
        case _:
            yield path, read, kind == records.JSON
