"""Policies of the feed for a SIEM: topic, queue, their key, and the SIEM's role."""

from __future__ import annotations

from orgtrail import naming
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
from orgtrail.settings.access import Siem, SiemReader
from orgtrail.settings.environment import Environment

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
        service("BucketNotifies", _S3, account, naming.bucket_arn(env, env.archive.bucket)),
        service("TopicDelivers", _SNS, account, naming.siem_topic_arn(env, siem.topic)),
        readers_decrypt(env, "QueueReaders", "sqs"),
    )


def topic(env: Environment, siem: Siem) -> Document:
    """Return the topic's policy: the archive publishes, named accounts subscribe with queues.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    arn = naming.siem_topic_arn(env, siem.topic)
    archive = naming.bucket_arn(env, env.archive.bucket)
    return document(
        publish("ArchiveNotifies", _S3, arn, env.logging.id, archive),
        _subscribers(env, siem, arn) if siem.subscriber_accounts else None,
        secure_transport("sns:Publish", [arn]),
    )


def queue(env: Environment, siem: Siem) -> Document:
    """Return the queue's policy: the topic sends, over TLS; who reads is up to IAM."""
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


def dead_letters(env: Environment, siem: Siem) -> Document:
    """Return the dead-letter queue's policy: TLS alone; SQS itself moves messages there."""
    return document(
        secure_transport("sqs:*", [naming.queue_arn(env, naming.dead_letter_queue(siem.queue))])
    )


def reader_trust(reader: SiemReader) -> Document:
    """Return who may assume the SIEM's role: its principals, with your external id."""
    return readers.trust(reader.trusted, external_id=reader.external_id)


def reader(env: Environment, siem: Siem) -> Document:
    """Return what a SIEM may: take messages from the queue, read and decrypt log files."""
    prefix = env.organization_prefix
    messages = [naming.key_alias(siem.topic)]
    return document(
        allow("TakeMessages", "sqs", TAKE, naming.queue_arn(env, siem.queue)),
        readers.list_bucket(env, "FindLogFiles", env.archive.bucket),
        readers.read_objects(env, "ReadLogFiles", f"{prefix}*"),
        *readers.decrypt(env, "DecryptLogFilesAndMessages", ["s3", "sqs"], messages),
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
