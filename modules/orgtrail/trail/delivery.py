"""The delivery to CloudWatch Logs: the log group, and the role that CloudTrail writes with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail import deploying as of
from orgtrail.trail.common import role
from orgtrail.trail.part import Part, protected
from orgtrail.trail.policy import Document, Statement, allow, boundary_arn, document
from orgtrail.trail.resource import Resource


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery's resources that other parts depend on."""

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
        trust=delivery_trust(env),
        policy_name="write-trail-streams",
        permissions=delivery_permissions(env),
        exists=adopt.is_imported("delivery_role"),
    )
    return Delivery(group, (group, may_write))


def delivery_trust(env: Environment) -> Document:
    """Return the trust policy: CloudTrail, for this trail only."""
    return document(
        {
            "Sid": "CloudTrailDelivers",
            "Effect": "Allow",
            "Principal": {"Service": naming.CLOUDTRAIL},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceArn": naming.trail_arn(env)}},
        }
    )


def delivery_permissions(env: Environment) -> Document:
    """Return the permissions: to write the trail's two kinds of streams only.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html
    """
    return document(
        {
            "Sid": "WriteTrailStreams",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": naming.log_stream_arns(env),
        }
    )


def deploying(env: Environment) -> Iterator[Statement]:
    """Yield the permissions to deploy the delivery, in the management account."""
    group = naming.log_group_arn(env, env.management.id)
    if not env.adopt.is_referenced("log_group"):
        yield allow("ManageLogGroup", "logs", of.LOG_GROUP, [group, f"{group}:*"])
        yield allow("FindLogGroups", "logs", ("DescribeLogGroups",), "*")
    if env.adopt.is_referenced("trail"):
        return
    role = naming.delivery_role_arn(env)
    if not env.adopt.is_referenced("delivery_role"):
        yield from of.roles("Delivery", role, boundary_arn(env, "management"))
    yield of.pass_role("PassDeliveryRole", role, naming.CLOUDTRAIL)
