"""The report of `orgtrail verify` for people, and its progress."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from orgtrail.errors import printable
from orgtrail.integrity import result as events
from orgtrail.integrity.chain import Chain
from orgtrail.integrity.findings import KINDS, Effect, Finding
from orgtrail.integrity.names import ChainId, Trail
from orgtrail.integrity.result import Event, Result

_MEANING = {
    "valid": "every file is intact, and every hour of the window is covered",
    "invalid": "something was altered, or taken away",
    "unproven": "nothing is known to be altered, but not everything could be proven",
}
_STYLES = {"valid": "bold green", "invalid": "bold red", "unproven": "bold yellow"}
_OF_A_KIND = 10
"""Findings of a kind that are shown; JSON has them all."""


def show(result: Result, trail: Trail, window: tuple[datetime, datetime]) -> None:
    """Print the report."""
    # A pipe has no width of its own, and cut lines help nobody.
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    verdict = Text(result.verdict, style=_STYLES[result.verdict])
    console.print(verdict.append(f": {_MEANING[result.verdict]}", style="default"))
    since, until = (f"{each:%Y-%m-%d %H:%M}" for each in window)
    console.print(Text(f"{trail.arn}, {since} to {until} UTC"), soft_wrap=True)
    console.print(_counts(result))
    beside = [
        f"{result.chains} chains",
        f"{result.idle} hours in which nothing was delivered",
        *([f"{result.backfills} digests delivered afterwards"] if result.backfills else []),
        *([f"{result.unvouched} log files that no digest names"] if result.unvouched else []),
    ]
    console.print(", ".join(beside))
    by_kind: dict[str, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for each in result.findings:
        by_kind[each.kind][each.advice].append(each)
    for kind in sorted(by_kind, key=[*KINDS].index):
        style = "bold red" if KINDS[kind][0] is Effect.INVALID else "yellow"
        console.print(Text(f"\n{kind} ({result.kinds[kind]})", style=style))
        for advice, found in by_kind[kind].items():
            _same(console, advice, found)
    if result.notes:
        console.print("\nTo be known")
    for note in sorted(result.notes):
        console.print(Text(f"  {printable(note)}"), soft_wrap=True)


def _counts(result: Result) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in ("valid", "invalid", "unread"):
        table.add_column(name, justify="right")
    for name, count in (("digests", result.digests), ("log files", result.logs)):
        numbers = (count.valid, count.invalid, count.unread)
        table.add_row(name, *(f"{each:,}" for each in numbers))
    return table


def _same(console: Console, advice: str, found: list[Finding]) -> None:
    """Print findings of a kind with the same next step."""
    console.print(Text(f"  {advice}", style="dim"), soft_wrap=True)
    for each in found[:_OF_A_KIND]:
        where = f"{each.account} {each.region}".strip()
        parts = [printable(part) for part in (where, each.key, each.told) if part]
        console.print(Text(f"  {': '.join(parts)}"), soft_wrap=True)
    if len(found) > _OF_A_KIND:
        console.print(f"  ... and {len(found) - _OF_A_KIND} more; --format json names them")


@contextmanager
def progress() -> Iterator[Callable[[Event], None]]:
    """Show chains, files and the time left, on a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("chains, {task.fields[files]:,} files, {task.fields[at]}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("verifying", total=None, files=0, at="")
        days: Counter[ChainId] = Counter()
        each_has, files = 1, 0

        def tell(event: Event) -> None:
            nonlocal each_has, files
            match event:
                case events.Planned():
                    each_has = max(1, event.days // max(1, len(event.chains)))
                    bar.update(task, total=len(event.chains))
                case events.Progress():
                    files += event.files
                    days[event.chain] += 1
                    done = sum(min(1, count / each_has) for count in days.values())
                    bar.update(task, completed=done, files=files, at=str(event.chain))
                case Chain() if not event.digests.total:
                    days[event.id] = each_has

        yield tell
