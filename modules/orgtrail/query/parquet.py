"""Writes rows to a Parquet file as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from orgtrail.drafts import temporary_folder

Row = tuple[object, ...]
_ROW_GROUP_SIZE = 20_000
"""Rows that are handed to DuckDB at a time."""
_MEMORY_LIMIT = "300MB"


def write_parquet(columns: list[str], rows: Iterable[Row], path: Path) -> int:
    """Write rows to a file; return their number.

    The first rows decide what a column holds; one without a value in them becomes text.

    Args:
        columns: the names of the columns.
        rows: the rows, with values as DuckDB or Athena return them.
        path: the file.

    """
    import duckdb

    source = iter(rows)
    names = ['"{}"'.format(name.replace('"', '""')) for name in columns]
    count = 0
    with temporary_folder() as folder, duckdb.connect(f"{folder}/rows.duckdb") as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
        connection.execute(f"SET temp_directory = '{folder}/spill'")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")  # stdout is for rows
        while (some := [*islice(source, _ROW_GROUP_SIZE)]) or not count:
            values = [*zip(*some, strict=True)] or [()] * len(names)
            if count:
                insert = "INSERT INTO answer SELECT " + ", ".join(["unnest(?)"] * len(names))
            else:
                taken = zip(names, values, strict=True)
                insert = "CREATE TABLE answer AS SELECT " + ", ".join(
                    f"unnest(?){_type(column)} AS {name}" for name, column in taken
                )
            connection.execute(insert, [*map(list, values)])
            count += len(some)
            if not some:
                break
        connection.execute("COPY answer TO ? (FORMAT parquet)", [str(path)])
    return count


def _type(values: Sequence[object]) -> str:
    """Return the cast of a column by its first values; empty where DuckDB's own choice is right."""
    types = {type(each) for each in values} - {type(None)}
    if not types:
        return "::VARCHAR"
    # DuckDB makes a column of small numbers too narrow for a large one that may follow.
    return "::BIGINT" if types == {int} else ""
