"""The table of records that questions are asked of, filled from log files.

It lies in Parquet files: a table of DuckDB holds many records in memory before it writes them,
however large they are, and Parquet is written by their size.
"""
# ruff: noqa: S608  # it writes SQL from names of its own

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import chain

import duckdb
import pyarrow as pa
from sqlglot import exp

from orgtrail import records
from orgtrail.engines import dialect, translation
from orgtrail.errors import OrgtrailError
from orgtrail.logs.files import LogFile
from orgtrail.logs.reading import SCHEMA, Progress, Reading, Source
from orgtrail.queries.rendering import TABLE

_CALL, _LIGHT, _SPARE, _UNDATED, _ODD, _AGGREGATED, _INSIGHT, _BROKEN = range(8)
"""What a row is. Light is a call that only questions look at which read no JSON, so that none of
it is kept; spare is one that no question looks at; undated one without a time; broken is a whole
file that DuckDB takes for no JSON."""
_TIME = r"'\d{4}-\d\d-\d\d[T ]\d\d:.*'"
"""A record without such a time is in no period, and to be told of."""
_WITH_JSON = f"{TABLE}_with_json"
_MANY = 8
"""Questions for which the records that they look at are laid apart."""
_PARQUET = "FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE_BYTES '16MB'"


def stage(
    connection: duckdb.DuckDBPyConnection,
    folder: str,
    trees: Sequence[exp.Query],
    files: Iterable[LogFile],
    reading: Reading,
    progress: Progress,
) -> None:
    """Read all files into a table with the columns that are asked for.

    Files that lie outside of any layout come alone: the first one tells where account, region and
    day are taken from.

    Args:
        connection: where the table is to be.
        folder: where its files go.
        trees: the questions.
        files: the log files.
        reading: is told what could be read.
        progress: is told how many files were read, now and then.

    Raises:
        OrgtrailError: the table cannot be filled, the disk being full say.

    """
    rest = iter(files)
    first = next(rest, None)
    select = _select(trees, has_layout=first is None or bool(first.account))
    source = Source(chain(() if first is None else (first,), rest), reading, progress)
    try:
        _fill(connection, select, f"{folder}/whole.parquet", source)
        # Files that are no sound JSON are read again, to see how far they are.
        broken = connection.execute(
            "SELECT path, account, region, day "
            f"FROM '{folder}/whole.parquet' WHERE kind = {_BROKEN} ORDER BY path"
        ).fetchall()
        again = Source([LogFile(*each) for each in broken], reading, again=True)
        _fill(connection, select, f"{folder}/broken.parquet", again)
        connection.execute("CREATE TABLE damaged (path VARCHAR)")
        for path in (*source.damaged, *again.damaged):
            connection.execute("INSERT INTO damaged VALUES (?)", [path])
        _view(connection, folder, trees)
        _account_for(connection, reading)
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        raise OrgtrailError(f"the log files cannot be read: {said}") from None


def paths(connection: duckdb.DuckDBPyConnection, ids: Iterable[str]) -> list[str]:
    """Return the files that hold events, by their ids.

    Raises:
        OrgtrailError: none of the questions reads eventid, so that it was not kept.

    """
    try:
        # A cursor of its own: rows of an answer may still be waiting.
        cursor = connection.cursor()
        found = cursor.execute(
            f"SELECT DISTINCT path FROM stage WHERE kind IN ({_CALL}, {_LIGHT}, {_UNDATED}) "
            "AND eventid IN (SELECT unnest(?::VARCHAR[])) ORDER BY path",
            [[*ids]],
        ).fetchall()
    except duckdb.BinderException:
        raise OrgtrailError("files are found by eventid, which the question has to read") from None
    return [path for (path,) in found]


def _fill(connection: duckdb.DuckDBPyConnection, select: str, to: str, source: Source) -> None:
    connection.register("incoming", pa.RecordBatchReader.from_batches(SCHEMA, source))
    try:
        connection.execute(f"COPY ({select}) TO '{to}' ({_PARQUET})")
    except duckdb.Error:
        if source.stopped_by is None:
            raise
    finally:
        connection.unregister("incoming")
    if source.stopped_by is not None:
        raise source.stopped_by


