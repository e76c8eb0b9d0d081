"""Layers: which policies deny an act each on its own, and acts that only one of them holds.

Log files and their key are to be held twice, by the resource's own policy and by the organization's
policies (or a lock), so that one mistake in one policy opens nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.check.asking import ALWAYS, Asker, key_arn
from orgtrail.check.attack import Attack
from orgtrail.check.choosing import decide_at_worst
from orgtrail.check.findings import Finding, Severity, listed
from orgtrail.check.intent import Intent
from orgtrail.check.matrix import Cell
from orgtrail.check.model import Model
from orgtrail.check.principals import ADMINISTRATOR, FOREIGN_ACCOUNT, FOREIGN_ORGANIZATION, members
from orgtrail.iam.evaluator import ControlPolicies, Policies, Verdict, evaluate
from orgtrail.iam.request import Caller, Kind, Request

RULE = "one-layer"
_DELETING = {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ReplicateDelete"}
_WRITING = {"s3:PutObject", "s3:ReplicateObject", "s3:UpdateObjectEncryption"}
_KEYS = {
    "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy", "kms:CreateGrant",
    "kms:DisableKeyRotation",
}  # fmt: skip
_NAMED = 4
"""The number of acts that a finding about an organization's policy names."""
_ASKED = "logging-administrator"
"""Who is asked: of the accounts that no exemption names, it can do most."""


def layer_findings(
    asker: Asker, intent: Intent, cells: list[Cell], *, by_setting: bool
) -> Iterator[Finding]:
    """Yield a finding for each resource of which an act is held by one layer only."""
    groups: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        is_held = cell.decision.is_denied and not cell.is_intended
        if cell.principal.id == _ASKED and is_held and _is_evidence(asker.model, intent, cell):
            found, perhaps = layers(asker, cell)
            if len(found) == 1 or len(found) + len(perhaps) == 1:
                resource = cell.resource.partition("/")[0] if ":s3:" in cell.resource else ""
                held_by = ", and ".join([*found, *perhaps])
                group = (held_by, resource or cell.resource)
                groups.setdefault(group, []).append(f"{cell.attack.title} ({cell.action})")
    for (layer, resource), acts in groups.items():
        section = "key" if ":kms:" in resource else "archive"
        yield Finding(
            Severity.ONE_LAYER,
            RULE,
            section if by_setting else _address(asker.model, resource),
            f"{listed(acts)}: held by one layer only, {layer}. One mistake in it would open "
            f"{resource}.",
        )
    yield from _left_out(asker, by_setting=by_setting)


def layers(asker: Asker, cell: Cell) -> tuple[list[str], list[str]]:
    """Return the layers that deny a cell's act each on its own, and those that perhaps do."""
    attack, caller = cell.attack, cell.principal.caller
    owner = attack.account or caller.account
    action, resource = attack.steps[0][0], cell.resource
    request = Request(
        caller, action, resource, owner, {**ALWAYS, **cell.principal.context, **attack.context}
    )
    controls = asker.controls(caller.account, owner)
    scps, rcps = _only(controls, service=True), _only(controls, service=False)
    found: list[str] = []
    perhaps: list[str] = []
    for name, policies in (
        (_policy_name(attack), Policies((ADMINISTRATOR,), attack.policy)),
        ("the service control policies", Policies((ADMINISTRATOR,), controls=scps)),
        ("the resource control policies", Policies((ADMINISTRATOR,), controls=rcps)),
    ):
        stays = {**cell.principal.context, **attack.context}
        decision = decide_at_worst(request, policies, stays, can_be_user=True)
        if decision.is_denied:
            found.append(name)
        if decision.is_undecided:
            # Of a policy that cannot be read another finding tells; a condition that somebody
            # may not meet makes a deny that does not hold everybody.
            (found if _is_doubtful(policies) else perhaps).append(f"perhaps {name}")
    if attack.impossible:
        found.append("the lock")
    return found, perhaps


def _is_doubtful(policies: Policies) -> bool:
    """Return whether a policy cannot be read, or is not known to apply."""
    return any(one.doubt for each in policies.every for one in each.statements)


def _policy_name(attack: Attack) -> str:
    return attack.policy.name if attack.policy else "its own policy"


def _only(controls: ControlPolicies, *, service: bool) -> ControlPolicies:
    return ControlPolicies(
        controls.organization,
        controls.management,
        controls.service if service else (),
        () if service else controls.resource,
    )


def _is_evidence(model: Model, intent: Intent, cell: Cell) -> bool:
    """Return whether an act is to be held twice."""
    if cell.action in _KEYS:
        return bool(intent.key_administrators) and cell.attack.account == model.logging
    if not model.archive:
        return False
    if cell.action in _WRITING:
        ours = f":::{model.archive.name}/{model.logs_prefix}"
        return ours in cell.resource and FOREIGN_ORGANIZATION not in cell.resource
    if cell.action not in _DELETING:
        return False
    kept = model.evidence_buckets | {model.archive.name}
    return any(f":::{name}/" in cell.resource for name in kept)


def _address(model: Model, resource: str) -> str:
    for bucket in model.buckets:
        if resource.endswith(f":::{bucket.name}"):
            return model.policy_address(bucket)
    named = (each.address for each in model.keys if resource == key_arn(model, each))
    return next(named, resource)


def _left_out(asker: Asker, *, by_setting: bool) -> Iterator[Finding]:
    """Yield a finding if a resource control policy protects some of the trail's and not all."""
    model = asker.model
    outside = Caller(
        Kind.ROLE, f"arn:{model.partition}:iam::{FOREIGN_ACCOUNT}:role/any", FOREIGN_ACCOUNT,
        FOREIGN_ORGANIZATION,
    )  # fmt: skip
    service = Caller(Kind.SERVICE, "config.amazonaws.com")
    foreign = {
        "aws:SourceAccount": FOREIGN_ACCOUNT,
        "aws:SourceOrgID": FOREIGN_ORGANIZATION,
        "aws:SourceArn": f"arn:{model.partition}:config:any:{FOREIGN_ACCOUNT}:any",
    }
    asked = [
        (f"arn:{model.partition}:s3:::{each.name}{end}", action, each.address)
        for each in model.buckets
        if each.account == model.logging
        for end, action in (
            ("", "s3:ListBucket"),
            ("/any", "s3:GetObject"),
            ("/any", "s3:PutObject"),
        )
    ] + [
        (key_arn(model, each), action, each.address)
        for each in model.keys
        if each.account == model.logging
        for action in ("kms:Decrypt", "kms:GenerateDataKey")
    ]
    for caller, context, who in (
        (outside, {}, "strangers"),
        (service, foreign, "services of strangers"),
    ):
        controls = _only(asker.controls(members(model)[0], model.logging), service=False)
        open_ = []
        for arn, action, address in asked:
            target = asker.target(arn)
            given = {**(target.context if target else {}), **context}
            request = Request(caller, action, arn, model.logging,
                              {"aws:SecureTransport": "true", **given})  # fmt: skip
            decision = evaluate(request, Policies((ADMINISTRATOR,), controls=controls))
            if decision.verdict is not Verdict.EXPLICIT_DENY:
                open_.append((arn, action, address))
        if open_ and len(open_) < len(asked):
            named = ", ".join(f"{action} on {arn}" for arn, action, _ in open_[:_NAMED])
            yield Finding(
                Severity.ONE_LAYER,
                RULE,
                "guardrails.resource_control_policy" if by_setting else open_[0][2],
                f"{named} by {who}: held by one layer only, the resource's own policy; the "
                "resource control policy protects others and leaves this out. Add it.",
            )
