"""How `orgtrail query run` asks a folder or Athena, and what is told beside the rows."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orgtrail.cli.query_question import Question
from orgtrail.queries.bounds import Bounds
from orgtrail.queries.rendering import on_table
from orgtrail.settings.faults import OrgtrailError
from orgtrail.telling import FAILED, FINE, visible

if TYPE_CHECKING:
    from orgtrail.engines.drift import Drift
    from orgtrail.engines.local import Reading
    from orgtrail.settings.environment import Environment

_TOLD = 20
"""Files that are told by name; the others are counted."""


def on_folder(
    asked: Question, root: Path, *, limit: int | None, format: str, out: Path | None
) -> int:
    """Ask a folder of logs; return the exit code: 2 where files could not be read."""
    from orgtrail.cli.query_output import write
    from orgtrail.engines import local
    from orgtrail.engines.dialect import parsed, strangers
    from orgtrail.engines.files import accounts_and_regions, log_files

    files = log_files(root, asked.bounds)
    found = accounts_and_regions(root) if asked.is_health else {}
    tree = parsed(asked.text(found), asked.name)
    if others := strangers(tree, asked.tables):
        raise OrgtrailError(
            f"{asked.name}: reads {', '.join(others)}; a folder of logs is "
            f"{' or '.join(sorted(asked.tables))} and nothing else"
        )
    with contextlib.ExitStack() as stack:
        with progress() as tell:
            answer = stack.enter_context(local.asked(tree, files, tell))
        columns, rows = answer.rows(limit)
        lost = _drifted(_drift_of(asked.environment, found), columns)
        count = write(format, columns, itertools.chain(rows, lost), out)
        reading = answer.reading
    return _account(reading, root, count)


def on_athena(
    asked: Question,
    *,
    limit: int | None,
    format: str,
    out: Path | None,
    max_bytes: int | None,
    compacted: bool = False,
    access: tuple[str | None, str | None] = (None, None),
) -> int:
    """Ask Athena; return the exit code. `access` is a role and a profile in place of the file's.

    Raises:
        OrgtrailError: the query would scan more than it may, or fails.

    """
    from orgtrail.cli.query_output import write
    from orgtrail.engines.athena import Athena, cost
    from orgtrail.engines.dialect import parsed
    from orgtrail.login import session_in

    environment = asked.environment
    assert environment is not None
    parsed(asked.own or asked.text(), asked.name)
    athena = Athena(environment, session_in(environment, "logging", *access))
    bounds = asked.bounds or Bounds(datetime(2013, 11, 13, tzinfo=UTC), datetime.now(UTC))
    estimate = athena.estimate_compacted() if compacted else athena.estimate(bounds)
    where = "the compacted table" if compacted else f"{estimate.partitions} partitions"
    about = "" if estimate.exact else "at most " if compacted else "about "
    sys.stderr.write(
        f"{asked.name}: {where}, {about}{_size(estimate.bytes)}, "
        f"{about}${cost(estimate.bytes):.4f}\n"
    )
    most = environment.catalog.bytes_scanned_limit if max_bytes is None else max_bytes
    if estimate.bytes > most:
        raise OrgtrailError(
            f"--max-bytes: {asked.name} would scan {about}{estimate.bytes} bytes, more than "
            f"{most}; narrow it with --from, --to, --account or --region, or raise the limit"
        )
    lost = athena.drift() if asked.is_health else []
    compaction = environment.catalog.compaction
    table = compaction.table if compacted and compaction else environment.catalog.table
    with _scanning() as tell:
        ran = athena.run(on_table(asked.text(), table), tell)
    rows = itertools.chain(ran.rows, _drifted(lost, ran.columns))
    count = write(format, ran.columns, itertools.islice(rows, limit), out)
    sys.stderr.write(f"{count} rows; {_size(ran.scanned)} scanned, ${ran.dollars:.4f}\n")
    return FINE


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


def _account(reading: Reading, root: Path, count: int) -> int:
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
    lost = len(reading.unread)
    sys.stderr.write(
        f"{count} rows from {reading.events} events in {reading.files} files"
        + (f"; {lost} of them could not be read" if lost else "")
        + "\n"
    )
    return FAILED if lost or reading.odd else FINE


def _below(path: str, root: Path) -> str:
    try:
        return visible(str(Path(path).relative_to(root)))
    except ValueError:
        return visible(path)


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
def _scanning() -> Iterator[Callable[[str, int], None]]:
    """Show state and bytes scanned, on a terminal."""
    from rich.console import Console

    from orgtrail.engines.athena import cost

    console = Console(stderr=True)
    with console.status("starting") as status:
        yield lambda state, scanned: status.update(
            f"{state.lower()}: {_size(scanned)} scanned, ${cost(scanned):.4f}; Ctrl-C stops it"
        )
