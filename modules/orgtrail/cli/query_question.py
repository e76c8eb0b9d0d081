"""What the options of `orgtrail query run` ask: the question, its time, its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orgtrail.errors import OrgtrailError
from orgtrail.queries import Query, query
from orgtrail.queries.bounds import Bounds
from orgtrail.queries.rendering import TABLE, filled, to_run

if TYPE_CHECKING:
    from orgtrail.settings.environment import Environment

_LAST = re.compile(r"(\d{1,6})(m|h|d)", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
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
        from orgtrail.naming import query_placeholders

        known = query_placeholders(self.environment) if self.environment else {}
        known.setdefault("accounts", ",".join(accounts))
        if self.name == _HEALTH and self.bounds and self.bounds.accounts:
            known["accounts"] = ",".join(self.bounds.accounts)
        return known

    def text(self, accounts: Iterable[str] = (), *, evidence: bool = False) -> str:
        """Return the SELECT, with all that was set; with the ids of what it counts for evidence."""
        from orgtrail.engines.dialect import narrowed, parsed

        if self.query is not None:
            assert self.bounds is not None
            facts = self.facts(accounts)
            return to_run(self.query, self.bounds, self.given, facts, evidence=evidence)
        tree = parsed(self.own, self.name)
        if self.bounds is None:
            return self.own
        values = self.bounds.values
        sql = filled(self.bounds.sql, values.__getitem__)
        return narrowed(tree, sql, self.tables).sql(dialect="athena", pretty=True)

    @property
    def lacking(self) -> list[str]:
        """Parameters that the environment would give, and nobody gave."""
        facts = self.facts()
        return [
            each.name
            for each in (self.query.parameters if self.query else ())
            if each.fact
            and not each.required
            and each.name not in self.given
            and not facts.get(each.fact)
            and each.fact != "accounts"
        ]

    @property
    def tables(self) -> set[str]:
        """What the table over the logs may be called."""
        catalog = self.environment.catalog if self.environment else None
        own = {catalog.table} if catalog else set()
        if catalog and catalog.compaction:
            own.add(catalog.compaction.table)
        return {TABLE, *own}


def question(
    name: str | None,
    file: Path | None,
    *,
    times: tuple[str | None, str | None, str | None],
    accounts: list[str],
    regions: list[str],
    given: dict[str, str],
    env: Path | None,
    whole: bool = False,
) -> Question:
    """Read the options; without a time, a question about the whole of what there is looks at all.

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
    bounds = None
    if found is not None or any(times) or accounts or regions:
        hours = found.hours if found and not whole else None
        bounds = query_bounds(times, accounts, regions, hours=hours)
    return Question(name or str(file), found, own, bounds, given, environment)


def query_bounds(
    times: tuple[str | None, str | None, str | None],
    accounts: list[str],
    regions: list[str],
    *,
    hours: int | None,
) -> Bounds:
    """Return the time, accounts and regions that options mean.

    Raises:
        OrgtrailError: they mean none.

    """
    places(accounts, regions)
    since, until = window(*times, hours=hours)
    return Bounds(since, until, tuple(accounts), tuple(regions))


def places(accounts: list[str], regions: list[str]) -> None:
    """Check what is given for `--account` and `--region`.

    Raises:
        OrgtrailError: one of them is none.

    """
    for each in accounts:
        if not re.fullmatch(r"\d{12}", each, re.ASCII):
            raise OrgtrailError(f"--account: must be 12 digits; got {each!r}")
    for each in regions:
        if not re.fullmatch(r"[a-z0-9-]+", each):
            raise OrgtrailError(f"--region: must be a region's name, like us-east-1; got {each!r}")


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
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        raise OrgtrailError(f"{option}: lies outside the calendar; got {text!r}") from None


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
