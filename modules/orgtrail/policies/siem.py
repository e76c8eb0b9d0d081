"""Policies of the feed for a SIEM: topic, queue, their key, and the SIEM's role."""

from __future__ import annotations

from orgtrail import layout
from orgtrail.policies import readers
from orgtrail.policies.document import Document, Statement, document, secure_transport
from orgtrail.policies.key import administration, administrators, service
from orgtrail.settings.environment import Environment
from orgtrail.settings.siem import Siem, SiemReader

_S3, _SNS = "s3.amazonaws.com", "sns.amazonaws.com"
_TAKE = (
    "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl",
    "ReceiveMessage",
)  # fmt: skip


def topic_arn(env: Environment, siem: Siem) -> str:
    """Return the ARN of the feed's topic."""
    return layout.in_logging(env, "sns", siem.topic)


def queue_arn(env: Environment, name: str) -> str:
    """Return the ARN of a queue of the feed."""
    return layout.in_logging(env, "sqs", name)


def key(env: Environment, siem: Siem) -> Document:
    """Return the key's policy: S3 and SNS encrypt what they pass on, readers decrypt by IAM."""
    account = env.logging.id
    return document(
        administration(administrators(env)),
        service("BucketNotifies", _S3, account, layout.bucket_arn(env, env.archive.bucket)),
        service("TopicDelivers", _SNS, account, topic_arn(env, siem)),
        {
            "Sid": "QueueReaders",
            "Effect": "Allow",
            "Principal": {"AWS": layout.account_root(env, account)},
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": layout.via(env, "sqs")}},
        },
    )


def topic(env: Environment, siem: Siem) -> Document:
    """Return the topic's policy: the archive publishes, named accounts subscribe with queues.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    arn = topic_arn(env, siem)
    return document(
        {
            "Sid": "ArchiveNotifies",
            "Effect": "Allow",
            "Principal": {"Service": _S3},
            "Action": "sns:Publish",
            "Resource": arn,
            "Condition": {
                "StringEquals": {"aws:SourceAccount": env.logging.id},
                "ArnLike": {"aws:SourceArn": layout.bucket_arn(env, env.archive.bucket)},
            },
        },
        _subscribers(env, siem, arn) if siem.subscriber_accounts else None,
        secure_transport("sns:Publish", [arn]),
    )


def queue(env: Environment, siem: Siem) -> Document:
    """Return the queue's policy: the topic sends, over TLS; who reads is up to IAM."""
    arn = queue_arn(env, siem.queue)
    return document(
        {
            "Sid": "TopicSends",
            "Effect": "Allow",
            "Principal": {"Service": _SNS},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn(env, siem)}},
        },
        secure_transport("sqs:*", [arn]),
    )


def dead_letters(env: Environment, siem: Siem) -> Document:
    """Return the dead-letter queue's policy: TLS alone; SQS itself moves messages there."""
    return document(secure_transport("sqs:*", [queue_arn(env, layout.dead_letter(siem.queue))]))


def reader_trust(reader: SiemReader) -> Document:
    """Return who may assume the SIEM's role: its principals, with your external id."""
    return readers.trust(reader.trusted, mfa=False, external_id=reader.external_id)


def reader(env: Environment, siem: Siem) -> Document:
    """Return what a SIEM may: take messages from the queue, read and decrypt log files."""
    prefix = layout.organization_prefix(env)
    aliases = [env.key.alias, layout.alias(siem.topic)]
    return document(
        {
            "Sid": "TakeMessages",
            "Effect": "Allow",
            "Action": [f"sqs:{action}" for action in _TAKE],
            "Resource": queue_arn(env, siem.queue),
        },
        readers.list_bucket(env, "FindLogFiles", env.archive.bucket),
        readers.read_objects(env, "ReadLogFiles", f"{prefix}*"),
        readers.decrypt(env, "DecryptLogFilesAndMessages", ["s3", "sqs"], aliases),
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
