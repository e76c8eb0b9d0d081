"""Queries on DuckDB over a folder of logs.

Python finds and unpacks the files, so that each one that cannot be read is known by name; DuckDB
takes them as a stream, keeps the columns that the question names, and answers it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa
from sqlglot import exp

from orgtrail import records
from orgtrail.engines import dialect
from orgtrail.engines.files import LogFile, UnreadableError, text
from orgtrail.queries.rendering import TABLE
from orgtrail.settings.faults import OrgtrailError

MEMORY_LIMIT = "160MB"
"""What DuckDB holds before it writes to disk."""
_BATCH_FILES, _BATCH_BYTES = 1024, 4 * 1024 * 1024
_SLICE = 2000
"""Records of a large file that go together."""
_FETCHED = 10_000
"""Rows that are taken at a time."""

_SCHEMA = pa.schema([(name, pa.string()) for name in ("path", "account", "region", "day", "body")])


@dataclass(slots=True)
class Reading:
    """What was read for an answer.

    Attributes:
        files: how many files were looked at.
        events: how many records they hold.
        unread: why each file that could not be read could not.
        odd: records that are none, by file: no objects, or without eventName.

    """

    files: int = 0
    events: int = 0
    unread: dict[str, str] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that may still be taken, as rows or as a file."""

    connection: duckdb.DuckDBPyConnection
    reading: Reading
    sql: str

    def rows(self, limit: int | None = None) -> tuple[list[str], Iterator[tuple[object, ...]]]:
        """Return names of columns, and rows as they come.

        Raises:
            OrgtrailError: the query fails; also while rows are taken.

        """
        try:
            result = self.connection.execute(_limited(self.sql, limit))
        except duckdb.Error as error:
            raise _unanswered(error) from None
        return [each[0] for each in result.description or ()], _taken(result)


@dataclass(frozen=True, slots=True)
class Stage:
    """Log files that were read, for some questions."""

    connection: duckdb.DuckDBPyConnection
    reading: Reading

    def ask(self, tree: exp.Query) -> Answer:
        """Return the answer of one of the questions that the files were read for."""
        return Answer(self.connection, self.reading, dialect.duckdb(tree))


@contextmanager
def asked(
    tree: exp.Query, files: Iterable[LogFile], progress: Callable[[int], None] = lambda _: None
) -> Iterator[Answer]:
    """Read the files for a question, and give its answer; arguments are those of `staged`."""
    with staged([tree], files, progress) as stage:
        yield stage.ask(tree)


@contextmanager
def staged(
    trees: Sequence[exp.Query],
    files: Iterable[LogFile],
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Stage]:
    """Read the files once for several questions.

    Args:
        trees: the questions.
        files: the files to read.
        progress: is told how many files were read, now and then.

    """
    reading = Reading()
    with tempfile.TemporaryDirectory(prefix="orgtrail-") as folder:
        connection = duckdb.connect(f"{folder}/stage.duckdb")
        try:
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            connection.execute(f"SET temp_directory = '{folder}/spill'")
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET integer_division = true")
            connection.execute("SET enable_progress_bar = false")  # stdout is for rows
            for macro in dialect.MACROS:
                connection.execute(macro)
            source = _Source(_batches(files, reading, progress))
            _stage(connection, trees, source)
            _account_for(connection, reading)
            yield Stage(connection, reading)
        finally:
            connection.close()


