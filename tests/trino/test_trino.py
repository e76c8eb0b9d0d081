"""Every question of the pack, on Trino and on DuckDB: the same records, the same rows.

Athena's engine is Trino. What this proves: the text of each question as it is run, saved and
prepared is accepted by a real Trino 476 (names, types, limits such as the number of stages), and
gives the rows that `orgtrail query run --logs` gives, over made-up, odd and published records
(the latter where they are beside this repository).

What it does not: Athena's CloudTrail SerDe (tables.py does what it does to a record), partition
projection as Athena runs it (the partitions are listed here), and Athena's own limits, such as the
length of a query. Rows are compared as they come, in any order: ties are sorted as an engine likes.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds, stamp
from orgtrail.logs.files import log_files
from orgtrail.query import dialect, local, triage
from orgtrail.query.questions import Question, find_question, pack
from orgtrail.query.render import TABLE, fill, on_table, to_prepare, to_run, to_save
from orgtrail.query.sigma import load_rules
from sqlglot import exp
from trino.dbapi import Connection
from trino.exceptions import TrinoQueryError

from tests.log_records import SINCE, UNTIL, write_log
from tests.sigma_cases import RECORDS, RULES
from tests.trino.conftest import REQUIRED, Server
from tests.trino.datasets import SETS, Dataset, absent, made
from tests.trino.tables import write_table

NOW = "current_timestamp"
EVERYTHING = f'SELECT *, "{dialect.PATH}" FROM {TABLE}'
SHOWN = 5
"""Rows of a difference that are shown."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in one form, for both engines."""

    trino: str
    values: list[str | int]
    duckdb: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of columns, and how often there is each row."""

    columns: list[str]
    rows: Counter[str]


@dataclass(frozen=True, slots=True)
class Both:
    """A dataset, loaded into both engines."""

    name: str
    data: Dataset
    table: str
    connection: Connection
    logs: local.LoadedLogs


@pytest.fixture(scope="module")
def both(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """Lay one dataset for both engines; DuckDB reads it once, for all questions."""
    name: str = request.param
    if reason := absent(name):
        pytest.skip(reason)
    data = made(name, tmp_path_factory.mktemp(name) / "logs")
    table = name.replace("-", "_")
    write_table(server.connection, server.folder, table, log_files(data.root))
    everything = dialect.parse(EVERYTHING, name)
    with local.load_logs([everything], log_files(data.root)) as logs:
        yield Both(name, data, table, server.connection, logs)


def _run(found: Question, data: Dataset) -> Asked:
    sql = to_run(found, data.bounds, data.given.get(found.name, {}), data.facts)
    return Asked(sql, [], sql)


def _saved(found: Question, data: Dataset) -> Asked:
    """Return what a workgroup saves; it looks back from the end of the records, and not from now.

    Both engines must mean the same moment, and published records are years old.
    """
    sql = to_save(found, data.facts)
    assert NOW in sql
    moment = f"CAST('{data.bounds.until:%Y-%m-%d %H:%M:%S} UTC' AS timestamp with time zone)"
    sql = sql.replace(NOW, moment)
    return Asked(sql, [], sql)


def _prepared(found: Question, data: Dataset) -> Asked:
    """Return what a workgroup prepares; DuckDB runs the same bounds and values as literals."""
    sql, order = to_prepare(found)
    given = data.given.get(found.name, {})
    bounds = data.bounds
    values: dict[str, str | int] = {
        "first_day": bounds.first_day,
        "last_day": bounds.last_day,
        "since": stamp(bounds.since),
        "until": stamp(bounds.until),
        "account": "all",
        "region": "all",
    }
    for each in found.parameters:
        text = given.get(each.name, data.facts.get(each.fact, each.default))
        values[each.name] = int(text) if each.kind == "integer" else text
    return Asked(sql, [values[each] for each in order], _run(found, data).duckdb)


FORMS: dict[str, Callable[[Question, Dataset], Asked]] = {
    "run": _run,
    "saved": _saved,
    "prepared": _prepared,
}


@pytest.mark.parametrize("both", ["planted", "sample"], indirect=True)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sorted(pack()))
def test_trino_answers_as_duckdb_does(name: str, form: str, both: Both) -> None:
    rows = _alike(name, form, both)
    assert rows or (both.name, form) != ("planted", "run"), f"{name}: no row, so nothing is proven"


# `make test` has them in one form, since forms differ in their text alone; `make trino` in all.
@pytest.mark.parametrize("both", SETS, indirect=True)
@pytest.mark.parametrize("form", FORMS if os.environ.get(REQUIRED) else ["run"])
@pytest.mark.parametrize("name", sorted(pack()))
def test_trino_answers_alike_over_what_others_published(name: str, form: str, both: Both) -> None:
    _alike(name, form, both)


def _alike(name: str, form: str, both: Both) -> Counter[str]:
    """Ask both engines, and return the rows, which are the same."""
    where = f"{name}, {form}, over {both.name}"
    asked = FORMS[form](find_question(name), both.data)
    refused = ""
    try:
        trino = _of_trino(both.connection, on_table(asked.trino, both.table), asked.values)
        duckdb = _of_duckdb(both.logs, asked.duckdb, name)
    except TrinoQueryError as error:
        refused = f"Trino refuses it: {error.error_name}: {error.message}"
    except OrgtrailError as error:
        refused = f"DuckDB refuses it: {error}"
    if refused:
        pytest.fail(f"{where}: {refused}", pytrace=False)
    assert trino.columns == duckdb.columns, where
    if trino.rows != duckdb.rows:
        pytest.fail(f"{where}\n{_difference(trino.rows, duckdb.rows)}", pytrace=False)
    return trino.rows


@pytest.mark.parametrize("both", ["planted", "sample"], indirect=True)
def test_what_triage_gathers_is_enough(both: Both, tmp_path: Path) -> None:
    """One scan of Trino gives the records that all questions need, whole."""
    data = both.data
    asking = triage.select_questions(data.facts)
    trees = asking.trees(data.bounds, data.facts)
    bounds = fill(data.bounds.sql, data.bounds.values.__getitem__)
    count = 0
    for part, sql in enumerate(triage.scan_statements(trees, bounds)):
        cursor = both.connection.cursor()
        cursor.execute(on_table(sql, both.table))
        count += triage.write_log_files(trees, map(tuple, cursor.fetchall()), tmp_path, part)
    assert 0 < count <= both.logs.reading.events
    here = _found(both.logs, asking, trees, data)
    with local.load_logs(trees, log_files(tmp_path)) as logs:
        assert _found(logs, asking, trees, data) == here


def _found(
    logs: local.LoadedLogs, asking: triage.Selection, trees: list[exp.Query], data: Dataset
) -> dict[str, list[str]]:
    found, failed = triage.find_hits(logs, asking, trees, data.bounds, data.facts)
    assert failed == {}
    return {each.question.name: sorted(map(str, each.rows())) for each in found}


def test_sigma_rules_answer_as_on_duckdb(server: Server, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, text in RULES:
        (rules / f"{name}.yml").write_text(text, encoding="utf-8")
    records = tmp_path / "logs"
    write_log(records, RECORDS)
    write_table(server.connection, server.folder, "sigma", log_files(records))
    bounds = Bounds(SINCE, UNTIL)
    asked = load_rules(rules).questions
    assert {each.name for each in asked} == {f"sigma:{name}" for name, _ in RULES}
    for each in asked:
        sql = to_run(each.question, bounds, {}, {})
        trino = _of_trino(server.connection, on_table(sql, "sigma"), [])
        with local.query_logs(dialect.parse(sql, each.name), log_files(records)) as answer:
            assert trino == _answer(*answer.rows()), each.name


def _of_trino(connection: Connection, sql: str, values: list[str | int]) -> Answer:
    cursor = connection.cursor()
    cursor.execute(sql, values or None)
    rows = cursor.fetchall()
    columns = [each.name for each in cursor.description or ()]
    return _answer(columns, rows)


def _of_duckdb(logs: local.LoadedLogs, sql: str, name: str) -> Answer:
    return _answer(*logs.ask(dialect.parse(sql, name)).rows())


def _answer(columns: list[str], rows: Iterator[Sequence[object]] | list[list[Any]]) -> Answer:
    told = (
        ", ".join(f"{name}={_plain(each)!r}" for name, each in zip(columns, row, strict=True))
        for row in rows
    )
    return Answer(columns, Counter(told))


def _plain(value: object) -> object:
    """Write what is nested the same for both: drivers have their own kinds of rows."""
    match value:
        case dict():
            return {name: _plain(each) for name, each in sorted(value.items())}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _difference(trino: Counter[str], duckdb: Counter[str]) -> str:
    lines = []
    for engine, more in (("Trino", trino - duckdb), ("DuckDB", duckdb - trino)):
        lines.append(f"only on {engine}: {more.total()} rows")
        lines += [f"  {count} x {row}" for row, count in sorted(more.items())[:SHOWN]]
    return "\n".join(lines)
