"""The formats that CloudTrail records come in, and how to extract the records from each.

Besides the log files of a trail: a list of records, one record, records one per line or one after
another, the event history of `aws cloudtrail lookup-events`, EventBridge events, and results of
CloudTrail Lake, as `aws cloudtrail get-query-results` prints them or as CSV.

CloudTrail Lake and Athena return a record as a row of text: column names in any letter case, and
nested values as JSON or in the engine's own unquoted notation,
`{type=IAMUser, sessioncontext={attributes={...}}}`. The field decides how its value is read.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain

from orgtrail import records
from orgtrail.logs.decompression import UnreadableLogError
from orgtrail.logs.json_scanner import JsonScanner
from orgtrail.records import List, Struct, Type

RECORD_LIMIT = 2 << 20
"""Most characters of one record; CloudTrail's own limit is 256 KB, or 1 MB if configured."""

_MAX_NON_RECORDS = 100_000
"""Values that are not records after which reading a file stops."""
_HEADER = 1 << 16
"""Most characters of a table's header."""
_RECORDS, _EVENTS, _ROWS = "Records", "Events", "QueryResultRows"
_LISTS = {_RECORDS, _EVENTS, _ROWS}
"""Members that contain the records of a file."""
_RECORD_FIELDS = {each.name for each in records.FIELDS} - {"resources"}
"""Names that only a record starts with."""
_MARKS = {"eventName", "eventVersion", "eventCategory"}
_DIGEST = {"digestStartTime", "digestSignatureAlgorithm", "digestPublicKeyFingerprint"}
_HISTORY, _BUS, _DETAIL = "CloudTrailEvent", "detail-type", "detail"
_KEPT = {_HISTORY, _BUS, _DETAIL}
_NAMED = _RECORD_FIELDS | _DIGEST | _KEPT

_ROW_MARKS = frozenset({"eventname", "eventtime", "eventid", "eventjson"})
"""A table contains records if it has one of these columns."""
_FIELDS = {each.name.lower(): each for each in records.FIELDS}
_CONSOLE = {"username": "userName", "awsaccesskey": "accessKeyId"}
"""Columns of the console's event history that are parts of userIdentity."""
_EVENT_JSON = "eventjson"
_JSON_TEXTS = ("document", "policy")
"""Suffixes of parameters that are JSON, but stay text in a record."""
_MEMBER = re.compile(r"[{}\[\]]|, (?=[\w.:/@$-]+=)")
_ELEMENT = re.compile(r"[{}\[\]]|, ")
_MAX_DEPTH = 20


