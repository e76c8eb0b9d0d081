"""Reports of `orgtrail check` as SARIF 2.1.0, which code scanning services show at their place.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orgtrail.check.acceptance import Acceptance, Acceptances
from orgtrail.check.findings import Finding, Severity
from orgtrail.check.places import Place, places
from orgtrail.check.run import Report, rule_meanings

MOST_RESULTS = 25_000
"""Most results of a run that GitHub takes; it refuses a file with more (same page)."""
LEVELS = {
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.ONE_LAYER: "note",
    Severity.UNPROVEN: "note",
}
SCORES = {
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.0",
    Severity.LOW: "2.0",
    Severity.ONE_LAYER: "2.0",
    Severity.UNPROVEN: "2.0",
}
"""The `security-severity` that GitHub shows as high (from 7.0), medium (from 4.0) or low."""
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LINES = re.compile(r"(?<=\bline )\d+|(?<=:)\d{1,6}(?= )")
"""Line numbers in messages: `first in line 7`, `envs/bank.tfvars:7 has`."""

Json = dict[str, Any]


def as_sarif(
    reports: Sequence[Report],
    accepted: Acceptances,
    unread: Iterable[str],
    most: int = MOST_RESULTS,
) -> Json:
    """Return all reports as one SARIF log with one run.

    Args:
        reports: the reports.
        accepted: what is accepted; those findings are suppressed results.
        unread: why files could not be read; notifications of the run.
        most: the most results; of more, the most severe are kept and a notification says so.

    """
    found = [
        (each, place(each), report)
        for report in reports
        for place in (places(report),)
        for each in report.findings
    ]
    found.sort(key=lambda each: [*Severity].index(each[0].severity))
    worst: dict[str, Severity] = {}
    for each, *_ in found:
        worst.setdefault(each.rule, each.severity)
    rules = {rule: meaning for rule, meaning in rule_meanings().items() if rule in worst}
    numbers = {rule: number for number, rule in enumerate(rules)}
    prints: Counter[str] = Counter()
    results = []
    for finding, place, report in found[:most]:
        by = accepted.of(report, finding)
        result = _result(finding, place, report, by)
        digest = fingerprint(report.name, finding)
        prints[digest] += 1
        unique = f"{digest}:{prints[digest]}"
        # GitHub reads no other name than the second.
        result["partialFingerprints"] = {"orgtrail/v1": unique, "primaryLocationLineHash": unique}
        results.append({**result, "ruleIndex": numbers[finding.rule]})
    told = [_notification("error", each) for each in unread]
    complete = not told and all(each.is_whole for each in reports)
    told += [
        _notification("error", f"{each.path}: its settings break rules: nothing else was checked")
        for each in reports
        if not each.is_whole
    ]
    if left_out := len(found) - len(results):
        told.append(_notification("warning", f"{left_out:,} less severe findings are left out"))
    run = {
        "tool": {"driver": {"name": "orgtrail", "version": version("orgtrail"),
                            "rules": [_rule(*each, worst[each[0]]) for each in rules.items()]}},
        "invocations": [{"executionSuccessful": complete, "toolExecutionNotifications": told}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }  # fmt: skip
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def fingerprint(environment: str, finding: Finding) -> str:
    """Return what identifies a finding across commits: a hash of all that it says but lines.

    A finding that says something else, such as one more act that somebody can do, is another one:
    whoever dismissed the first has not seen the second.
    """
    says = (environment, finding.rule, finding.setting, _LINES.sub("", finding.message))
    return hashlib.sha256("\0".join(says).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def file_uri(path: Path) -> str:
    """Return a file's URI: relative to the working folder, or absolute if it is not below it."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - a symbolic link keeps its name
    folder = Path.cwd()
    if not whole.is_relative_to(folder):
        return whole.as_uri()
    return quote(os.fsencode(whole.relative_to(folder).as_posix()))


def _rule(name: str, meaning: str, severity: Severity) -> Json:
    """Return a rule; services show its short description as the title of each result."""
    said = {"text": f"What is asked for: {meaning}"}
    return {
        "id": name,
        "shortDescription": {"text": f"Not met: {meaning}"},
        "fullDescription": said,
        "help": said,
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {"tags": ["security"], "security-severity": SCORES[severity]},
    }


def _notification(level: str, text: str) -> Json:
    return {"level": level, "message": {"text": text}}


def _justification(by: Acceptance) -> str:
    reason = by.reason or by.source
    return f"{reason.rstrip('.')}. Accepted until {by.until}." if by.until else reason


def _result(finding: Finding, place: Place, report: Report, by: Acceptance | None) -> Json:
    message = finding.message.removeprefix(f"line {finding.line}: ")
    if not message.startswith(f"{finding.setting} "):
        message = f"{finding.setting}: {message}"
    location: Json = {
        "physicalLocation": {
            "artifactLocation": {"uri": file_uri(report.path)},
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.line,
                "endColumn": place.end,
            },
        }
    }
    if finding.setting:
        kind = "property" if report.source else "resource"
        location["logicalLocations"] = [{"fullyQualifiedName": finding.setting, "kind": kind}]
    suppressions = [{"kind": "external", "justification": _justification(by)}] if by else []
    return {
        "ruleId": finding.rule,
        "level": LEVELS[finding.severity],
        "message": {"text": message},
        "locations": [location],
        "suppressions": suppressions,
        "properties": {"severity": finding.severity},
    }
