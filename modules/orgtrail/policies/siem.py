"""Policies of the feed for a SIEM: topic, queue, their key, and the SIEM's role."""

from __future__ import annotations

from orgtrail import layout
from orgtrail.policies import readers
from orgtrail.policies.document import (
    Document,
    Statement,
    allow,
    document,
    publish,
    secure_transport,
)
from orgtrail.policies.key import (
    administration,
    administrators,
    by_pattern,
    readers_decrypt,
    service,
)
from orgtrail.settings.environment import Environment
from orgtrail.settings.siem import Siem, SiemReader

_S3, _SNS = "s3.amazonaws.com", "sns.amazonaws.com"
TAKE = (
    "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl",
    "ReceiveMessage",
)  # fmt: skip


def key(env: Environment, siem: Siem) -> Document:
    """Return the key's policy: S3 and SNS encrypt what they pass on, readers decrypt by IAM."""
    account = env.logging.id
    return document(
        administration(administrators(env)),
        by_pattern(env),
        service("BucketNotifies", _S3, account, layout.bucket_arn(env, env.archive.bucket)),
        service("TopicDelivers", _SNS, account, layout.feed_topic_arn(env, siem.topic)),
        readers_decrypt(env, "QueueReaders", "sqs"),
    )


def topic(env: Environment, siem: Siem) -> Document:
    """Return the topic's policy: the archive publishes, named accounts subscribe with queues.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    arn = layout.feed_topic_arn(env, siem.topic)
    archive = layout.bucket_arn(env, env.archive.bucket)
    return document(
        publish("ArchiveNotifies", _S3, arn, env.logging.id, archive),
        _subscribers(env, siem, arn) if siem.subscriber_accounts else None,
        secure_transport("sns:Publish", [arn]),
    )


def queue(env: Environment, siem: Siem) -> Document:
    """Return the queue's policy: the topic sends, over TLS; who reads is up to IAM."""
    arn = layout.queue_arn(env, siem.queue)
    return document(
        {
            "Sid": "TopicSends",
            "Effect": "Allow",
            "Principal": {"Service": _SNS},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": layout.feed_topic_arn(env, siem.topic)}},
        },
        secure_transport("sqs:*", [arn]),
    )


def dead_letters(env: Environment, siem: Siem) -> Document:
    """Return the dead-letter queue's policy: TLS alone; SQS itself moves messages there."""
    return document(
        secure_transport("sqs:*", [layout.queue_arn(env, layout.dead_letter(siem.queue))])
    )


def reader_trust(reader: SiemReader) -> Document:
    """Return who may assume the SIEM's role: its principals, with your external id."""
    return readers.trust(reader.trusted, external_id=reader.external_id)


def reader(env: Environment, siem: Siem) -> Document:
    """Return what a SIEM may: take messages from the queue, read and decrypt log files."""
    prefix = layout.organization_prefix(env)
    messages = [layout.alias(siem.topic)]
    return document(
        allow("TakeMessages", "sqs", TAKE, layout.queue_arn(env, siem.queue)),
        readers.list_bucket(env, "FindLogFiles", env.archive.bucket),
        readers.read_objects(env, "ReadLogFiles", f"{prefix}*"),
        *readers.decrypt(env, "DecryptLogFilesAndMessages", ["s3", "sqs"], messages),
    )


def _subscribers(env: Environment, siem: Siem, topic: str) -> Statement:
    return {
        "Sid": "SiemSubscribes",
        "Effect": "Allow",
        "Principal": {"AWS": [layout.account_root(env, each) for each in siem.subscriber_accounts]},
        "Action": "sns:Subscribe",
        "Resource": topic,
        "Condition": {"StringEquals": {"sns:Protocol": "sqs"}},
    }
