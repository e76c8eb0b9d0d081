"""The check of one file: findings, access matrix and controls, from settings, stack or plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orgtrail.proof.rules  # noqa: F401 - registers them
from orgtrail.environments import require_limits
from orgtrail.proof.controls import Answer, Control, controls
from orgtrail.proof.estate import Estate
from orgtrail.proof.evaluator import Verdict
from orgtrail.proof.findings import Finding, Severity, broken
from orgtrail.proof.intent import Intent, of_policies, of_settings
from orgtrail.proof.matrix import Cell, detected_by, matrix
from orgtrail.proof.outline import outline
from orgtrail.proof.survey import survey
from orgtrail.proof.terraform import read
from orgtrail.settings.advice import advice
from orgtrail.settings.environment import Environment
from orgtrail.settings.faults import Fault, SettingsError, Source, dotted
from orgtrail.settings.loading import load_settings

_STOP = "stop the trail"


@dataclass(frozen=True, slots=True)
class Report:
    """What the check of one file says.

    Args:
        name: the name of the environment or stack.
        path: the file.
        findings: what is wrong, worst first.
        access: the access matrix; empty where settings break rules.
        controls: the controls of CIS and Security Hub.
        limits: what no policy can prevent, in plain words.

    """

    name: str
    path: Path
    findings: tuple[Finding, ...]
    access: tuple[Cell, ...] = ()
    controls: tuple[Control, ...] = ()
    limits: tuple[str, ...] = ()


def check(path: Path) -> Report:
    """Check an environment file, a stack's JSON or a plan.

    Args:
        path: `*.json` is a stack or a plan, anything else an environment file.

    Returns:
        the report; settings that break rules are findings of it, without a matrix.

    Raises:
        OrgtrailError: the file cannot be read, or is none of these.

    """
    if path.suffix == ".json":
        estate = survey(read(path))
        return _report(path, estate, of_policies(estate), by_setting=False)
    try:
        env, source = load_settings(path)
        require_limits(env, source)
    except SettingsError as error:
        found = tuple(_of_fault(each, error.source, Severity.HIGH) for each in error.faults)
        return Report(path.stem, path, found)
    estate = survey(outline(env))
    report = _report(path, estate, of_settings(env), by_setting=True)
    return _with_advice(report, env, source)


def _report(path: Path, estate: Estate, intent: Intent, *, by_setting: bool) -> Report:
    cells = matrix(estate, intent)
    answers = controls(estate)
    found = [
        *broken(estate, by_setting=by_setting),
        *_of_cells(cells, estate, by_setting=by_setting),
        *_of_controls(answers, by_setting=by_setting),
    ]
    order = list(Severity)
    return Report(
        estate.name,
        path,
        tuple(sorted(found, key=lambda each: order.index(each.severity))),
        tuple(cells),
        tuple(answers),
        tuple(_limits(cells, estate)),
    )


def _with_advice(report: Report, env: Environment, source: Source) -> Report:
    """Add what is valid and unwise, but for settings that a finding names already."""
    named = {each.setting for each in report.findings}
    advised = [
        _of_fault(fault, source, Severity.LOW)
        for fault in advice(env)
        if dotted(fault.setting) not in named
    ]
    return Report(
        report.name, report.path, (*report.findings, *advised), report.access, report.controls,
        report.limits,
    )  # fmt: skip


def _of_fault(fault: Fault, source: Source | None, severity: Severity) -> Finding:
    place = source.at(fault.setting) if source else ""
    line = place.rpartition(":")[2]
    at = f"line {line}: " if line.isdigit() else ""
    return Finding(severity, "settings", dotted(fault.setting), f"{at}{fault}")


def _of_cells(cells: list[Cell], estate: Estate, *, by_setting: bool) -> Iterator[Finding]:
    """Turn every cell that is not as meant into a finding."""
    for cell in cells:
        if cell.agrees:
            continue
        who, act, decision = cell.principal, cell.act, cell.decision
        address = estate.archive.address if estate.archive else ""
        setting = _setting(cell) if by_setting else address
        undecided = decision.verdict is Verdict.UNDECIDED
        verb = {"allow": "cannot", "deny": "can"}[cell.expected]
        told = "may be able to" if undecided else verb
        yield Finding(
            Severity.UNPROVEN if undecided else Severity.HIGH,
            "access",
            setting,
            f"{who.title} {told} {act.title} ({act.steps[0][0]}): "
            f"{decision.statement or decision.verdict}. "
            f"Meant: {cell.expected}.",
        )


def _setting(cell: Cell) -> str:
    """Return the section that decides a cell."""
    action = cell.act.steps[0][0]
    if cell.expected == "deny" and cell.principal.is_administrator:
        return "guardrails"
    sections = {"kms": "key", "s3": "archive", "cloudtrail": "trail", "glue": "catalog",
                "athena": "catalog", "logs": "delivery", "iam": "access"}  # fmt: skip
    return sections.get(action.partition(":")[0], "guardrails")


def _of_controls(answers: list[Control], *, by_setting: bool) -> Iterator[Finding]:
    for each in answers:
        if each.verdict is Answer.FAIL:
            place = each.setting if by_setting else each.resource
            yield Finding(
                Severity.MEDIUM, each.ids[-1], place, f"{' and '.join(each.ids)}: {each.title}: no."
            )


def _limits(cells: list[Cell], estate: Estate) -> Iterator[str]:
    """Say what policies cannot prevent, and what would tell of it."""
    for cell in cells:
        if cell.principal.id == "management-administrator" and cell.act.title == _STOP:
            if cell.decision.verdict is not Verdict.ALLOW:
                continue
            told = " and ".join(detected_by(estate, cell.act))
            yield (
                f"An administrator of the management account ({estate.management}) can stop this "
                "trail, change the organization's policies and end its trust in CloudTrail: no "
                "service control policy binds that account. "
                + (f"Detected by: {told}." if told else "Nothing here detects it: add alarms.")
            )
