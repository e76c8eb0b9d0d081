"""Streams of rows for DuckDB: DuckDB and pyarrow read what was put in, and nothing stays held."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orgtrail.logs import arrow
from orgtrail.logs.arrow import Columns, RowStream

COLUMNS = {"path": str, "body": str, "alone": bool}
ROWS = st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.text("é\0x", max_size=9000),
                 st.booleans())  # fmt: skip
BATCHES = st.lists(st.lists(ROWS, min_size=1, max_size=70), max_size=4)

Row = tuple[str, str, bool]


@pytest.fixture(autouse=True)
def _nothing_is_held() -> Iterator[None]:
    """Whatever a reader took, it has released."""
    yield
    gc.collect()
    assert (arrow._held, arrow._capsules) == ({}, {})  # noqa: SLF001


def stream(batches: list[list[Row]]) -> RowStream:
    return RowStream(COLUMNS, lambda: ([*zip(*rows, strict=True)] for rows in batches))


@given(BATCHES)
def test_arrows_own_library_finds_the_stream_sound(batches: list[list[Row]]) -> None:
    with pa.RecordBatchReader.from_stream(stream(batches)) as reader:
        types = ("path", pa.string()), ("body", pa.string()), ("alone", pa.bool_())
        assert reader.schema == pa.schema([pa.field(*each, nullable=False) for each in types])
        table = reader.read_all()
    table.validate(full=True)
    rows = [row for batch in batches for row in batch]
    assert [*zip(*(each.to_pylist() for each in table.columns), strict=True)] == rows


@given(BATCHES)
def test_duckdb_reads_the_rows(batches: list[list[Row]]) -> None:
    with duckdb.connect() as connection:
        connection.register("incoming", stream(batches))
        found = connection.execute("FROM incoming").fetchall()
        connection.unregister("incoming")
    assert found == [row for batch in batches for row in batch]


def test_a_column_that_is_taken_out_outlives_its_batch() -> None:
    """Whoever moves a column out of its batch releases it later, as Arrow allows."""
    reader = pa.RecordBatchReader.from_stream(stream([[("a", "b", True)]]))
    column = reader.read_next_batch().column("body")
    reader.close()
    del reader
    gc.collect()
    assert column.to_pylist() == ["b"]


def test_an_error_in_the_rows_is_an_error_of_the_query() -> None:
    def failing() -> Iterator[Columns]:
        yield [["a"], ["b"], [True]]
        raise ValueError

    with duckdb.connect() as connection:
        connection.register("incoming", RowStream(COLUMNS, failing))
        with pytest.raises(duckdb.Error, match="the rows ended with an error"):
            connection.execute("SELECT count(*) FROM incoming")
        connection.unregister("incoming")


def test_a_stream_that_nobody_reads_is_dropped() -> None:
    def never() -> Iterator[Columns]:
        raise AssertionError

    capsule = RowStream(COLUMNS, never).__arrow_c_stream__()
    assert capsule is not None
