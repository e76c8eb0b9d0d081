"""The check of one file: findings, access matrix and controls, from settings, stack or plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orgtrail.proof.rules  # noqa: F401 - registers them
from orgtrail.environments import LoadedEnvironment, conflicts, require_limits
from orgtrail.errors import Fault, SettingsError, SettingsSource, dotted
from orgtrail.proof import referred
from orgtrail.proof.acts.evidence import DELETES_KEY
from orgtrail.proof.controls import Answer, Control, controls
from orgtrail.proof.estate import Estate
from orgtrail.proof.findings import RULES, Finding, Severity, broken
from orgtrail.proof.iam.evaluator import Verdict
from orgtrail.proof.intent import Intent, of_policies, of_settings, units_of
from orgtrail.proof.matrix import Cell, detected_by, matrix
from orgtrail.proof.survey import survey
from orgtrail.proof.terraform.reading import MALFORMED, malformed, read
from orgtrail.settings.advice import unwise_settings
from orgtrail.settings.environment import Environment
from orgtrail.settings.loading import load_settings
from orgtrail.trail import build
from orgtrail.trail.resource import Stack

_STOP = "stop the trail"
_NAMED = 3
"""Acts that a finding names; all are in the matrix."""


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
        loaded: the environment that it is of; None for a stack, a plan, and settings that break
            rules.

    """

    name: str
    path: Path
    findings: tuple[Finding, ...]
    access: tuple[Cell, ...] = ()
    controls: tuple[Control, ...] = ()
    limits: tuple[str, ...] = ()
    loaded: LoadedEnvironment | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether all was asked: of settings that break rules, only those are told."""
        return self.loaded is not None or self.path.suffix == ".json"


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
        stack = read(path)
        try:
            estate = survey(stack)
            return _report(path, estate, of_policies(estate), by_setting=False)
        except MALFORMED as error:
            raise malformed(path, error) from None
    try:
        env, source = load_settings(path)
        require_limits(env, source)
    except SettingsError as error:
        found = tuple(_of_fault(each, error.source, Severity.HIGH) for each in error.faults)
        return Report(path.stem, path, found)
    estate = survey(build(env).expanded())
    said = env.logging.session_role or ""
    estate = replace(estate, units=units_of(env), session_role=said)
    report = _report(path, estate, of_settings(env), by_setting=True)
    report = replace(
        report,
        findings=referred.settled(report.findings, env),
        controls=tuple(referred.answered(report.controls, env)),
        loaded=LoadedEnvironment(env, source),
    )
    return _with_advice(report, env, source)


def together(reports: Sequence[Report]) -> list[Report]:
    """Add to reports what two of their files must not share; each file counts once."""
    by_path = {each.path.resolve(): each.loaded for each in reports if each.loaded}
    found: dict[str, list[Finding]] = {}
    for file, fault in conflicts([*by_path.values()]):
        finding = _of_fault(fault, file.source, Severity.MEDIUM)
        found.setdefault(file.source.name, []).append(finding)
    return [
        replace(each, findings=(*found.get(str(each.path), ()), *each.findings)) for each in reports
    ]


def rule_names() -> list[str]:
    """Return the names that a finding's rule can have."""
    asked = (each.ids[-1] for each in controls(survey(Stack("", (), ()))))
    return ["access", referred.RULE, *(each.name for each in RULES), *asked]


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


def _with_advice(report: Report, env: Environment, source: SettingsSource) -> Report:
    """Add what is valid and unwise, but for settings that a finding names already."""
    named = {each.setting for each in report.findings}
    advised = [
        _of_fault(fault, source, Severity.LOW)
        for fault in unwise_settings(env)
        if dotted(fault.setting) not in named
    ]
    return replace(report, findings=(*report.findings, *advised))


def _of_fault(fault: Fault, source: SettingsSource | None, severity: Severity) -> Finding:
    line = source.line(fault.setting) if source else 0
    at = f"line {line}: " if line else ""
    return Finding(severity, "settings", dotted(fault.setting), f"{at}{fault}")


def _of_cells(cells: list[Cell], estate: Estate, *, by_setting: bool) -> Iterator[Finding]:
    """Turn the cells that are not as meant into findings, one for each principal and reason."""
    together: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        if not cell.agrees:
            undecided = cell.decision.verdict is Verdict.UNDECIDED
            reason = Verdict.UNDECIDED if undecided else cell.decision.statement
            key = (cell.principal.id, cell.expected, reason)
            together.setdefault(key, []).append(cell)
    address = estate.archive.address if estate.archive else ""
    for alike in together.values():
        first = alike[0]
        undecided = first.decision.verdict is Verdict.UNDECIDED
        verb = "may be able to" if undecided else "cannot" if first.expected == "allow" else "can"
        yield Finding(
            Severity.UNPROVEN if undecided else Severity.HIGH,
            "access",
            _setting(first) if by_setting else address,
            f"{first.principal.title} {verb} {_acts(alike)}: {first.decision.statement}. "
            f"Meant: {first.expected}.",
        )


def _acts(cells: list[Cell]) -> str:
    """Name what is done: three acts, and how many more."""
    named = [f"{each.act.title} ({each.act.steps[0][0]})" for each in cells[:_NAMED]]
    more = len(cells) - _NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


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


def _of_key(cells: list[Cell], estate: Estate) -> Iterator[str]:
    """Say who can make every log file unreadable: a lock keeps a file, and not its key."""
    asked = [each for each in cells if each.act.title == DELETES_KEY]
    if not asked:
        return
    can = [each.principal.title for each in asked if each.decision.verdict is Verdict.ALLOW]
    perhaps = [each.principal.title for each in asked if each.decision.verdict is Verdict.UNDECIDED]
    who = ", ".join([*can, *(f"perhaps {each}" for each in perhaps)]) or "none of those asked about"
    told = " and ".join(detected_by(estate, asked[0].act)) or "nothing here: add alarms"
    yield (
        f"Who deletes the key makes every log file unreadable, a locked one too. Who can schedule "
        f"that: {who}. It waits for 7 to 30 days, and is detected by: {told}."
    )


def _limits(cells: list[Cell], estate: Estate) -> Iterator[str]:
    """Say what policies cannot prevent, and what would tell of it."""
    yield from _of_key(cells, estate)
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
