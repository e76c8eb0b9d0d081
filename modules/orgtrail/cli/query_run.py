"""`orgtrail query run`: runs a query on a folder of logs or on Athena, and writes its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from orgtrail.cli.query_output import (
    file_progress,
    in_zone,
    open_output,
    report_reading,
    scan_progress,
    size,
    write,
)
from orgtrail.drafts import temporary_folder
from orgtrail.errors import EXIT_OK, OrgtrailError
from orgtrail.logs.bounds import Bounds, stamp
from orgtrail.logs.files import LogFile
from orgtrail.notes import complain, note
from orgtrail.query.parquet import Row
from orgtrail.query.render import condition, on_table
from orgtrail.query.request import QueryRequest
from orgtrail.records import CLOUDTRAIL_LAUNCH

if TYPE_CHECKING:
    from orgtrail.query.athena import Athena, Drift, ScanEstimate
    from orgtrail.settings.environment import Environment

_EVENT_ID, _EVENT_IDS = ("event_id", "eventid"), "event_ids"
_MOST_IDS = 5_000
"""Most events that `--raw` finds with Athena: their ids must fit into one query."""


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How rows are written.

    Attributes:
        limit: the most rows; None for all.
        format: text, json, csv or parquet.
        out: a file to write to; None for stdout.
        zone: the time zone of times; None for UTC.
        raw: whether to write the records behind the rows instead.

    """

    limit: int | None
    format: str
    out: Path | None
    zone: ZoneInfo | None = None
    raw: bool = False


def on_folder(request: QueryRequest, root: Path, output: OutputOptions) -> int:
    """Query a folder of logs; return the exit code: 2 if files could not be read."""
    from orgtrail.query.run import drift_rows, in_folder

    for name in request.missing_parameters:
        note(
            f"{request.name}: asked without {name}: give --env FILE that says it, or "
            f"--param {name}=..."
        )
    with ExitStack() as stack:
        # The progress bar ends before rows are written.
        with file_progress() as progress:
            loaded = in_folder(request, root, progress, evidence=output.raw)
            result, drift = stack.enter_context(loaded)
        columns, rows = result.rows(output.limit)
        if output.raw:
            ids = _event_ids(request.name, columns, rows)
            count = _write_raw([LogFile(each) for each in result.paths(ids)], ids, output.out)
        else:
            missing = drift_rows(_report(drift), columns)
            zoned = in_zone(chain(rows, missing), output.zone)
            count = write(output.format, columns, zoned, output.out)
        report = result.reading
    code = report_reading(report, root, count)
    if not count and request.bounds:
        note(
            f"looked at {stamp(request.bounds.since)} to {stamp(request.bounds.until)}; "
            "--from and --to choose another time"
        )
    return code


def on_athena(
    request: QueryRequest,
    output: OutputOptions,
    *,
    max_bytes: int | None,
    compacted: bool = False,
    access: tuple[str | None, str | None] = (None, None),
) -> int:
    """Query Athena; return the exit code.

    Args:
        request: what to run; it has an environment.
        output: how to write the rows.
        max_bytes: a limit instead of the environment's.
        compacted: whether to query the compacted table.
        access: a role and a profile instead of the file's.

    Raises:
        OrgtrailError: the query would scan more than the limit, or fails.

    """
    from orgtrail.aws import session_in
    from orgtrail.query.athena import Athena
    from orgtrail.query.dialect import parse, table_scans
    from orgtrail.query.run import drift_rows

    environment = request.environment
    assert environment is not None
    tree = parse(request.own_sql or request.sql(), request.name)
    athena = Athena(environment, session_in(environment, "logging", *access))
    # `--raw` needs one more scan to find the files of the records.
    scans = len(table_scans(tree)) + output.raw
    bounds = request.bounds or Bounds(CLOUDTRAIL_LAUNCH, datetime.now(UTC))
    estimate = athena.estimate_compacted() if compacted else athena.estimate(bounds)
    check_estimate(request.name, estimate, environment, max_bytes, compacted=compacted, scans=scans)
    drift = athena.drift() if request.is_health else []
    compaction = environment.catalog.compaction
    table = compaction.table if compacted and compaction else environment.catalog.table
    with scan_progress() as progress:
        result = athena.run(on_table(request.sql(evidence=output.raw), table), progress)
    rows = islice(chain(result.rows, drift_rows(_report(drift), result.columns)), output.limit)
    if output.raw:
        ids = _event_ids(request.name, result.columns, rows)
        count = _raw_from_athena(athena, ids, request.bounds, environment.catalog.table, output.out)
    else:
        count = write(output.format, result.columns, in_zone(rows, output.zone), output.out)
    what = "records" if output.raw else "rows"
    note(f"{count} {what}; {size(result.scanned)} scanned, ${result.dollars:.4f}")
    return EXIT_OK


