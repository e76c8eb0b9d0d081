"""`orgtrail check`: prove who can stop, change or read the trail, before any plan."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orgtrail.cli.root import app
from orgtrail.errors import EXIT_BAD, EXIT_FAILED, EXIT_OK, OrgtrailError
from orgtrail.notes import complain, note

if TYPE_CHECKING:
    from orgtrail.check.acceptance import Acceptances
    from orgtrail.check.run import Report


class Format(StrEnum):
    """The output format of the check."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"


@app.command()
def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Environment files, a stack's cdk.tf.json, or the output of terraform show -json.",
        ),
    ],
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="Text for people, JSON for programs, SARIF 2.1.0 for code scanning; with "
            "--against Markdown too, for a comment on a pull request, and no SARIF.",
        ),
    ] = Format.TEXT,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE[@SETTING]",
            help="Findings that are known and accepted: RULE for every place, RULE@SETTING for "
            "one; may be repeated.",
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML file of what is accepted: rule, setting, reason and last day of each.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The same file as it was before, of any of the kinds: tell what changed since.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="As text: who may do each act, and every control.")
    ] = False,
) -> int:
    """Prove, before any plan, who can stop, change or read the organization's audit trail."""
    from orgtrail.check.acceptance import read_acceptances
    from orgtrail.check.run import check as check_file
    from orgtrail.check.run import with_shared_findings

    if against is None and format is Format.MARKDOWN:
        raise OrgtrailError(
            "--format markdown tells what changed: give the file as it was before with --against"
        )
    accepted = read_acceptances(accept or [], baseline, datetime.now(UTC).date())
    if against is not None:
        return _compare(files, against, format, accepted, verbose=verbose)
    reports: list[Report] = []
    unread: list[str] = []
    for file in files:
        try:
            reports.append(check_file(file))
        except OrgtrailError as error:
            complain(str(error))
            unread.append(str(error))
    reports = with_shared_findings(reports)
    if format is Format.JSON:
        answer = {"environments": [_as_json(each, accepted) for each in reports]}
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    elif format is Format.SARIF:
        from orgtrail.cli.check_sarif import as_sarif

        sys.stdout.write(json.dumps(as_sarif(reports, accepted, unread), indent=2) + "\n")
    else:
        from orgtrail.cli.check_text import show

        show(reports, accepted, verbose=verbose)
    for each in accepted.ended(reports):
        note(each)
    # Stale entries are known only if every file was checked completely.
    if not unread and all(each.is_whole for each in reports):
        for each in accepted.stale(reports):
            note(each)
    return _exit_code(reports, accepted, unread=bool(unread))


def _compare(
    files: list[Path], against: Path, format: Format, accepted: Acceptances, *, verbose: bool
) -> int:
    """Tell what changed in one file; return the exit code."""
    from orgtrail.check.change import compare
    from orgtrail.check.run import check as check_file
    from orgtrail.cli import check_change

    if len(files) != 1:
        raise OrgtrailError(
            f"--against compares one file with what it was: give one of FILES; got {len(files)}"
        )
    if format is Format.SARIF:
        raise OrgtrailError(
            "--against has no --format sarif, which places findings in one file and cannot show "
            "what changed; use text, json or markdown"
        )
    try:
        # Of a file and its stack, the file says who is meant for both, so it is checked first.
        if against.suffix == ".json":
            new = check_file(files[0])
            old = check_file(against, new)
        else:
            old = check_file(against)
            new = check_file(files[0], old)
        change = compare(old, new)
    except OrgtrailError as error:
        if format is Format.MARKDOWN:
            from orgtrail.cli.check_change_markdown import not_compared

            # A comment from the last run must not stand for this one.
            sys.stdout.write(not_compared(str(error)))
        raise
    if format is Format.JSON:
        answer = check_change.as_json(change, accepted)
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    elif format is Format.MARKDOWN:
        from orgtrail.cli.check_change_markdown import as_markdown

        sys.stdout.write(as_markdown(change, accepted))
    else:
        check_change.show(change, accepted, verbose=verbose)
    for each in (*accepted.ended([new]), *accepted.stale([new])):
        note(each)
    return check_change.exit_code(change, accepted)


def _exit_code(reports: list[Report], accepted: Acceptances, *, unread: bool) -> int:
    found = {each.severity for report in reports for each in accepted.open(report)}
    if found - {"unproven"}:
        return EXIT_BAD
    return EXIT_FAILED if unread or found else EXIT_OK


def _as_json(report: Report, accepted: Acceptances) -> dict[str, Any]:
    """Return a report as JSON values."""
    from orgtrail.check.places import places

    place = places(report)
    return {
        "name": report.name,
        "file": str(report.path),
        "sha256": hashlib.sha256(report.path.read_bytes()).hexdigest(),
        "checked": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "version": version("orgtrail"),
        "open_findings": Counter(each.severity for each in accepted.open(report)),
        "findings": [
            {
                "severity": each.severity,
                "rule": each.rule,
                "setting": each.setting,
                "line": place(each).line,
                "message": each.message,
                "accepted": by is not None,
                "reason": by.reason if by else None,
                "until": str(by.until) if by and by.until else None,
            }
            for each in report.findings
            for by in (accepted.of(report, each),)
        ],
        "access": [
            {
                "principal": each.principal.id,
                "action": each.action,
                "resource": each.resource,
                "expected": each.expected,
                "decision": each.decision.verdict,
                "statement": each.decision.statement,
                "act": each.attack.title,
            }
            for each in report.access
        ],
        "grants": [
            {
                "policy": each.attached.address,
                "principal": each.who.title,
                "action": each.action,
                "resource": each.resource,
                "expected": "allow" if each.is_intended else "deny",
                "decision": each.decision.verdict,
                "statement": each.decision.statement,
            }
            for each in (report.proof.grants if report.proof else ())
        ],
        "deliveries": [
            {
                "principal": each.who,
                "action": each.action,
                "resource": each.resource,
                "decision": decision.verdict,
                "statement": decision.statement,
                "lost": each.lost,
            }
            for each, decision in (report.proof.deliveries if report.proof else ())
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
