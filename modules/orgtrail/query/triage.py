"""Triage: loads the records that any detection question needs once, then runs all questions.

With Athena, one scan fetches these records into local log files, and the questions run on them.
Otherwise each question would scan the table again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from orgtrail import naming, records
from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds
from orgtrail.query import dialect
from orgtrail.query.local import LoadedLogs
from orgtrail.query.parquet import Row
from orgtrail.query.questions import Question, pack
from orgtrail.query.render import TABLE, to_run

SEVERITIES = ("critical", "high", "medium", "low", "info")
"""Severities, worst first."""
_NEED_FACTS = {"log-bucket-tampering", "unused-regions"}
"""Questions that are pointless without facts of the environment."""
_HITS = "hits"
_THREADS = 2
"""How many questions run at a time."""
_END_PARAMETER = ":until"
"""Questions with this parameter look back from the end of the time range."""
TIMES = ("event_time", "first_time", "first_failure", "started")
_ACCOUNTS = ("account_id", "caller_account", "account")
PRINCIPALS = ("principal", "caller", "origin", "person", "source_ip")
_OMITTED = ("event_id", "event_source", "last_time", "last_failure", "ended")

_FLUSH_RECORDS = 5_000
"""How many records to buffer before writing."""
_MAX_CONDITION_BYTES = 240_000
"""Most bytes of the conditions of one query; its other parts take a few thousand."""
_OR = "\n  OR "
_PARTITION = tuple(each.name for each in records.PARTITIONS)

Leaf = tuple[tuple[str, ...], str, bool]
"""The path of a value in a record, the expression that reads it, and whether it is JSON."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The questions of a triage.

    Attributes:
        questions: the questions to run.
        left_out: the reason for omitting each other question, by name.

    """

    questions: tuple[Question, ...]
    left_out: dict[str, str]

    def trees(self, bounds: Bounds, facts: Mapping[str, str]) -> list[exp.Query]:
        """Return the queries of the questions within bounds."""
        return [
            dialect.parse(to_run(each, bounds, {}, facts), each.name) for each in self.questions
        ]


@dataclass(frozen=True, slots=True)
class HitLine:
    """A hit in one line; values that the question does not return are empty."""

    time: str
    account: str
    region: str
    principal: str
    what: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Hits:
    """The hits of one question.

    Attributes:
        question: the question.
        columns: the names of its columns.
        count: the number of rows.
        first: the earliest time in the rows.

    """

    question: Question
    columns: list[str]
    count: int
    first: str
    _connection: duckdb.DuckDBPyConnection

    def rows(self, limit: int | None = None) -> Iterator[Row]:
        """Yield the rows by time, all of them or the first ones."""
        time = first_of(TIMES, self.columns)
        order = f' ORDER BY "{time}"' if time else ""
        most = "" if limit is None else f" LIMIT {limit}"
        result = self._connection.execute(f"FROM {_HITS}{order}{most}")
        while some := result.fetchmany(1000):
            yield from some

    def line(self, row: Row) -> HitLine:
        """Summarize a row in one line."""
        values = {
            name: str(value)
            for name, value in zip(self.columns, row, strict=True)
            if value not in {None, "", False}
        }
        time, account, principal = (
            values.pop(first_of(names, self.columns), "")
            for names in (TIMES, _ACCOUNTS, PRINCIPALS)
        )
        outcome = values.pop("outcome", "")
        if not outcome and "attempts" in self.columns:
            outcome = "success" if int(values.get("successes", "1")) else "attempt"
        region = values.pop("aws_region", "")
        call = (values.pop("event_name", ""), values.pop("target", ""))
        rest = (f"{name}={value}" for name, value in values.items() if name not in _OMITTED)
        what = " ".join(filter(None, (*call, *rest)))
        return HitLine(time, account, region, principal, what, outcome)


def select_questions(facts: Mapping[str, str], more: Iterable[Question] = ()) -> Selection:
    """Select the detection questions for which all required parameters are known.

    Args:
        facts: facts of the environment, from `questions.query_placeholders`.
        more: questions in addition to the pack's.

    """
    asked, left_out = [], {}
    for each in pack().values():
        lacks = [
            one.name
            for one in each.parameters
            if (one.required or each.name in _NEED_FACTS) and one.fact and not facts.get(one.fact)
        ]
        if each.severity == "info":
            left_out[each.name] = "also returns routine activity; run it by name"
        elif lacks:
            left_out[each.name] = (
                f"needs {', '.join(lacks)}: give --env FILE that says it, or run it by name"
            )
        else:
            asked.append(each)
    asked += more
    asked.sort(key=lambda each: SEVERITIES.index(each.severity))
    return Selection(tuple(asked), left_out)


def end_of(logs: LoadedLogs) -> datetime:
    """Return the second after the last loaded record; one second from now if there is none."""
    found = logs.connection.execute(
        "SELECT max(eventtime) FROM loaded WHERE eventtime < '9999'"
    ).fetchone()
    try:
        last = datetime.fromisoformat(str(found and found[0]))
    except ValueError:
        last = datetime.now(UTC)
    return last.replace(microsecond=0, tzinfo=UTC) + timedelta(seconds=1)


def find_hits(
    logs: LoadedLogs,
    selection: Selection,
    trees: Sequence[exp.Query],
    bounds: Bounds,
    facts: Mapping[str, str],
) -> tuple[list[Hits], dict[str, str]]:
    """Run each question on the loaded logs.

    Args:
        logs: the logs.
        selection: the questions.
        trees: their queries, within the loaded bounds.
        bounds: the requested bounds; the loaded bounds may have no end.
        facts: facts of the environment.

    Returns:
        the hits, by severity and then by time; and the questions that failed, with the reason.

    """

    def ask(question: Question, tree: exp.Query) -> Hits | str:
        if _END_PARAMETER in question.sql:
            tree = dialect.parse(to_run(question, bounds, {}, facts), question.name)
        try:
            return _hits(logs.connection.cursor(), question, logs.ask(tree).sql)
        except duckdb.Error as error:
            return str(error).splitlines()[0]

    with ThreadPoolExecutor(_THREADS) as pool:
        answers = dict(
            zip(selection.questions, pool.map(ask, selection.questions, trees), strict=True)
        )
    failed = {each.name: one for each, one in answers.items() if isinstance(one, str)}
    found = [each for each in answers.values() if isinstance(each, Hits) and each.count]
    found.sort(key=lambda each: (SEVERITIES.index(each.question.severity), each.first))
    return found, failed


def _hits(connection: duckdb.DuckDBPyConnection, question: Question, sql: str) -> Hits:
    """Run one question, and keep its rows in a temporary table of its connection."""
    connection.execute(f"CREATE TEMP TABLE {_HITS} AS {sql}")
    columns = [each[0] for each in connection.execute(f"FROM {_HITS} LIMIT 0").description or ()]
    time = first_of(TIMES, columns)
    least = f'min("{time}")' if time else "''"
    counted = connection.execute(f"SELECT count(*), {least} FROM {_HITS}").fetchone()
    if counted is None:
        raise OrgtrailError(f"{question.name}: has no answer")
    return Hits(question, columns, counted[0], counted[1] or "", connection)


def first_of(names: Iterable[str], columns: list[str]) -> str:
    """Return the first of some names that is a column; empty if none is."""
    return next((each for each in names if each in columns), "")


def scan_statements(trees: Sequence[exp.Query], condition: str) -> list[str]:
    """Return the SELECTs for the records that any of the queries needs.

    There are several if one would exceed Athena's limit of 262,144 bytes.
    https://docs.aws.amazon.com/athena/latest/ug/service-limits.html

    Args:
        trees: the queries, within the same bounds.
        condition: the condition of the bounds.

    """
    columns = ",\n  ".join(
        (*_PARTITION, *(f"{read} AS c{n}" for n, (_, read, _) in enumerate(_leaves(trees))))
    )
    head = f"SELECT\n  {columns}\nFROM {TABLE}\nWHERE {condition}"
    groups: list[list[str]] = [[]]
    for tree in trees:
        needed = dialect.pushdown_condition([tree])
        if needed is None:
            return [head]
        sql = f"({needed.sql(dialect='athena', pretty=True)})"
        if sum(len(each.encode()) + 5 for each in (*groups[-1], sql)) > _MAX_CONDITION_BYTES:
            groups.append([])
        groups[-1].append(sql)
    return [f"{head}\n  AND ({_OR.join(each)})" for each in groups if each]


def write_log_files(
    trees: Sequence[exp.Query], rows: Iterable[Row], root: Path, part: int = 0
) -> int:
    """Write rows from `scan_statements` as log files in the archive's layout; return their number.

    Args:
        trees: the queries.
        rows: the rows.
        root: the folder to write to.
        part: the index of the SELECT, for unique file names.

    """
    leaves = _leaves(trees)
    held: dict[tuple[str, ...], list[str]] = {}
    count = 0
    for count, row in enumerate(rows, 1):
        place = tuple(str(each) for each in row[: len(_PARTITION)])
        held.setdefault(place, []).append(json.dumps(_record(leaves, row[len(_PARTITION) :])))
        if count % _FLUSH_RECORDS == 0:
            _write(held, root, f"{part}-{count}")
            held = {}
    _write(held, root, f"{part}-{count}")
    return count


def _write(held: dict[tuple[str, ...], list[str]], root: Path, number: str) -> None:
    for (account, region, day), texts in held.items():
        folder = root / "AWSLogs" / account / naming.LOGS / region / day
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{account}_CloudTrail_{region}_{day.replace('/', '')}T0000Z_{number}.json"
        file.write_text(f'{{"Records":[{",".join(texts)}]}}', encoding="utf-8")


def _record(leaves: Sequence[Leaf], values: Sequence[object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for (path, _, is_json), value in zip(leaves, values, strict=True):
        if value is None:
            continue
        at = found
        for name in path[:-1]:
            at = at.setdefault(name, {})
        at[path[-1]] = _parsed(str(value)) if is_json else value
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _leaves(trees: Sequence[exp.Query]) -> list[Leaf]:
    named = {each.name for tree in trees for each in dialect.fields_read(tree)} | {"eventName"}
    return [
        leaf
        for each in records.FIELDS
        if each.name in named
        for leaf in _leaves_of((each.name,), each.name.lower(), each.type)
    ]


def _leaves_of(path: tuple[str, ...], read: str, kind: records.Type) -> Iterator[Leaf]:
    match kind:
        case records.Struct(fields):
            for name, each in fields:
                yield from _leaves_of((*path, name), f"{read}.{name.lower()}", each)
        case records.Map():
            yield path, f"json_format(CAST({read} AS json))", True
        case records.List(records.Struct(fields)):
            names = [name for name, each in fields if each == records.STRING]
            listed = ", ".join(f"'{name}'" for name in names)
            values = ", ".join(f"one.{name.lower()}" for name in names)
            each_one = f"transform({read}, one -> map(ARRAY[{listed}], ARRAY[{values}]))"
            yield path, f"json_format(CAST({each_one} AS json))", True
        case records.List(of):
            assert of == records.STRING, path
            yield path, f"json_format(CAST({read} AS json))", True
        case _:
            yield path, read, kind == records.JSON
