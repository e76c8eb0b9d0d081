"""Rows as a Parquet file, written as they come."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

Row = tuple[object, ...]
_GROUP = 20_000
"""Rows that are written together."""


def as_parquet(columns: list[str], rows: Iterable[Row], path: Path) -> int:
    """Write rows as Parquet; return how many."""
    import pyarrow as pa
    from pyarrow import parquet

    source = iter(rows)
    writer = schema = None
    count = 0
    try:
        while (some := [*islice(source, _GROUP)]) or writer is None:
            names = {name: [row[n] for row in some] for n, name in enumerate(columns)}
            made = pa.table(names, schema=schema)
            if writer is None:
                schema = _schema(made.schema)
                writer = parquet.ParquetWriter(path, schema)
            writer.write_table(made.cast(schema))
            count += len(some)
    finally:
        if writer is not None:
            writer.close()
    return count


def _schema(found: Any) -> Any:
    """Call a column text that has no value yet."""
    import pyarrow as pa

    return pa.schema(
        [each.with_type(pa.string()) if pa.types.is_null(each.type) else each for each in found]
    )
