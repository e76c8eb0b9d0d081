"""The check of an environment file, a stack or a plan: its findings, matrix and controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orgtrail.check import beyond, delivery, layers, reach, referred, trust
from orgtrail.check.actions import DELETE_KEY
from orgtrail.check.asking import Asker
from orgtrail.check.beyond import beyond_findings
from orgtrail.check.controls import Control, Status, controls
from orgtrail.check.deliveries import service_deliveries
from orgtrail.check.delivery import Decided, Delivery, decide, delivery_findings
from orgtrail.check.duties import role_deliveries
from orgtrail.check.findings import Finding, Severity, listed
from orgtrail.check.from_terraform import model_of
from orgtrail.check.grants import Grant, grant_findings, grants
from orgtrail.check.intent import (
    Intent,
    intent_from_policies,
    intent_from_settings,
    units_from_settings,
)
from orgtrail.check.layers import layer_findings
from orgtrail.check.matrix import Cell, detected_by, matrix
from orgtrail.check.model import Model
from orgtrail.check.principals import principals
from orgtrail.check.reach import reach_findings, reached
from orgtrail.check.rules import RULES, findings
from orgtrail.check.trust import trust_findings
from orgtrail.check.upkeep import people_deliveries
from orgtrail.environments import LoadedEnvironment, conflicts, require_limits
from orgtrail.errors import Fault, SettingsError, SettingsSource, dotted
from orgtrail.settings.advice import unwise_settings
from orgtrail.settings.environment import Environment
from orgtrail.settings.loading import load_settings
from orgtrail.terraform import MALFORMED, malformed, read
from orgtrail.trail import build
from orgtrail.trail.resource import Stack

ACCESS_RULE = "access"
"""The rule of findings about the access matrix."""
_STOP = "stop the trail"
_LISTED = 3
"""The number of attacks that a finding lists; the matrix has all of them."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a report was decided with, and every decision besides the matrix.

    Args:
        asker: decides requests under the policies of the file.
        intent: who is meant to be able to do what.
        grants: what the policies of resources let each class of callers do.
        deliveries: what has to be allowed, or something does not arrive.

    """

    asker: Asker
    intent: Intent
    grants: tuple[Grant, ...]
    deliveries: tuple[Decided, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of checking one file.

    Args:
        name: the name of the environment or stack.
        path: the file.
        findings: what is wrong, the most severe first.
        access: the access matrix; empty if settings break rules.
        controls: the controls of CIS and Security Hub.
        limits: what no policy can prevent, in plain words.
        loaded: the environment of the file; None for a stack, a plan, and settings that break
            rules.
        source: the line of each setting of an environment file; None for a stack and a plan.
        proof: what the findings about access follow from; None if settings break rules.

    """

    name: str
    path: Path
    findings: tuple[Finding, ...]
    access: tuple[Cell, ...] = ()
    controls: tuple[Control, ...] = ()
    limits: tuple[str, ...] = ()
    loaded: LoadedEnvironment | None = None
    source: SettingsSource | None = None
    proof: Proof | None = field(default=None, compare=False, repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether everything was checked; if settings break rules, nothing else is."""
        return self.loaded is not None or self.path.suffix == ".json"


def check(path: Path, intended: Report | None = None) -> Report:
    """Check an environment file, a stack's JSON or a plan.

    Args:
        path: a stack or plan if its suffix is `.json`, otherwise an environment file.
        intended: the report of an environment file, whose intent a stack or plan is held against;
            by default that of the exemptions that its policies name.

    Returns:
        the report; if settings break rules, it has only findings about those, and no matrix.

    Raises:
        OrgtrailError: the file cannot be read, or is of another kind.

    """
    if path.suffix == ".json":
        asker, intent = _from_stack(path)
        if intended and intended.loaded:
            environment = intended.loaded.environment
            units = units_from_settings(environment)
            asker = Asker(replace(asker.model, units=units))
            intent = intent_from_settings(environment)
        try:
            return _report(path, asker, intent, by_setting=False)
        except MALFORMED as error:
            raise malformed(path, error) from None
    try:
        env, source = load_settings(path)
        require_limits(env, source)
    except SettingsError as error:
        found = tuple(_fault_finding(each, error.source, Severity.HIGH) for each in error.faults)
        return Report(path.stem, path, found, source=error.source)
    report = _report(path, *_from_settings(env), by_setting=True)
    report = replace(
        report,
        findings=referred.replace_findings(report.findings, env),
        controls=tuple(referred.replace_controls(report.controls, env)),
        loaded=LoadedEnvironment(env, source),
        source=source,
    )
    return _with_advice(report, env, source)


def asker_of(path: Path) -> tuple[Asker, Intent]:
    """Return what decides requests under the policies of a file, and the intent; no finding.

    Args:
        path: a stack or plan if its suffix is `.json`, otherwise an environment file.

    Raises:
        OrgtrailError: the file cannot be read, is of another kind, or its settings break rules.

    """
    if path.suffix == ".json":
        return _from_stack(path)
    env, source = load_settings(path)
    require_limits(env, source)
    return _from_settings(env)


def _from_stack(path: Path) -> tuple[Asker, Intent]:
    stack = read(path)
    try:
        model = model_of(stack)
        return Asker(model), intent_from_policies(model)
    except MALFORMED as error:
        raise malformed(path, error) from None


def _from_settings(env: Environment) -> tuple[Asker, Intent]:
    model = model_of(build(env).expanded())
    session_role = env.logging.session_role or ""
    model = replace(model, units=units_from_settings(env), session_role=session_role)
    return Asker(model), intent_from_settings(env)


def with_shared_findings(reports: Sequence[Report]) -> list[Report]:
    """Add findings about what two files must not share; a file that is given twice counts once."""
    by_path = {each.path.resolve(): each.loaded for each in reports if each.loaded}
    found: dict[str, list[Finding]] = {}
    for file, fault in conflicts([*by_path.values()]):
        finding = _fault_finding(fault, file.source, Severity.MEDIUM)
        found.setdefault(file.source.name, []).append(finding)
    return [
        replace(each, findings=(*found.get(str(each.path), ()), *each.findings)) for each in reports
    ]


def rule_meanings() -> dict[str, str]:
    """Return what each rule that a finding can have requires, in a sentence, by the rule's name."""
    return {
        ACCESS_RULE: "Every access of the matrix matches the intent.",
        delivery.RULE: "Each service and role is allowed what it has to do, or names what is lost.",
        trust.RULE: "Only who is meant can assume a role, and proves more than its credentials.",
        beyond.RULE: "A role may do what its purpose asks for, to its own resources, and no more.",
        reach.RULE: "Nobody can do by assuming or driving a role what is not meant for them.",
        layers.RULE: "Log files and their keys are held by two layers, each of which denies alone.",
        referred.RULE: "Nothing is only referred to.",
        **{each.name: each.meaning for each in RULES},
        **{each.ids[-1]: f"{each.title}." for each in controls(model_of(Stack("", (), ())))},
    }


def rule_names() -> list[str]:
    """Return every name that the rule of a finding can have."""
    return [*rule_meanings()]


def _report(path: Path, asker: Asker, intent: Intent, *, by_setting: bool) -> Report:
    model = asker.model
    cells = matrix(asker, intent)
    driven = reached(asker, principals(model, intent)) if model.is_known else []
    wanted = list(_deliveries(asker, intent))
    proof = Proof(
        asker,
        intent,
        tuple(grants(asker, intent)),
        tuple((each, decide(asker, each)) for each in wanted),
    )
    evaluated = controls(model)
    found = [
        *findings(model, by_setting=by_setting),
        *_access_findings(cells, model, by_setting=by_setting),
        *delivery_findings(proof.deliveries, by_setting=by_setting),
        *beyond_findings(asker, wanted, by_setting=by_setting),
        *grant_findings(proof.grants, by_setting=by_setting),
        *reach_findings(asker, driven, cells, by_setting=by_setting),
        *layer_findings(asker, intent, cells, by_setting=by_setting),
        *trust_findings(asker, by_setting=by_setting),
        *_control_findings(evaluated, by_setting=by_setting),
    ]
    order = list(Severity)
    return Report(
        model.name,
        path,
        tuple(sorted(found, key=lambda each: order.index(each.severity))),
        tuple(cells),
        tuple(evaluated),
        (*_meant(intent, model, by_setting=by_setting), *_limits(cells, model)),
        proof=proof,
    )


def _deliveries(asker: Asker, intent: Intent) -> Iterator[Delivery]:
    if asker.model.is_known:
        yield from service_deliveries(asker)
        yield from role_deliveries(asker)
        yield from people_deliveries(asker.model, intent)


def _with_advice(report: Report, env: Environment, source: SettingsSource) -> Report:
    """Add advice on valid settings, except on those that a finding names already."""
    named = {each.setting for each in report.findings}
    advised = [
        _fault_finding(fault, source, Severity.LOW)
        for fault in unwise_settings(env)
        if dotted(fault.setting) not in named
    ]
    return replace(report, findings=(*report.findings, *advised))


def _fault_finding(fault: Fault, source: SettingsSource | None, severity: Severity) -> Finding:
    line = source.line(fault.setting) if source else 0
    at = f"line {line}: " if line else ""
    return Finding(severity, "settings", dotted(fault.setting), f"{at}{fault}", line)


def _access_findings(cells: list[Cell], model: Model, *, by_setting: bool) -> Iterator[Finding]:
    """Yield one finding per principal and reason, for cells that are not as intended."""
    groups: dict[tuple[str, bool, str], list[Cell]] = {}
    for cell in cells:
        if not cell.agrees:
            decision = cell.decision
            reason = "" if decision.is_undecided else decision.statement
            groups.setdefault((cell.principal.id, cell.is_intended, reason), []).append(cell)
    address = model.archive.address if model.archive else ""
    for group in groups.values():
        first = group[0]
        undecided = first.decision.is_undecided
        verb = "may be able to" if undecided else "cannot" if first.is_intended else "can"
        yield Finding(
            Severity.UNPROVEN if undecided else Severity.HIGH,
            ACCESS_RULE,
            _section(first) if by_setting else address,
            f"{first.principal.title} {verb} {_titles(group)}: {first.decision.statement}. "
            f"Intended: {first.expected}.",
        )


def _titles(cells: list[Cell]) -> str:
    """List the first attacks of cells, and how many more there are."""
    return listed([f"{each.attack.title} ({each.action})" for each in cells], _LISTED)


def _section(cell: Cell) -> str:
    """Return the section of an environment file that decides a cell."""
    if not cell.is_intended and cell.principal.is_administrator:
        return "guardrails"
    sections = {"kms": "key", "s3": "archive", "cloudtrail": "trail", "glue": "catalog",
                "athena": "catalog", "logs": "delivery", "iam": "access"}  # fmt: skip
    return sections.get(cell.action.partition(":")[0], "guardrails")


def _control_findings(evaluated: list[Control], *, by_setting: bool) -> Iterator[Finding]:
    for each in evaluated:
        if each.verdict is Status.FAIL:
            place = each.setting if by_setting else each.resource
            yield Finding(
                Severity.MEDIUM,
                each.ids[-1],
                place,
                f"{' and '.join(each.ids)} {'are' if len(each.ids) > 1 else 'is'} not met: "
                f"{each.title}.",
            )


def _meant(intent: Intent, model: Model, *, by_setting: bool) -> Iterator[str]:
    """Yield who is meant to be able to change or delete the evidence, for the reader to approve."""
    if not model.is_known:
        return
    by = "this file" if by_setting else "the policies"
    exempt = ", ".join(map(_role_name, intent.exempt_roles)) or "nobody"
    breaking = ", ".join(map(_role_name, intent.break_glass_roles)) or "nobody"
    yield f"By {by}, exempt from the guardrails: {exempt}; meant to delete log files: {breaking}."


def _role_name(pattern: str) -> str:
    """Return a role as people name it: its name, and its account if the pattern has one."""
    if not pattern.startswith("arn:"):
        return pattern
    account, name = pattern.split(":")[4], pattern.rpartition("/")[2]
    return f"{name} of {'any account' if account == '*' else account}"


def _limits(cells: list[Cell], model: Model) -> Iterator[str]:
    """Yield what policies cannot prevent, and what would detect it."""
    # A lock protects a file, but not the key that encrypts it.
    if deletions := [each for each in cells if each.attack.title == DELETE_KEY]:
        can = [each.principal.title for each in deletions if each.decision.is_allowed]
        may = [
            f"perhaps {each.principal.title}" for each in deletions if each.decision.is_undecided
        ]
        who = ", ".join([*can, *may]) or "none of those asked about"
        detected = " and ".join(detected_by(model, deletions[0].attack))
        yield (
            "Who deletes the key makes every log file unreadable, a locked one too. Who can "
            f"schedule that: {who}. It waits for 7 to 30 days. "
            f"{_detection(detected)}"
        )
    for cell in cells:
        stops_trail = cell.principal.id == "management-administrator" and cell.attack.title == _STOP
        if stops_trail and cell.decision.is_allowed:
            detected = " and ".join(detected_by(model, cell.attack))
            yield (
                f"Whoever administers the management account ({model.management}), its root user "
                "and its deploy role too, can stop this trail, change the organization's policies "
                "and end its trust in CloudTrail: no service control policy binds that account. "
                f"{_detection(detected)}"
            )


def _detection(by: str) -> str:
    return f"Detected by: {by}." if by else "Nothing here detects it: add alarms."
