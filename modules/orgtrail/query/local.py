"""DuckDB queries over log files.

Python finds and decompresses the files, so that each unreadable file can be reported by name.
DuckDB reads them as a stream, keeps the columns that the queries read, and runs the queries.
The records are stored in Parquet files, since a DuckDB table buffers many records in memory
whatever their size, while Parquet is flushed by size.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import duckdb
from sqlglot import exp

from orgtrail import records
from orgtrail.drafts import temporary_folder
from orgtrail.errors import OrgtrailError
from orgtrail.logs.arrow import RowStream
from orgtrail.logs.files import LogFile
from orgtrail.logs.reader import COLUMNS, BatchReader, Progress, ReadReport
from orgtrail.query import dialect
from orgtrail.query.render import TABLE
from orgtrail.signals import cancelling

MEMORY_LIMIT = "300MB"
"""DuckDB spills to disk beyond this."""
_THREADS = 2
"""Each thread buffers records, and two already keep up with Python's decompression."""
_FETCH_ROWS = 200
"""Rows fetched at a time; a record may be large."""

_CALL, _LIGHT, _UNUSED, _UNDATED, _ODD, _AGGREGATED, _INSIGHT, _BROKEN = range(8)
"""The kind of a row. A light row is a call that only queries without JSON need, so its JSON is
dropped. No query needs an unused row. An undated row has no time. A broken row is an entire file
that DuckDB does not accept as JSON."""
_TIME = r"'\d{4}-\d\d-\d\d[T ]\d\d:.*'"
"""A record whose time does not match is in no time range, and is reported."""
_JSON_TABLE = f"{TABLE}_with_json"
_MANY_QUERIES = 8
"""With more queries than this, the records with JSON are copied to a separate file."""
_PARQUET = "FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE_BYTES '16MB'"


@dataclass(frozen=True, slots=True)
class LocalResult:
    """The result of a query, which runs when its rows are fetched."""

    connection: duckdb.DuckDBPyConnection
    reading: ReadReport
    sql: str

    def rows(self, limit: int | None = None) -> tuple[list[str], Iterator[tuple[object, ...]]]:
        """Run the query; return its column names, and its rows as they arrive.

        Raises:
            OrgtrailError: the query fails, also while rows are fetched.

        """
        sql = self.sql if limit is None else f"SELECT * FROM ({self.sql}) LIMIT {limit}"
        try:
            result = self.connection.execute(sql)
        except duckdb.Error as error:
            raise _query_failed(error) from None
        return [each[0] for each in result.description or ()], _fetch(result)

    def paths(self, ids: Iterable[str]) -> list[str]:
        """Return the files that have events with these ids.

        Raises:
            OrgtrailError: no query reads eventid, so that it was not loaded.

        """
        try:
            # A separate cursor, since rows of a result may still be waiting.
            cursor = self.connection.cursor()
            found = cursor.execute(
                "SELECT DISTINCT path FROM loaded "
                f"WHERE kind IN ({_CALL}, {_LIGHT}, {_UNDATED}) "
                "AND eventid IN (SELECT unnest(?::VARCHAR[])) ORDER BY path",
                [[*ids]],
            ).fetchall()
        except duckdb.BinderException:
            raise OrgtrailError(
                "files are found by eventid, which the question has to read"
            ) from None
        return [path for (path,) in found]


@dataclass(frozen=True, slots=True)
class LoadedLogs:
    """Log files that were loaded for a set of queries."""

    connection: duckdb.DuckDBPyConnection
    reading: ReadReport

    def ask(self, tree: exp.Query) -> LocalResult:
        """Return the result of one of the queries that the files were loaded for."""
        table = _JSON_TABLE if dialect.reads_json(tree) else TABLE
        return LocalResult(self.connection, self.reading, dialect.to_duckdb(tree, table))


@contextmanager
def query_logs(
    tree: exp.Query, files: Iterable[LogFile], progress: Callable[[int], None] = lambda _: None
) -> Iterator[LocalResult]:
    """Load files for one query and yield its result; see `load_logs` for the arguments."""
    with load_logs([tree], files, progress) as logs:
        yield logs.ask(tree)


