"""Queries on DuckDB over a folder of logs.

Python finds and unpacks the files, so that each one that cannot be read is known by name; DuckDB
takes them as a stream, keeps the columns that the question names, and answers it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
from sqlglot import exp

from orgtrail.engines import staging
from orgtrail.errors import OrgtrailError
from orgtrail.logs.files import LogFile
from orgtrail.logs.reading import Reading

__all__ = ["Answer", "Reading", "Stage", "asked", "staged"]

MEMORY_LIMIT = "300MB"
"""What DuckDB holds before it writes to disk."""
_THREADS = 2
"""That read records: each holds some at a time, and Python unpacks no faster than they read."""
_FETCHED = 200
"""Rows that are taken at a time; a record may be large."""


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

    def paths(self, ids: Iterable[str]) -> list[str]:
        """Return the files that hold events, by their ids.

        Raises:
            OrgtrailError: no question reads eventid.

        """
        return staging.paths(self.connection, ids)


@dataclass(frozen=True, slots=True)
class Stage:
    """Log files that were read, for some questions."""

    connection: duckdb.DuckDBPyConnection
    reading: Reading

    def ask(self, tree: exp.Query) -> Answer:
        """Return the answer of one of the questions that the files were read for."""
        return Answer(self.connection, self.reading, staging.translated(tree))

    def paths(self, ids: Iterable[str]) -> list[str]:
        """Return the files that hold events, by their ids.

        Raises:
            OrgtrailError: no question reads eventid.

        """
        return staging.paths(self.connection, ids)


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

    Raises:
        OrgtrailError: they cannot be read into a table. A file that cannot be read is told in
            `Stage.reading` instead.

    """
    reading = Reading(outside=[*getattr(files, "outside", ())])
    with tempfile.TemporaryDirectory(prefix="orgtrail-") as folder:
        connection = duckdb.connect(f"{folder}/stage.duckdb")
        try:
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            connection.execute(f"SET threads = least({_THREADS}, current_setting('threads'))")
            connection.execute(f"SET temp_directory = '{folder}/spill'")
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET integer_division = true")
            connection.execute("SET enable_progress_bar = false")  # stdout is for rows
            staging.stage(connection, folder, trees, files, reading, progress)
            yield Stage(connection, reading)
        finally:
            connection.close()


def _taken(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    try:
        while some := result.fetchmany(_FETCHED):
            yield from some
    except duckdb.Error as error:
        raise _unanswered(error) from None


def _unanswered(error: Exception) -> OrgtrailError:
    return OrgtrailError(f"the query cannot be answered: {str(error).splitlines()[0]}")


def _limited(sql: str, limit: int | None) -> str:
    return sql if limit is None else f"SELECT * FROM ({sql}) LIMIT {limit}"
