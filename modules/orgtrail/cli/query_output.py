"""Output of `orgtrail query`: rows in every format, progress, and what could not be read."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from zoneinfo import ZoneInfo

from orgtrail.drafts import draft_folder
from orgtrail.ending import written
from orgtrail.errors import EXIT_FAILED, EXIT_OK, OrgtrailError, printable
from orgtrail.notes import complain, note, shows_progress
from orgtrail.query.parquet import Row, write_parquet
from orgtrail.signals import held

if TYPE_CHECKING:
    from orgtrail.logs.reader import ReadReport

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
_READABLE = 24
"""Characters of its values that a column must show to be readable."""
_DEVICES = {("/", "dev"), ("/", "proc")}
_MOST_NAMED = 20
"""Files that are named in messages; the rest are counted."""


def in_zone(rows: Iterable[Row], zone: ZoneInfo | None) -> Iterable[Row]:
    """Return rows with their times in a time zone, with the offset from UTC."""
    if zone is None:
        return rows
    return (tuple(_shifted(each, zone) for each in row) for row in rows)


def _shifted(value: object, zone: ZoneInfo) -> object:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return value
    try:
        return datetime.fromisoformat(value).astimezone(zone).isoformat()
    except (ValueError, OverflowError):
        return value


def write(format: str, columns: list[str], rows: Iterable[Row], out: Path | None) -> int:
    """Write rows in a format to a file or to stdout; return how many there were.

    Raises:
        OrgtrailError: the file cannot be written.

    """
    if format == "parquet" and out is not None:
        with _draft(out) as draft:
            return write_parquet(columns, rows, draft)
    writers = {"text": write_table, "json": _write_json, "csv": _write_csv}
    with open_output(out) as to:
        return writers[format](columns, rows, to)


def write_table(columns: list[str], rows: Iterable[Row], to: TextIO | None = None) -> int:
    """Write a table for people; return how many rows it has.

    On a terminal that is too narrow for the columns, each row becomes a block of lines.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stream = to or sys.stdout
    texts = [["" if each is None else printable(str(each)) for each in row] for row in rows]
    # A pipe has no width, and truncated lines help nobody.
    width = None if stream.isatty() else _full_width(columns, texts)
    console = Console(file=stream, width=width, highlight=False)
    if stream.isatty() and texts and _readable_width(columns, texts) > console.width:
        _write_blocks(columns, texts, stream, console.width)
        return len(texts)
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for each in columns:
        drawn.add_column(each, overflow="fold")
    for row in texts:
        # As Text: a log may contain what rich reads as markup.
        drawn.add_row(*map(Text, row))
    console.print(drawn)
    return len(texts)


def _full_width(columns: list[str], rows: list[list[str]]) -> int:
    from rich.cells import cell_len

    widths = (
        max(map(cell_len, (name, *(row[n] for row in rows)))) for n, name in enumerate(columns)
    )
    return sum(widths) + 2 * len(columns) + 1


def _readable_width(columns: list[str], rows: list[list[str]]) -> int:
    widths = (
        max(len(name), *(min(_READABLE, len(row[n])) for row in rows))
        for n, name in enumerate(columns)
    )
    return sum(widths) + 2 * (len(columns) - 1)


def _write_blocks(columns: list[str], rows: list[list[str]], to: TextIO, width: int) -> None:
    """Write each row as lines of name and value, without empty values."""
    names = max(map(len, columns))
    for number, row in enumerate(rows, 1):
        to.write(f"-- {number} ".ljust(width, "-") + "\n")
        for name, value in zip(columns, row, strict=True):
            if value:
                to.write(f"{name:{names}}  {value}\n")


def _write_json(columns: list[str], rows: Iterable[Row], to: TextIO) -> int:
    """Write a list of objects as rows arrive; return how many."""
    count = 0
    to.write("[")
    for row in rows:
        to.write(",\n  " if count else "\n  ")
        to.write(json.dumps(dict(zip(columns, row, strict=True)), default=str))
        count += 1
    to.write("\n]\n" if count else "]\n")
    return count


