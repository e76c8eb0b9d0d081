"""A report of `orgtrail check` as text: its findings, access, controls and limits."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orgtrail.check.acceptance import Acceptances
from orgtrail.check.run import Report

_STYLES = {"high": "bold red", "medium": "red", "low": "yellow", "unproven": "magenta"}
_SIGNS = {"pass": "green", "fail": "bold red", "off": "dim", "unproven": "yellow"}


def show(report: Report, accepted: Acceptances) -> None:
    """Print a report."""
    # A pipe has no width, and lines must not be cut.
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(f"[bold]{report.name}[/bold] ({report.path})", soft_wrap=True)
    _findings(console, report, accepted)
    if report.access:
        _access(console, report)
        _controls(console, report)
    for each in report.limits:
        console.print(Text(f"Note: {each}"))
    console.print(_summary(report, accepted) + "\n")


def _findings(console: Console, report: Report, accepted: Acceptances) -> None:
    for each in report.findings:
        by = accepted.of(report, each)
        severity = "accepted" if by else str(each.severity)
        until = f" until {by.until}" if by and by.until else ""
        because = f" Accepted{until}: {by.reason}" if by and by.reason else ""
        console.print(
            Text(f"  {severity:9}", style=_STYLES.get(severity, "dim")),
            Text(f"{each.rule} · {each.setting}: {each.message}{because}"),
            soft_wrap=True,
        )


def _access(console: Console, report: Report) -> None:
    """Print who is allowed each attack; everybody else is denied."""
    table = Table(title="Who may", title_justify="left", box=None, pad_edge=False, padding=(0, 2))
    table.add_column("act")
    table.add_column("allowed")
    allowed: dict[str, list[str]] = {}
    for each in report.access:
        names = allowed.setdefault(each.attack.title, [])
        if each.decision.is_allowed:
            names.append(each.principal.id)
        elif each.decision.is_undecided:
            names.append(f"{each.principal.id}?")
    for title, names in allowed.items():
        table.add_row(title, ", ".join(names) or "nobody")
    console.print(table)
    asked = dict.fromkeys(each.principal.id for each in report.access)
    console.print(Text(f"Asked of: {', '.join(asked)}."))


def _controls(console: Console, report: Report) -> None:
    table = Table(title="Controls", title_justify="left", box=None, pad_edge=False, padding=(0, 2))
    for heading in ("", "control", "asks for", "decided by"):
        table.add_column(heading)
    for each in report.controls:
        verdict = Text(each.verdict, style=_SIGNS[each.verdict])
        table.add_row(verdict, ", ".join(each.ids), each.title, each.resource)
    console.print(table)


def _summary(report: Report, accepted: Acceptances) -> str:
    open_ = accepted.open(report)
    agreeing = sum(each.agrees for each in report.access)
    found = "no finding" if not open_ else f"{len(open_)} finding{'s' * (len(open_) > 1)}"
    if not report.access:
        reason = "settings must be valid before access can be proven"
        if report.path.suffix == ".json":
            reason = "without trail and archive there is no access to prove"
        return f"{report.name}: {found}; {reason}."
    matching = f"{agreeing} of {len(report.access)} access checks match the intent"
    return f"{report.name}: {found}; {matching}."