class RecordReader:
    """Yields the text of each record of a file, exactly as in the file.

    Args:
        pieces: the text of the file.

    Attributes:
        taken: how many records were yielded.
        non_records: how many values are not records.
        large: how many records are larger than `RECORD_LIMIT`; they are skipped.
        digests: how many digests of the trail there are; they are not log files.
        lists: how many lists of records there are; a list may be empty.

    """

    def __init__(self, pieces: Iterator[str]) -> None:
        """Start before the first record."""
        self.taken = self.non_records = self.large = self.digests = self.lists = 0
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        """Yield the records.

        Raises:
            UnreadableLogError: the file cannot be read, or not to its end.

        """
        start = _start(self._pieces)
        whole = chain((start,), self._pieces)
        if start[:1] in {"", "{", "["}:
            found = self._of_json(whole)
        elif _is_record_table(start):
            found = self._of_table(whole)
        else:
            self._count_non_record()
            return
        for each in found:
            self.taken += 1
            yield each

    def _of_table(self, pieces: Iterator[str]) -> Iterator[str]:
        self.lists += 1
        for row in _csv_rows(pieces, RECORD_LIMIT):
            yield from self._record(record_from_row(row))

    def _of_json(self, pieces: Iterator[str]) -> Iterator[str]:
        scanner = JsonScanner(pieces, RECORD_LIMIT)
        while first := scanner.peek():
            if first == "[":
                self.lists += 1
                for inner in _elements(scanner):
                    yield from self._element(scanner, inner)
            else:
                yield from self._element(scanner, first)

    def _element(self, scanner: JsonScanner, first: str) -> Iterator[str]:
        """Yield the records of one object, or of a row of CloudTrail Lake."""
        if first == "{":
            yield from self._object(scanner)
        elif first == "[":
            yield from self._row(scanner.value())
        else:
            scanner.skip()
            self._count_non_record()

    def _object(self, scanner: JsonScanner, *, may_hold: bool = True) -> Iterator[str]:
        scanner.mark()
        scanner.take("{")
        named: set[str] = set()
        kept: dict[str, str] = {}
        holds = False
        while scanner.peek() == '"':
            key = scanner.key()
            if not named and key in _RECORD_FIELDS:
                scanner.close()
                yield from self._record(scanner.cut(), whole=True)
                return
            if may_hold and key in _LISTS and scanner.peek() == "[":
                holds = True
                yield from self._listed(scanner, key)
            elif key in _KEPT:
                kept.setdefault(key, scanner.value() or "")
            else:
                scanner.skip()
            # Unknown names all count as "", to bound the set.
            named.add(key if key in _NAMED else key.lower() if key.lower() in _ROW_MARKS else "")
            if scanner.take(",}") == "}":
                break
        else:
            scanner.take("}")
        text = scanner.cut()
        if not holds:
            yield from self._alone(text, named, kept)

    def _listed(self, scanner: JsonScanner, key: str) -> Iterator[str]:
        self.lists += 1
        for first in _elements(scanner):
            if key == _RECORDS and first == "{":
                yield from self._record(scanner.value(), whole=True)
            elif key == _EVENTS and first == "{":
                yield from self._object(scanner, may_hold=False)
            elif key == _ROWS:
                yield from self._row(scanner.value())
            else:
                scanner.skip()
                self._count_non_record()

    def _alone(self, text: str | None, named: set[str], kept: dict[str, str]) -> Iterator[str]:
        """Yield the record that an object is, or that it wraps."""
        if _HISTORY in kept:
            yield from self._record(_string(kept[_HISTORY]))
        elif _BUS in kept and "via CloudTrail" in kept[_BUS]:
            yield from self._record(kept.get(_DETAIL))
        elif named & _DIGEST:
            self.digests += 1
        elif named & _MARKS:
            yield from self._record(text, whole=True)
        elif named & _ROW_MARKS and text:
            yield from self._row(text)
        else:
            self._count_non_record()

    def _row(self, text: str | None) -> Iterator[str]:
        if text is None:
            self.large += 1
        else:
            yield from self._record(record_from_row(_printed_row(text)))

    def _record(self, text: str | None, *, whole: bool = False) -> Iterator[str]:
        """Yield a record, or count why there is none.

        Args:
            text: the record; None if there is none.
            whole: whether the text is a value of the file itself, so that None means too large.

        """
        if text:
            yield text
        elif whole:
            self.large += 1
        else:
            self._count_non_record()

    def _count_non_record(self) -> None:
        self.non_records += 1
        if self.non_records > _MAX_NON_RECORDS:
            raise UnreadableLogError(f"more than {_MAX_NON_RECORDS} values in it are no records")


def _start(pieces: Iterator[str]) -> str:
    """Read as many pieces as are needed to tell JSON from a table."""
    start = ""
    for piece in pieces:
        start = (start + piece).lstrip()
        if start and (start[0] in "{[" or "\n" in start or len(start) > _HEADER):
            break
    return start


def _elements(scanner: JsonScanner) -> Iterator[str]:
    """Yield the first character of each element of a list; the caller takes the element."""
    scanner.take("[")
    while (first := scanner.peek()) != "]":
        yield first
        if scanner.take(",]") == "]":
            return
    scanner.take("]")


def _string(text: str) -> str | None:
    """Return the value of a JSON string."""
    found = _json(text)
    return found if isinstance(found, str) else None


def _is_record_table(start: str) -> bool:
    """Return whether a text that is not JSON starts with the header of a table of records."""
    try:
        header = next(csv.reader([start.partition("\n")[0]]), [])
    except csv.Error:
        return False
    return not _ROW_MARKS.isdisjoint(map(_plain_name, header))


def _csv_rows(pieces: Iterator[str], limit: int) -> Iterator[dict[str, object]]:
    """Yield the rows of a table; `limit` is the most characters of a line or value."""
    csv.field_size_limit(limit)
    table = csv.reader(_lines(pieces, limit), strict=True)
    try:
        names = next((each for each in table if each), [])
        for row in table:
            if row:
                yield dict(zip(names, row, strict=False))
    except csv.Error as error:
        raise UnreadableLogError(f"broken CSV: {error}") from None