def _write_csv(columns: list[str], rows: Iterable[Row], to: TextIO) -> int:
    """Write rows as CSV; return how many."""
    writer = csv.writer(to)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count


@contextmanager
def open_output(out: Path | None) -> Iterator[TextIO]:
    """Yield stdout, or a file that appears only once it is complete.

    Raises:
        OrgtrailError: the file cannot be written.

    """
    if out is None:
        yield sys.stdout
        return
    if out.exists() and (not out.is_file() or out.parts[:2] in _DEVICES):
        # A device, such as /dev/null, is written to and must not be replaced.
        try:
            with out.open("w", encoding="utf-8", newline="") as file:
                yield file
        except OSError as error:
            raise OrgtrailError(f"{out}: cannot be written: {error.strerror or error}") from None
        return
    with _draft(out) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """Yield a temporary file next to the output; it replaces the output once it is complete."""
    try:
        with draft_folder(out.parent) as folder:
            draft = folder / out.name
            yield draft
            with held():
                draft.replace(out)
                written(out)
    except OSError as error:
        raise OrgtrailError(f"{out}: cannot be written: {error.strerror or error}") from None


def report_reading(report: ReadReport, root: Path, count: int | None) -> int:
    """Write to stderr what was read and what could not be.

    Args:
        report: what was read.
        root: the folder, for the names of files.
        count: the number of rows; None to leave it out.

    Returns:
        the exit code: 2 if something could not be read.

    """
    for number, (path, reason) in enumerate(sorted(report.unread.items())):
        if number == _MOST_NAMED:
            complain(f"... and {len(report.unread) - _MOST_NAMED} more")
            break
        complain(f"{_below(path, root)}: not read: {reason}")
    for path, odd in sorted(report.odd.items())[:_MOST_NAMED]:
        complain(f"{_below(path, root)}: {odd} records are none: no objects, or without eventName")
    for path, undated in sorted(report.undated.items())[:_MOST_NAMED]:
        complain(
            f"{_below(path, root)}: {undated} records have no time of CloudTrail's form, and are "
            "in no period"
        )
    for path in sorted(report.outside)[:_MOST_NAMED]:
        complain(f"{_below(path, root)}: not read: is outside the archive's layout")
    lost = len(report.unread)
    rows = "" if count is None else f"{_number(count, 'row')} from "
    note(
        f"{rows}{_number(report.events, 'event')} in {_number(report.files, 'file')}"
        + (f"; {lost} of them could not be read, or not wholly" if lost else "")
    )
    for counted, what in (
        (report.aggregated, "five-minute summaries of data events (eventCategory Aggregated)"),
        (report.insights, "events of CloudTrail Insights"),
        (report.digests, "digest files"),
    ):
        if counted:
            note(f"{counted} {what}: no calls, and not asked")
    return EXIT_OK if report.is_complete else EXIT_FAILED


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _below(path: str, root: Path) -> str:
    try:
        below = str(Path(path).relative_to(root))
    except ValueError:
        below = path
    return printable(path if below == "." else below)


@contextmanager
def file_progress() -> Iterator[Callable[[int], None]]:
    """Show the number of files read, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed} files"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not shows_progress()) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda count: bar.update(task, completed=count)


@contextmanager
def scan_progress() -> Iterator[Callable[[str, int], None]]:
    """Show the state of an Athena query and the bytes scanned, on a terminal."""
    from rich.console import Console

    from orgtrail.query.athena import scan_cost

    console = Console(stderr=True, quiet=not shows_progress())
    with console.status("starting") as status:
        yield lambda state, scanned: status.update(
            f"{state.lower()}: {size(scanned)} scanned, ${scan_cost(scanned):.4f}; Ctrl-C stops it"
        )


def size(count: int) -> str:
    """Format a number of bytes for people."""
    from rich.filesize import decimal

    return decimal(count)
