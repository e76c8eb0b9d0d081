"""The access matrix: for each principal and attack, what is intended, what AWS decides, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orgtrail.check.asking import ALWAYS, Asker
from orgtrail.check.attack import CALLER_ACCOUNT, Attack, nobody
from orgtrail.check.attacks import attacks
from orgtrail.check.choosing import decide_at_worst
from orgtrail.check.intent import Intent
from orgtrail.check.model import Model
from orgtrail.check.principals import Principal, principals
from orgtrail.iam.evaluator import Decision, Policies, Verdict
from orgtrail.iam.patterns import like
from orgtrail.iam.request import Caller, Kind, Request

_EVENT = re.compile(r'\$\.eventName\s*=\s*"?([\w*]+)"?')
_SEEN_BY_GUARDDUTY = {"StopLogging", "DeleteTrail", "UpdateTrail"}
_GUARDDUTY = "GuardDuty (Stealth:IAMUser/CloudTrailLoggingDisabled)"


@dataclass(frozen=True)
class Cell:
    """One cell: whether the attack is intended for the principal, and what AWS decides."""

    principal: Principal
    attack: Attack
    is_intended: bool
    decision: Decision

    @property
    def expected(self) -> str:
        """The intent as output shows it: `allow` or `deny`."""
        return "allow" if self.is_intended else "deny"

    @property
    def action(self) -> str:
        """The first action of the attack."""
        return self.attack.steps[0][0]

    @property
    def resource(self) -> str:
        """The resource of the first action."""
        return self.attack.steps[0][1].replace(CALLER_ACCOUNT, self.principal.caller.account)

    @property
    def agrees(self) -> bool:
        """Whether the decision is as intended."""
        decision = self.decision
        return decision.is_allowed if self.is_intended else decision.is_denied


def matrix(asker: Asker, intent: Intent) -> list[Cell]:
    """Return every cell: who can do what to this audit trail."""
    model = asker.model
    columns = attacks(model, intent)
    cells = [
        cell_of(intent, asker, principal, attack)
        for principal in principals(model, intent)
        for attack in columns
        if attack.applies_to(principal)
    ]
    return [*cells, *_lifecycle_cells(model)]


def detected_by(model: Model, attack: Attack) -> list[str]:
    """Return what would detect an attack that policies allow."""
    events = {action.partition(":")[2] for action, _ in attack.steps}
    found = []
    if any(
        like(event, each)
        for pattern in model.alarms.patterns
        for event in _EVENT.findall(pattern)
        for each in events
    ):
        found.append("alarm" if model.alarms.are_heard else "alarm that nobody is subscribed to")
    if model.has_detectors and events & _SEEN_BY_GUARDDUTY:
        found.append(_GUARDDUTY)
    return found


def cell_of(intent: Intent, asker: Asker, principal: Principal, attack: Attack) -> Cell:
    """Decide one attack of one principal."""
    caller = principal.caller
    decision = Decision(Verdict.ALLOW, "")
    for action, step_resource in attack.steps:
        resource = step_resource.replace(CALLER_ACCOUNT, caller.account)
        owner = attack.account or caller.account
        if action.startswith("cloudtrail:") and caller.account == intent.delegated_administrator:
            owner = intent.delegated_administrator or owner
        request = Request(
            caller, action, resource, owner, {**ALWAYS, **principal.context, **attack.context}
        )
        on_alias = action.startswith("kms:") and ":alias/" in resource
        decision = decide_at_worst(
            request,
            Policies(
                principal.policies,
                None if on_alias else attack.policy,
                controls=asker.controls(caller.account, owner),
            ),
            {**principal.context, **attack.context},
        )
        if not decision.is_allowed:
            break
    if decision.is_allowed and attack.impossible:
        decision = Decision(Verdict.EXPLICIT_DENY, attack.impossible)
    return Cell(principal, attack, attack.intended_for(principal), decision)


def _lifecycle_cells(model: Model) -> Iterator[Cell]:
    """Yield the cell of the archive's lifecycle: a lock can stop it, a policy cannot."""
    archive = model.archive
    if not archive or not archive.lock_mode:
        return
    days, locked = archive.expire_after_days, archive.lock_days
    early = bool(days and days < locked)
    principal = Principal("lifecycle", "the archive's lifecycle", Caller(Kind.SERVICE, "lifecycle"))
    attack = Attack(
        "expire a log file before its lock ends",
        (("s3:LifecycleExpiration", f"arn:{model.partition}:s3:::{archive.name}/*"),),
        archive.account,
        nobody,
    )
    decision = Decision(
        Verdict.ALLOW if early else Verdict.EXPLICIT_DENY,
        f"files expire {f'after {days} days' if days else 'never'}, the lock ends after {locked}",
    )
    yield Cell(principal, attack, False, decision)
