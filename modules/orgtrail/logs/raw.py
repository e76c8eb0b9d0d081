"""The records of events as CloudTrail wrote them, for whoever has to show or keep evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator

from orgtrail.logs import unpacking
from orgtrail.logs.cutting import member
from orgtrail.logs.files import LogFile
from orgtrail.logs.shapes import Records
from orgtrail.logs.unpacking import UnreadableError

_ID = "eventID"
_IDS = re.compile(r'"eventID"\s*:\s*"([^"\\]*)"')


def raw_records(files: Iterable[LogFile], ids: Collection[str]) -> Iterator[str]:
    """Give the text of each record whose eventID is asked for, once each, in the files' order.

    The text is that of the file, character by character. An event of the event history or of
    EventBridge is the record in it; a row of CloudTrail Lake without the column eventJson is put
    together, there being no text of CloudTrail's.

    Args:
        files: where they are; `Answer.paths` names the files that are needed.
        ids: the eventIDs. A file that cannot be read, or not further, gives what it can.

    """
    wanted = {*ids}
    for file in files:
        if not wanted:
            return
        body = unpacking.small(file.path)
        if body is not None and not _may_hold(body, wanted):
            continue
        try:
            for text in Records(unpacking.pieces(file.path) if body is None else iter((body,))):
                if _may_hold(text, wanted) and (found := _id(text)) in wanted:
                    wanted.remove(found)
                    yield text
        except UnreadableError:
            # Whoever asked for the ids was told of it.
            continue


def _may_hold(text: str, wanted: set[str]) -> bool:
    """Tell at little cost; a name or an id may be written with escapes."""
    return "\\u" in text or "CloudTrailEvent" in text or not wanted.isdisjoint(_IDS.findall(text))


def _id(text: str) -> str:
    """Return a record's own id; others may stand deeper in it."""
    try:
        value = member(text, _ID)
        return str(json.loads(value, strict=False)) if value.startswith('"') else value
    except (UnreadableError, ValueError):
        return ""