@contextmanager
def load_logs(
    trees: Sequence[exp.Query],
    files: Iterable[LogFile],
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[LoadedLogs]:
    """Load files once for several queries.

    Args:
        trees: the queries.
        files: the files to read.
        progress: called periodically with the number of files read.

    Raises:
        OrgtrailError: the records cannot be stored, for example on a full disk. Unreadable files
            do not raise; they are in `LoadedLogs.reading`.

    """
    report = ReadReport(outside=[*getattr(files, "outside", ())])
    with temporary_folder() as place:
        folder = str(place)
        connection = duckdb.connect(f"{folder}/loaded.duckdb")
        try:
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            connection.execute(f"SET threads = least({_THREADS}, current_setting('threads'))")
            connection.execute(f"SET temp_directory = '{folder}/spill'")
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET integer_division = true")
            connection.execute("SET enable_progress_bar = false")  # stdout is for rows
            try:
                _load(connection, folder, trees, files, report, progress)
            except duckdb.Error as error:
                reason = str(error).splitlines()[0]
                if isinstance(error, duckdb.IOException):
                    # What it writes is what it could not write: our own reader reads the logs.
                    raise OrgtrailError(
                        f"{folder}: cannot be written: {reason.partition('{')[0].strip()}; "
                        "see whether the disk is full, or name another with TMPDIR"
                    ) from None
                raise OrgtrailError(f"the log files cannot be read: {reason}") from None
            yield LoadedLogs(connection, report)
        finally:
            connection.close()


def _fetch(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    try:
        while some := result.fetchmany(_FETCH_ROWS):
            yield from some
    except duckdb.Error as error:
        raise _query_failed(error) from None


def _query_failed(error: Exception) -> OrgtrailError:
    return OrgtrailError(f"the query cannot be answered: {str(error).splitlines()[0]}")


def _load(
    connection: duckdb.DuckDBPyConnection,
    folder: str,
    trees: Sequence[exp.Query],
    files: Iterable[LogFile],
    report: ReadReport,
    progress: Progress,
) -> None:
    """Read all files into Parquet, and create the views that the queries read.

    Either all files are in the archive's layout or none: the first file decides whether account,
    region and day come from the path or from the records.
    """
    rest = iter(files)
    first = next(rest, None)
    select = _select(trees, has_layout=first is None or bool(first.account))
    source = BatchReader(chain(() if first is None else (first,), rest), report, progress)
    _copy(connection, select, f"{folder}/whole.parquet", source)
    # Files that are not valid JSON are read again, record by record, to recover valid records.
    broken = connection.execute(
        "SELECT path, account, region, day "
        f"FROM '{folder}/whole.parquet' WHERE kind = {_BROKEN} ORDER BY path"
    ).fetchall()
    again = BatchReader([LogFile(*each) for each in broken], report, again=True)
    _copy(connection, select, f"{folder}/broken.parquet", again)
    connection.execute("CREATE TABLE damaged (path VARCHAR)")
    for path in (*source.damaged, *again.damaged):
        connection.execute("INSERT INTO damaged VALUES (?)", [path])
    _create_views(connection, folder, trees)
    _count(connection, report)


def _copy(connection: duckdb.DuckDBPyConnection, select: str, to: str, source: BatchReader) -> None:
    connection.register("incoming", RowStream(COLUMNS, lambda: source))
    try:
        # DuckDB asks for rows by a callback of C, which would print what a signal raises there.
        with cancelling(source.stop):
            connection.execute(f"COPY ({select}) TO '{to}' ({_PARQUET})")
    except duckdb.Error:
        if source.stopped_by is None:
            raise
    finally:
        connection.unregister("incoming")
    if source.stopped_by is not None:
        raise source.stopped_by


def _select(trees: Sequence[exp.Query], *, has_layout: bool) -> str:
    """Return the SELECT that turns files and records into rows of the table."""
    read = [dialect.names_read(each) for each in trees]
    named = None if None in read else set[str]().union(*(each or () for each in read))
    if named is not None and not has_layout:
        named.add("accountid")
    fields = [each for each in records.FIELDS if named is None or each.name.lower() in named]
    shape = {each.name: records.duck(each.type, named) for each in fields}
    taken = "".join(f', record."{name}" AS {name.lower()}' for name in shape)
    names = sorted(_event_names(trees))
    listed = ", ".join("'" + each.replace("'", "''") + "'" for each in names)
    # A join is one hash lookup; the conditions would compare all their names with each record.
    known = f"eventname IN (SELECT unnest([{listed}]))" if names else "false"
    with_json = [each for each in trees if dialect.reads_json(each)]
    without = [each for each in trees if not dialect.reads_json(each)]
    light = set[str]().union(*(dialect.names_read(each) or () for each in without))
    kept = "".join(
        f", CASE WHEN {'needed' if each.name.lower() in light else 'needed_with_json'} "
        f"THEN {each.name.lower()} END AS {each.name.lower()}"
        for each in fields
    )
    # A value that is not an object becomes a record without values.
    shape |= dict.fromkeys(("eventName", "eventCategory", "eventTime"), "VARCHAR")
    place = "account, region, day"
    if not has_layout:
        shape |= dict.fromkeys(("recipientAccountId", "awsRegion"), "VARCHAR")
        shape.setdefault("userIdentity", {"accountId": "VARCHAR"})
        place = """
          coalesce(record."recipientAccountId", record."userIdentity"."accountId", '') AS account,
          coalesce(record."awsRegion", '') AS region,
          coalesce(replace(record."eventTime"[:10], '-', '/'), '') AS day"""
    shape_json = json.dumps({"Records": [shape]}).replace("'", "''")
    return f"""
        WITH bodies AS (
          SELECT path, account, region, day, alone,
            TRY(json_transform(body, '{shape_json}')).Records AS r
          FROM incoming
        ), split_records AS (
          SELECT path, account, region, day, r IS NULL AND NOT alone AS broken,
            unnest(coalesce(r, [NULL])) AS record
          FROM bodies
        )
        , typed AS (
          SELECT {place}, path,
            CASE
              WHEN broken THEN {_BROKEN}
              WHEN record."eventCategory" = 'Aggregated' THEN {_AGGREGATED}
              WHEN record."eventCategory" = 'Insight' THEN {_INSIGHT}
              WHEN record."eventName" IS NULL THEN {_ODD}
              WHEN NOT coalesce(record."eventTime" SIMILAR TO {_TIME}, false) THEN {_UNDATED}
              ELSE {_CALL}
            END AS kind{taken}
          FROM split_records
        ), with_known AS (
          SELECT *, {known} AS known FROM typed
        ), checked_with_json AS (
          SELECT *, {_needed(with_json)} OR kind = {_UNDATED} AS needed_with_json
          FROM with_known
        ), checked AS (
          SELECT *, needed_with_json OR {_needed(without)} AS needed FROM checked_with_json
        )
        SELECT account, region, day, path,
          CASE
            WHEN kind <> {_CALL} OR needed_with_json THEN kind
            WHEN needed THEN {_LIGHT}
            ELSE {_UNUSED}
          END::UTINYINT AS kind{kept}
        FROM checked"""


def _event_names(trees: Sequence[exp.Query]) -> set[str]:
    """Return the event names of the queries that are limited to certain event names."""
    found = [dialect.event_names(dialect.pushdown_condition([each], cheap=True)) for each in trees]
    return set[str]().union(*(each or () for each in found))


def _needed(trees: Sequence[exp.Query]) -> str:
    """Return the condition for records that at least one of the queries may need."""
    by_name = [each for each in trees if _event_names([each])]
    others = [each for each in trees if not _event_names([each])]
    return f"((known AND {_any_needs(by_name)}) OR {_any_needs(others)})"


def _any_needs(trees: Sequence[exp.Query]) -> str:
    if not trees:
        return "false"
    condition = dialect.pushdown_condition(trees, cheap=True)
    if condition is None:
        return "true"
    # A record for which the check fails with an error is kept; the queries decide.
    return f"coalesce(TRY(coalesce({dialect.expression_to_duckdb(condition)}, false)), true)"


def _create_views(
    connection: duckdb.DuckDBPyConnection, folder: str, trees: Sequence[exp.Query]
) -> None:
    """Create the views that queries read, with calls only."""
    connection.execute(
        f"CREATE VIEW loaded AS FROM read_parquet(['{folder}/whole.parquet', "
        f"'{folder}/broken.parquet']) WHERE path NOT IN (FROM damaged)"
    )
    path = f', path AS "{dialect.PATH}"' if any(map(dialect.reads_path, trees)) else ""
    with_json = "loaded"
    if len(trees) > _MANY_QUERIES:
        # Otherwise each query would also scan the light records.
        with_json = f"'{folder}/with_json.parquet'"
        connection.execute(
            f"COPY (FROM loaded WHERE kind IN ({_CALL}, {_UNDATED})) TO {with_json} ({_PARQUET})"
        )
    for name, source, kinds in (
        (TABLE, "loaded", f"{_CALL}, {_LIGHT}, {_UNDATED}"),
        (_JSON_TABLE, with_json, f"{_CALL}, {_UNDATED}"),
    ):
        connection.execute(
            f"CREATE VIEW {name} AS SELECT * EXCLUDE (kind, path){path} FROM {source} "
            f"WHERE kind IN ({kinds})"
        )


def _count(connection: duckdb.DuckDBPyConnection, report: ReadReport) -> None:
    """Count the records by kind, and report those that are not calls."""
    counted: dict[int, int] = dict(
        connection.execute("SELECT kind, count(*) FROM loaded GROUP BY kind").fetchall()
    )
    report.events = sum(counted.get(each, 0) for each in (_CALL, _LIGHT, _UNUSED, _UNDATED))
    report.aggregated = counted.get(_AGGREGATED, 0)
    report.insights = counted.get(_INSIGHT, 0)
    for kind, by_file in ((_ODD, report.odd), (_UNDATED, report.undated)):
        for path, count in connection.execute(
            f"SELECT path, count(*) FROM loaded WHERE kind = {kind} GROUP BY path ORDER BY path"
        ).fetchall():
            by_file[path] = by_file.get(path, 0) + count
