"""`orgtrail verify`: proves that every log file is intact and none is missing."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orgtrail.cli.root import (
    Format,
    FormatOption,
    LastOption,
    ProfileOption,
    RoleOption,
    SinceOption,
    UntilOption,
    app,
)
from orgtrail.errors import EXIT_BAD, EXIT_FAILED, EXIT_OK, OrgtrailError, printable
from orgtrail.notes import shows_progress
from orgtrail.verify import DEFAULT_WORKERS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from orgtrail.settings.environment import Environment
    from orgtrail.verify.findings import VerifyFinding
    from orgtrail.verify.names import ChainId, VerifiedTrail
    from orgtrail.verify.request import VerifyRequest
    from orgtrail.verify.result import Event, Result
    from orgtrail.verify.state import StateFile

_CODES = {"valid": EXIT_OK, "invalid": EXIT_BAD, "unproven": EXIT_FAILED}
_MEANING = {
    "valid": "every file is intact, and every hour of the window is covered",
    "invalid": "something was altered, or taken away",
    "unproven": "nothing is known to be altered, but not everything could be proven",
}
_STYLES = {"valid": "bold green", "invalid": "bold red", "unproven": "bold yellow"}
_MOST_SHOWN = 10
"""Findings of a kind that are shown; JSON has all of them."""


@app.command(extra="verify")
def verify(
    env: Annotated[Path | None, typer.Option(metavar="FILE", help="The environment file.")] = None,
    bucket: Annotated[
        str | None, typer.Option(metavar="NAME", help="Without --env: the bucket.")
    ] = None,
    organization_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Without --env: the organization's id.")
    ] = None,
    trail_arn: Annotated[
        str | None, typer.Option(metavar="ARN", help="Without --env: the trail.")
    ] = None,
    prefix: Annotated[
        str, typer.Option(metavar="PREFIX", help="Without --env: the trail's key prefix.")
    ] = "",
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    account: Annotated[
        list[str] | None,
        typer.Option(metavar="ACCOUNT", help="Only this account, by its id; may be repeated."),
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(metavar="REGION", help="Only this region; may be repeated.")
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(metavar="ACCOUNT", help="An account that must be there; may be repeated."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=2048, metavar="N", help="Requests in flight.")
    ] = DEFAULT_WORKERS,
    logs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder that is a copy of the bucket.")
    ] = None,
    public_keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Answers of ListPublicKeys by region, instead of asking."
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Remember what was valid, and read only what is new or changed."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from an interrupted run.")
    ] = False,
    role: RoleOption = None,
    profile: ProfileOption = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Prove that no log file of an organization trail was altered, added or taken away.

    Exit code 0: valid. 1: something was altered or is missing. 2: not all could be proven.
    """
    from orgtrail.cli.query_options import time_range
    from orgtrail.naming import verify_request
    from orgtrail.verify.request import VerifyRequest
    from orgtrail.verify.state import DEFAULT_STATE, interrupted_window, open_state

    trail, environment = _trail(env, bucket, organization_id, trail_arn, prefix)
    if resume and not (since or until or last):
        times = interrupted_window(state or DEFAULT_STATE)
    else:
        times = time_range(since, until, last, hours=24)
    unfiltered = (
        verify_request(environment, *times) if environment else VerifyRequest(trail, *times)
    )
    expected = _filter("--expect", expect, r"\d{12}", "12 digits")
    request = replace(
        unfiltered,
        accounts=_filter("--account", account, r"\d{12}", "12 digits"),
        regions=_filter("--region", region, r"[a-z0-9-]+", "a region's name, like us-east-1"),
        expected={**unfiltered.expected, **dict.fromkeys(expected)},
        workers=workers,
        logs=logs,
        public_keys=public_keys,
        session=None if logs else _session(environment, trail, role, profile),
    )
    with open_state(state, trail.arn, times, resume=resume) as opened:
        result = _verified(request, opened)
    if format is Format.JSON:
        sys.stdout.write(json.dumps(result.to_dict(), indent=2) + "\n")
    else:
        _print(result, trail, times)
    return _CODES[result.verdict]


def _verified(request: VerifyRequest, state: StateFile) -> Result:
    from orgtrail.verify.result import Note, Result
    from orgtrail.verify.run import verify as run

    result = Result()
    with _progress() as show:
        for event in run(request, state):
            show(event)
            result.add(event)
    digests, files = result.trusted
    if digests or files:
        result.add(
            Note(
                f"trusted: {digests} digests and {files} log files were valid in the run of "
                f"{state.last_run}, and S3 says they have not been written since; their bytes were "
                "not read again"
            )
        )
    return result


def _session(
    environment: Environment | None, trail: VerifiedTrail, role: str | None, profile: str | None
) -> Any:
    """Return the session that reads the archive: in the logging account if a file is given."""
    if environment:
        from orgtrail.aws import session_in

        return session_in(environment, "logging", role, profile)
    from orgtrail.aws import session_from_options

    return session_from_options(role, profile, trail.home)


