"""How `orgtrail query run` asks a folder or Athena, and what is told beside the rows."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from orgtrail.cli.query_question import Question
from orgtrail.errors import EXIT_FAILED, EXIT_OK, OrgtrailError, printable
from orgtrail.queries.bounds import Bounds, stamp
from orgtrail.queries.rendering import on_table

if TYPE_CHECKING:
    from orgtrail.engines.athena import Estimate
    from orgtrail.engines.drift import Drift
    from orgtrail.engines.local import Reading
    from orgtrail.settings.environment import Environment

_TOLD = 20
"""Files that are told by name; the others are counted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How rows are given.

    Attributes:
        limit: most rows; None for all.
        format: text, json, csv or parquet.
        out: a file to write to; None for stdout.
        zone: the zone that times are shown in; None for UTC.
        raw: whether the records behind the rows are given in their place.

    """

    limit: int | None
    format: str
    out: Path | None
    zone: ZoneInfo | None = None
    raw: bool = False


def on_folder(asked: Question, root: Path, wanted: Wanted) -> int:
    """Ask a folder of logs; return the exit code: 2 where files could not be read."""
    from orgtrail.cli import query_raw
    from orgtrail.cli.query_output import in_zone, write
    from orgtrail.engines import local
    from orgtrail.engines.dialect import parsed, strangers
    from orgtrail.logs.files import accounts_and_regions, log_files

    there(root, asked.bounds)
    for lacking in asked.lacking:
        sys.stderr.write(
            f"{asked.name}: asked without {lacking}: give --env FILE, or --param {lacking}=...\n"
        )
    files = log_files(root, asked.bounds)
    found = accounts_and_regions(root) if asked.is_health else {}
    tree = parsed(asked.text(found, evidence=wanted.raw), asked.name)
    if others := strangers(tree, asked.tables):
        raise OrgtrailError(
            f"{asked.name}: reads {', '.join(others)}; a folder of logs is "
            f"{' or '.join(sorted(asked.tables))} and nothing else"
        )
    with contextlib.ExitStack() as stack:
        with progress() as tell:
            answer = stack.enter_context(local.asked(tree, files, tell))
        columns, rows = answer.rows(wanted.limit)
        if wanted.raw:
            ids = query_raw.ids(asked.name, columns, rows)
            count = query_raw.from_folder(answer, ids, wanted.out)
        else:
            lost = _drifted(_drift_of(asked.environment, found), columns)
            told = in_zone(itertools.chain(rows, lost), wanted.zone)
            count = write(wanted.format, columns, told, wanted.out)
        reading = answer.reading
    code = account_for(reading, root, count)
    if not count and asked.bounds:
        sys.stderr.write(
            f"looked at {stamp(asked.bounds.since)} to {stamp(asked.bounds.until)}; "
            "--from and --to choose another time\n"
        )
    return code


def there(root: Path, bounds: Bounds | None) -> None:
    """Check that a copy of the archive has the accounts and regions that are asked about.

    Raises:
        OrgtrailError: it has not: no row would say that nobody looked.

    """
    from orgtrail.logs.files import accounts_and_regions

    if bounds is None or not (bounds.accounts or bounds.regions):
        return
    known = accounts_and_regions(root)
    if not known:
        return
    regions = {each for inside in known.values() for each in inside}
    for option, asked, has in (
        ("--account", bounds.accounts, known),
        ("--region", bounds.regions, regions),
    ):
        for each in asked:
            if each not in has:
                raise OrgtrailError(
                    f"{option}: {root} has no folder of {each}; it has {', '.join(sorted(has))}"
                )


def on_athena(
    asked: Question,
    wanted: Wanted,
    *,
    max_bytes: int | None,
    compacted: bool = False,
    access: tuple[str | None, str | None] = (None, None),
) -> int:
    """Ask Athena; return the exit code. `access` is a role and a profile in place of the file's.

    Raises:
        OrgtrailError: the query would scan more than it may, or fails.

    """
    from orgtrail.aws import session_in
    from orgtrail.cli import query_raw
    from orgtrail.cli.query_output import in_zone, write
    from orgtrail.engines.athena import Athena
    from orgtrail.engines.dialect import parsed, scans

    environment = asked.environment
    assert environment is not None
    tree = parsed(asked.own or asked.text(), asked.name)
    athena = Athena(environment, session_in(environment, "logging", *access))
    # The records' files are found by one more.
    readings = len(scans(tree)) + wanted.raw
    bounds = asked.bounds or Bounds(datetime(2013, 11, 13, tzinfo=UTC), datetime.now(UTC))
    estimate = athena.estimate_compacted() if compacted else athena.estimate(bounds)
    allowed(asked.name, estimate, environment, max_bytes, compacted=compacted, scans=readings)
    lost = athena.drift() if asked.is_health else []
    compaction = environment.catalog.compaction
    table = compaction.table if compacted and compaction else environment.catalog.table
    with scanning() as tell:
        ran = athena.run(on_table(asked.text(evidence=wanted.raw), table), tell)
    rows = itertools.islice(itertools.chain(ran.rows, _drifted(lost, ran.columns)), wanted.limit)
    if wanted.raw:
        ids = query_raw.ids(asked.name, ran.columns, rows)
        source = environment.catalog.table
        count = query_raw.from_athena(athena, ids, asked.bounds, source, wanted.out)
    else:
        told = in_zone(rows, wanted.zone)
        count = write(wanted.format, ran.columns, told, wanted.out)
    what = "records" if wanted.raw else "rows"
    sys.stderr.write(f"{count} {what}; {_size(ran.scanned)} scanned, ${ran.dollars:.4f}\n")
    return EXIT_OK


def allowed(
    name: str,
    estimate: Estimate,
    environment: Environment,
    max_bytes: int | None,
    *,
    compacted: bool = False,
    scans: int = 1,
) -> None:
    """Tell what a question will scan.

    Args:
        name: the question.
        estimate: what one reading of the table touches.
        environment: its settings have the limit.
        max_bytes: a limit in its place.
        compacted: whether the table is the compacted one.
        scans: how often the question reads the table; Athena reads it each time.

    Raises:
        OrgtrailError: it is more than the limit.

    """
    from orgtrail.engines.athena import cost

    size = estimate.bytes * scans
    where = "the compacted table" if compacted else f"{estimate.partitions} partitions"
    where += f", read {scans} times" if scans > 1 else ""
    about = "" if estimate.exact else "at most " if compacted else "about "
    sys.stderr.write(f"{name}: {where}, {about}{_size(size)}, {about}${cost(size):.4f}\n")
    most = environment.catalog.bytes_scanned_limit if max_bytes is None else max_bytes
    if size > most:
        raise OrgtrailError(
            f"--max-bytes: {name} would scan {about}{size} bytes, more than "
            f"{most}; narrow it with --from, --to, --account or --region, or raise the limit"
        )


def _drift_of(environment: Environment | None, found: dict[str, list[str]]) -> list[Drift]:
    """Compare a folder with the table that the environment file describes."""
    from orgtrail.engines.drift import drift

    if environment is None:
        return []
    regions = environment.catalog.regions
    every = {region for inside in found.values() for region in inside}
    return drift(found, environment.account_ids, every if regions is None else regions)


def _drifted(lost: list[Drift], columns: list[str]) -> list[tuple[object, ...]]:
    """Tell drift on stderr, and give a row for each."""
    for each in lost:
        sys.stderr.write(f"{each}\n")
    known = {"status": "not in table"}
    return [
        tuple(
            ({"account": each.account, "region": each.region or None} | known).get(name)
            for name in columns
        )
        for each in lost
    ]


def account_for(reading: Reading, root: Path, count: int | None) -> int:
    """Tell what was read and what could not be; return the exit code."""
    for number, (path, reason) in enumerate(sorted(reading.unread.items())):
        if number == _TOLD:
            sys.stderr.write(f"... and {len(reading.unread) - _TOLD} more\n")
            break
        sys.stderr.write(f"{_below(path, root)}: not read: {reason}\n")
    for path, odd in sorted(reading.odd.items())[:_TOLD]:
        sys.stderr.write(
            f"{_below(path, root)}: {odd} records are none: no objects, or without eventName\n"
        )
    for path, undated in sorted(reading.undated.items())[:_TOLD]:
        sys.stderr.write(
            f"{_below(path, root)}: {undated} records have no time of CloudTrail's form, and are "
            "in no period\n"
        )
    for path in sorted(reading.outside)[:_TOLD]:
        sys.stderr.write(f"{_below(path, root)}: not read: lies outside of the archive's layout\n")
    lost = len(reading.unread)
    rows = "" if count is None else f"{number_of(count, 'row')} from "
    sys.stderr.write(
        f"{rows}{number_of(reading.events, 'event')} in {number_of(reading.files, 'file')}"
        + (f"; {lost} of them could not be read, or not wholly" if lost else "")
        + "\n"
    )
    for counted, what in (
        (reading.aggregated, "five-minute summaries of data events (eventCategory Aggregated)"),
        (reading.insights, "events of CloudTrail Insights"),
        (reading.digests, "digest files"),
    ):
        if counted:
            sys.stderr.write(f"{counted} {what}: no calls, and not asked\n")
    gaps = lost or reading.odd or reading.undated or reading.outside
    return EXIT_FAILED if gaps else EXIT_OK


def number_of(count: int, what: str) -> str:
    """Write a number of things: `1 row`, `2 rows`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _below(path: str, root: Path) -> str:
    try:
        below = str(Path(path).relative_to(root))
    except ValueError:
        below = path
    return printable(path if below == "." else below)


def _size(count: int) -> str:
    from rich.filesize import decimal

    return decimal(count)


@contextlib.contextmanager
def progress() -> Iterator[Callable[[int], None]]:
    """Show how many files were read, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed} files"), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda count: bar.update(task, completed=count)


@contextlib.contextmanager
def scanning() -> Iterator[Callable[[str, int], None]]:
    """Show state and bytes scanned, on a terminal."""
    from rich.console import Console

    from orgtrail.engines.athena import cost

    console = Console(stderr=True)
    with console.status("starting") as status:
        yield lambda state, scanned: status.update(
            f"{state.lower()}: {_size(scanned)} scanned, ${cost(scanned):.4f}; Ctrl-C stops it"
        )
