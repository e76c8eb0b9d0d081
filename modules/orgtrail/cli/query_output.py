"""Rows as a table, JSON, CSV or Parquet."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from orgtrail.settings.faults import OrgtrailError
from orgtrail.telling import visible

Row = tuple[object, ...]


def table(columns: list[str], rows: Iterable[Row], to: TextIO | None = None) -> int:
    """Write a table for people; return how many rows it has."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stream = to or sys.stdout
    # A pipe has no width of its own, and cut lines help nobody.
    console = Console(file=stream, width=None if stream.isatty() else 200, highlight=False)
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for each in columns:
        drawn.add_column(each, overflow="fold")
    count = 0
    for row in rows:
        # As text: markup in a log is no markup here.
        drawn.add_row(*(Text(_plain(each)) for each in row))
        count += 1
    console.print(drawn)
    return count


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
    writers = {"text": table, "json": as_json, "csv": as_csv}
    if out is None:
        return writers[format](columns, rows, sys.stdout)
    with _draft(out) as draft:
        if format == "parquet":
            from orgtrail.engines.parquet import as_parquet

            return as_parquet(columns, rows, draft)
        with draft.open("w", encoding="utf-8", newline="") as file:
            return writers[format](columns, rows, file)


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """Give a file beside the one that is wanted; it takes its place once it is whole."""
    try:
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=out.parent) as folder:
            draft = Path(folder) / out.name
            yield draft
            draft.replace(out)
    except OSError as error:
        raise OrgtrailError(f"{error.filename or out}: cannot be written: {error}") from None


def _plain(value: object) -> str:
    return "" if value is None else visible(str(value))
