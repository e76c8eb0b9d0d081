"""Acts on what surrounds the evidence: the trail, its log group, and the organization."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.naming import CLOUDTRAIL
from orgtrail.proof.acts.act import ASKER, Act, Ground, nobody
from orgtrail.proof.principals import STRANGERS, Principal

TRAIL_ACTS = {
    "stop the trail": "StopLogging",
    "delete the trail": "DeleteTrail",
    "update the trail": "UpdateTrail",
    "narrow what the trail records": "PutEventSelectors",
    "change what its events hold": "PutEventConfiguration",
    "stop the trail's insights": "PutInsightSelectors",
}
LOG_GROUP_ACTS = {
    "delete the log group": "DeleteLogGroup",
    "shorten the log group's retention": "PutRetentionPolicy",
}
ORGANIZATION_ACTS = {
    "detach the service control policy": "DetachPolicy",
    "change the service control policy": "UpdatePolicy",
}
MEMBER_ACTS = {
    "leave the organization": "organizations:LeaveOrganization",
    "move to another organization by its invitation": "organizations:AcceptHandshake",
    "close the account": "account:CloseAccount",
    "turn a region of the account off": "account:DisableRegion",
}
"""What takes a member's account, or a region of it, away from the trail."""
_MEMBER_RESOURCES = {
    "organizations:AcceptHandshake": ("organizations", f"handshake/{STRANGERS}/invite/h-example1"),
    "account:CloseAccount": ("account", "account"),
    "account:DisableRegion": ("account", "account"),
}


def of_trail(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the trail."""

    def may(who: Principal) -> bool:
        delegated = who.caller.account == ground.intent.delegated and who.is_exempt
        return ground.manages(who) or (who.is_administrator and delegated)

    for title, action in TRAIL_ACTS.items():
        # Its delegated administrator acts on the trail as its owner does.
        yield Act(title, ((f"cloudtrail:{action}", ground.trail.arn),), ground.trail.account, may)


def of_log_groups(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the log group that events are delivered to, and on the verification's."""
    for logs in ground.estate.log_groups:
        if f":log-group:{logs.name}:" in ground.trail.log_group:
            arn = ground.arn("logs", logs.region, logs.account, f"log-group:{logs.name}")
            for title, action in LOG_GROUP_ACTS.items():
                yield Act(title, ((f"logs:{action}", arn),), logs.account, ground.manages)
        elif logs.account == ground.estate.logging:
            arn = ground.arn("logs", logs.region, logs.account, f"log-group:{logs.name}")
            for title, action in LOG_GROUP_ACTS.items():
                named = title.replace("the log group", f"log group {logs.name}")
                yield Act(named, ((f"logs:{action}", arn),), logs.account, ground.configures)


def of_organization(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the organization."""
    management = ground.estate.management
    for title, action in MEMBER_ACTS.items():
        service, resource = _MEMBER_RESOURCES.get(action, ("", ""))
        arn = ground.arn(service, "", ASKER, resource) if service else "*"
        yield Act(title, ((action, arn),), None, nobody, of=ground.is_member)
    if any(each.kind == "SCP" for each in ground.estate.controls):
        policy = ground.arn(
            "organizations", "", management,
            f"policy/{ground.estate.organization}/service_control_policy/p-protects0",
        )  # fmt: skip
        for title, action in ORGANIZATION_ACTS.items():
            steps = ((f"organizations:{action}", policy),)
            yield Act(title, steps, management, ground.manages)
    yield Act(
        "end the organization's trust in CloudTrail",
        (("organizations:DisableAWSServiceAccess", "*"),),
        management,
        ground.manages,
        context={"organizations:ServicePrincipal": CLOUDTRAIL},
    )
