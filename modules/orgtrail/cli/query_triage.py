"""`orgtrail query triage`: all questions at once, of a folder of logs or of Athena."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from zoneinfo import ZoneInfo

from orgtrail.cli.query_output import in_zone, target
from orgtrail.cli.query_question import query_bounds
from orgtrail.cli.query_run import account_for, allowed, progress, scanning, there
from orgtrail.engines import triage
from orgtrail.engines.local import Stage
from orgtrail.errors import EXIT_FAILED, EXIT_OK, OrgtrailError, printable
from orgtrail.naming import query_placeholders
from orgtrail.queries import Query
from orgtrail.queries.bounds import Bounds, stamp
from orgtrail.queries.rendering import filled, on_table

if TYPE_CHECKING:
    from sqlglot import exp

    from orgtrail.settings.environment import Environment
    from orgtrail.sigma import Rules

_LINES = 10
"""Hits of one question that are shown to people; the others are counted."""
_LIVE = timedelta(days=1)
"""What Athena is asked about where no time is given."""


@dataclass(frozen=True, slots=True)
class Triage:
    """What is asked.

    Attributes:
        environment: the settings, if a file was given.
        rules: the user's Sigma rules.
        times: `--from`, `--to` and `--last`.
        accounts: ids of accounts; empty for all.
        regions: regions; empty for all.
        limit: most hits of one question; None for all, and for some in text.
        format: text, json or csv.
        zone: the zone that times are shown in.
        out: a file to write to.

    """

    environment: Environment | None
    rules: Rules
    times: tuple[str | None, str | None, str | None]
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    limit: int | None
    format: str
    zone: ZoneInfo | None
    out: Path | None

    @property
    def facts(self) -> dict[str, str]:
        """What parameters of questions have as their defaults."""
        return query_placeholders(self.environment) if self.environment else {}

    @property
    def asking(self) -> triage.Asking:
        """The questions."""
        return triage.asking(self.facts, [each.query for each in self.rules.questions])

    @property
    def bounds(self) -> Bounds | None:
        """The period and place; None where no time is given."""
        if not any(self.times):
            return None
        return query_bounds(self.times, list(self.accounts), list(self.regions), hours=None)

    def within(self, period: Bounds) -> Bounds:
        """Return a period with the accounts and regions that are asked about."""
        return Bounds(period.since, period.until, self.accounts, self.regions)


def on_folder(asked: Triage, root: Path) -> int:
    """Ask a folder of logs; return the exit code: 2 where not all could be read or asked."""
    from orgtrail.engines import local
    from orgtrail.logs.files import log_files

    there(root, asked.within(Bounds(triage.EVER, triage.EVER)))
    asking = asked.asking
    wide = asked.bounds or asked.within(Bounds(triage.EVER, datetime.max.replace(tzinfo=UTC)))
    files = log_files(root, wide)
    with contextlib.ExitStack() as stack:
        with progress() as tell:
            trees = asking.trees(wide, asked.facts)
            stage = stack.enter_context(local.staged(trees, files, tell))
        bounds = asked.bounds or asked.within(triage.period(stage))
        failed = _answer(asked, asking, trees, stage, bounds, read=True)
        return max(failed, account_for(stage.reading, root, None))


def on_athena(
    asked: Triage, *, max_bytes: int | None, access: tuple[str | None, str | None]
) -> int:
    """Ask Athena by one scan; return the exit code. `access` is a role and a profile.

    Raises:
        OrgtrailError: the scan would read more than it may, or fails.

    """
    from orgtrail.aws import session_in
    from orgtrail.engines import gathering, local
    from orgtrail.engines.athena import Athena
    from orgtrail.logs.files import log_files

    environment = asked.environment
    assert environment is not None
    asking = asked.asking
    now = datetime.now(UTC).replace(microsecond=0)
    bounds = asked.bounds or asked.within(Bounds(now - _LIVE, now))
    athena = Athena(environment, session_in(environment, "logging", *access))
    trees = asking.trees(bounds, asked.facts)
    selects = gathering.selects(trees, filled(bounds.sql, bounds.values.__getitem__))
    estimate = athena.estimate(bounds)
    allowed("triage", estimate, environment, max_bytes, scans=len(selects))
    count, scanned, dollars = 0, 0, 0.0
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orgtrail-")))
        for part, sql in enumerate(selects):
            with scanning() as tell:
                ran = athena.run(on_table(sql, environment.catalog.table), tell)
            count += gathering.laid(trees, ran.rows, folder, part)
            scanned, dollars = scanned + ran.scanned, dollars + ran.dollars
        sys.stderr.write(
            f"{count} records that a question may need; {scanned} bytes scanned, ${dollars:.4f}\n"
        )
        files = log_files(folder) if count else []
        stage = stack.enter_context(local.staged(trees, files))
        return _answer(asked, asking, trees, stage, bounds, read=False)


def _answer(
    asked: Triage,
    asking: triage.Asking,
    trees: list[exp.Query],
    stage: Stage,
    bounds: Bounds,
    *,
    read: bool,
) -> int:
    """Ask all questions of what was read, and tell; return the exit code."""
    found, failed = triage.hits(stage, asking, trees, bounds, asked.facts)
    with target(asked.out) as to:
        if asked.format == "json":
            _as_json(asked, asking, found, failed, stage, bounds, to, read=read)
        elif asked.format == "csv":
            _as_csv(asked, found, to)
        else:
            _as_text(asked, asking, found, bounds, to)
    for name, reason in asking.left_out.items():
        sys.stderr.write(f"{name}: not asked: {reason}\n")
    for rule, reason in asked.rules.left_out:
        sys.stderr.write(f"{printable(rule)}: not asked: {printable(reason)}\n")
    for name, reason in failed.items():
        sys.stderr.write(f"{name}: not answered: {reason}\n")
    # Rules of other logs are none of ours; one of ours that is not asked leaves a gap.
    gap = any("log source" not in reason for _, reason in asked.rules.left_out)
    nothing = asked.rules.left_out and not asked.rules.questions
    return EXIT_FAILED if failed or gap or nothing else EXIT_OK


def _as_text(
    asked: Triage, asking: triage.Asking, found: list[triage.Hits], bounds: Bounds, to: TextIO
) -> None:
    total = Counter[str]()
    for each in found:
        total[each.query.severity] += each.count
    counted = ", ".join(f"{total[each]} {each}" for each in triage.SEVERITIES if total[each])
    begin = f"{stamp(bounds.since)} to " if bounds.since > triage.EVER else "all up to "
    to.write(
        f"{len(asking.queries)} questions about {begin}{stamp(bounds.until)}: "
        f"{counted or 'no hits'}\n"
    )
    most = _LINES if asked.limit is None else asked.limit
    for each in found:
        hits = "1 hit" if each.count == 1 else f"{each.count} hits"
        query = each.query
        to.write(f"\n{query.severity.upper()}  {query.name}: {printable(query.title)} ({hits})\n")
        for row in _rows(asked, each, most):
            line = each.line(row)
            parts = (
                line.time, line.account, line.region, line.principal, line.what, line.outcome
            )  # fmt: skip
            to.write("  " + "  ".join(printable(one) for one in parts if one) + "\n")
        if each.count > most:
            to.write(f"  ... and {each.count - most} more\n")


def _as_json(
    asked: Triage,
    asking: triage.Asking,
    found: list[triage.Hits],
    failed: dict[str, str],
    stage: Stage,
    bounds: Bounds,
    to: TextIO,
    *,
    read: bool,
) -> None:
    """Write hits as they come: there may be more than fit into memory."""
    about: dict[str, Any] = {"from": stamp(bounds.since), "to": stamp(bounds.until)}
    if read:
        reading = stage.reading
        about["read"] = {
            "files": reading.files,
            "events": reading.events,
            "aggregated": reading.aggregated,
            "insights": reading.insights,
            "unread": [{"file": name, "reason": why} for name, why in reading.unread.items()],
        }
    left = {**asking.left_out, **dict(asked.rules.left_out), **failed}
    about["not_asked"] = [{"name": name, "reason": why} for name, why in left.items()]
    to.write(json.dumps(about, indent=2)[:-2] + ',\n  "questions": [')
    by_name = {each.query.name: each for each in found}
    rest = [each for each in asking.queries if each.name not in by_name | failed]
    for number, (query, hits) in enumerate(
        [*((each.query, each) for each in found), *((each, None) for each in rest)]
    ):
        to.write(",\n    " if number else "\n    ")
        head = _head(query) | {"count": hits.count if hits else 0}
        to.write(json.dumps(head)[:-1] + ', "hits": [')
        for at, row in enumerate(_rows(asked, hits, asked.limit) if hits else ()):
            assert hits is not None
            named = dict(zip(hits.columns, row, strict=True))
            to.write(("," if at else "") + "\n      " + json.dumps(named, default=str))
        to.write("]}")
    to.write("\n  ]\n}\n")


def _as_csv(asked: Triage, found: list[triage.Hits], to: TextIO) -> None:
    writer = csv.writer(to)
    names = ("severity", "question", "time", "account", "region", "principal", "what", "outcome",
             "row")  # fmt: skip
    writer.writerow(names)
    for each in found:
        for row in _rows(asked, each, asked.limit):
            line = each.line(row)
            whole = json.dumps(dict(zip(each.columns, row, strict=True)), default=str)
            writer.writerow(
                (each.query.severity, each.query.name, line.time, line.account, line.region,
                 line.principal, line.what, line.outcome, whole)
            )  # fmt: skip


def _rows(asked: Triage, hits: triage.Hits, limit: int | None) -> Iterable[triage.Row]:
    return in_zone(hits.rows(limit), asked.zone)


def _head(query: Query) -> dict[str, Any]:
    return {
        "name": query.name,
        "title": query.title,
        "severity": query.severity,
        "mitre": list(query.mitre),
    }


def rules(path: Path | None) -> Rules:
    """Return the user's Sigma rules.

    Raises:
        OrgtrailError: there is no rule at that place.

    """
    from orgtrail.sigma import Rules, load

    return Rules((), ()) if path is None else load(path)


def checked(format: str) -> str:
    """Return a format that triage has.

    Raises:
        OrgtrailError: it has not.

    """
    if format == "parquet":
        raise OrgtrailError("--format parquet: is for query run; triage has text, json and csv")
    return format
