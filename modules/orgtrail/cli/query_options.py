"""Parses the options of `orgtrail query run`: the question, its bounds, its parameters."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds
from orgtrail.logs.files import has_layout
from orgtrail.query.questions import find_question
from orgtrail.query.request import QueryRequest, check_places
from orgtrail.records import CLOUDTRAIL_LAUNCH

Times = tuple[str | None, str | None, str | None]
"""The values of `--from`, `--to` and `--last`."""

_LAST = re.compile(r"(\d{1,6})(m|h|d)", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def query_request(
    name: str | None,
    file: Path | None,
    *,
    times: Times,
    accounts: list[str],
    regions: list[str],
    given: dict[str, str],
    env: Path | None,
    logs: Path | None = None,
) -> QueryRequest:
    """Build a request from options.

    Args:
        name: the question.
        file: a file with a SELECT instead.
        times: the time range; by default the question's own.
        accounts: ids of accounts; empty for all.
        regions: regions; empty for all.
        given: parameters.
        env: the environment file.
        logs: the folder to query. Unless it has the archive's key layout, a question covers all
            times by default.

    Raises:
        OrgtrailError: an option is not valid.

    """
    environment = None
    if env is not None:
        from orgtrail.environments import load_environment

        environment = load_environment(env)
    found = find_question(name) if name is not None else None
    own_sql = ""
    if file is not None:
        if given:
            raise OrgtrailError("--param: is for queries of the pack; write values into --sql")
        try:
            own_sql = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OrgtrailError(f"{file}: cannot be read: {error}") from None
    bounds = None
    if found is not None or any(times) or accounts or regions:
        check_places(accounts, regions, prefix="--")
        since, _, last = times
        hours = None
        # Looking for the layout reads the whole folder, so only if the answer matters.
        if found and not since and not last and (logs is None or has_layout(logs)):
            hours = found.hours
        bounds = query_bounds(times, accounts, regions, hours=hours)
    return QueryRequest(name or str(file), found, own_sql, bounds, given, environment)


def query_bounds(
    times: Times, accounts: list[str], regions: list[str], *, hours: int | None
) -> Bounds:
    """Return the bounds that options set, of accounts and regions that `check_places` took.

    Raises:
        OrgtrailError: an option is not valid.

    """
    since, until = time_range(*times, hours=hours)
    return Bounds(since, until, tuple(accounts), tuple(regions))


def time_range(
    since: str | None, until: str | None, last: str | None, *, hours: int | None
) -> tuple[datetime, datetime]:
    """Return start and end of the time range that options set.

    Args:
        since: the value of `--from`.
        until: the value of `--to`; by default now.
        last: the value of `--last`.
        hours: how far to look back if no start is given; None for all times.

    Raises:
        OrgtrailError: an option is not valid.

    """
    if since and last:
        raise OrgtrailError("--from and --last: both say when to begin; give one of them")
    end = _time("--to", until) if until else datetime.now(UTC).replace(microsecond=0)
    if since:
        start = _time("--from", since)
    elif last:
        match = _LAST.fullmatch(last)
        if not match:
            raise OrgtrailError(f"--last: must be like 90m, 24h or 7d; got {last!r}")
        start = _before(end, timedelta(**{_UNITS[match[2]]: int(match[1])}))
    else:
        start = _before(end, timedelta(hours=hours)) if hours else CLOUDTRAIL_LAUNCH
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


def _time(option: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise OrgtrailError(
            f"{option}: must be ISO 8601, like 2026-11-25T10:00:00Z; got {text!r}"
        ) from None
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        raise OrgtrailError(f"{option}: is outside the calendar; got {text!r}") from None


def time_zone(name: str | None) -> ZoneInfo | None:
    """Return the time zone that `--zone` names, None for UTC.

    Raises:
        OrgtrailError: there is no time zone of that name.

    """
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise OrgtrailError(
            f"--zone: must be the name of a time zone, like Europe/Berlin; got {name!r}"
        ) from None


def parameters(given: list[str]) -> dict[str, str]:
    """Parse the values of `--param`, each `name=value`.

    Raises:
        OrgtrailError: one of them does not have that form.

    """
    found = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name:
            raise OrgtrailError(f"--param: must be name=value; got {each!r}")
        found[name] = value
    return found
