"""`orgtrail query run --raw`: the records behind an answer, as CloudTrail wrote them."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from orgtrail.cli.query_output import Row, target
from orgtrail.errors import OrgtrailError

if TYPE_CHECKING:
    from orgtrail.engines.athena import Athena
    from orgtrail.engines.local import Answer
    from orgtrail.logs.files import LogFile
    from orgtrail.queries.bounds import Bounds

_ONE, _SEVERAL = ("event_id", "eventid"), "event_ids"
_MOST = 5_000
"""Events that are looked up in Athena: their ids have to fit into one query."""


def ids(name: str, columns: list[str], rows: Iterable[Row]) -> list[str]:
    """Return the ids of the events behind rows, each once, in the rows' order.

    Raises:
        OrgtrailError: the rows do not tell.

    """
    one = next((columns.index(each) for each in _ONE if each in columns), None)
    several = columns.index(_SEVERAL) if _SEVERAL in columns else None
    if one is None and several is None:
        raise OrgtrailError(
            f"--raw: {name} gives no ids of events; take eventid among the columns"
            if name.endswith(".sql")
            else f"--raw: {name} counts what is not there, or every event; ask account-activity"
        )
    found: dict[str, None] = {}
    nameless = 0
    for row in rows:
        told = [row[one]] if one is not None else []
        if several is not None:
            told += json.loads(str(row[several] or "[]"))
        known = [str(each) for each in told if each]
        nameless += not known
        found.update(dict.fromkeys(known))
    if nameless:
        sys.stderr.write(f"{nameless} rows are of records without an eventID, which --raw lacks\n")
    return [*found]


def from_folder(answer: Answer, wanted: list[str], out: Path | None) -> int:
    """Write the records of a folder's answer; return how many."""
    from orgtrail.logs.files import LogFile

    return _write([LogFile(each) for each in answer.paths(wanted)], wanted, out)


def from_athena(
    athena: Athena, wanted: list[str], bounds: Bounds | None, table: str, out: Path | None
) -> int:
    """Find the log files of events by one more scan, fetch them, and write the records.

    Raises:
        OrgtrailError: there are too many events, or a file cannot be had.

    """
    from orgtrail.logs.files import LogFile
    from orgtrail.queries.rendering import filled

    if len(wanted) > _MOST:
        raise OrgtrailError(
            f"--raw: {len(wanted)} events are behind the answer, and {_MOST} can be looked up; "
            "narrow it with --from, --to, --account or --limit"
        )
    with tempfile.TemporaryDirectory(prefix="orgtrail-") as folder:
        files = []
        if wanted:
            within = filled(bounds.sql, bounds.values.__getitem__) + " AND " if bounds else ""
            listed = ", ".join("'" + each.replace("'", "''") + "'" for each in wanted)
            ran = athena.run(
                f'SELECT DISTINCT "$path" AS path FROM {table} WHERE {within}eventid IN ({listed})'  # noqa: S608
            )
            for number, row in enumerate(ran.rows):
                place = Path(folder) / f"{number}.json.gz"
                athena.fetch(str(row[0]), place)
                files.append(LogFile(str(place)))
        return _write(files, wanted, out)


def _write(files: Iterable[LogFile], wanted: list[str], out: Path | None) -> int:
    """Write records as a log file has them, so that it can be asked in its turn."""
    from orgtrail.logs.raw import raw_records

    count = 0
    with target(out) as to:
        to.write('{"Records": [')
        for text in raw_records(files, wanted):
            to.write((",\n" if count else "\n") + text)
            count += 1
        to.write("\n]}\n" if count else "]}\n")
    missing = len(wanted) - count
    if missing:
        sys.stderr.write(f"{missing} of {len(wanted)} records could not be found again\n")
    return count
