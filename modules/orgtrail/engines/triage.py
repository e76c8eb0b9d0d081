"""All questions at once: the records that any of them needs are read once, and each is asked."""

# ruff: noqa: S608  # it writes SQL from names of its own

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
from sqlglot import exp

from orgtrail.engines import dialect
from orgtrail.engines.local import Stage
from orgtrail.errors import OrgtrailError
from orgtrail.queries import Query, pack
from orgtrail.queries.bounds import Bounds
from orgtrail.queries.rendering import to_run

SEVERITIES = ("critical", "high", "medium", "low", "info")
"""The worst first."""
EVER = datetime(2013, 11, 13, tzinfo=UTC)
"""The day that CloudTrail began."""
_ABOUT_ONE = {"log-bucket-tampering", "unused-regions"}
"""Questions that are worth nothing without what an environment gives them."""
_HITS = "hits"
_AT_ONCE = 2
"""Questions that are asked side by side."""
_END = ":until"
"""What a question names that counts back from the end of the period."""
_TIMES = ("event_time", "first_time", "first_failure", "started")
_WHERE = ("account_id", "caller_account", "account")
_WHO = ("principal", "caller", "origin", "person", "source_ip")
_SKIPPED = ("event_id", "event_source", "last_time", "last_failure", "ended")

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """The questions that are asked, and those that are not.

    Attributes:
        queries: those that are asked.
        left_out: why each of the others is not, by name.

    """

    queries: tuple[Query, ...]
    left_out: dict[str, str]

    def trees(self, bounds: Bounds, facts: Mapping[str, str]) -> list[exp.Query]:
        """Return the questions over a period."""
        return [dialect.parsed(to_run(each, bounds, {}, facts), each.name) for each in self.queries]


@dataclass(frozen=True, slots=True)
class Line:
    """A hit in one line; what a question does not tell is empty."""

    time: str
    account: str
    region: str
    principal: str
    what: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Hits:
    """What one question found.

    Attributes:
        query: the question.
        columns: the names of its columns.
        count: how many rows it has.
        first: the earliest time among them.

    """

    query: Query
    columns: list[str]
    count: int
    first: str
    _connection: duckdb.DuckDBPyConnection

    def rows(self, limit: int | None = None) -> Iterator[Row]:
        """Give the rows by their times, all of them or the first ones."""
        time = _one_of(_TIMES, self.columns)
        order = f' ORDER BY "{time}"' if time else ""
        most = "" if limit is None else f" LIMIT {limit}"
        result = self._connection.execute(f"FROM {_HITS}{order}{most}")
        while some := result.fetchmany(1000):
            yield from some

    def line(self, row: Row) -> Line:
        """Return a row as one line."""
        told = {
            name: str(value)
            for name, value in zip(self.columns, row, strict=True)
            if value not in {None, "", False}
        }
        time, where, who = (_one_of(each, self.columns) for each in (_TIMES, _WHERE, _WHO))
        outcome = told.pop("outcome", "")
        if not outcome and "attempts" in self.columns:
            outcome = "success" if int(told.get("successes", "1")) else "attempt"
        taken = {name: told.pop(name, "") for name in (time, where, who) if name}
        region = told.pop("aws_region", "")
        first = " ".join(filter(None, (told.pop("event_name", ""), told.pop("target", ""))))
        rest = [f"{name}={told[name]}" for name in told if name not in _SKIPPED]
        return Line(
            taken.get(time, ""), taken.get(where, ""), region, taken.get(who, ""),
            " ".join(filter(None, (first, *rest))), outcome,
        )  # fmt: skip


def asking(facts: Mapping[str, str], more: Iterable[Query] = ()) -> Asking:
    """Choose the questions: those that find something, with what they cannot do without.

    Args:
        facts: facts of the environment, as `orgtrail.naming.query_placeholders` gives them.
        more: questions beside those of the pack.

    """
    asked, left_out = [], {}
    for each in pack().values():
        lacks = [
            one.name
            for one in each.parameters
            if (one.required or each.name in _ABOUT_ONE) and one.fact and not facts.get(one.fact)
        ]
        if each.severity == "info":
            left_out[each.name] = "also returns routine activity; run it by name"
        elif lacks:
            left_out[each.name] = f"needs {', '.join(lacks)}: give --env FILE, or run it by name"
        else:
            asked.append(each)
    asked += more
    asked.sort(key=lambda each: SEVERITIES.index(each.severity))
    return Asking(tuple(asked), left_out)


def period(stage: Stage) -> Bounds:
    """Return a period that all records of a stage lie in, up to the last of them."""
    found = stage.connection.execute(
        "SELECT max(eventtime) FROM stage WHERE eventtime < '9999'"
    ).fetchone()
    try:
        last = datetime.fromisoformat(str(found and found[0]))
    except ValueError:
        last = datetime.now(UTC)
    return Bounds(EVER, last.replace(microsecond=0, tzinfo=UTC) + timedelta(seconds=1))


def hits(
    stage: Stage,
    asked: Asking,
    trees: Sequence[exp.Query],
    bounds: Bounds,
    facts: Mapping[str, str],
) -> tuple[list[Hits], dict[str, str]]:
    """Ask each question of what was read.

    Args:
        stage: what was read.
        asked: the questions.
        trees: the same over the period that was read.
        bounds: the period that is meant: what was read may have no end.
        facts: facts of the environment.

    Returns:
        what was found, the worst first and then the earliest; and the questions that could not be
        answered, with the reason.

    """

    def ask(query: Query, tree: exp.Query) -> Hits | str:
        if _END in query.sql:
            tree = dialect.parsed(to_run(query, bounds, {}, facts), query.name)
        try:
            return _kept(stage.connection.cursor(), query, stage.ask(tree).sql)
        except duckdb.Error as error:
            return str(error).splitlines()[0]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = dict(zip(asked.queries, pool.map(ask, asked.queries, trees), strict=True))
    failed = {each.name: one for each, one in answers.items() if isinstance(one, str)}
    found = [each for each in answers.values() if isinstance(each, Hits) and each.count]
    found.sort(key=lambda each: (SEVERITIES.index(each.query.severity), each.first))
    return found, failed


def _kept(connection: duckdb.DuckDBPyConnection, query: Query, sql: str) -> Hits:
    """Ask one question, and keep its answer, which its connection alone sees."""
    connection.execute(f"CREATE TEMP TABLE {_HITS} AS {sql}")
    columns = [each[0] for each in connection.execute(f"FROM {_HITS} LIMIT 0").description or ()]
    time = _one_of(_TIMES, columns)
    least = f'min("{time}")' if time else "''"
    counted = connection.execute(f"SELECT count(*), {least} FROM {_HITS}").fetchone()
    if counted is None:
        raise OrgtrailError(f"{query.name}: has no answer")
    return Hits(query, columns, counted[0], counted[1] or "", connection)


def _one_of(names: Iterable[str], columns: list[str]) -> str:
    return next((each for each in names if each in columns), "")
