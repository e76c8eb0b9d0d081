"""Results of CloudTrail Lake and of Athena, turned back into records.

Both give a record as a row of text: names in whatever letter case, nested values as JSON or in
the engine's own notation, `{type=IAMUser, sessioncontext={attributes={...}}}`, which has no
quotes. What a value is follows from the field that it belongs to.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from orgtrail import records
from orgtrail.logs.unpacking import UnreadableError
from orgtrail.records import List, Struct, Type

NEEDED = frozenset({"eventname", "eventtime", "eventid", "eventjson"})
"""Columns, one of which says that a table holds records."""

_FIELDS = {each.name.lower(): each for each in records.FIELDS}
_CONSOLE = {"username": "userName", "awsaccesskey": "accessKeyId"}
"""Columns of the console's event history that are parts of userIdentity."""
_WHOLE = "eventjson"
_TEXTS = ("document", "policy")
"""How parameters end that are JSON and stand as text in a record."""
_MEMBER = re.compile(r"[{}\[\]]|, (?=[\w.:/@$-]+=)")
_ELEMENT = re.compile(r"[{}\[\]]|, ")
_DEEPEST = 20


def columns(start: str) -> list[str]:
    """Return the columns of a table that begins so; none where it is no table of records."""
    line = start.lstrip().partition("\n")[0]
    if line[:1] in {"{", "["}:
        return []
    try:
        found = next(csv.reader([line]), [])
    except csv.Error:
        return []
    return found if NEEDED & {_plain(each) for each in found} else []


def rows(pieces: Iterator[str], most: int) -> Iterator[dict[str, object]]:
    """Give the rows of a table.

    Args:
        pieces: its text.
        most: characters of a line or a value that are read.

    Raises:
        UnreadableError: it is no CSV, or not further.

    """
    csv.field_size_limit(most)
    table = csv.reader(_lines(pieces, most), strict=True)
    try:
        names = next((each for each in table if each), [])
        for row in table:
            if row:
                yield dict(zip(names, row, strict=False))
    except csv.Error as error:
        raise UnreadableError(f"broken CSV: {error}") from None


def printed(text: str) -> dict[str, object]:
    """Return a row as `get-query-results` prints it, a list of objects or one object."""
    found = _json(text)
    parts = found if isinstance(found, list) else [found]
    return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}


def record(row: Mapping[str, object]) -> str | None:
    """Return the text of the record that a row is; None where it is none.

    A row of a query that asked for the whole record has it as it was written; any other is put
    together from the columns that there are.
    """
    plain = {_plain(name): value for name, value in row.items()}
    whole = plain.get(_WHOLE)
    if whole and isinstance(whole, str):
        return whole
    found = {
        field.name: read
        for name, field in _FIELDS.items()
        if (read := _read(field.type, plain.get(name))) is not None
    }
    identity = found.setdefault("userIdentity", {})
    for name, part in _CONSOLE.items():
        if isinstance(identity, dict) and plain.get(name):
            identity.setdefault(part, plain[name])
    if "eventTime" in found:
        found["eventTime"] = _moment(found["eventTime"])
    return json.dumps(found) if found.get("eventName") and found.get("eventTime", "?") else None


def _plain(name: str) -> str:
    """Return the name of a column without letter case, spaces and hyphens."""
    return re.sub(r"[\s_-]", "", name).lower()


def _json(text: str) -> object:
    """Return what JSON says; None where it is none."""
    try:
        found: object = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return found


def _moment(given: object) -> str:
    """Return a time as records write it; empty where it is none."""
    try:
        found = datetime.fromisoformat(str(given).removesuffix(" UTC"))
        found = found.astimezone(UTC) if found.tzinfo else found
    except (ValueError, OverflowError):
        return ""
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(kind: Type, value: object, depth: int = 0) -> object:
    """Return a value in the shape of its field; None where it has none."""
    if not isinstance(value, str):
        return _named(kind, value, depth)
    text = value.strip()
    if text in {"", "null"}:
        return None
    if kind == records.STRING:
        # Lake writes times with a space in them.
        return (_moment(text) if text[10:11] == " " else "") or value
    if text[0] not in "{[" or depth > _DEEPEST:
        return value
    found = _json(text)
    return _noted(kind, text, depth) if found is None else _named(kind, found, depth)


def _named(kind: Type, value: object, depth: int) -> object:
    """Return JSON with the names of the fields that it is of."""
    if isinstance(value, dict) and isinstance(kind, Struct):
        fields = _fields(kind)
        return {
            name: _read(of, inner, depth + 1)
            for given, inner in value.items()
            for name, of in [fields.get(given.lower(), (given, records.JSON))]
        }
    if isinstance(value, list) and isinstance(kind, List):
        return [_read(kind.of, each, depth + 1) for each in value]
    return value


def _noted(kind: Type, text: str, depth: int) -> object:
    """Read the engine's own notation."""
    inside = text[1:-1]
    if text[0] == "[":
        of = kind.of if isinstance(kind, List) else records.JSON
        return [_read(of, each, depth + 1) for each in _parts(inside, _ELEMENT)]
    fields = _fields(kind)
    found: dict[str, object] = {}
    for part in _parts(inside, _MEMBER):
        given, _, value = part.partition("=")
        given = given.strip()
        other = records.STRING if given.lower().endswith(_TEXTS) else records.JSON
        name, of = fields.get(given.lower(), (given, other))
        found[name] = _read(of, value, depth + 1)
    return found


def _fields(kind: Type) -> dict[str, tuple[str, Type]]:
    """Return a structure's fields by their names in lower case."""
    fields = kind.fields if isinstance(kind, Struct) else ()
    return {name.lower(): (name, of) for name, of in fields}


def _parts(text: str, comma: re.Pattern[str]) -> Iterator[str]:
    """Cut at each comma that stands in no bracket."""
    depth = start = 0
    for found in comma.finditer(text):
        if found[0] in "{[":
            depth += 1
        elif found[0] in "}]":
            depth -= 1
        elif depth <= 0:
            yield text[start : found.start()]
            start = found.end()
    if start < len(text):
        yield text[start:]


def _lines(pieces: Iterator[str], most: int) -> Iterator[str]:
    """Give the lines of a text."""
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        for line in whole:
            yield f"{line}\n"
        if len(rest) > most:
            raise UnreadableError(f"broken CSV: a line of more than {most} characters")
    yield rest