def _stage(
    connection: duckdb.DuckDBPyConnection,
    trees: Sequence[exp.Query],
    source: _Source,
) -> None:
    """Read all files into a table with the columns that are asked for."""
    named = {each.name for tree in trees for each in dialect.columns(tree)}
    fields = [each for each in records.FIELDS if each.name in named]
    shape = {each.name: records.duck(each.type) for each in fields}
    taken = "".join(f', record."{name}" AS {name.lower()}' for name in shape)
    # What is no object becomes a record without values.
    shape["eventName"] = "VARCHAR"
    shape_json = json.dumps({"Records": [shape]}).replace("'", "''")
    connection.register("incoming", pa.RecordBatchReader.from_batches(_SCHEMA, source))
    connection.execute(
        f"""
        CREATE TABLE stage AS
        WITH bodies AS (
          SELECT path, account, region, day,
            coalesce(json_transform(TRY_CAST(body AS JSON), '{shape_json}').Records, [NULL]) AS r
          FROM incoming
        ), apart AS (SELECT path, account, region, day, unnest(r) AS record FROM bodies)
        SELECT account, region, day, path,
          record IS NULL OR record."eventName" IS NULL AS odd{taken}
        FROM apart
        """
    )
    connection.unregister("incoming")
    if source.stopped_by is not None:
        raise source.stopped_by
    path = f', path AS "{dialect.PATH}"' if any(map(dialect.names_path, trees)) else ""
    connection.execute(
        f"CREATE VIEW {TABLE} AS SELECT * EXCLUDE (odd, path){path} FROM stage WHERE NOT odd"
    )


def _account_for(connection: duckdb.DuckDBPyConnection, reading: Reading) -> None:
    """Count the records, and find out what is wrong with files that gave none."""
    counted = connection.execute("SELECT count(*) FROM stage WHERE NOT odd").fetchone()
    reading.events = counted[0] if counted else 0
    for path, count in connection.execute(
        "SELECT path, count(*) FROM stage WHERE odd GROUP BY path ORDER BY path"
    ).fetchall():
        reason = _fault(path)
        if reason:
            reading.unread[path] = reason
        else:
            reading.odd[path] = count


def _fault(path: str) -> str:
    try:
        found = json.loads(text(path))
    except UnreadableError as error:
        return str(error)
    except ValueError as error:
        return f"broken JSON: {error}"
    if not isinstance(found, dict) or not isinstance(found.get("Records"), list):
        return "no Records in it"
    return ""


class _Source:
    """Batches that keep what stops them, Ctrl-C too: DuckDB would tell of it in its own words."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.stopped_by: BaseException | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # it is raised again, by `_stage`
            self.stopped_by = error


def _batches(
    files: Iterable[LogFile], reading: Reading, progress: Callable[[int], None]
) -> Iterator[pa.RecordBatch]:
    rows: list[tuple[str, str, str, str, str]] = []
    size = 0
    for file in files:
        reading.files += 1
        try:
            body = text(file.path)
        except UnreadableError as error:
            reading.unread[file.path] = str(error)
            continue
        for part in _parts(body):
            rows.append((file.path, file.account, file.region, file.day, part))
            size += len(part)
            if len(rows) >= _BATCH_FILES or size >= _BATCH_BYTES:
                yield _batch(rows)
                rows, size = [], 0
                progress(reading.files)
    if rows:
        yield _batch(rows)
    progress(reading.files)


def _batch(rows: list[tuple[str, str, str, str, str]]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(each) for each in zip(*rows, strict=True)], schema=_SCHEMA)


def _parts(body: str) -> Iterator[str]:
    """Cut a large file into pieces that fit into memory when they are parsed."""
    if len(body) < _BATCH_BYTES:
        yield body
        return
    try:
        found = json.loads(body)["Records"]
        pieces = [found[at : at + _SLICE] for at in range(0, len(found), _SLICE)]
    except (ValueError, TypeError, KeyError):
        yield body
        return
    for piece in pieces:
        yield json.dumps({"Records": piece})


def _taken(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    try:
        while some := result.fetchmany(_FETCHED):
            yield from some
    except duckdb.Error as error:
        raise _unanswered(error) from None


def _unanswered(error: Exception) -> OrgtrailError:
    return OrgtrailError(f"the query cannot be answered: {_first(error)}")


def _limited(sql: str, limit: int | None) -> str:
    return sql if limit is None else f"SELECT * FROM ({sql}) LIMIT {limit}"


def _first(error: Exception) -> str:
    return str(error).splitlines()[0]
