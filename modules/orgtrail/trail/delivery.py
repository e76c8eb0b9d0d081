"""The delivery to CloudWatch Logs: the log group, and the role that CloudTrail writes with."""

from __future__ import annotations

from dataclasses import dataclass

from orgtrail.policies import roles
from orgtrail.trail.common import role
from orgtrail.trail.part import Part, protected
from orgtrail.trail.resource import Resource


@dataclass(frozen=True, slots=True)
class Delivery:
    """What other parts wait for."""

    group: Resource
    ready: tuple[Resource, ...]


def delivery(part: Part) -> Delivery:
    """Add the group and the role; the group must be in the account that owns the trail."""
    env, settings = part.environment, part.environment.delivery
    adopt = env.adopt
    group = part.add(
        "aws_cloudwatch_log_group",
        "log_group",
        name=settings.log_group,
        retention_in_days=settings.retention_days,
        kms_key_id=settings.kms_key_arn,
        lifecycle=protected(env.archive.destroy_protection),
        imported_as=settings.log_group if adopt.is_imported("log_group") else "",
        is_managed=not adopt.is_referenced("log_group"),
    )
    if adopt.is_referenced("delivery_role") or adopt.is_referenced("trail"):
        return Delivery(group, (group,))
    may_write = role(
        part.inside("role"),
        name=settings.role_name,
        description=f"CloudTrail delivers {env.trail.name} to CloudWatch Logs",
        trust=roles.delivery_trust(env),
        policy_name="write-trail-streams",
        permissions=roles.delivery(env),
        exists=adopt.is_imported("delivery_role"),
    )
    return Delivery(group, (group, may_write))
