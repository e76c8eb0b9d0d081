"""Writes rows to a Parquet file as a stream."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

Row = tuple[object, ...]
_ROW_GROUP_SIZE = 20_000
"""Rows per row group."""


def write_parquet(columns: list[str], rows: Iterable[Row], path: Path) -> int:
    """Write rows to a file; return their number."""
    import pyarrow as pa
    from pyarrow import parquet

    source = iter(rows)
    writer = schema = None
    count = 0
    try:
        while (some := [*islice(source, _ROW_GROUP_SIZE)]) or writer is None:
            names = {name: [row[n] for row in some] for n, name in enumerate(columns)}
            made = pa.table(names, schema=schema)
            if writer is None:
                # A column without a value in the first group becomes text.
                schema = pa.schema(
                    each.with_type(pa.string()) if pa.types.is_null(each.type) else each
                    for each in made.schema
                )
                writer = parquet.ParquetWriter(path, schema)
            writer.write_table(made.cast(schema))
            count += len(some)
    finally:
        if writer is not None:
            writer.close()
    return count
