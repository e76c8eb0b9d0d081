"""The shapes that CloudTrail's records are handed on in, and the records in each.

Beside the log files of a trail: a list of records, one record, records a line each or one after
another, the event history of `aws cloudtrail lookup-events`, events of EventBridge, and results
of CloudTrail Lake, as `aws cloudtrail get-query-results` prints them or as CSV.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from orgtrail import records
from orgtrail.logs import lake
from orgtrail.logs.cutting import Cutter
from orgtrail.logs.unpacking import UnreadableError

RECORD_LIMIT = 2 << 20
"""Characters of one record that are read; CloudTrail's own end at 256 KB, or 1 MB if asked to."""

_STRANGERS = 100_000
"""Values without records after which nobody looks for more."""
_HEADER = 1 << 16
"""Characters of the names of a table's columns."""
_RECORDS, _EVENTS, _ROWS = "Records", "Events", "QueryResultRows"
_LISTS = {_RECORDS, _EVENTS, _ROWS}
"""Members that hold the records of a file."""
_OWN = {each.name for each in records.FIELDS} - {"resources"}
"""Names that only a record begins with."""
_MARKS = {"eventName", "eventVersion", "eventCategory"}
_DIGEST = {"digestStartTime", "digestSignatureAlgorithm", "digestPublicKeyFingerprint"}
_HISTORY, _BUS, _DETAIL = "CloudTrailEvent", "detail-type", "detail"
_KEPT = {_HISTORY, _BUS, _DETAIL}
_NAMED = _OWN | _DIGEST | _KEPT


class Records:
    """The text of each record of a file, as it stands there.

    Args:
        pieces: the text of the file.

    Attributes:
        taken: how many records were given.
        strangers: values that are no records.
        large: records that are larger than `RECORD_LIMIT`, which are passed over.
        digests: digests of the trail, which name log files and are none.
        lists: lists of records, which may be empty.

    """

    def __init__(self, pieces: Iterator[str]) -> None:
        """Begin before the first record."""
        self.taken = self.strangers = self.large = self.digests = self.lists = 0
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        """Give them.

        Raises:
            UnreadableError: the file cannot be read, or not further.

        """
        start = _start(self._pieces)
        whole = chain((start,), self._pieces)
        if start[:1] in {"", "{", "["}:
            found = self._of_json(whole)
        elif lake.columns(start):
            found = self._of_table(whole)
        else:
            self._refuse()
            return
        for each in found:
            self.taken += 1
            yield each

    def _of_table(self, pieces: Iterator[str]) -> Iterator[str]:
        self.lists += 1
        for row in lake.rows(pieces, RECORD_LIMIT):
            yield from self._known(lake.record(row))

    def _of_json(self, pieces: Iterator[str]) -> Iterator[str]:
        cutter = Cutter(pieces, RECORD_LIMIT)
        while first := cutter.peek():
            if first == "[":
                self.lists += 1
                for inner in _elements(cutter):
                    yield from self._element(cutter, inner)
            else:
                yield from self._element(cutter, first)

    def _element(self, cutter: Cutter, first: str) -> Iterator[str]:
        """Give the records of one object, or of a row of CloudTrail Lake."""
        if first == "{":
            yield from self._object(cutter)
        elif first == "[":
            yield from self._row(cutter.value())
        else:
            cutter.skip()
            self._refuse()

    def _object(self, cutter: Cutter, *, may_hold: bool = True) -> Iterator[str]:
        cutter.mark()
        cutter.take("{")
        named: set[str] = set()
        kept: dict[str, str] = {}
        holds = False
        while cutter.peek() == '"':
            key = cutter.key()
            if not named and key in _OWN:
                cutter.close()
                yield from self._known(cutter.cut(), whole=True)
                return
            if may_hold and key in _LISTS and cutter.peek() == "[":
                holds = True
                yield from self._listed(cutter, key)
            elif key in _KEPT:
                kept.setdefault(key, cutter.value() or "")
            else:
                cutter.skip()
            # One that is not known stands for all of them.
            named.add(key if key in _NAMED else key.lower() if key.lower() in lake.NEEDED else "")
            if cutter.take(",}") == "}":
                break
        else:
            cutter.take("}")
        text = cutter.cut()
        if not holds:
            yield from self._alone(text, named, kept)

    def _listed(self, cutter: Cutter, key: str) -> Iterator[str]:
        self.lists += 1
        for first in _elements(cutter):
            if key == _RECORDS and first == "{":
                yield from self._known(cutter.value(), whole=True)
            elif key == _EVENTS and first == "{":
                yield from self._object(cutter, may_hold=False)
            elif key == _ROWS:
                yield from self._row(cutter.value())
            else:
                cutter.skip()
                self._refuse()

    def _alone(self, text: str | None, named: set[str], kept: dict[str, str]) -> Iterator[str]:
        """Give the record that an object is, or that it wraps."""
        if _HISTORY in kept:
            yield from self._known(_inner(kept[_HISTORY]))
        elif _BUS in kept and "via CloudTrail" in kept[_BUS]:
            yield from self._known(kept.get(_DETAIL))
        elif named & _DIGEST:
            self.digests += 1
        elif named & _MARKS:
            yield from self._known(text, whole=True)
        elif named & lake.NEEDED and text:
            yield from self._row(text)
        else:
            self._refuse()

    def _row(self, text: str | None) -> Iterator[str]:
        if text is None:
            self.large += 1
        else:
            yield from self._known(lake.record(lake.printed(text)))

    def _known(self, text: str | None, *, whole: bool = False) -> Iterator[str]:
        """Give a record; None was too large where it is the whole text, else it is no record."""
        if text:
            yield text
        elif whole:
            self.large += 1
        else:
            self._refuse()

    def _refuse(self) -> None:
        self.strangers += 1
        if self.strangers > _STRANGERS:
            raise UnreadableError(f"more than {_STRANGERS} values in it are no records")


def _start(pieces: Iterator[str]) -> str:
    """Take as many pieces as show whether they are JSON or a table."""
    start = ""
    for piece in pieces:
        start = (start + piece).lstrip()
        if start and (start[0] in "{[" or "\n" in start or len(start) > _HEADER):
            break
    return start


def _elements(cutter: Cutter) -> Iterator[str]:
    """Go through a list; give the first character of each element, which is to be taken."""
    cutter.take("[")
    while (first := cutter.peek()) != "]":
        yield first
        if cutter.take(",]") == "]":
            return
    cutter.take("]")


def _inner(text: str) -> str | None:
    """Return what a string of JSON says."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, str) else None