def _select(trees: Sequence[exp.Query], *, has_layout: bool) -> str:
    """Write what makes rows of the table out of files and records."""
    read = [dialect.parts(each) for each in trees]
    named = None if None in read else set[str]().union(*(each or () for each in read))
    if named is not None and not has_layout:
        named.add("accountid")
    fields = [each for each in records.FIELDS if named is None or each.name.lower() in named]
    shape = {each.name: records.duck(each.type, named) for each in fields}
    taken = "".join(f', record."{name}" AS {name.lower()}' for name in shape)
    names = sorted(_names(trees))
    listed = ", ".join("'" + each.replace("'", "''") + "'" for each in names)
    # A join tells it at once; the conditions would go through all their names for each record.
    known = f"eventname IN (SELECT unnest([{listed}]))" if names else "false"
    with_json = [each for each in trees if dialect.reads_json(each)]
    without = [each for each in trees if not dialect.reads_json(each)]
    light = set[str]().union(*(dialect.parts(each) or () for each in without))
    kept = "".join(
        f", CASE WHEN {'needed' if each.name.lower() in light else 'deep'} "
        f"THEN {each.name.lower()} END AS {each.name.lower()}"
        for each in fields
    )
    # What is no object becomes a record without values.
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
        ), apart AS (
          SELECT path, account, region, day, r IS NULL AND NOT alone AS broken,
            unnest(coalesce(r, [NULL])) AS record
          FROM bodies
        )
        , named AS (
          SELECT {place}, path,
            CASE
              WHEN broken THEN {_BROKEN}
              WHEN record."eventCategory" = 'Aggregated' THEN {_AGGREGATED}
              WHEN record."eventCategory" = 'Insight' THEN {_INSIGHT}
              WHEN record."eventName" IS NULL THEN {_ODD}
              WHEN NOT coalesce(record."eventTime" SIMILAR TO {_TIME}, false) THEN {_UNDATED}
              ELSE {_CALL}
            END AS kind{taken}
          FROM apart
        ), known AS (SELECT *, {known} AS known FROM named
        ), deeply AS (SELECT *, {_needed(with_json)} OR kind = {_UNDATED} AS deep FROM known
        ), judged AS (SELECT *, deep OR {_needed(without)} AS needed FROM deeply)
        SELECT account, region, day, path,
          CASE
            WHEN kind <> {_CALL} OR deep THEN kind
            WHEN needed THEN {_LIGHT}
            ELSE {_SPARE}
          END::UTINYINT AS kind{kept}
        FROM judged"""


def _names(trees: Sequence[exp.Query]) -> set[str]:
    """Return the names of events that questions look at which look at no others."""
    found = [dialect.event_names(dialect.needed([each], cheaply=True)) for each in trees]
    return set[str]().union(*(each or () for each in found))


def _needed(trees: Sequence[exp.Query]) -> str:
    """Return the condition that a question may look at a record."""
    by_name = [each for each in trees if _names([each])]
    others = [each for each in trees if not _names([each])]
    return f"((known AND {_any(by_name)}) OR {_any(others)})"


def _any(trees: Sequence[exp.Query]) -> str:
    if not trees:
        return "false"
    condition = dialect.needed(trees, cheaply=True)
    if condition is None:
        return "true"
    # What cannot be told, the questions have to find out.
    return f"coalesce(TRY(coalesce({translation.translated(condition)}, false)), true)"


def _view(connection: duckdb.DuckDBPyConnection, folder: str, trees: Sequence[exp.Query]) -> None:
    """Give the table the name that questions know, and let them see calls alone."""
    connection.execute(
        f"CREATE VIEW stage AS FROM read_parquet(['{folder}/whole.parquet', "
        f"'{folder}/broken.parquet']) WHERE path NOT IN (FROM damaged)"
    )
    path = f', path AS "{dialect.PATH}"' if any(map(dialect.names_path, trees)) else ""
    apart = "stage"
    if len(trees) > _MANY:
        # Each of them would look through the others' records.
        apart = f"'{folder}/with_json.parquet'"
        connection.execute(
            f"COPY (FROM stage WHERE kind IN ({_CALL}, {_UNDATED})) TO {apart} ({_PARQUET})"
        )
    for name, source, kinds in (
        (TABLE, "stage", f"{_CALL}, {_LIGHT}, {_UNDATED}"),
        (_WITH_JSON, apart, f"{_CALL}, {_UNDATED}"),
    ):
        connection.execute(
            f"CREATE VIEW {name} AS SELECT * EXCLUDE (kind, path){path} FROM {source} "
            f"WHERE kind IN ({kinds})"
        )


def translated(tree: exp.Query) -> str:
    """Say a question in DuckDB's dialect, over those records that it may look at."""
    return translation.duckdb(tree, _WITH_JSON if dialect.reads_json(tree) else TABLE)


def _account_for(connection: duckdb.DuckDBPyConnection, reading: Reading) -> None:
    """Count the records, and tell those that are none."""
    counted: dict[int, int] = dict(
        connection.execute("SELECT kind, count(*) FROM stage GROUP BY kind").fetchall()
    )
    reading.events = sum(counted.get(each, 0) for each in (_CALL, _LIGHT, _SPARE, _UNDATED))
    reading.aggregated = counted.get(_AGGREGATED, 0)
    reading.insights = counted.get(_INSIGHT, 0)
    for kind, told in ((_ODD, reading.odd), (_UNDATED, reading.undated)):
        for path, count in connection.execute(
            f"SELECT path, count(*) FROM stage WHERE kind = {kind} GROUP BY path ORDER BY path"
        ).fetchall():
            told[path] = told.get(path, 0) + count
