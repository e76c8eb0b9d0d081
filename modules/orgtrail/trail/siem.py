"""The feed for a SIEM, in the logging account: from the archive to a topic to a queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.settings.access import Siem, SiemReader
from orgtrail.settings.environment import Environment
from orgtrail.trail.common import encrypted_topic, role
from orgtrail.trail.deploying import TOPIC
from orgtrail.trail.notices import bucket_notification
from orgtrail.trail.part import Before, Part
from orgtrail.trail.policy import (
    Document,
    Statement,
    administration,
    administrators,
    allow,
    by_pattern,
    decrypt,
    document,
    list_bucket,
    publish,
    read_objects,
    readers_decrypt,
    secure_transport,
    service,
    text,
    trust,
)
from orgtrail.trail.resource import Resource, literal

_DAY = 86_400
_DEAD_LETTER_DAYS = 14
_S3, _SNS = "s3.amazonaws.com", "sns.amazonaws.com"
TAKE = (
    "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl",
    "ReceiveMessage",
)  # fmt: skip
_QUEUE = (
    "CreateQueue", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags",
    "SetQueueAttributes", "TagQueue", "UntagQueue",
)  # fmt: skip


def siem(part: Part, settings: Siem, after: Before) -> None:
    """Add key, topic, queues, the bucket's notification and the SIEM's role.

    The notices are in S3's format, which Splunk, Elastic and others accept.

    Args:
        part: the part to add to, in the logging account and the archive's region.
        settings: the feed's settings.
        after: resources that must exist before the bucket's notification is set.

    """
    env = part.environment
    made = encrypted_topic(
        part,
        settings.topic,
        id="topic",
        key_policy=key_policy(env, settings),
        topic_policy=topic_policy(env, settings),
    )
    _queues(part, settings, made.key, made.topic)
    # S3 sends a test message when a notification is set.
    bucket_notification(part, [*after, made.policy])
    if reader := settings.reader:
        role(
            part.inside("reader"),
            name=reader.role_name,
            description="A SIEM takes notices and log files",
            trust=reader_trust(reader),
            policy_name="reader",
            permissions=reader_permissions(env, settings),
        )


def _queues(part: Part, settings: Siem, key: Resource, topic: Resource) -> None:
    env = part.environment
    dead_letter = naming.dead_letter_queue(settings.queue)
    dead = _queue(
        part, "dead_letters", dead_letter, _DEAD_LETTER_DAYS, key, dead_letter_policy(env, settings)
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
        queue_policy(env, settings),
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
        # Without SNS's envelope, so that the message is S3's own.
        raw_message_delivery=True,
        depends_on=[topic, queue],
    )


def _queue(
    part: Part, id: str, name: str, days: int, key: Resource, policy: Document, **settings: Any
) -> Resource:
    """Add an encrypted queue and its policy; return the policy."""
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


def key_policy(env: Environment, siem: Siem) -> Document:
    """Return the key's policy: S3 and SNS encrypt messages; IAM decides who decrypts."""
    account = env.logging.id
    return document(
        administration(administrators(env)),
        by_pattern(env),
        service("BucketNotifies", _S3, account, naming.bucket_arn(env, env.archive.bucket)),
        service("TopicDelivers", _SNS, account, naming.siem_topic_arn(env, siem.topic)),
        readers_decrypt(env, "QueueReaders", "sqs"),
    )


def topic_policy(env: Environment, siem: Siem) -> Document:
    """Return the topic's policy: the archive publishes, subscriber accounts subscribe queues.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    arn = naming.siem_topic_arn(env, siem.topic)
    archive = naming.bucket_arn(env, env.archive.bucket)
    return document(
        publish("ArchiveNotifies", _S3, arn, env.logging.id, archive),
        _subscribers(env, siem, arn) if siem.subscriber_accounts else None,
        secure_transport("sns:Publish", [arn]),
    )


def queue_policy(env: Environment, siem: Siem) -> Document:
    """Return the queue's policy: the topic sends, over TLS; IAM decides who reads."""
    arn = naming.queue_arn(env, siem.queue)
    return document(
        {
            "Sid": "TopicSends",
            "Effect": "Allow",
            "Principal": {"Service": _SNS},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": naming.siem_topic_arn(env, siem.topic)}},
        },
        secure_transport("sqs:*", [arn]),
    )


def dead_letter_policy(env: Environment, siem: Siem) -> Document:
    """Return the dead-letter queue's policy: TLS only; SQS itself moves messages there."""
    return document(
        secure_transport("sqs:*", [naming.queue_arn(env, naming.dead_letter_queue(siem.queue))])
    )


def reader_trust(reader: SiemReader) -> Document:
    """Return the SIEM role's trust policy: its principals, with the external id."""
    return trust(reader.trusted, external_id=reader.external_id)


def reader_permissions(env: Environment, siem: Siem) -> Document:
    """Return the SIEM's permissions: to take messages, and to read and decrypt log files."""
    prefix = env.organization_prefix
    messages = [naming.key_alias(siem.topic)]
    return document(
        allow("TakeMessages", "sqs", TAKE, naming.queue_arn(env, siem.queue)),
        list_bucket(env, "FindLogFiles", env.archive.bucket),
        read_objects(env, "ReadLogFiles", f"{prefix}*"),
        *decrypt(env, "DecryptLogFilesAndMessages", ["s3", "sqs"], messages),
    )


def _subscribers(env: Environment, siem: Siem, topic: str) -> Statement:
    return {
        "Sid": "SiemSubscribes",
        "Effect": "Allow",
        "Principal": {"AWS": [naming.account_root(env, each) for each in siem.subscriber_accounts]},
        "Action": "sns:Subscribe",
        "Resource": topic,
        "Condition": {"StringEquals": {"sns:Protocol": "sqs"}},
    }


def deploying(env: Environment, siem: Siem) -> Iterator[Statement]:
    """Yield the permissions to deploy the feed, in the logging account."""
    topic = naming.siem_topic_arn(env, siem.topic)
    yield allow("ManageTopic", "sns", TOPIC, [topic, f"{topic}:*"])
    queues = [
        naming.queue_arn(env, name) for name in (siem.queue, naming.dead_letter_queue(siem.queue))
    ]
    yield allow("ManageQueues", "sqs", _QUEUE, queues)
