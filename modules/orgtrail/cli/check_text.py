"""Reports of `orgtrail check` as text: the verdict, the findings, what to know, and the lists."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orgtrail.check.acceptance import Acceptances
from orgtrail.check.controls import Status
from orgtrail.check.findings import Finding, Severity
from orgtrail.check.run import Report

_STYLES = {
    "high": "bold red",
    "medium": "red",
    "low": "yellow",
    "one-layer": "cyan",
    "unproven": "magenta",
}
_SIGNS = {"pass": "green", "fail": "bold red", "off": "dim", "unproven": "yellow"}
_ACCEPTED = "accepted"


def show(reports: Sequence[Report], accepted: Acceptances, *, verbose: bool) -> None:
    """Print reports; with `verbose` also who may do each act, and every control."""
    # A pipe has no width, and lines must not be cut.
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    for each in reports:
        _show(console, each, accepted, verbose=verbose)
    if not verbose and any(each.access for each in reports):
        console.print(Text("--verbose lists who may do each act, and every control."))


def _show(console: Console, report: Report, accepted: Acceptances, *, verbose: bool) -> None:
    console.print(_verdict(report, accepted), soft_wrap=True)
    _findings(console, report, accepted)
    for each in report.limits:
        console.print(Text(f"Note: {each}"))
    if report.access:
        counts = Counter(each.verdict for each in report.controls)
        verdicts = (Status.PASS, Status.FAIL, Status.UNPROVEN, Status.OFF)
        console.print(
            Text(f"Controls: {', '.join(f'{counts[each]} {each}' for each in verdicts)}.")
        )
        if verbose:
            console.print()
            _access(console, report)
            console.print()
            _controls(console, report)
    console.print()


def _verdict(report: Report, accepted: Acceptances) -> Text:
    counts = Counter(each.severity for each in accepted.open(report))
    number = counts.total()
    found = Text("no finding", "green")
    if number:
        each_severity = ", ".join(f"{counts[each]} {each}" for each in Severity if counts[each])
        worst = next(each for each in Severity if counts[each])
        found = Text(f"{number} finding{'s' * (number > 1)} ({each_severity})", _STYLES[worst])
    if known := len(report.findings) - number:
        found.append(f", {known} {_ACCEPTED}")
    name = Text(report.name, "bold")
    return Text.assemble(name, f" ({report.path}): ", found, f"; {_proof(report)}.")


def _proof(report: Report) -> str:
    """Return how many access checks match the intent, or why none was made."""
    if report.access:
        agreeing = sum(each.agrees for each in report.access)
        matching = f"{agreeing:,} of {len(report.access):,} access checks match the intent"
        decided = report.proof.deliveries if report.proof else ()
        allowed = sum(decision.is_allowed for _, decision in decided)
        return f"{matching}, {allowed:,} of {len(decided):,} deliveries are allowed"
    if report.path.suffix == ".json":
        return "without trail and archive there is no access to prove"
    return "settings must be valid before access can be proven"


def _findings(console: Console, report: Report, accepted: Acceptances) -> None:
    """Print the findings, the most severe first and what is accepted last."""

    def rank(finding: Finding) -> tuple[bool, int]:
        is_accepted = accepted.of(report, finding) is not None
        return is_accepted, [*Severity].index(finding.severity)

    for each in sorted(report.findings, key=rank):
        by = accepted.of(report, each)
        severity = _ACCEPTED if by else str(each.severity)
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
