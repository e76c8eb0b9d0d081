"""Runs one question: with DuckDB over a folder of log files, or with Athena over the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds
from orgtrail.logs.files import accounts_and_regions, has_layout, log_files
from orgtrail.query.dialect import other_tables, parse
from orgtrail.query.local import LocalResult, query_logs
from orgtrail.query.questions import find_question
from orgtrail.query.render import on_table
from orgtrail.query.request import QueryRequest, check_places
from orgtrail.records import CLOUDTRAIL_LAUNCH

if TYPE_CHECKING:
    from orgtrail.query.athena import Drift
    from orgtrail.settings.environment import Environment


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question; its rows arrive lazily.

    Attributes:
        columns: names of the columns.
        rows: the rows, each a tuple in the order of the columns.
        unread: why log files could not be read, or only in part, by path; empty with Athena.
        is_complete: whether every record was read, and is in some time range; where the command
            exits with 2, this is False. True with Athena.

    """

    columns: list[str]
    rows: Iterator[tuple[object, ...]]
    unread: Mapping[str, str]
    is_complete: bool


@contextmanager
def query(
    question: str,
    *,
    logs: Path | None = None,
    environment: Environment | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    accounts: tuple[str, ...] = (),
    regions: tuple[str, ...] = (),
    parameters: Mapping[str, str] | None = None,
    session: Any = None,
) -> Iterator[Answer]:
    """Run a question of the pack; rows can be read while the context is open.

    Args:
        question: its name, see `orgtrail query list`.
        logs: a folder of log files; None to use Athena.
        environment: the settings; they give defaults for some parameters and the table's name.
        since: start of the time range, with a time zone; by default the question's `hours` before
            the end, or everything if the folder does not have the archive's key layout.
        until: end of the time range, with a time zone; by default now.
        accounts: ids of accounts; empty for all.
        regions: regions; empty for all.
        parameters: values of the question's parameters.
        session: the boto3 session for Athena; by default from the environment file.

    Raises:
        OrgtrailError: there is no such question, an argument is missing or invalid, the folder
            cannot be read, or the query fails, also while rows are fetched.

    """
    found = find_question(question)
    if logs is None and environment is None:
        raise OrgtrailError(f"{question}: give logs, or an environment to ask Athena")
    check_places(accounts, regions)
    start, end = _time_range(found.hours, since, until, logs)
    bounds = Bounds(start, end, accounts, regions)
    request = QueryRequest(question, found, "", bounds, dict(parameters or {}), environment)
    if logs is not None:
        with in_folder(request, logs) as (result, drift):
            columns, rows = result.rows()
            rows, reading = chain(rows, drift_rows(drift, columns)), result.reading
            yield Answer(columns, rows, reading.unread, reading.is_complete)
        return
    assert environment is not None
    # Imported late: boto3 is slow to load, and a folder of logs never needs it.
    from orgtrail.aws import session_in
    from orgtrail.query.athena import Athena

    athena = Athena(environment, session or session_in(environment, "logging"))
    drift = athena.drift() if request.is_health else []
    answered = athena.run(on_table(request.sql(), environment.catalog.table))
    rows = chain(answered.rows, drift_rows(drift, answered.columns))
    yield Answer(answered.columns, rows, {}, is_complete=True)


@contextmanager
def in_folder(
    request: QueryRequest,
    root: Path,
    progress: Callable[[int], None] = lambda _: None,
    *,
    evidence: bool = False,
) -> Iterator[tuple[LocalResult, list[Drift]]]:
    """Load a folder of log files for one question or SELECT.

    Yields the result and, for `pipeline-health`, what the environment file's table lacks.

    Args:
        request: the question or SELECT.
        root: the folder, or one file.
        progress: called with the number of files read.
        evidence: whether to add the ids of counted events.

    Raises:
        OrgtrailError: the folder lacks an account or region of the bounds, or the SELECT reads
            other tables.

    """
    check_folder_has(root, request.bounds)
    files = log_files(root, request.bounds)
    found = accounts_and_regions(root) if request.is_health else {}
    tree = parse(request.sql(found, evidence=evidence), request.name)
    if others := other_tables(tree, request.tables):
        raise OrgtrailError(
            f"{request.name}: reads {', '.join(others)}; a folder of logs is "
            f"{' or '.join(sorted(request.tables))} and nothing else"
        )
    with query_logs(tree, files, progress) as result:
        yield result, _drift(request.environment, found)


def check_folder_has(root: Path, bounds: Bounds | None) -> None:
    """Check that a copy of the archive has the accounts and regions of the bounds.

    Without the check, an empty answer would look like a finding.

    Raises:
        OrgtrailError: the copy lacks one of them.

    """
    if bounds is None or not (bounds.accounts or bounds.regions):
        return
    known = accounts_and_regions(root)
    if not known:
        return
    regions = {each for inside in known.values() for each in inside}
    for option, wanted, has in (
        ("--account", bounds.accounts, known),
        ("--region", bounds.regions, regions),
    ):
        for each in wanted:
            if each not in has:
                raise OrgtrailError(
                    f"{option}: {root} has no folder of {each}; it has {', '.join(sorted(has))}"
                )


def _drift(environment: Environment | None, found: dict[str, list[str]]) -> list[Drift]:
    """Compare the accounts and regions of a folder with the environment file's table."""
    from orgtrail.query.athena import drift

    if environment is None:
        return []
    regions = environment.catalog.regions
    every = {region for inside in found.values() for region in inside}
    return drift(found, environment.account_ids, every if regions is None else regions)


def drift_rows(drift: Iterable[Drift], columns: list[str]) -> list[tuple[object, ...]]:
    """Return a row of `pipeline-health` for each account or region that the table lacks."""
    known = {"status": "not in table"}
    return [
        tuple(
            ({"account": each.account, "region": each.region or None} | known).get(name)
            for name in columns
        )
        for each in drift
    ]


def _time_range(
    hours: int, since: datetime | None, until: datetime | None, logs: Path | None
) -> tuple[datetime, datetime]:
    for name, given in (("since", since), ("until", until)):
        if given is not None and given.tzinfo is None:
            raise OrgtrailError(f"{name}: must have a time zone; got {given.isoformat()}")
    end = until or datetime.now(UTC)
    if since is None and logs is not None and not has_layout(logs):
        since = CLOUDTRAIL_LAUNCH
    start = since or end - timedelta(hours=hours)
    if start >= end:
        raise OrgtrailError(
            f"since must be before until; got {start.isoformat()} and {end.isoformat()}"
        )
    return start.astimezone(UTC), end.astimezone(UTC)