def _trail(
    env: Path | None, bucket: str | None, organization: str | None, arn: str | None, prefix: str
) -> tuple[VerifiedTrail, Environment | None]:
    """Return the trail, and the environment if a file is given.

    Raises:
        OrgtrailError: options are missing, or contradict each other.

    """
    from orgtrail.verify.names import VerifiedTrail

    parts = {
        "--bucket": bucket,
        "--organization-id": organization,
        "--trail-arn": arn,
    }
    given = [name for name, value in (*parts.items(), ("--prefix", prefix)) if value]
    if env:
        if given:
            raise OrgtrailError(f"{', '.join(given)}: --env says it already; give one or the other")
        from orgtrail import naming
        from orgtrail.environments import load_environment

        environment = load_environment(env)
        return naming.verified_trail(environment), environment
    missing = [name for name, value in parts.items() if not value]
    if missing:
        raise OrgtrailError(f"{', '.join(missing)}: must be given, or --env FILE instead")
    assert bucket and organization and arn  # noqa: PT018
    return VerifiedTrail.of(arn, bucket, organization, prefix), None


def _filter(option: str, values: list[str] | None, form: str, what: str) -> frozenset[str]:
    for each in values or ():
        if not re.fullmatch(form, each, re.ASCII):
            raise OrgtrailError(f"{option}: must be {what}; got {each!r}")
    return frozenset(values or ())


def _print(result: Result, trail: VerifiedTrail, window: tuple[datetime, datetime]) -> None:
    """Print the report for people."""
    from rich.console import Console
    from rich.text import Text

    from orgtrail.verify.findings import KINDS, Effect

    # A pipe has no width, and truncated lines help nobody.
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    verdict = Text(result.verdict, style=_STYLES[result.verdict])
    console.print(verdict.append(f": {_MEANING[result.verdict]}", style="default"))
    since, until = (f"{each:%Y-%m-%d %H:%M}" for each in window)
    console.print(Text(f"{trail.arn}, {since} to {until} UTC"), soft_wrap=True)
    console.print(_counts(result))
    totals = [
        f"{result.chains} chains",
        f"{result.idle} hours in which nothing was delivered",
        *([f"{result.backfills} digests delivered afterwards"] if result.backfills else []),
        *([f"{result.unvouched} log files that no digest names"] if result.unvouched else []),
    ]
    console.print(", ".join(totals))
    by_kind: dict[str, dict[str, list[VerifyFinding]]] = defaultdict(lambda: defaultdict(list))
    for each in result.findings:
        by_kind[each.kind][each.advice].append(each)
    for kind in sorted(by_kind, key=[*KINDS].index):
        style = "bold red" if KINDS[kind][0] is Effect.INVALID else "yellow"
        console.print(Text(f"\n{kind} ({result.kinds[kind]})", style=style))
        for advice, found in by_kind[kind].items():
            _print_findings(console, advice, found)
    if result.notes:
        console.print("\nNotes")
    for note in sorted(result.notes):
        console.print(Text(f"  {printable(note)}"), soft_wrap=True)


def _counts(result: Result) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in ("valid", "invalid", "unread"):
        table.add_column(name, justify="right")
    for name, count in (("digests", result.digests), ("log files", result.logs)):
        numbers = (count.valid, count.invalid, count.unread)
        table.add_row(name, *(f"{each:,}" for each in numbers))
    return table


def _print_findings(console: Console, advice: str, found: list[VerifyFinding]) -> None:
    """Print findings of one kind with the same advice."""
    from rich.text import Text

    console.print(Text(f"  {advice}", style="dim"), soft_wrap=True)
    for each in found[:_MOST_SHOWN]:
        where = f"{each.account} {each.region}".strip()
        parts = [printable(part) for part in (where, each.key, each.reason) if part]
        console.print(Text(f"  {': '.join(parts)}"), soft_wrap=True)
    if len(found) > _MOST_SHOWN:
        console.print(f"  ... and {len(found) - _MOST_SHOWN} more; --format json names them")


@contextmanager
def _progress() -> Iterator[Callable[[Event], None]]:
    """Show chains, files and the time left, on a terminal."""
    from rich import progress as bars
    from rich.console import Console

    from orgtrail.verify.result import ChainResult, Planned, Progress

    console = Console(stderr=True)
    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("chains, {task.fields[files]:,} files, {task.fields[at]}"),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(
        *columns, console=console, transient=True, disable=not shows_progress()
    ) as bar:
        task = bar.add_task("verifying", total=None, files=0, at="")
        days: Counter[ChainId] = Counter()
        days_per_chain, files = 1, 0

        def show(event: Event) -> None:
            nonlocal days_per_chain, files
            match event:
                case Planned():
                    days_per_chain = max(1, event.days // max(1, len(event.chains)))
                    bar.update(task, total=len(event.chains))
                case Progress():
                    files += event.files
                    days[event.chain] += 1
                    done = sum(min(1, count / days_per_chain) for count in days.values())
                    bar.update(task, completed=done, files=files, at=str(event.chain))
                case ChainResult() if not event.digests.total:
                    days[event.id] = days_per_chain

        yield show
