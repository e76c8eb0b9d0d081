"""Who is told of log files: the trail's own topic, and what the archive's bucket tells."""

from __future__ import annotations

from typing import Any

from orgtrail import naming
from orgtrail.policies import notices as policies
from orgtrail.policies.document import text
from orgtrail.trail.common import service_key
from orgtrail.trail.part import Before, Part
from orgtrail.trail.resource import Resource, literal

_KINDS = {"sns": "topic", "sqs": "queue", "lambda": "lambda_function"}
"""Terraform's blocks, by the service of a destination's ARN."""


def trail_topic(part: Part, name: str) -> Resource:
    """Add the topic that CloudTrail tells of each log file, with a key and a policy of its own.

    Args:
        part: the part that it becomes, in the management account.
        name: the topic's name.

    Returns:
        what the trail waits for: CloudTrail tries the topic when it is told of it.

    """
    env = part.environment
    key = service_key(
        part.inside("key"),
        alias=naming.key_alias(name),
        description=f"Messages of {name}",
        policy=policies.key(env),
    )
    topic = part.add("aws_sns_topic", "Default", name=name, kms_master_key_id=key.attribute("arn"))
    return part.add(
        "aws_sns_topic_policy",
        "policy",
        arn=topic.attribute("arn"),
        policy=literal(text(policies.topic(env, name))),
    )


def bucket_notification(part: Part, after: Before) -> None:
    """Set whom the archive's bucket tells: S3 has one list for a bucket, so it is whole here.

    Args:
        part: what it becomes part of, in the logging account.
        after: what must be there before.

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
