"""Notifications of new log files: the trail's own topic, and those of the archive bucket."""

from __future__ import annotations

from typing import Any

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail.common import encrypted_topic
from orgtrail.trail.part import Before, Part
from orgtrail.trail.policy import (
    Document,
    Statement,
    administration,
    document,
    secure_transport,
)
from orgtrail.trail.resource import Resource

_KINDS = {"sns": "topic", "sqs": "queue", "lambda": "lambda_function"}
"""Terraform's block names, by the service in a destination's ARN."""


def trail_topic(part: Part, name: str) -> Resource:
    """Add the topic that CloudTrail notifies of each log file, with its own key and policy.

    Args:
        part: the part to add to, in the management account.
        name: the topic's name.

    Returns:
        the topic's policy, which the trail depends on: CloudTrail tests a topic when it is set.

    """
    env = part.environment
    made = encrypted_topic(
        part,
        name,
        id="Default",
        key_policy=key_policy(env),
        topic_policy=topic_policy(env, name),
    )
    return made.policy


def bucket_notification(part: Part, after: Before) -> None:
    """Set all notifications of the archive bucket: S3 has one list for each bucket.

    Args:
        part: the part to add to, in the logging account.
        after: resources that must exist before.

    """
    env = part.environment
    bucket, existing = env.archive.bucket, env.adopt.bucket
    blocks: dict[str, Any] = {}
    for each in naming.notifications(env):
        kind = _KINDS[each.arn.split(":")[2]]
        block = {
            f"{kind}_arn": each.arn,
            "events": list(each.events),
            "filter_prefix": each.prefix or None,
            "filter_suffix": each.suffix or None,
        }
        blocks.setdefault(kind, []).append(block)
    part.add(
        "aws_s3_bucket_notification",
        "notification",
        bucket=bucket,
        eventbridge=env.archive.eventbridge or None,
        depends_on=after,
        imported_as=bucket if existing and existing.has("notification") else "",
        **blocks,
    )


def topic_policy(env: Environment, name: str) -> Document:
    """Return the topic's policy: CloudTrail publishes for this trail only, over TLS.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html
    """
    arn = naming.management_topic_arn(env, name)
    return document(
        _for_trail(env, "AWSCloudTrailSNSPolicy20131101", ["sns:Publish"], arn),
        secure_transport("sns:Publish", [arn]),
    )


def key_policy(env: Environment) -> Document:
    """Return the key's policy: CloudTrail encrypts for this trail only (same page)."""
    actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
    return document(
        administration([naming.account_root(env, env.management.id)]),
        _for_trail(env, "CloudTrailNotifies", actions, "*"),
    )


def _for_trail(env: Environment, sid: str, actions: list[str], resource: str) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": naming.CLOUDTRAIL},
        "Action": actions,
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:SourceArn": naming.trail_arn(env)}},
    }
