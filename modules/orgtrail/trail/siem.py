"""The feed for a SIEM, in the logging account: from the archive to a topic to a queue."""

from __future__ import annotations

from typing import Any

from orgtrail import naming
from orgtrail.policies import siem as policies
from orgtrail.policies.document import Document, text
from orgtrail.settings.access import Siem
from orgtrail.trail.common import role, service_key
from orgtrail.trail.notices import bucket_notification
from orgtrail.trail.part import Before, Part
from orgtrail.trail.resource import Resource, literal

_DAY = 86_400
_DEAD_DAYS = 14


def siem(part: Part, settings: Siem, after: Before) -> None:
    """Add key, topic, queues, the bucket's notification and the SIEM's role.

    The notices are as S3 words them: what Splunk, Elastic and others take.

    Args:
        part: the part that they become, in the logging account and the archive's region.
        settings: the feed's own.
        after: what must be there before the bucket is told to notify.

    """
    env = part.environment
    key = service_key(
        part.inside("key"),
        alias=naming.key_alias(settings.topic),
        description=f"Messages of {settings.topic}",
        policy=policies.key(env, settings),
    )
    topic = part.add(
        "aws_sns_topic", "topic", name=settings.topic, kms_master_key_id=key.attribute("arn")
    )
    may_publish = part.add(
        "aws_sns_topic_policy",
        "topic_policy",
        arn=topic.attribute("arn"),
        policy=literal(text(policies.topic(env, settings))),
    )
    _queues(part, settings, key, topic)
    # S3 sends a test when it is told to notify.
    bucket_notification(part, [*after, may_publish])
    if reader := settings.reader:
        role(
            part.inside("reader"),
            name=reader.role_name,
            description="A SIEM takes notices and log files",
            trust=policies.reader_trust(reader),
            policy_name="reader",
            permissions=policies.reader(env, settings),
        )


def _queues(part: Part, settings: Siem, key: Resource, topic: Resource) -> None:
    env = part.environment
    dead_letter = naming.dead_letter_queue(settings.queue)
    dead = _queue(
        part, "dead_letters", dead_letter, _DEAD_DAYS, key, policies.dead_letters(env, settings)
    )
    redrive = {
        "deadLetterTargetArn": naming.queue_arn(env, dead_letter),
        "maxReceiveCount": settings.max_receives,
    }
    queue = _queue(
        part,
        "queue",
        settings.queue,
        settings.retention_days,
        key,
        policies.queue(env, settings),
        visibility_timeout_seconds=settings.visibility_seconds,
        redrive_policy=text(redrive),
        depends_on=[dead],
    )
    part.add(
        "aws_sns_topic_subscription",
        "subscription",
        topic_arn=naming.siem_topic_arn(env, settings.topic),
        protocol="sqs",
        endpoint=naming.queue_arn(env, settings.queue),
        # The message is then S3's own, without an envelope.
        raw_message_delivery=True,
        depends_on=[topic, queue],
    )


def _queue(
    part: Part, id: str, name: str, days: int, key: Resource, policy: Document, **settings: Any
) -> Resource:
    """Add an encrypted queue and its policy, and return the policy."""
    queue = part.add(
        "aws_sqs_queue",
        id,
        name=name,
        kms_master_key_id=key.attribute("arn"),
        message_retention_seconds=days * _DAY,
        receive_wait_time_seconds=20,
        **settings,
    )
    return part.add(
        "aws_sqs_queue_policy",
        f"{id}_policy",
        queue_url=queue.attribute("url"),
        policy=literal(text(policy)),
    )