def check_estimate(
    name: str,
    estimate: ScanEstimate,
    environment: Environment,
    max_bytes: int | None,
    *,
    compacted: bool = False,
    scans: int = 1,
) -> None:
    """Write to stderr what a query will scan, and refuse more than the limit.

    Args:
        name: the question.
        estimate: what one scan of the table reads.
        environment: its settings have the limit.
        max_bytes: replaces that limit; None to keep it.
        compacted: whether the table is the compacted one.
        scans: how often the query scans the table; Athena reads it each time.

    Raises:
        OrgtrailError: it is more than the limit.

    """
    from orgtrail.query.athena import scan_cost

    total = estimate.bytes * scans
    where = "the compacted table" if compacted else f"{estimate.partitions} partitions"
    where += f", read {scans} times" if scans > 1 else ""
    about = "" if estimate.exact else "at most " if compacted else "about "
    note(f"{name}: {where}, {about}{size(total)}, {about}${scan_cost(total):.4f}")
    most = environment.catalog.bytes_scanned_limit if max_bytes is None else max_bytes
    if total > most:
        raise OrgtrailError(
            f"--max-bytes: {name} would scan {about}{total} bytes, more than "
            f"{most}; narrow it with --from, --to, --account or --region, or raise the limit"
        )


def _report(drift: Iterable[Drift]) -> list[Drift]:
    """Write drift to stderr."""
    reported = list(drift)
    for each in reported:
        complain(str(each))
    return reported


def _event_ids(name: str, columns: list[str], rows: Iterable[Row]) -> list[str]:
    """Return the ids of the events behind rows, each once, in the order of the rows.

    Raises:
        OrgtrailError: the rows have none.

    """
    one = next((columns.index(each) for each in _EVENT_ID if each in columns), None)
    several = columns.index(_EVENT_IDS) if _EVENT_IDS in columns else None
    if one is None and several is None:
        raise OrgtrailError(
            f"--raw: {name} gives no ids of events; take eventid among the columns"
            if name.endswith(".sql")
            else f"--raw: {name} counts what is not there, or every event; ask account-activity"
        )
    found: dict[str, None] = {}
    without_id = 0
    for row in rows:
        values = [row[one]] if one is not None else []
        if several is not None:
            values += json.loads(str(row[several] or "[]"))
        ids = [str(each) for each in values if each]
        without_id += not ids
        found.update(dict.fromkeys(ids))
    if without_id:
        complain(f"{without_id} rows are of records without an eventID, which --raw lacks")
    return [*found]


def _raw_from_athena(
    athena: Athena, ids: list[str], bounds: Bounds | None, table: str, out: Path | None
) -> int:
    """Find the log files of events by another scan, download them, and write the records.

    Raises:
        OrgtrailError: there are too many events, or a file cannot be downloaded.

    """
    if len(ids) > _MOST_IDS:
        raise OrgtrailError(
            f"--raw: {len(ids)} events are behind the answer, and {_MOST_IDS} can be looked up; "
            "narrow it with --from, --to, --account or --limit"
        )
    with temporary_folder() as folder:
        files = []
        if ids:
            within = condition(bounds) + " AND " if bounds else ""
            listed = ", ".join("'" + each.replace("'", "''") + "'" for each in ids)
            result = athena.run(
                f'SELECT DISTINCT "$path" AS path FROM {table} WHERE {within}eventid IN ({listed})'  # noqa: S608
            )
            for number, row in enumerate(result.rows):
                place = folder / f"{number}.json.gz"
                athena.fetch(str(row[0]), place)
                files.append(LogFile(str(place)))
        return _write_raw(files, ids, out)


def _write_raw(files: Iterable[LogFile], ids: list[str], out: Path | None) -> int:
    """Write records in the format of a log file, so that the output can be queried itself."""
    from orgtrail.logs.reader import raw_records

    count = 0
    with open_output(out) as to:
        to.write('{"Records": [')
        for text in raw_records(files, ids):
            to.write((",\n" if count else "\n") + text)
            count += 1
        to.write("\n]}\n" if count else "]}\n")
    missing = len(ids) - count
    if missing:
        complain(f"{missing} of {len(ids)} records could not be found again")
    return count
