"""Policies of the topic that CloudTrail tells of each log file, and of its key."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.policies.document import Document, Statement, document, secure_transport
from orgtrail.policies.key import administration
from orgtrail.settings.environment import Environment


def topic(env: Environment, name: str) -> Document:
    """Return the topic's policy: CloudTrail publishes for this trail alone, over TLS.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html
    """
    arn = naming.management_topic_arn(env, name)
    return document(
        _for_trail(env, "AWSCloudTrailSNSPolicy20131101", ["sns:Publish"], arn),
        secure_transport("sns:Publish", [arn]),
    )


def key(env: Environment) -> Document:
    """Return the key's policy: CloudTrail encrypts for this trail alone (the same page)."""
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