def _lines(pieces: Iterator[str], limit: int) -> Iterator[str]:
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        for line in whole:
            yield f"{line}\n"
        if len(rest) > limit:
            raise UnreadableLogError(f"broken CSV: a line of more than {limit} characters")
    yield rest


def _printed_row(text: str) -> dict[str, object]:
    """Return a row as `get-query-results` prints it, a list of objects or one object."""
    found = _json(text)
    parts = found if isinstance(found, list) else [found]
    return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}


def record_from_row(row: Mapping[str, object]) -> str | None:
    """Return the text of the record in a row of CloudTrail Lake; None if there is none.

    If the query selected eventJson, that is the record as it was written. Otherwise the record is
    assembled from the columns that the row has.
    """
    plain = {_plain_name(name): value for name, value in row.items()}
    whole = plain.get(_EVENT_JSON)
    if whole and isinstance(whole, str):
        return whole
    found = {
        field.name: value
        for name, field in _FIELDS.items()
        if (value := _value(field.type, plain.get(name))) is not None
    }
    identity = found.setdefault("userIdentity", {})
    for name, part in _CONSOLE.items():
        if isinstance(identity, dict) and plain.get(name):
            identity.setdefault(part, plain[name])
    if "eventTime" in found:
        found["eventTime"] = _time(found["eventTime"])
    return json.dumps(found) if found.get("eventName") and found.get("eventTime", "?") else None


def _plain_name(name: str) -> str:
    """Return a column's name in lower case, without spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]", "", name).lower()


def _json(text: str) -> object:
    """Parse JSON; None if it is not valid."""
    try:
        found: object = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return found


def _time(given: object) -> str:
    """Return a time as records write it; empty if it is not one."""
    try:
        found = datetime.fromisoformat(str(given).removesuffix(" UTC"))
        found = found.astimezone(UTC) if found.tzinfo else found
    except (ValueError, OverflowError):
        return ""
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")


def _value(kind: Type, value: object, depth: int = 0) -> object:
    """Return a value in the type of its field; None if it is empty."""
    if not isinstance(value, str):
        return _with_field_names(kind, value, depth)
    text = value.strip()
    if text in {"", "null"}:
        return None
    if kind == records.STRING:
        # Lake writes times with a space in them.
        return (_time(text) if text[10:11] == " " else "") or value
    if text[0] not in "{[" or depth > _MAX_DEPTH:
        return value
    found = _json(text)
    if found is None:
        return _unquoted(kind, text, depth)
    return _with_field_names(kind, found, depth)


def _with_field_names(kind: Type, value: object, depth: int) -> object:
    """Return JSON with its names in the spelling of records."""
    if isinstance(value, dict) and isinstance(kind, Struct):
        fields = _fields_of(kind)
        return {
            name: _value(of, inner, depth + 1)
            for given, inner in value.items()
            for name, of in [fields.get(given.lower(), (given, records.JSON))]
        }
    if isinstance(value, list) and isinstance(kind, List):
        return [_value(kind.of, each, depth + 1) for each in value]
    return value


def _unquoted(kind: Type, text: str, depth: int) -> object:
    """Parse the engine's own notation, which has no quotes."""
    inside = text[1:-1]
    if text[0] == "[":
        of = kind.of if isinstance(kind, List) else records.JSON
        return [_value(of, each, depth + 1) for each in _split(inside, _ELEMENT)]
    fields = _fields_of(kind)
    found: dict[str, object] = {}
    for part in _split(inside, _MEMBER):
        given, _, value = part.partition("=")
        given = given.strip()
        other = records.STRING if given.lower().endswith(_JSON_TEXTS) else records.JSON
        name, of = fields.get(given.lower(), (given, other))
        found[name] = _value(of, value, depth + 1)
    return found


def _fields_of(kind: Type) -> dict[str, tuple[str, Type]]:
    """Return a structure's fields by their names in lower case."""
    fields = kind.fields if isinstance(kind, Struct) else ()
    return {name.lower(): (name, of) for name, of in fields}


def _split(text: str, comma: re.Pattern[str]) -> Iterator[str]:
    """Split at each comma outside of brackets."""
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
