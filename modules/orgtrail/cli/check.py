"""`orgtrail check`: prove who can stop, change or read the trail, before the plan."""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orgtrail.cli import Format, FormatOption, app
from orgtrail.settings.faults import OrgtrailError
from orgtrail.telling import BAD, FAILED, FINE

if TYPE_CHECKING:
    from orgtrail.proof.check import Report


@app.command()
def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Environment files, a stack's cdk.tf.json, or the output of terraform show -json."
        ),
    ],
    format: FormatOption = Format.TEXT,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="A rule whose findings are known and accepted; may be repeated."),
    ] = None,
) -> int:
    """Prove, before any plan, who can stop, change or read the organization's audit trail."""
    from orgtrail.proof.check import check as check_file
    from orgtrail.proof.check import together

    accepted = _known_rules(accept or [])
    reports, unread = [], False
    for file in files:
        try:
            reports.append(check_file(file))
        except OrgtrailError as error:
            sys.stderr.write(f"{error}\n")
            unread = True
    reports = together(reports)
    if format is Format.JSON:
        answer = {"environments": [_told(each, accepted) for each in reports]}
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    else:
        from orgtrail.cli.check_text import show

        for each in reports:
            show(each, accepted)
    return _exit_code(reports, accepted, unread=unread)


def _known_rules(names: list[str]) -> frozenset[str]:
    """Return the rules that are accepted.

    Raises:
        OrgtrailError: a name is that of no rule.

    """
    from orgtrail.proof.check import rule_names

    known = rule_names()
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the rules are {', '.join(known)}"
            raise OrgtrailError(f"--accept {name}: is no rule; {hint}")
    return frozenset(names)


def _exit_code(reports: list[Report], accepted: frozenset[str], *, unread: bool) -> int:
    found = {
        each.severity for report in reports for each in report.findings if each.rule not in accepted
    }
    if found - {"unproven"}:
        return BAD
    return FAILED if unread or found else FINE


def _told(report: Report, accepted: frozenset[str]) -> dict[str, Any]:
    """Write a report for programs."""
    return {
        "name": report.name,
        "findings": [
            {
                "severity": each.severity,
                "rule": each.rule,
                "setting": each.setting,
                "message": each.message,
                "accepted": each.rule in accepted,
            }
            for each in report.findings
        ],
        "access": [
            {
                "principal": each.principal.id,
                "action": step[0],
                "resource": step[1],
                "expected": each.expected,
                "decision": each.decision.verdict,
                "statement": each.decision.statement,
                "act": each.act.title,
            }
            for each in report.access
            for step in (each.act.steps[0],)
        ],
        "controls": [
            {
                "ids": each.ids,
                "title": each.title,
                "verdict": each.verdict,
                "resource": each.resource,
                "setting": each.setting,
            }
            for each in report.controls
        ],
        "limits": report.limits,
    }
