"""Rows as a table, one below the other, as JSON, CSV or Parquet; times in a zone of choice."""

from __future__ import annotations

import csv
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from orgtrail.errors import OrgtrailError, printable

Row = tuple[object, ...]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
_READABLE = 24
"""Characters that a column needs, of what it has, to be read at all."""


def zone(name: str | None) -> ZoneInfo | None:
    """Return a time zone by its name, None for none.

    Raises:
        OrgtrailError: there is none of that name.

    """
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise OrgtrailError(
            f"--zone: must be the name of a time zone, like Europe/Berlin; got {name!r}"
        ) from None


def in_zone(rows: Iterable[Row], place: ZoneInfo | None) -> Iterable[Row]:
    """Return rows with their times as a zone's clocks show them, with the offset from UTC."""
    if place is None:
        return rows
    return (tuple(_shifted(each, place) for each in row) for row in rows)


def _shifted(value: object, place: ZoneInfo) -> object:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return value
    try:
        return datetime.fromisoformat(value).astimezone(place).isoformat()
    except (ValueError, OverflowError):
        return value


def table(columns: list[str], rows: Iterable[Row], to: TextIO | None = None) -> int:
    """Write a table for people; return how many rows it has.

    On a terminal that is too narrow for its columns, rows stand one below the other.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stream = to or sys.stdout
    told = [[_plain(each) for each in row] for row in rows]
    # A pipe has no width of its own, and cut lines help nobody.
    width = None if stream.isatty() else _natural(columns, told)
    console = Console(file=stream, width=width, highlight=False)
    if stream.isatty() and told and _needed(columns, told) > console.width:
        _below_each_other(columns, told, stream, console.width)
        return len(told)
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for each in columns:
        drawn.add_column(each, overflow="fold")
    for row in told:
        # As text: markup in a log is no markup here.
        drawn.add_row(*map(Text, row))
    console.print(drawn)
    return len(told)


def _natural(columns: list[str], rows: list[list[str]]) -> int:
    from rich.cells import cell_len

    widths = (
        max(map(cell_len, (name, *(row[n] for row in rows)))) for n, name in enumerate(columns)
    )
    return sum(widths) + 2 * len(columns) + 1


def _needed(columns: list[str], rows: list[list[str]]) -> int:
    widths = (
        max(len(name), *(min(_READABLE, len(row[n])) for row in rows))
        for n, name in enumerate(columns)
    )
    return sum(widths) + 2 * (len(columns) - 1)


def _below_each_other(columns: list[str], rows: list[list[str]], to: TextIO, width: int) -> None:
    """Write each row as lines of name and value, empty ones left out."""
    names = max(map(len, columns))
    for number, row in enumerate(rows, 1):
        to.write(f"-- {number} ".ljust(width, "-") + "\n")
        for name, value in zip(columns, row, strict=True):
            if value:
                to.write(f"{name:{names}}  {value}\n")


def as_json(columns: list[str], rows: Iterable[Row], to: TextIO) -> int:
    """Write a list of row objects as they come; return how many."""
    count = 0
    to.write("[")
    for row in rows:
        to.write(",\n  " if count else "\n  ")
        to.write(json.dumps(dict(zip(columns, row, strict=True)), default=str))
        count += 1
    to.write("\n]\n" if count else "]\n")
    return count


def as_csv(columns: list[str], rows: Iterable[Row], to: TextIO) -> int:
    """Write rows as CSV; return how many."""
    writer = csv.writer(to)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count


def write(format: str, columns: list[str], rows: Iterable[Row], out: Path | None) -> int:
    """Give rows in a format, to a file or to stdout; return how many.

    Raises:
        OrgtrailError: the file cannot be written.

    """
    if format == "parquet" and out is not None:
        from orgtrail.engines.parquet import as_parquet

        with _draft(out) as draft:
            return as_parquet(columns, rows, draft)
    writers = {"text": table, "json": as_json, "csv": as_csv}
    with target(out) as to:
        return writers[format](columns, rows, to)


@contextmanager
def target(out: Path | None) -> Iterator[TextIO]:
    """Give stdout, or a file that appears once all is written.

    Raises:
        OrgtrailError: the file cannot be written.

    """
    if out is None:
        yield sys.stdout
        return
    with _draft(out) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """Give a file beside the one that is wanted; it takes its place once it is whole."""
    try:
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=out.parent) as folder:
            draft = Path(folder) / out.name
            yield draft
            draft.replace(out)
    except OSError as error:
        raise OrgtrailError(f"{out}: cannot be written: {error.strerror or error}") from None


def _plain(value: object) -> str:
    return "" if value is None else printable(str(value))
