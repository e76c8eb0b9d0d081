"""The access matrix: each principal and act, what is meant, what AWS would answer, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orgtrail.proof.acts import Act, acts
from orgtrail.proof.acts.act import ASKER
from orgtrail.proof.estate import Estate
from orgtrail.proof.iam.evaluator import Controls, Decision, Policies, Verdict, evaluate
from orgtrail.proof.iam.patterns import like
from orgtrail.proof.iam.policy import Policy, doubtful, parse
from orgtrail.proof.iam.request import Caller, Kind, Request
from orgtrail.proof.intent import Intent
from orgtrail.proof.principals import Principal, principals

FULL_ACCESS = parse(
    "FullAWSAccess",
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
)
"""The policy that AWS attaches at every level by itself."""

_EVENT = re.compile(r'\$\.eventName\s*=\s*"?([\w*]+)"?')
_SEEN_BY_GUARDDUTY = {"StopLogging", "DeleteTrail", "UpdateTrail"}
_GUARDDUTY = "GuardDuty (Stealth:IAMUser/CloudTrailLoggingDisabled)"


@dataclass(frozen=True)
class Cell:
    """One cell: `expected` is `allow` or `deny`."""

    principal: Principal
    act: Act
    expected: str
    decision: Decision

    @property
    def action(self) -> str:
        """The first action that it takes."""
        return self.act.steps[0][0]

    @property
    def resource(self) -> str:
        """What that is asked of."""
        return self.act.steps[0][1].replace(ASKER, self.principal.caller.account)

    @property
    def agrees(self) -> bool:
        """Tell whether the decision is what is meant."""
        if self.decision.verdict is Verdict.UNDECIDED:
            return False
        return (self.decision.verdict is Verdict.ALLOW) == (self.expected == "allow")


def matrix(estate: Estate, intent: Intent) -> list[Cell]:
    """Return every cell: who may do what to this audit trail."""
    controls = _Controls(estate)
    columns = acts(estate, intent)
    asked = [
        _cell(intent, controls, who, act)
        for who in principals(estate, intent)
        for act in columns
        if act.of(who)
    ]
    return [*asked, *_of_lifecycle(estate)]


def detected_by(estate: Estate, act: Act) -> list[str]:
    """Return what would tell of an act that policies allow."""
    events = {step.partition(":")[2] for step, _ in act.steps}
    found = []
    if any(
        like(event, each)
        for pattern in estate.alarms.patterns
        for event in _EVENT.findall(pattern)
        for each in events
    ):
        found.append("alarm" if estate.alarms.are_heard else "alarm that nobody is subscribed to")
    if estate.detectors and events & _SEEN_BY_GUARDDUTY:
        found.append(_GUARDDUTY)
    return found


def _cell(intent: Intent, controls: _Controls, who: Principal, act: Act) -> Cell:
    expected = "allow" if act.may(who) else "deny"
    decision = Decision(Verdict.ALLOW, "")
    for action, about in act.steps:
        resource = about.replace(ASKER, who.caller.account)
        owner = act.account or who.caller.account
        if action.startswith("cloudtrail:") and who.caller.account == intent.delegated:
            owner = intent.delegated or owner
        context = {"aws:SecureTransport": "true", "aws:ViaAWSService": "false"}
        request = Request(
            who.caller, action, resource, owner, {**context, **who.context, **act.context}
        )
        on_alias = action.startswith("kms:") and ":alias/" in resource
        decision = evaluate(
            request,
            Policies(
                who.policies,
                None if on_alias else act.policy,
                controls=controls.over(who.caller.account, owner),
            ),
        )
        if decision.verdict is not Verdict.ALLOW:
            break
    if decision.verdict is Verdict.ALLOW and act.impossible:
        decision = Decision(Verdict.EXPLICIT_DENY, act.impossible)
    return Cell(who, act, expected, decision)


def _of_lifecycle(estate: Estate) -> Iterator[Cell]:
    """Ask the archive's own lifecycle too: it is bound by no policy, only by a lock."""
    archive = estate.archive
    if not archive or not archive.lock_mode:
        return
    days, locked = archive.expire_after_days, archive.lock_days
    early = bool(days and days < locked)
    who = Principal("lifecycle", "the archive's lifecycle", Caller(Kind.SERVICE, "lifecycle"))
    act = Act(
        "expire a log file before its lock ends",
        (("s3:LifecycleExpiration", f"arn:{estate.partition}:s3:::{archive.name}/*"),),
        archive.account,
        lambda _: False,
    )
    decision = Decision(
        Verdict.ALLOW if early else Verdict.EXPLICIT_DENY,
        f"files expire {f'after {days} days' if days else 'never'}, the lock ends after {locked}",
    )
    yield Cell(who, act, "deny", decision)


class _Controls:
    """The organization's policies above each account, made once."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._levels: dict[tuple[str, str], tuple[tuple[Policy, ...], ...]] = {}
        self._pairs: dict[tuple[str, str], Controls] = {}

    def over(self, caller: str, owner: str) -> Controls:
        """Return what binds a caller of one account and resources of another."""
        if (caller, owner) not in self._pairs:
            self._pairs[caller, owner] = Controls(
                self._estate.organization,
                self._estate.management,
                self._above("SCP", caller),
                self._above("RCP", owner),
            )
        return self._pairs[caller, owner]

    def _above(self, kind: str, account: str) -> tuple[tuple[Policy, ...], ...]:
        if (kind, account) not in self._levels:
            policies = tuple(self._binding(kind, account))
            self._levels[kind, account] = ((FULL_ACCESS, *policies),) if policies else ()
        return self._levels[kind, account]

    def _binding(self, kind: str, account: str) -> Iterator[Policy]:
        """Yield the policies that bind an account, and in doubt those that may."""
        for control in self._estate.controls:
            if control.kind != kind:
                continue
            binds = self._estate.binds(control, account)
            if binds is None:
                under = ", ".join(control.targets)
                reason = f"whether account {account} lies under {under} is not known here"
                yield doubtful(control.policy, reason)
            elif binds:
                yield control.policy
