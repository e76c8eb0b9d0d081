"""How `orgtrail query run` asks: what the options mean, and what is told beside the rows."""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orgtrail.queries import Query, query
from orgtrail.queries.bounds import Bounds
from orgtrail.queries.rendering import filled, on_table, to_run
from orgtrail.settings.faults import OrgtrailError
from orgtrail.telling import FAILED, FINE

if TYPE_CHECKING:
    from orgtrail.engines.drift import Drift
    from orgtrail.engines.local import Reading
    from orgtrail.settings.environment import Environment

_LAST = re.compile(r"(\d{1,6})(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_TOLD = 20
"""Files that are told by name; the others are counted."""
_HEALTH = "pipeline-health"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        name: of the pack's query, or of the file.
        query: the pack's query; None for a SELECT of the user's own.
        own: that SELECT.
        bounds: time, accounts and regions; None for no bounds.
        given: parameters that the user set.
        environment: the settings, if a file was given.

    """

    name: str
    query: Query | None
    own: str
    bounds: Bounds | None
    given: dict[str, str]
    environment: Environment | None

    @property
    def is_health(self) -> bool:
        """Whether it asks how the delivery does."""
        return self.name == _HEALTH

    def facts(self, accounts: Iterable[str] = ()) -> dict[str, str]:
        """Return what parameters have as their defaults."""
        from orgtrail.layout import query_facts

        known = query_facts(self.environment) if self.environment else {}
        known.setdefault("accounts", ",".join(accounts))
        if self.name == _HEALTH and self.bounds and self.bounds.accounts:
            known["accounts"] = ",".join(self.bounds.accounts)
        return known

    def text(self, accounts: Iterable[str] = ()) -> str:
        """Return the SELECT, with all that was set."""
        from orgtrail.engines.dialect import narrowed, parsed

        if self.query is not None:
            assert self.bounds is not None
            return to_run(self.query, self.bounds, self.given, self.facts(accounts))
        tree = parsed(self.own, self.name)
        if self.bounds is None:
            return self.own
        values = self.bounds.values
        sql = filled(self.bounds.sql, values.__getitem__)
        return narrowed(tree, sql).sql(dialect="athena", pretty=True)


def question(
    name: str | None,
    file: Path | None,
    *,
    times: tuple[str | None, str | None, str | None],
    accounts: list[str],
    regions: list[str],
    given: dict[str, str],
    env: Path | None,
) -> Question:
    """Read the options.

    Raises:
        OrgtrailError: one of them means nothing.

    """
    environment = None
    if env is not None:
        from orgtrail.environments import load_environment

        environment = load_environment(env)
    found = query(name) if name is not None else None
    own = ""
    if file is not None:
        if given:
            raise OrgtrailError("--param: is for queries of the pack; write values into --sql")
        try:
            own = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OrgtrailError(f"{file}: cannot be read: {error}") from None
    for each in accounts:
        if not re.fullmatch(r"\d{12}", each):
            raise OrgtrailError(f"--account: must be 12 digits; got {each!r}")
    for each in regions:
        if not re.fullmatch(r"[a-z0-9-]+", each):
            raise OrgtrailError(f"--region: must be a region's name, like us-east-1; got {each!r}")
    bounds = None
    if found is not None or any(times) or accounts or regions:
        since, until = window(*times, hours=found.hours if found else None)
        bounds = Bounds(since, until, tuple(accounts), tuple(regions))
    return Question(name or str(file), found, own, bounds, given, environment)


def window(
    since: str | None, until: str | None, last: str | None, *, hours: int | None
) -> tuple[datetime, datetime]:
    """Return begin and end of the time that options mean.

    Raises:
        OrgtrailError: they mean none.

    """
    if since and last:
        raise OrgtrailError("--from and --last: both say when to begin; give one of them")
    end = _moment("--to", until) if until else datetime.now(UTC).replace(microsecond=0)
    if since:
        start = _moment("--from", since)
    elif last:
        match = _LAST.fullmatch(last)
        if not match:
            raise OrgtrailError(f"--last: must be like 90m, 24h or 7d; got {last!r}")
        start = _before(end, timedelta(**{_UNITS[match[2]]: int(match[1])}))
    else:
        start = (
            _before(end, timedelta(hours=hours)) if hours else datetime(2013, 11, 13, tzinfo=UTC)
        )
    if start >= end:
        raise OrgtrailError(
            f"--from must be before --to; got {start.isoformat()} and {end.isoformat()}"
        )
    return start, end


def _before(end: datetime, span: timedelta) -> datetime:
    try:
        return end - span
    except OverflowError:
        raise OrgtrailError("--last: is longer than the calendar") from None


def _moment(option: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise OrgtrailError(
            f"{option}: must be ISO 8601, like 2026-11-25T10:00:00Z; got {text!r}"
        ) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def parameters(given: list[str]) -> dict[str, str]:
    """Read `name=value` each.

    Raises:
        OrgtrailError: one of them is not of that form.

    """
    found = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name:
            raise OrgtrailError(f"--param: must be name=value; got {each!r}")
        found[name] = value
    return found


def on_folder(
    asked: Question, root: Path, *, limit: int | None, format: str, out: Path | None
) -> int:
    """Ask a folder of logs; return the exit code: 2 where files could not be read."""
    from orgtrail.cli.query_output import write
    from orgtrail.engines import local
    from orgtrail.engines.dialect import parsed
    from orgtrail.engines.files import accounts_and_regions, log_files

    files = log_files(root, asked.bounds)
    found = accounts_and_regions(root) if asked.name == _HEALTH else {}
    tree = parsed(asked.text(found), asked.name)
    with contextlib.ExitStack() as stack:
        with progress() as tell:
            answer = stack.enter_context(local.asked(tree, files, tell))
        columns, rows = answer.rows(limit)
        lost = _drifted(_drift_of(asked.environment, found), columns)
        count = write(format, columns, itertools.chain(rows, lost), out)
        reading = answer.reading
    return _account(reading, root, count)


def on_athena(
    asked: Question,
    *,
    limit: int | None,
    format: str,
    out: Path | None,
    max_bytes: int | None,
    compacted: bool = False,
) -> int:
    """Ask Athena; return the exit code.

    Raises:
        OrgtrailError: the query would scan more than it may, or fails.

    """
    from orgtrail.cli.query_output import write
    from orgtrail.engines.athena import Athena, cost
    from orgtrail.engines.dialect import parsed

    environment = asked.environment
    assert environment is not None
    parsed(asked.own or asked.text(), asked.name)
    athena = Athena(environment)
    bounds = asked.bounds or Bounds(datetime(2013, 11, 13, tzinfo=UTC), datetime.now(UTC))
    estimate = athena.estimate_compacted() if compacted else athena.estimate(bounds)
    where = "the compacted table" if compacted else f"{estimate.partitions} partitions"
    about = "" if estimate.exact else "at most " if compacted else "about "
    sys.stderr.write(
        f"{asked.name}: {where}, {about}{_size(estimate.bytes)}, "
        f"{about}${cost(estimate.bytes):.4f}\n"
    )
    most = environment.catalog.bytes_scanned_limit if max_bytes is None else max_bytes
    if estimate.bytes > most:
        raise OrgtrailError(
            f"--max-bytes: {asked.name} would scan {about}{estimate.bytes} bytes, more than "
            f"{most}; narrow it with --from, --to, --account or --region, or raise the limit"
        )
    lost = athena.drift() if asked.name == _HEALTH else []
    compaction = environment.catalog.compaction
    table = compaction.table if compacted and compaction else environment.catalog.table
    with _scanning() as tell:
        ran = athena.run(on_table(asked.text(), table), tell)
    rows = itertools.chain(ran.rows, _drifted(lost, ran.columns))
    count = write(format, ran.columns, itertools.islice(rows, limit), out)
    sys.stderr.write(f"{count} rows; {_size(ran.scanned)} scanned, ${ran.dollars:.4f}\n")
    return FINE


def _drift_of(environment: Environment | None, found: dict[str, list[str]]) -> list[Drift]:
    """Compare a folder with the table that the environment file describes."""
    from orgtrail.engines.drift import drift

    if environment is None:
        return []
    regions = environment.catalog.regions
    every = {region for inside in found.values() for region in inside}
    return drift(found, environment.account_ids, every if regions is None else regions)


def _drifted(lost: list[Drift], columns: list[str]) -> list[tuple[object, ...]]:
    """Tell drift on stderr, and give a row for each."""
    for each in lost:
        sys.stderr.write(f"{each}\n")
    known = {"status": "not in table"}
    return [
        tuple(
            ({"account": each.account, "region": each.region or None} | known).get(name)
            for name in columns
        )
        for each in lost
    ]


def _account(reading: Reading, root: Path, count: int) -> int:
    """Tell what was read and what could not be; return the exit code."""
    for number, (path, reason) in enumerate(sorted(reading.unread.items())):
        if number == _TOLD:
            sys.stderr.write(f"... and {len(reading.unread) - _TOLD} more\n")
            break
        sys.stderr.write(f"{_below(path, root)}: not read: {reason}\n")
    for path, odd in sorted(reading.odd.items())[:_TOLD]:
        sys.stderr.write(
            f"{_below(path, root)}: {odd} records are none: no objects, or without eventName\n"
        )
    lost = len(reading.unread)
    sys.stderr.write(
        f"{count} rows from {reading.events} events in {reading.files} files"
        + (f"; {lost} of them could not be read" if lost else "")
        + "\n"
    )
    return FAILED if lost or reading.odd else FINE


def _below(path: str, root: Path) -> str:
    try:
        return str(Path(path).relative_to(root))
    except ValueError:
        return path


def _size(count: int) -> str:
    from rich.filesize import decimal

    return decimal(count)


@contextlib.contextmanager
def progress() -> Iterator[Callable[[int], None]]:
    """Show how many files were read, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed} files"), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda count: bar.update(task, completed=count)


@contextlib.contextmanager
def _scanning() -> Iterator[Callable[[str, int], None]]:
    """Show state and bytes scanned, on a terminal."""
    from rich.console import Console

    from orgtrail.engines.athena import cost

    console = Console(stderr=True)
    with console.status("starting") as status:
        yield lambda state, scanned: status.update(
            f"{state.lower()}: {_size(scanned)} scanned, ${cost(scanned):.4f}; Ctrl-C stops it"
        )
